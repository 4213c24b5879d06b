"""Open the screen: ``workbench`` without a verb, and ``workbench demo``."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from typing import TYPE_CHECKING

from workbench.errors import UsageError

if TYPE_CHECKING:
    from workbench.settings import Settings


def open_screen(settings: Settings, choose: str = "") -> None:
    """Run the screen until the user leaves it.

    :param choose: the guest to show first.
    :raise UsageError: without a terminal, or when keys.toml or settings.toml is not valid.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the screen needs a terminal: standard input or output is not one",
            hint="without one: workbench list, workbench demo --no-screen, workbench --help",
        )
    # Start-up makes many long-lived objects; collecting among them would take a tenth of the time.
    gc.disable()
    # 30 frames a second instead of 60: a key waits for half as many.
    os.environ.setdefault("TEXTUAL_FPS", "30")
    from workbench.crash import keep_traceback
    from workbench.engine.local.engine import LocalEngine
    from workbench.engine.storage.keys import read_keys
    from workbench.engine.storage.preferences import read_preferences
    from workbench.ui.app import WorkbenchApp
    from workbench.verbs.screen_ending import run_until_ended

    keys, preferences = read_keys(settings.keys), read_preferences(settings.preferences)
    engine = LocalEngine(settings)
    app = WorkbenchApp(
        engine,
        choose=choose,
        keys=keys,
        preferences=preferences,
        keep_crash=lambda error: keep_traceback(error, settings.data),
    )
    asyncio.run(run_until_ended(app, engine.close))
    if app.return_code:
        raise SystemExit(app.return_code)
