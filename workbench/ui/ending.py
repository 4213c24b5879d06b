"""What ends the screen from outside: its terminal is closed, or somebody ends its process. It leaves as by its key then, so that
the guests' trace events go off, no guard is left armed, and the terminal is as it was."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App

SIGNALS = (signal.SIGHUP, signal.SIGTERM)
PATIENCE = 8.0
"""Seconds that leaving may take: a terminal that is gone, or a QEMU that does not answer, must not keep it for ever."""


async def run_until_ended(app: App[Any]) -> None:
    """Run the app until its user leaves it, or one of the signals comes."""
    loop = asyncio.get_running_loop()

    def leave(number: signal.Signals) -> None:
        for each in SIGNALS:  # the next one ends it at once
            loop.remove_signal_handler(each)
        loop.call_later(PATIENCE, os._exit, 128 + number)
        app.exit(return_code=128 + number)

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup(1)
            loop.add_signal_handler(number, leave, number)
    await app.run_async()
