"""``workbench reset NAME``."""

from __future__ import annotations

from workbench.verbs.guests.power import verb

command = verb(
    "reset",
    lambda guest: guest.reset(),
    "was reset",
    "Reset guest NAME, as its reset button does. Data that it has not written is lost.",
)
