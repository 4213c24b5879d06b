"""How the user wants the screen to behave."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preferences:
    ask: bool = True
    """Whether the QMP console asks before a command that ends, loses or overwrites something."""
