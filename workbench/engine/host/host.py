"""The host: accelerator, hypervisor, QEMU, memory and hugepage pools in one snapshot."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import psutil

from workbench.domain.host.accelerator import Accelerator
from workbench.domain.host.snapshot import HostSnapshot
from workbench.engine.host.accelerator import choose_accelerator, kvm_trouble
from workbench.engine.host.hugepages import check_hugepages, read_pools, read_transparent
from workbench.engine.host.hypervisor import hypervisor_name
from workbench.engine.host.qemu import qemu_binary, qemu_version
from workbench.errors import HostError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Accelerator",
    "check_hugepages",
    "choose_accelerator",
    "kvm_trouble",
    "qemu_binary",
    "qemu_version",
    "read_host",
]


async def read_host(cache: Path | None = None) -> HostSnapshot:
    """The host's current state. A missing QEMU leaves its version empty.

    :param cache: the cache directory, for answers that need a process; by default the user's.
    """
    try:
        # In a thread: the first call runs `qemu --version`.
        version = await asyncio.to_thread(lambda: qemu_version(qemu_binary(), cache))
        qemu = ".".join(map(str, version))
    except HostError:
        qemu = ""
    try:
        accelerator = await choose_accelerator(cache)
    except HostError:
        accelerator = Accelerator("tcg", "KVM was not tried: no QEMU")
    memory = psutil.virtual_memory()
    return HostSnapshot(
        accelerator=accelerator.name,
        accelerator_reason=accelerator.reason,
        accelerator_advice=accelerator.advice,
        hypervisor=await asyncio.to_thread(hypervisor_name),
        qemu=qemu,
        memory_total=memory.total,
        memory_available=memory.available,
        pools=read_pools(),
        transparent=read_transparent(),
        cpus=os.cpu_count() or 1,
    )
