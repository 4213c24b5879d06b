"""When to read a guest again: soon while its balloon moves, rarely at rest, and at a limited rate during event storms."""

from __future__ import annotations

import asyncio
import time

MOVING = 0.1
"""Seconds between readings while the diff moves."""
REST = 1.0
"""Seconds between readings at rest; also how soon a change by another client is seen."""
UNWATCHED = 2.0
"""Seconds between readings of a guest that no pane shows."""
GAP = 0.02
"""Minimum seconds between two readings, when the balloon moves or the user acts."""
EVENTS_GAP = 0.1
"""The same for any other event: a thousand events a second must not cause a thousand readings."""
EARLY = 0.01
"""Seconds by which a reading at rest may come early, so that a timer that fires slightly too soon does not cost a second."""


class Pace:
    """The clock of one guest's driver."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self.waiting = False
        """Whether a wait is under way that something can end."""
        self._begun = 0.0
        """When the last reading began (monotonic)."""
        self._next_rest = 0.0
        """When the next full reading is due (monotonic)."""
        self._hurried = False
        """Whether the next reading was requested by a balloon move or the user."""
        self._event_came = False
        """Whether there was another event since the last reading began."""

    def hurry(self) -> None:
        """The balloon moved, or the user acted: read at once."""
        self._hurried = True
        self._wake.set()

    def interrupt(self) -> None:
        """End the current wait, if any; a later one is not shortened."""
        if self.waiting:
            self._wake.set()

    def note_event(self) -> None:
        """Something happened that requires a full reading."""
        self._event_came = True
        self._wake.set()
        self.expire()

    def expire(self) -> None:
        """Make the next reading a full one."""
        self._next_rest = 0.0

    def begin(self, rest: float) -> bool:
        """Begin a reading; returns whether it is a full one.

        :param rest: seconds until the next full reading.
        """
        self._begun, self._hurried, self._event_came = time.monotonic(), False, False
        at_rest = self._begun >= self._next_rest
        if at_rest:
            self._next_rest = self._begun + rest - EARLY
        return at_rest

    async def wait(self, seconds: float) -> None:
        """Wait these seconds or until woken, and at least the minimum gap."""
        await self.sleep(seconds)
        gap = EVENTS_GAP if self._event_came and not self._hurried else GAP
        await asyncio.sleep(max(0.0, self._begun + gap - time.monotonic()))

    @property
    def rest_in(self) -> float:
        """Seconds until a reading at rest is due, at least :data:`GAP`."""
        return max(GAP, self._next_rest - time.monotonic())

    async def sleep(self, seconds: float) -> None:
        """Wait until woken, or until the time is up."""
        self.waiting = True
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
        finally:
            self.waiting = False
        self._wake.clear()
