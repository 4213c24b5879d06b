"""What the QMP console looks up at a guest of this host while a command is typed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from workbench.engine.files import process_has_file

if TYPE_CHECKING:
    from workbench.engine.state import Running


class LocalLookups:
    """See :class:`workbench.engine.base.Lookups`."""

    def __init__(self, running: Running) -> None:
        self._running = running

    async def has_file(self, path: str) -> bool:
        return await asyncio.to_thread(process_has_file, self._running.pid, path)
