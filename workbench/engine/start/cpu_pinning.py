"""Pins virtual CPUs to the host CPUs in the profile (sched_setaffinity(2))."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from workbench.domain.profile.cpu import host_cpus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.engine.qmp.protocol import Monitor


async def pin(monitor: Monitor, pins: Sequence[str]) -> None:
    """Pin the virtual CPUs of a running QEMU in order; the list repeats if it is shorter."""
    if not pins:
        return
    cpus = cast("list[Mapping[str, int]]", await monitor.execute("query-cpus-fast"))
    for cpu in cpus:
        wanted = host_cpus(pins[cpu["cpu-index"] % len(pins)])
        with suppress(ProcessLookupError):  # QEMU has ended, which is reported elsewhere
            os.sched_setaffinity(cpu["thread-id"], wanted & os.sched_getaffinity(0))
