"""Opens the guests of this host for a command or a script."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from workbench.engine.local.engine import LocalEngine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from workbench.engine.base import Engine
    from workbench.settings import Settings


@asynccontextmanager
async def open_engine(settings: Settings) -> AsyncIterator[Engine]:
    """The guests of this host, each read when it is asked for."""
    engine = LocalEngine(settings, driven=False)
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()
