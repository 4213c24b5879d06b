"""Keys that arrive all at once, as one read of a terminal gives them. ``Pilot.press`` waits after each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

if TYPE_CHECKING:
    from textual.app import App

PASTE = "paste:"
"""Marks pasted text among the keys."""


def burst(app: App[None], *keys: str) -> None:
    """Post all keys before the first one is handled."""
    driver = app._driver
    assert driver is not None
    for key in keys:
        if key.startswith(PASTE):
            driver.send_message(events.Paste(key.removeprefix(PASTE)))
        else:
            character = " " if key == "space" else key if len(key) == 1 else None
            driver.send_message(events.Key(key, character))
