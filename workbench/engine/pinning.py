"""Each virtual CPU on the CPUs of the host that its profile names (sched_setaffinity(2))."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from workbench.domain.cpu import host_cpus
from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.engine.monitor import Monitor


def check_pins(pins: Sequence[str]) -> None:
    """:raise HostError: when a list names only CPUs that this host has not, or does not give us."""
    there = os.sched_getaffinity(0)
    for text in pins:
        if not host_cpus(text) & there:
            raise HostError(
                f'cpu.pin: none of the CPUs "{text}" is there: this process may use {_words(there)}',
                hint="change cpu.pin in the profile",
            )


async def pin(monitor: Monitor, pins: Sequence[str]) -> None:
    """Pin the virtual CPUs of a QEMU that runs, in the order of their numbers; the list begins again where it ends."""
    if not pins:
        return
    cpus = cast("list[Mapping[str, int]]", await monitor.execute("query-cpus-fast"))
    for cpu in cpus:
        wanted = host_cpus(pins[cpu["cpu-index"] % len(pins)])
        with suppress(ProcessLookupError):  # QEMU ended meanwhile: that is told elsewhere
            os.sched_setaffinity(cpu["thread-id"], wanted & os.sched_getaffinity(0))


def _words(cpus: set[int]) -> str:
    return ", ".join(map(str, sorted(cpus)))
