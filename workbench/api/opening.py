"""``workbench.open()``: the guests of this host for a coroutine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.engine.local.opening import open_engine
from workbench.settings import Settings

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from os import PathLike

    from workbench.engine.base import Engine


def open(
    *, state: str | PathLike[str] | None = None, profiles: str | PathLike[str] | None = None
) -> AbstractAsyncContextManager[Engine]:
    """The guests of this host, each read when it is asked for. They keep running when it is closed.

    :param state: the directory of running guests, as ``--state``; by default WORKBENCH_STATE, or that of this session.
    :param profiles: the directory of profiles, as ``--profiles``; by default WORKBENCH_PROFILES, or the user's own.
    """
    return open_engine(
        Settings(
            profiles_option=None if profiles is None else Path(profiles),
            state_option=None if state is None else Path(state),
        )
    )
