"""Values known in a guest, looked up in the background for completion: no key waits for an answer."""

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
"""Seconds until an answer is refreshed; the old one is used until then."""
KEPT = 200
"""Answers kept: a walk through QOM paths adds one for each level."""


class KnownValues:
    """The latest answers of one guest."""

    def __init__(self, ask: AskGuest, on_change: Callable[[], None]) -> None:
        """
        :param ask: asks the guest.
        :param on_change: called when an answer differs from the earlier one.
        """
        self._ask = ask
        self._on_change = on_change
        self._answers: dict[Lookup, tuple[float, Sequence[Known]]] = {}
        self._asking: dict[Lookup, asyncio.Task[None]] = {}

    def __call__(self, lookup: Lookup) -> Sequence[Known]:
        """The latest answer, empty before the first; an old one is refreshed in the background."""
        when, known = self._answers.get(lookup, (float("-inf"), ()))
        if time.monotonic() - when > FRESH and lookup not in self._asking:
            self._asking[lookup] = asyncio.create_task(self._renew(lookup), name=f"known {lookup.kind}")
        return known

    def close(self) -> None:
        """Cancel all pending lookups."""
        for task in self._asking.values():
            task.cancel()

    async def _renew(self, lookup: Lookup) -> None:
        try:
            known: Sequence[Known] = await self._ask(lookup)
        except WorkbenchError:  # completion is optional; the error is shown where it matters
            known = ()
        finally:
            del self._asking[lookup]
        before = self._answers.pop(lookup, (0.0, ()))[1]
        self._answers[lookup] = (time.monotonic(), known)
        while len(self._answers) > KEPT:
            del self._answers[next(iter(self._answers))]
        if known != before:
            self._on_change()
