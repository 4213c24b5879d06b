"""What ends the screen from outside: its terminal is closed, or somebody ends its process. It leaves as by its key then, so that
the guests' trace events go off, no guard is left armed, and the terminal is as it was."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import App

SIGNALS = (signal.SIGHUP, signal.SIGTERM)
PATIENCE = 6.0
"""Seconds that leaving may take: a terminal that is gone, or a QEMU that does not answer, must not keep it for ever."""


async def run_until_ended(app: App[Any], close: Callable[[], Awaitable[None]]) -> None:
    """Run the app until its user leaves it, or one of the signals comes.

    :param close: what must be done on the guests' side before that; the app does it too, where it comes so far.
    """
    loop, leaving = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    async def end(number: signal.Signals) -> None:
        with app.batch_update():  # nothing is drawn any more
            try:
                await close()
            finally:  # whatever went wrong there: it ends
                if number == signal.SIGHUP:
                    os._exit(128 + number)  # the terminal is gone, and writing to it could hang
                app.exit(return_code=128 + number)

    def leave(number: signal.Signals) -> None:
        for each in SIGNALS:  # the next one ends it at once
            loop.remove_signal_handler(each)
        # A thread: the loop is stuck when Textual's queue of what is to be written is full and nobody writes it any more.
        late = threading.Timer(PATIENCE, os._exit, (128 + number,))
        late.daemon = True
        late.start()
        leaving.add(loop.create_task(end(number)))

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup(1)
            loop.add_signal_handler(number, leave, number)
    await app.run_async()
