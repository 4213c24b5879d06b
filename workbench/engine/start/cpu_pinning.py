"""Each virtual CPU on the CPUs of the host that its profile names (sched_setaffinity(2))."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from workbench.domain.profile.cpu import host_cpus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.engine.qmp.monitor import Monitor


async def pin(monitor: Monitor, pins: Sequence[str]) -> None:
    """Pin the virtual CPUs of a QEMU that runs, in the order of their numbers; the list begins again where it ends."""
    if not pins:
        return
    cpus = cast("list[Mapping[str, int]]", await monitor.execute("query-cpus-fast"))
    for cpu in cpus:
        wanted = host_cpus(pins[cpu["cpu-index"] % len(pins)])
        with suppress(ProcessLookupError):  # QEMU ended meanwhile: that is told elsewhere
            os.sched_setaffinity(cpu["thread-id"], wanted & os.sched_getaffinity(0))
