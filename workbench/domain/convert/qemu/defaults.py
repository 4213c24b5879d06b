"""What QEMU adds by itself to a command line without ``-nodefaults`` (QEMU: system/vl.c, default_list)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.command_line.options import whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from workbench.domain.convert.qemu.draft import Gathered

GRAPHICS = (
    "VGA",
    "isa-vga",
    "cirrus-vga",
    "isa-cirrus-vga",
    "vmware-svga",
    "qxl-vga",
    "virtio-vga",
    "ati-vga",
    "vhost-user-vga",
    "virtio-vga-gl",
    "virtio-vga-rutabaga",
)
"""Devices in whose place QEMU adds no graphics card. A ``ramfb`` or ``virtio-gpu-pci`` stands beside the one it adds."""
DRIVES = ("ide-cd", "ide-hd", "scsi-cd", "scsi-hd")
"""Devices in whose place QEMU adds no CD drive."""
CD_PLACE = 2
"""The index on the IDE bus of the CD drive that QEMU adds."""
NETWORK = ("net", "nic", "netdev")


def default_devices(
    found: Gathered, given: Sequence[str], names: AbstractSet[str]
) -> list[tuple[tuple[str, ...], str]]:
    """As arguments, each with its reason.

    :param given: the drivers of all ``-device`` options.
    :param names: the options of the command line itself: a ``-netdev`` in a file of ``-readconfig`` is not one of those
        that keep QEMU from adding a card.
    """
    if found.foreign_board:
        found.notes.append(f"what QEMU adds by itself to the board {found.foreign_board} is left out")
        return []
    board = str(found.document.get("machine"))
    extra: list[tuple[tuple[str, ...], str]] = []
    if "vga" not in names and not any(device in GRAPHICS for device in given):
        extra.append((("-vga", "std"), "QEMU adds this graphics card by itself"))
    if not names & set(NETWORK):
        model = "e1000e" if "q35" in board else "e1000"
        extra.append((("-nic", f"user,model={model}"), "QEMU adds this network card by itself"))
    no_bus = found.document.get("machine-options", {}).get("sata") == "off"
    if (
        not no_bus
        and "cdrom" not in names
        and not any(device in DRIVES for device in given)
        and not _third_drive(found)
    ):
        extra.append((("-drive", "if=ide,index=2,media=cdrom"), "QEMU adds this CD drive by itself"))
    if not names & {"display", "nographic", "vnc", "spice", "curses", "sdl"}:
        found.notes.append("QEMU would open a window: a profile's guest has none; [display] gives it VNC")
    found.notes.append("QEMU's default floppy drive and parallel port are left out")
    return extra


def _third_drive(found: Gathered) -> bool:
    """Whether the place of the CD drive is taken already: drives without a place of their own get the first free one
    (QEMU: blockdev.c, drive_new())."""
    taken: set[int] = set()
    for option in found.options:
        if option.name in ("hda", "hdb", "hdc", "hdd"):
            taken.add("abcd".index(option.name[-1]))
        elif option.name == "drive" and option.keys.get("if", "ide") == "ide":
            index = whole(option.keys.get("index", ""))
            taken.add(index if index is not None else next(n for n in range(len(taken) + 1) if n not in taken))
    return CD_PLACE in taken
