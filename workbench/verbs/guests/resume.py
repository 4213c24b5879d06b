"""``workbench resume NAME``."""

from __future__ import annotations

from workbench.verbs.guests.power import verb

command = verb("resume", "cont", "runs on", "Let the paused guest NAME run on.")
