"""What QEMU says of a virtio device beyond its properties and registers: features and queues.

The commands are unstable, and some versions die of them, so they are asked only of those on which they were seen to be
safe. HMP's ``info virtio-status`` is no way around: it ends 11.1 too (SIGSEGV).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.domain.virtio import Virtio, parse_features
from workbench.domain.virtqueue import parse_queue
from workbench.engine.qom import parse_version
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from workbench.domain.virtqueue import Queue
    from workbench.engine.virtio_pci import Execute

STATUS_QUERY_SAFE = frozenset({(7, 2), (8, 2), (10, 0)})
"""Versions on which ``x-query-virtio-status`` and ``x-query-virtio-queue-status`` were run on net, scsi, balloon,
serial, rng and blk, with a driver and without; tests/engine/test_devices.py runs them again on each QEMU at hand. They
came with 7.2. 11.1 aborts (``visit_start_struct``)."""
FIRST = (7, 2)
QUEUES_MAX = 64
"""Queues that are read of one device: virtio-serial with 31 ports has 64, a net device with 32 pairs 65."""


async def read_virtio(execute: Execute, version: str, backend: str, known: Virtio) -> Virtio:
    """The same with features and queues where this QEMU can be asked; else with the reason in ``note``.

    :param version: QEMU's, such as ``7.2.22``; empty = unknown: then it is not asked.
    :param backend: QOM path of the virtio device behind the PCI function.
    """
    numbers = parse_version(version)
    if numbers not in STATUS_QUERY_SAFE:
        return replace(known, note=_why_not(version, numbers))
    try:
        reply = await execute("x-query-virtio-status", {"path": backend})
    except CommandFailed as error:
        return replace(known, note=error.description)
    status = reply if isinstance(reply, dict) else {}
    offered, negotiated = (
        parse_features(known.device_id, status.get(key)) for key in ("host-features", "guest-features")
    )
    count = status.get("num-vqs")
    queues = await _queues(execute, backend, count) if isinstance(count, int) else None
    return replace(
        known, offered=offered, negotiated=negotiated, queues=queues, vhost=status.get("vhost-started") is True
    )


async def read_negotiated(execute: Execute, version: str, backend: str, device_id: int) -> tuple[str, ...] | None:
    """The features that the driver agreed to; None where this QEMU cannot be asked safely, or does not say."""
    if parse_version(version) not in STATUS_QUERY_SAFE:
        return None
    try:
        reply = await execute("x-query-virtio-status", {"path": backend})
    except CommandFailed:
        return None
    return parse_features(device_id, reply.get("guest-features")) if isinstance(reply, dict) else None


def _why_not(version: str, numbers: tuple[int, int]) -> str:
    if (0, 0) < numbers < FIRST:
        return f"QEMU {version} has no command that tells them (since 7.2)"
    return f"QEMU {version or 'of this version'} cannot be asked safely"


async def _queues(execute: Execute, backend: str, count: int) -> tuple[Queue, ...]:
    """Every queue that can be read; one that the device took away meanwhile is left out."""

    async def one(index: int) -> object:
        try:
            return await execute("x-query-virtio-queue-status", {"path": backend, "queue": index})
        except CommandFailed:
            return None

    replies = await asyncio.gather(*(one(index) for index in range(min(count, QUEUES_MAX))))
    return tuple(queue for reply in replies if (queue := parse_queue(reply)) is not None)
