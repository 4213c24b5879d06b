"""The notifications of an app. Textual has no public way to ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App
    from textual.notifications import Notification


def notes(app: App[None]) -> list[Notification]:
    """The notifications that have not expired, oldest first."""
    return list(app._notifications)
