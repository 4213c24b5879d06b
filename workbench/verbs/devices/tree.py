"""``workbench tree NAME``: print the device tree of a running guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, open_guest, pass_settings, print_json, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.domain.devices.tree import DeviceTree, PciDevice
    from workbench.domain.devices.virtio import Virtio
    from workbench.engine.base import Devices
    from workbench.settings import Settings

QOM_DEPTH = 3
"""Default levels of the QOM tree: /machine/peripheral/NAME."""


@click.command("tree")
@click.argument("name")
@click.option(
    "--view",
    type=click.Choice(["pci", "bus", "qom", "virtio"]),
    default="pci",
    show_default=True,
    help="pci: slots, ids and drivers; bus: like info qtree; qom: the composition tree; virtio: features and queues.",
)
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Levels to show (default: {QOM_DEPTH} for --view qom, else all).",
)
@click.option(
    "--diff",
    is_flag=True,
    help="Show how the guest differs from its profile: devices and their options at creation, not values set since. "
    "Exit 1 if it does.",
)
@json_option
@pass_settings
def command(settings: Settings, name: str, view: str, depth: int | None, diff: bool, as_json: bool) -> None:
    """Show the device tree of a running guest."""
    if diff:
        if depth is not None:
            raise click.UsageError("--depth does not go with --diff")
        if run(show_diff(settings, name, as_json)):
            raise click.exceptions.Exit(1)
        return
    run(_show(settings, name, view, depth, as_json))


async def _show(settings: Settings, name: str, view: str, depth: int | None, as_json: bool) -> None:
    from workbench.domain.devices.qom import levels
    from workbench.verbs.devices.tree_json import bus_json, pci_json, qom_json, virtio_json
    from workbench.verbs.devices.tree_text import bus_lines, pci_lines, qom_lines, virtio_lines

    body: object
    lines: Iterable[str]
    async with open_guest(settings, name) as guest:
        devices = guest.devices
        if view == "qom":
            nodes = await devices.walk(depth=(depth or QOM_DEPTH) - 1)
            found = list(levels(nodes, "/"))
            body, lines = qom_json(found, nodes), qom_lines(found)
        elif view == "bus":
            root = await devices.buses()
            body, lines = bus_json(root, depth), bus_lines(root, depth)
        elif view == "pci":
            tree = await devices.tree()
            body, lines = pci_json(tree, depth), pci_lines(tree, depth)
        else:
            virtio = await _virtio(devices, await devices.tree(), deep=depth != 1)
            body = [virtio_json(*pair) for pair in virtio]
            lines = (line for pair in virtio for line in virtio_lines(*pair))
    print_json(body) if as_json else print_lines(lines)


def print_lines(lines: Iterable[str]) -> None:
    """Print lines whose names come from QEMU or the guest and may hold control characters."""
    from workbench.domain.text import visible

    click.echo("\n".join(map(visible, lines)))


async def show_diff(settings: Settings, name: str, as_json: bool) -> bool:
    """Print every difference, and return whether there is one."""
    from workbench.verbs.devices.tree_json import drift_json
    from workbench.verbs.devices.tree_text import drift_lines

    async with open_guest(settings, name) as guest:
        differences = await guest.devices.drift()
    print_json(drift_json(differences)) if as_json else print_lines(drift_lines(name, differences))
    return bool(differences)


async def _virtio(devices: Devices, tree: DeviceTree, *, deep: bool) -> list[tuple[PciDevice, Virtio]]:
    """Every virtio device.

    :param deep: with features and queues.
    """
    from workbench.domain.devices.virtio import Virtio

    found = []
    for device in tree:
        if device.virtio_id is not None:
            read = await devices.virtio(device.path) if deep and device.path else None
            note = "" if read or not deep else "features and queues cannot be read"
            plain = Virtio(device.virtio_id, device.status, device.driver, note=note, config=device.config)
            found.append((device, read or plain))
    return found
