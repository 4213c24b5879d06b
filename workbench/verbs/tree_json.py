"""The device tree as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from workbench.domain.virtio import virtio_status_bits
from workbench.domain.virtqueue import queue_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.buses import Bus
    from workbench.domain.drift import Difference
    from workbench.domain.qom import Child
    from workbench.domain.tree import DeviceTree, PciDevice
    from workbench.domain.virtio import Virtio


def pci_json(tree: DeviceTree) -> dict[str, object]:
    """The PCI tree as JSON: addresses and ids as text, as ``lspci`` writes them; sizes in bytes."""
    return {
        "machine": tree.machine,
        "buses": [
            {"number": bus.number, "name": bus.name, "devices": [device_json(device) for device in bus.devices]}
            for bus in tree.buses
        ],
    }


def device_json(device: PciDevice) -> dict[str, object]:
    """One PCI function as JSON; a field that is not known is null, one that does not apply is absent."""
    body: dict[str, object] = {
        "address": str(device.address),
        "name": device.name,
        "id": device.qdev_id or None,
        "vendor": f"{device.vendor:04x}",
        "device": f"{device.device:04x}",
        "class": f"{device.class_code:04x}",
        "class_name": device.class_name,
        "type": device.type or None,
        "path": device.path or None,
        "vendor_name": device.vendor_name or None,
        "title": device.title or None,
        "irq": device.irq,
        "bars": [
            {"index": bar.index, "kind": bar.kind, "size": bar.size, "address": bar.address} for bar in device.bars
        ],
    }
    if device.driver is not None:
        body |= {"driver": str(device.driver), "status": device.status}
    if device.config:
        body["config"] = {field.name: field.value for field in device.config}
    if device.bridge is not None:
        body["bridge"] = {
            "secondary": device.bridge.secondary,
            "subordinate": device.bridge.subordinate,
            "windows": [asdict(window) | {"open": window.is_open} for window in device.bridge.windows],
        }
        body["devices"] = [device_json(child) for child in device.children]
    return body


def bus_json(bus: Bus) -> dict[str, object]:
    """The buses as JSON, nested: a bus has devices, a device has buses."""
    body: dict[str, object] = {
        "name": bus.name,
        "type": bus.type,
        "path": bus.path,
        "devices": [
            {
                "id": device.id or None,
                "type": device.type,
                "path": device.path,
                "buses": [bus_json(below) for below in device.buses],
            }
            for device in bus.devices
        ],
    }
    return body | {"error": bus.error} if bus.error else body


def drift_json(differences: Sequence[Difference]) -> list[dict[str, object]]:
    """Drift as JSON: ``kind`` is ``extra``, ``missing`` or ``changed``; what does not apply is null."""
    return [
        {
            "kind": one.kind.name.lower(),
            "name": one.name,
            "type": one.type or None,
            "path": one.path or None,
            "place": one.place or None,
            "words": one.words,
        }
        for one in differences
    ]


def qom_json(found: list[tuple[int, Child]]) -> list[dict[str, object]]:
    """The composition tree as JSON, nested: name, type, path, children."""
    roots: list[dict[str, object]] = []
    above: list[list[dict[str, object]]] = [roots]
    for depth, child in found:
        children: list[dict[str, object]] = []
        del above[depth:]
        above[-1].append({"name": child.name, "type": child.type, "path": child.path, "children": children})
        above.append(children)
    return roots


def virtio_json(device: PciDevice, virtio: Virtio) -> dict[str, object]:
    """One virtio device as JSON; what is null cannot be read, and the notes say why."""
    return {
        "address": str(device.address),
        "name": device.name,
        "id": device.qdev_id or None,
        "path": device.path,
        "driver": str(virtio.driver or ""),
        "status": virtio.status,
        "status_bits": None if virtio.status is None else list(virtio_status_bits(virtio.status)),
        "config": {field.name: field.value for field in virtio.config},
        "offered": _list(virtio.offered),
        "negotiated": _list(virtio.negotiated),
        "note": virtio.note,
        "queues_note": virtio.queues_note,
        "queues": None if virtio.queues is None else _queues(virtio),
        "vhost": virtio.vhost,
    }


def _queues(virtio: Virtio) -> list[dict[str, object]]:
    queues = virtio.queues or ()
    return [
        asdict(queue) | {"name": queue_name(virtio.device_id, queue.index, len(queues), virtio.offered)}
        for queue in queues
    ]


def _list(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)
