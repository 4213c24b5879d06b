"""An event loop in a thread of its own: code that blocks can use coroutines, even where another loop is running."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, wait
from contextlib import contextmanager
from functools import partial
from threading import Thread, current_thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from contextlib import AbstractAsyncContextManager

T = TypeVar("T")


class LoopThread:
    """Runs coroutines until it is closed. Then no task of theirs is left, and no thread."""

    def __init__(self) -> None:
        self._over = asyncio.Event()
        started: Future[asyncio.AbstractEventLoop] = Future()
        # A daemon, so that a program that never closes it can exit.
        self._thread = Thread(target=lambda: asyncio.run(self._serve(started)), name="workbench", daemon=True)
        self._thread.start()
        self._loop = started.result()

    async def _serve(self, started: Future[asyncio.AbstractEventLoop]) -> None:
        started.set_result(asyncio.get_running_loop())
        await self._over.wait()  # asyncio.run() then cancels what still runs

    def run(self, coroutine: Coroutine[object, object, T]) -> T:
        """Run a coroutine and wait for it. An exception that interrupts the wait, as Ctrl-C does, cancels it first.

        :raise RuntimeError: in the loop's own thread, which would wait for itself, and after :meth:`close`.
        """
        self._check(coroutine)
        ended: Future[T] = Future()
        tasks: list[asyncio.Task[T]] = []

        def begin() -> None:
            task = self._loop.create_task(coroutine)
            tasks.append(task)
            task.add_done_callback(partial(_pass_on, ended))

        def cancel() -> None:
            if tasks:
                tasks[0].cancel()
            else:  # interrupted before it was begun
                coroutine.close()
                ended.set_exception(asyncio.CancelledError())

        try:
            self._loop.call_soon_threadsafe(begin)
            return ended.result()
        finally:
            if not ended.done():
                self._loop.call_soon_threadsafe(cancel)
                wait([ended])

    def call(self, function: Callable[[], T]) -> T:
        """Call a function in the loop's thread."""

        async def called() -> T:
            return function()

        return self.run(called())

    @contextmanager
    def entered(self, manager: AbstractAsyncContextManager[T]) -> Iterator[T]:
        """What an asynchronous context manager gives, until this one is left or the thread is closed."""
        value = self.run(manager.__aenter__())
        try:
            yield value
        finally:
            if self._thread.is_alive():
                self.run(_leave(manager))

    def iterate(self, source: AsyncIterator[T]) -> Iterator[T]:
        """The items of an asynchronous iterator as they come."""
        while True:
            try:
                item = self.run(_next(source))
            except StopAsyncIteration:
                return
            yield item

    def close(self) -> None:
        """Cancel what still runs, and wait until the thread has ended."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()

    def _check(self, coroutine: Coroutine[object, object, T]) -> None:
        trouble = ""
        if current_thread() is self._thread:
            trouble = "a blocking call cannot be made where its own event loop runs, such as in a condition"
        elif not self._thread.is_alive():
            trouble = "the connection is closed"
        if trouble:
            coroutine.close()
            raise RuntimeError(trouble)


def _pass_on(ended: Future[T], task: asyncio.Task[T]) -> None:
    """Pass on how a task ended to the thread that waits for it."""
    if task.cancelled():
        ended.set_exception(asyncio.CancelledError())
    elif (error := task.exception()) is not None:
        ended.set_exception(error)
    else:
        ended.set_result(task.result())


async def _next(source: AsyncIterator[T]) -> T:
    return await anext(source)


async def _leave(manager: AbstractAsyncContextManager[object]) -> None:
    await manager.__aexit__(None, None, None)
