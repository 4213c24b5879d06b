"""The user's pending commands: how long each has been waiting, and how to stop waiting."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

QUIET = 1.0
"""Seconds before a pending command is shown."""


class Wait(Struct, frozen=True, eq=False):
    """A command that QEMU has not answered yet."""

    command: str
    begun: float
    """Seconds of the monotonic clock."""
    give_up: Callable[[], object]


class Waits:
    """The pending commands of one console, oldest first."""

    def __init__(self) -> None:
        self._waits: list[Wait] = []

    def __bool__(self) -> bool:
        return bool(self._waits)

    def begin(self, command: str, give_up: Callable[[], object]) -> Wait:
        wait = Wait(command, time.monotonic(), give_up)
        self._waits.append(wait)
        return wait

    def end(self, wait: Wait) -> None:
        self._waits.remove(wait)

    def give_up_oldest(self) -> None:
        self._waits[0].give_up()

    def words(self, key: str) -> str:
        """How long the oldest has been waiting; empty before QUIET seconds.

        :param key: the key that stops waiting.
        """
        waits = [wait for wait in self._waits if time.monotonic() - wait.begun >= QUIET]
        if not waits:
            return ""
        more = f" and {len(waits) - 1} more" if len(waits) > 1 else ""
        return f"{waits[0].command} {time.monotonic() - waits[0].begun:3.0f} s{more}   {key} stops waiting"
