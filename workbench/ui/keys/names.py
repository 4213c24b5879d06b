"""What keys are called in the texts of the screen: one that its user has moved has its new name everywhere.

A process has one screen, and its keys stand from the start on, so they are known to all texts and handed to none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_moved: dict[str, str] = {}


def know_moved(keys: Mapping[str, str]) -> None:
    """The keys that the user has moved, by the id of their binding; those of an app before are forgotten."""
    _moved.clear()
    _moved.update(keys)


def keys_of(binding: str, usual: str) -> str:
    """All keys of a binding, as its user wrote them, or its usual one."""
    return _moved.get(binding) or usual


def key_name(binding: str, usual: str) -> str:
    """The key of a binding as texts call it: the first of those that the user gave it, or its usual one."""
    return keys_of(binding, usual).split(",")[0].strip() or usual
