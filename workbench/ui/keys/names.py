"""Names of keys in the screen's texts; a key that the user has changed appears under its new name.

A process has one screen with fixed keys, so they are global and not passed to every text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_user_keys: dict[str, str] = {}


def set_user_keys(keys: Mapping[str, str]) -> None:
    """Set the keys that the user has changed, by binding id; they replace those of an earlier app."""
    _user_keys.clear()
    _user_keys.update(keys)


def keys_of(binding: str, default: str) -> str:
    """All keys of a binding, as the user wrote them, or the default."""
    return _user_keys.get(binding) or default


def key_name(binding: str, default: str) -> str:
    """The key of a binding to show in a text: the first one set by the user, or the default."""
    return keys_of(binding, default).split(",")[0].strip() or default
