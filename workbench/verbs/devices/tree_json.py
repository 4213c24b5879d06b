"""The device tree as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import to_builtins

from workbench.domain.devices.virtio import virtio_status_bits
from workbench.domain.devices.virtqueue import queue_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.domain.compare.drift import Difference
    from workbench.domain.devices.buses import Bus, BusDevice
    from workbench.domain.devices.qom import Child, Node
    from workbench.domain.devices.tree import DeviceTree, PciDevice
    from workbench.domain.devices.virtio import Virtio


def pci_json(tree: DeviceTree, depth: int | None = None) -> dict[str, object]:
    """The PCI tree as JSON: addresses and ids as text like ``lspci``, sizes in bytes.

    :param depth: levels to include, here and below; deeper ones are null. None: all.
    """
    return {
        "machine": tree.machine,
        "buses": [
            {"number": bus.number, "name": bus.name, "devices": [device_json(device, depth) for device in bus.devices]}
            for bus in tree.buses
        ],
    }


def device_json(device: PciDevice, depth: int | None = None) -> dict[str, object]:
    """One PCI function as JSON; unknown fields are null, those that do not apply are absent."""
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
        "subsystem": device.subsystem_ids or None,
        "irq": device.irq,
        "pin": device.pin or None,
        "bars": [
            {
                "index": bar.index,
                "kind": bar.kind,
                "size": bar.size,
                "address": bar.address,
                "prefetchable": bar.prefetchable,
                "64-bit": bar.wide,
            }
            for bar in device.bars
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
            "windows": [to_builtins(window) | {"open": window.is_open} for window in device.bridge.windows],
        }
        body["devices"] = None if depth == 1 else [device_json(child, _less(depth)) for child in device.children]
    return body


def bus_json(bus: Bus, depth: int | None = None) -> dict[str, object]:
    """The buses as nested JSON: a bus has devices, a device has buses; each is a level."""
    devices = [_bus_device(device, _less(depth)) for device in bus.devices]
    body: dict[str, object] = {"name": bus.name, "type": bus.type, "path": bus.path}
    body["devices"] = None if depth == 1 else devices
    return body | {"error": bus.error} if bus.error else body


def _bus_device(device: BusDevice, depth: int | None) -> dict[str, object]:
    buses = [bus_json(below, _less(depth)) for below in device.buses]
    body: dict[str, object] = {"id": device.id or None, "type": device.type, "path": device.path}
    return body | {"buses": None if depth == 1 else buses}


def _less(depth: int | None) -> int | None:
    return None if depth is None else depth - 1


def drift_json(differences: Sequence[Difference]) -> list[dict[str, object]]:
    """Drift as JSON: ``kind`` is ``extra``, ``missing`` or ``changed``; fields that do not apply are null."""
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


def qom_json(found: list[tuple[int, Child]], nodes: Mapping[str, Node]) -> list[dict[str, object]]:
    """The composition tree as nested JSON: name, type, path, children.

    :param nodes: the nodes that were read; children of others are null.
    """
    roots: list[dict[str, object]] = []
    above: list[list[dict[str, object]]] = [roots]
    for depth, child in found:
        children: list[dict[str, object]] = []
        del above[depth:]
        below = children if child.path in nodes else None
        above[-1].append({"name": child.name, "type": child.type, "path": child.path, "children": below})
        above.append(children)
    return roots


def virtio_json(device: PciDevice, virtio: Virtio) -> dict[str, object]:
    """One virtio device as JSON; null means that it cannot be read, and the notes say why."""
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
        to_builtins(queue) | {"name": queue_name(virtio.device_id, queue.index, len(queues), virtio.offered)}
        for queue in queues
    ]


def _list(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)
