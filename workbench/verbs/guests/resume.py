"""``workbench resume NAME``."""

from __future__ import annotations

from workbench.verbs.guests.power import verb

command = verb("resume", "cont", "is running", "Resume the paused guest NAME.")
