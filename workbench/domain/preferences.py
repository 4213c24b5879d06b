"""How the user wants the screen to behave."""

from __future__ import annotations

from msgspec import Struct


class Preferences(Struct, frozen=True):
    ask: bool = True
    """Whether the QMP console asks before a command that ends, loses or overwrites something."""
