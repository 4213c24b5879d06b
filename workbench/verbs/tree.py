"""``workbench tree NAME``: the devices of a running guest, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workbench.verbs.common import guest_monitor, json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.qom import Child
    from workbench.domain.tree import DeviceTree, PciDevice
    from workbench.domain.virtio import Virtio
    from workbench.engine.devices import DeviceReader
    from workbench.settings import Settings

QOM_DEPTH = 3
"""Levels of the QOM tree that are printed when none are asked for: /machine/peripheral/NAME."""


@click.command("tree")
@click.argument("name")
@click.option(
    "--view",
    type=click.Choice(["pci", "qom", "virtio"]),
    default="pci",
    show_default=True,
    help="pci: slots, ids and drivers; qom: QEMU's composition tree; virtio: status and features.",
)
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help=f"Levels of the QOM tree. Default: {QOM_DEPTH}.")
@json_option
@pass_settings
def command(settings: Settings, name: str, view: str, depth: int | None, as_json: bool) -> None:
    """The device tree of a running guest, as it is now."""
    if depth is not None and view != "qom":
        raise click.UsageError(f"--depth is for --view qom, not for --view {view}")
    run(_show(settings, name, view, depth or QOM_DEPTH, as_json))


async def _show(settings: Settings, name: str, view: str, depth: int, as_json: bool) -> None:
    from workbench.domain.qom import levels
    from workbench.engine.devices import DeviceReader

    async with guest_monitor(settings, name) as monitor:
        reader = DeviceReader(monitor.execute, monitor.version)
        if view == "qom":
            found = list(levels(await reader.qom.walk("/", depth - 1), "/"))
            print_json(qom_json(found)) if as_json else click.echo("\n".join(qom_lines(found)))
            return
        tree = await reader.tree()
        if view == "pci":
            print_json(pci_json(tree)) if as_json else click.echo("\n".join(pci_lines(tree)))
            return
        devices = await _virtio(reader, tree)
        print_json([virtio_json(*pair) for pair in devices]) if as_json else click.echo(
            "\n".join(line for pair in devices for line in virtio_lines(*pair))
        )


async def _virtio(reader: DeviceReader, tree: DeviceTree) -> list[tuple[PciDevice, Virtio]]:
    """Every virtio device that has a QOM path, with what is known of it beyond properties."""
    found = []
    for device in tree:
        if device.virtio_id is not None and device.path:
            node = await reader.node(device.path)
            if node.virtio is not None:
                found.append((device, node.virtio))
    return found


def pci_lines(tree: DeviceTree) -> Iterator[str]:
    """The PCI tree for people: one line for a device, its BARs below it."""
    for bus in tree.buses:
        yield " ".join(filter(None, (tree.machine, bus.name or f"bus {bus.number}")))
        yield from _devices(bus.devices, "")


def _devices(devices: tuple[PciDevice, ...], indent: str) -> Iterator[str]:
    for device in devices:
        last = device is devices[-1]
        yield f"{indent}{'└' if last else '├'} {_line(device)}".rstrip()
        below = indent + ("  " if last else "│ ")
        for bar in device.bars:
            place = "not mapped" if bar.address is None else f"{bar.address:#x}"
            kind = "ROM" if bar.index == 6 else f"BAR {bar.index}"
            yield f"{below}  {kind:<5}  {bar.kind:<6} {_size(bar.size):>8}  {place}"
        yield from _devices(device.children, below)


def _line(device: PciDevice) -> str:
    ids = f"{device.vendor:04x}:{device.device:04x}"
    driver = str(device.driver or "")
    return f"{device.address} {device.name:<16} {ids} {driver:<12} {device.class_name:<24} {device.qdev_id}"


def _size(size: int) -> str:
    for unit in ("", "KiB", "MiB"):
        if size < 1024 or size % 1024:
            return f"{size} {unit}".strip()
        size //= 1024
    return f"{size} GiB"


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
        body["bridge"] = {"secondary": device.bridge.secondary, "subordinate": device.bridge.subordinate}
        body["devices"] = [device_json(child) for child in device.children]
    return body


def qom_lines(found: list[tuple[int, Child]]) -> Iterator[str]:
    """The composition tree for people: names indented, with their types."""
    yield "/"
    for depth, child in found:
        yield f"{'  ' * depth}{child.name} ({child.type})"


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


def virtio_lines(device: PciDevice, virtio: Virtio) -> Iterator[str]:
    """One virtio device for people: status, configuration words, features."""
    from workbench.domain.virtio import virtio_status_bits

    yield f"{device.address} {device.name} {device.qdev_id}".rstrip()
    bits = " ".join(virtio_status_bits(virtio.status or 0))
    yield f"  {'status':<10}  {': '.join(filter(None, (virtio.driver or 'unknown', bits)))}"
    for field in virtio.config:
        yield f"  {field.name:<10}  {field.value:,} {field.unit}".rstrip()
    for title, features in (("offered", virtio.offered), ("negotiated", virtio.negotiated)):
        if features is not None:
            yield f"  {title:<10}  {' '.join(features) or 'none'}"
    if virtio.note:
        yield f"  {'features':<10}  {virtio.note}"


def virtio_json(device: PciDevice, virtio: Virtio) -> dict[str, object]:
    """One virtio device as JSON; features are null where this QEMU cannot be asked safely, and ``note`` says so."""
    from workbench.domain.virtio import virtio_status_bits

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
    }


def _list(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)
