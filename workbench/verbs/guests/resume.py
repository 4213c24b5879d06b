"""``workbench resume NAME``."""

from __future__ import annotations

from workbench.verbs.guests.power import verb

command = verb("resume", lambda guest: guest.resume(), "is running", "Resume the paused guest NAME.")
