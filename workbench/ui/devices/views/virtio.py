"""The virtio view: each device with its status, features, configuration fields and queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.devices.virtio import Status, virtio_status_bits
from workbench.domain.devices.virtqueue import queue_name
from workbench.ui.devices.row import Item, Row, group, leaf
from workbench.ui.devices.views.node import unread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workbench.domain.devices.tree import DeviceTree, PciDevice
    from workbench.domain.devices.virtio import Virtio
    from workbench.domain.devices.virtqueue import Queue
    from workbench.ui.devices.row import Shown

    DeviceRow = Callable[[PciDevice, str, Shown], Row]


def items(tree: DeviceTree, shown: Shown, device_row: DeviceRow) -> list[Item]:
    """Every virtio device of the tree, on any bus."""
    root = Row("virtio", "", "virtio devices", tree.machine, tone="muted", expandable=True, default_open=True)
    root.expanded = shown.is_open(root.key, default=True)
    devices = [one for one in tree if one.virtio_id is not None]
    root.note = "" if devices else "none"
    below = [_device(one, root, shown, device_row) for one in devices] if root.expanded else []
    return [Item(root, below)]


def _device(device: PciDevice, parent: Row, shown: Shown, device_row: DeviceRow) -> Item:
    row = device_row(device, parent.key, shown)
    if not row.expanded:
        return Item(row)
    below = [*_status(device, row)]
    below += [
        leaf(f"{row.key}#{one.name}", row, one.name, f"{one.value:,}", hint=one.words, source=one)
        for one in device.config
    ]
    node = shown.nodes.get(device.path)
    if not device.path:
        below.append(leaf(f"{row.key}#unknown", row, "QOM path unknown", muted=True))
    elif node is None:
        below += unread(row, shown)
    elif node.virtio is not None:
        below += [*features(node.virtio, row, shown), *queues(node.virtio, row, shown)]
    return Item(row, below)


def _status(device: PciDevice, row: Row) -> Iterator[Item]:
    """The bits of the device status byte, by name."""
    if device.status is None:
        yield leaf(f"{row.key}#status", row, "status", str(device.driver or "unreadable"), tone="muted")
        return
    on = set(virtio_status_bits(device.status))
    for bit in Status:
        name = str(bit.name)
        bad = bit in (Status.NEEDS_RESET, Status.FAILED)
        tone = "" if name not in on else "error" if bad else "ok"
        yield leaf(
            f"{row.key}#status:{name}", row, name, "on" if name in on else "off", muted=name not in on, tone=tone,
            hint=f"status bit {int(bit):#04x}", source=device,
        )  # fmt: skip


def features(virtio: Virtio, row: Row, shown: Shown) -> Iterator[Item]:
    """Every offered feature, and whether the driver accepted it."""
    if virtio.offered is None or virtio.negotiated is None:
        yield leaf(f"{row.key}#features", row, "features", virtio.note or "unreadable", tone="muted", source=virtio)
        return
    agreed = set(virtio.negotiated)
    folded = group(
        f"{row.key}#features", row, "features", f"{len(agreed)} of {len(virtio.offered)}", shown, source=virtio
    )
    if folded.row.expanded:
        names = [*virtio.offered, *sorted(agreed.difference(virtio.offered))]
        folded.below = [
            leaf(
                f"{row.key}#feature:{name}",
                folded.row,
                name,
                "on" if name in agreed else "off",
                muted=name not in agreed,
                hint="negotiated" if name in agreed else "offered, not negotiated",
            )
            for name in names
        ]
        if virtio.note:
            folded.below.append(leaf(f"{row.key}#note", folded.row, virtio.note, muted=True))
    yield folded


def queues(virtio: Virtio, row: Row, shown: Shown) -> Iterator[Item]:
    """Every queue with its size and the buffers in flight; inside it, its indices."""
    if virtio.queues is None:
        yield leaf(f"{row.key}#queues", row, "queues", virtio.queues_note or "unreadable", tone="muted")
        return
    ready = sum(queue.ready for queue in virtio.queues)
    folded = group(f"{row.key}#queues", row, "queues", f"{ready} of {len(virtio.queues)}", shown, source=virtio)
    if folded.row.expanded:
        folded.below = [_queue(queue, virtio, folded.row, row.key, shown) for queue in virtio.queues]
        if virtio.queues_note:
            folded.below.append(leaf(f"{row.key}#queues:more", folded.row, virtio.queues_note, muted=True))
    yield folded


def _queue(queue: Queue, virtio: Virtio, parent: Row, base: str, shown: Shown) -> Item:
    key = f"{base}#queue:{queue.index}"
    name = queue_name(virtio.device_id, queue.index, len(virtio.queues or ()), virtio.offered)
    value = f"{queue.in_flight} in flight" if queue.ready else "not set up"
    item = group(key, parent, f"{queue.index} {name}".rstrip(), value, shown, source=queue)
    item.row.muted, item.row.tone = not queue.ready, "" if queue.ready else "muted"
    indices = f"avail {queue.seen:>5}  used {queue.used:>5}  " if queue.ready else ""
    item.row.hint = f"{indices}{queue.size} descriptors"
    if item.row.expanded:
        signalled = "never" if queue.signalled is None else f"{queue.signalled:,}"
        item.below = [
            leaf(f"{key}:{text}", item.row, text, value, hint=hint)
            for text, value, hint in (
                ("size", f"{queue.size} of {queue.size_max}", "descriptors, of the device's maximum"),
                ("avail seen", f"{queue.seen:,}", "driver's index when the device last read it"),
                ("avail taken", f"{queue.available:,}", "up to where the device has taken buffers"),
                ("used", f"{queue.used:,}", "up to where the device has returned buffers"),
                ("signalled", signalled, "used index at the last interrupt"),
                ("descriptors", f"{queue.desc:#x}", "guest physical address"),
                ("avail ring", f"{queue.avail_ring:#x}", "guest physical address"),
                ("used ring", f"{queue.used_ring:#x}", "guest physical address"),
            )
        ]
    return item
