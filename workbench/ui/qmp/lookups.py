"""What a guest is known to have, asked when somebody types something that could name it; no key waits for an answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from workbench.domain.qmp.lookups import Known, Lookup

    AskGuest = Callable[[Lookup], Awaitable[Sequence[Known]]]

FRESH = 3.0
"""Seconds until an answer is asked for again; the old one is offered until the new one is there."""
KEPT = 200
"""Answers that are kept: a walk through QOM paths leaves one for each level."""


class KnownValues:
    """The last answers of one guest."""

    def __init__(self, ask: AskGuest, came: Callable[[], None]) -> None:
        """
        :param ask: asks the guest.
        :param came: is called when an answer brought something new.
        """
        self._ask = ask
        self._came = came
        self._answers: dict[Lookup, tuple[float, Sequence[Known]]] = {}
        self._asking: dict[Lookup, asyncio.Task[None]] = {}

    def __call__(self, lookup: Lookup) -> Sequence[Known]:
        """The last answer, nothing before the first one; an old one is renewed meanwhile."""
        when, known = self._answers.get(lookup, (float("-inf"), ()))
        if time.monotonic() - when > FRESH and lookup not in self._asking:
            self._asking[lookup] = asyncio.create_task(self._renew(lookup), name=f"known {lookup.kind}")
        return known

    def close(self) -> None:
        """Ask no more, and tell nobody."""
        for task in self._asking.values():
            task.cancel()

    async def _renew(self, lookup: Lookup) -> None:
        try:
            known: Sequence[Known] = await self._ask(lookup)
        except WorkbenchError:  # suggestions are a help: why a guest does not answer is said where it matters
            known = ()
        finally:
            del self._asking[lookup]
        before = self._answers.pop(lookup, (0.0, ()))[1]
        self._answers[lookup] = (time.monotonic(), known)
        while len(self._answers) > KEPT:
            del self._answers[next(iter(self._answers))]
        if known != before:
            self._came()
