"""The key that an action has now: a user may have moved it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from textual.app import App


@runtime_checkable
class HasKeys(Protocol):
    """An application in which a user can move keys."""

    keys: dict[str, str]


def key_now(app: App[object], id_: str, usual: str) -> str:
    """What the user's ``keys.toml`` says of a binding, else its usual key."""
    return (app.keys.get(id_) if isinstance(app, HasKeys) else None) or usual
