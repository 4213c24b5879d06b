"""``workbench tree NAME``: the devices of a running guest, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workbench.verbs.common import guest_monitor, json_option, pass_settings, print_json, run

if TYPE_CHECKING:
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
    type=click.Choice(["pci", "bus", "qom", "virtio"]),
    default="pci",
    show_default=True,
    help="pci: slots, ids and drivers; bus: as info qtree; qom: QEMU's composition tree; virtio: features and queues.",
)
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Levels of --view qom (default: {QOM_DEPTH}) or bus (default: all).",
)
@click.option("--diff", is_flag=True, help="How the guest differs from what its profile says now; exit 1 if it does.")
@json_option
@pass_settings
def command(settings: Settings, name: str, view: str, depth: int | None, diff: bool, as_json: bool) -> None:
    """The device tree of a running guest, as it is now."""
    if diff:
        if depth is not None:
            raise click.UsageError("--depth is for --view qom and bus, not for --diff")
        if run(show_diff(settings, name, as_json)):
            raise click.exceptions.Exit(1)
        return
    if depth is not None and view not in ("qom", "bus"):
        raise click.UsageError(f"--depth is for --view qom and bus, not for --view {view}")
    run(_show(settings, name, view, depth, as_json))


async def _show(settings: Settings, name: str, view: str, depth: int | None, as_json: bool) -> None:
    from workbench.domain.qom import levels
    from workbench.engine.buses import BusReader
    from workbench.engine.devices import DeviceReader
    from workbench.verbs.tree_json import bus_json, pci_json, qom_json, virtio_json
    from workbench.verbs.tree_text import bus_lines, pci_lines, qom_lines, virtio_lines

    async with guest_monitor(settings, name) as monitor:
        reader = DeviceReader(monitor.execute, monitor.version)
        if view == "qom":
            found = list(levels(await reader.qom.walk("/", (depth or QOM_DEPTH) - 1), "/"))
            print_json(qom_json(found)) if as_json else click.echo("\n".join(qom_lines(found)))
            return
        if view == "bus":
            root = await BusReader(reader.qom).root()
            print_json(bus_json(root)) if as_json else click.echo("\n".join(bus_lines(root, depth)))
            return
        tree = await reader.tree()
        if view == "pci":
            print_json(pci_json(tree)) if as_json else click.echo("\n".join(pci_lines(tree)))
            return
        devices = await _virtio(reader, tree)
        print_json([virtio_json(*pair) for pair in devices]) if as_json else click.echo(
            "\n".join(line for pair in devices for line in virtio_lines(*pair))
        )


async def show_diff(settings: Settings, name: str, as_json: bool) -> bool:
    """Print every difference; whether there is one."""
    from workbench.engine.devices import DeviceReader
    from workbench.engine.drift import DriftReader
    from workbench.engine.state import StateDirectory
    from workbench.verbs.tree_json import drift_json
    from workbench.verbs.tree_text import drift_lines

    async with guest_monitor(settings, name) as monitor:
        reader = DriftReader(StateDirectory(settings.state).running(name), settings)
        differences = await reader.read(DeviceReader(monitor.execute, monitor.version).qom)
    print_json(drift_json(differences)) if as_json else click.echo("\n".join(drift_lines(name, differences)))
    return bool(differences)


async def _virtio(reader: DeviceReader, tree: DeviceTree) -> list[tuple[PciDevice, Virtio]]:
    """Every virtio device that has a QOM path, with what is known of it beyond properties."""
    found = []
    for device in tree:
        if device.virtio_id is not None and device.path:
            node = await reader.node(device.path)
            if node.virtio is not None:
                found.append((device, node.virtio))
    return found
