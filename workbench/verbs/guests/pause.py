"""``workbench pause NAME``."""

from __future__ import annotations

from workbench.verbs.guests.power import verb

command = verb("pause", lambda guest: guest.pause(), "is paused", "Stop the CPUs of guest NAME.")
