"""The user's settings for the screen."""

from __future__ import annotations

from msgspec import Struct


class Preferences(Struct, frozen=True):
    ask: bool = True
    """Whether the QMP console asks before a destructive command."""
