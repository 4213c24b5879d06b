"""Read a virtio device's features and queues.

QEMU's commands for this are unstable and some versions crash on one, so they are only used on versions known to be safe.
HMP's ``info virtio-status`` is not an alternative: it crashes 11.1 too (SIGSEGV). On other versions the features are read
from the registers, as far as possible without writing one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.devices.virtio import Bits, Status, Virtio, features_of, parse_features
from workbench.domain.devices.virtqueue import parse_queue
from workbench.engine.devices.qom import parse_version
from workbench.engine.devices.virtio_pci import read_ports, read_queue_count, read_selected
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from workbench.domain.devices.virtqueue import Queue
    from workbench.engine.devices.virtio_pci import Execute, ModernBar

STATUS_QUERY_SAFE = frozenset({(7, 2), (8, 2), (10, 0)})
"""Versions on which ``x-query-virtio-status`` was run on net, scsi, balloon, serial, rng and blk, with and without a
driver; tests/engine/devices/test_reader.py repeats that on each QEMU available. New in 7.2. 11.1 aborts
(``visit_start_struct``): its reply lacks ``backend-features``, which its schema requires (hw/virtio/virtio-qmp.c)."""
QUEUE_QUERY_SAFE = STATUS_QUERY_SAFE | {(11, 1)}
"""The same for ``x-query-virtio-queue-status``, which is not affected by the bug in 11.1."""
FIRST = (7, 2)
QUEUES_MAX = 64
"""Limit on queues read per device: virtio-serial with 31 ports has 64. A disk controller can have 1,024."""
HALVES = ("bits 0 to 31", "bits 32 to 63")


async def read_virtio(execute: Execute, version: str, backend: str, known: Virtio, bar: ModernBar | None) -> Virtio:
    """Add features and queues to what is known, or a note with the reason why they cannot be read.

    :param version: QEMU's version, such as ``7.2.22``; empty when unknown: no command that may crash it is used.
    :param backend: QOM path of the virtio device behind the PCI function.
    :param bar: its registers; None while they are not mapped.
    """
    numbers = parse_version(version)
    if numbers in STATUS_QUERY_SAFE:
        try:
            reply = await execute("x-query-virtio-status", {"path": backend})
        except CommandFailed as error:
            return replace(known, note=error.description, queues_note=error.description)
        status = reply if isinstance(reply, dict) else {}
        sets = (status.get(key) for key in ("host-features", "guest-features"))
        offered, negotiated = (parse_features(known.device_id, one) for one in sets)
        known = replace(known, offered=offered, negotiated=negotiated, vhost=status.get("vhost-started") is True)
        count = status.get("num-vqs")
    elif bar is None:
        unmapped = "registers not mapped yet"
        return replace(known, note=unmapped, queues_note=unmapped)
    else:
        known = _with_bits(known, *await read_bits(execute, bar, known.status))
        count = await read_queue_count(execute, bar)
    if not isinstance(count, int):
        return replace(known, queues_note="number of queues not readable")
    if numbers not in QUEUE_QUERY_SAFE:
        return replace(known, queues_note=f"{count}: {_why_no_queues(version, numbers)}")
    more = count - QUEUES_MAX
    note = f"{more} more, not read" if more > 0 else ""
    return replace(known, queues=await _queues(execute, backend, count), queues_note=note)


async def read_negotiated(
    execute: Execute, version: str, backend: str, device_id: int, bar: ModernBar | None, status: int | None
) -> tuple[str, ...] | None:
    """The features that the driver accepted; None when the device-specific ones cannot be read.

    :param status: the device status byte.
    """
    if parse_version(version) not in STATUS_QUERY_SAFE:
        agreed = (await read_bits(execute, bar, status))[1] if bar is not None else Bits()
        return features_of(device_id, agreed.value) if agreed.knows(0) else None
    try:
        reply = await execute("x-query-virtio-status", {"path": backend})
    except CommandFailed:
        return None
    return parse_features(device_id, reply.get("guest-features")) if isinstance(reply, dict) else None


async def read_bits(execute: Execute, bar: ModernBar, status: int | None) -> tuple[Bits, Bits]:
    """Offered and negotiated features, as far as the registers show them without writing one.

    A modern driver has accepted nothing before FEATURES_OK, whatever it has written so far (hw/virtio/virtio-pci.c,
    ``virtio_pci_common_write()``); a legacy driver has no such step and no bits above 31.
    """
    offered = negotiated = Bits()
    selected = await read_selected(execute, bar)
    if selected is not None:
        offered_half, offered_bits, agreed_half, agreed_bits = selected
        if offered_half in (0, 1):
            offered = offered.with_half(offered_half, offered_bits)
        if agreed_half in (0, 1):
            negotiated = negotiated.with_half(agreed_half, agreed_bits)
    if status is not None and not status & Status.FEATURES_OK:
        negotiated = Bits().with_half(0, 0).with_half(1, 0)
    old = await read_ports(execute, bar)
    if old is not None:
        offered, negotiated = offered.with_half(0, old[0]), negotiated.with_half(0, old[1])
    return offered, negotiated


def _with_bits(known: Virtio, offered: Bits, negotiated: Bits) -> Virtio:
    """Add the features known to be offered and negotiated or not, and a note on the others."""
    both = offered.mask & negotiated.mask
    unknown = [words for half, words in enumerate(HALVES) if not Bits(mask=both).knows(half)]
    note = f"{' and '.join(unknown)} cannot be read without writing a register" if unknown else ""
    if not both:
        return replace(known, note=note)
    return replace(
        known,
        offered=features_of(known.device_id, offered.value & both),
        negotiated=features_of(known.device_id, negotiated.value & both),
        note=note,
    )


def _why_no_queues(version: str, numbers: tuple[int, int]) -> str:
    if (0, 0) < numbers < FIRST:
        return f"QEMU {version} cannot list queues (needs 7.2)"
    return f"QEMU {version or 'of unknown version'} cannot be queried safely"


async def _queues(execute: Execute, backend: str, count: int) -> tuple[Queue, ...]:
    """Every queue that can be read; queues removed by the device while reading are left out."""

    async def one(index: int) -> object:
        try:
            return await execute("x-query-virtio-queue-status", {"path": backend, "queue": index})
        except CommandFailed:
            return None

    replies = await asyncio.gather(*(one(index) for index in range(min(count, QUEUES_MAX))))
    return tuple(queue for reply in replies if (queue := parse_queue(reply)) is not None)
