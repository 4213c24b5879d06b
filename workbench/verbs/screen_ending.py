"""End the screen in order on SIGHUP and SIGTERM, as its key does: trace events are switched off, guards disarmed, and the
terminal restored."""

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
"""Seconds that leaving may take, so that neither a lost terminal nor a silent QEMU blocks it."""


async def run_until_ended(app: App[Any], close: Callable[[], Awaitable[None]]) -> None:
    """Run the app until the user leaves it or a signal arrives.

    :param close: releases the guests; the app calls it too when it gets that far.
    """
    loop, leaving = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    async def end(number: signal.Signals) -> None:
        with app.batch_update():  # stop drawing
            try:
                await close()
            finally:  # end, whatever went wrong there
                if number == signal.SIGHUP:
                    os._exit(128 + number)  # writing to a closed terminal could hang
                app.exit(return_code=128 + number)

    def leave(number: signal.Signals) -> None:
        for each in SIGNALS:  # a second signal ends it at once
            loop.remove_signal_handler(each)
        # A thread, because the loop is stuck when Textual's output queue is full and nothing drains it.
        late = threading.Timer(PATIENCE, os._exit, (128 + number,))
        late.daemon = True
        late.start()
        leaving.add(loop.create_task(end(number)))

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup(1)
            loop.add_signal_handler(number, leave, number)
    await app.run_async()
