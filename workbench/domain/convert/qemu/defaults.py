"""The default devices of a command line without ``-nodefaults`` (QEMU: system/vl.c, default_list)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.command_line.options import whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from workbench.domain.convert.qemu.draft import Draft

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
"""Devices that replace QEMU's default graphics card. ``ramfb`` and ``virtio-gpu-pci`` are added to it."""
DRIVES = ("ide-cd", "ide-hd", "scsi-cd", "scsi-hd")
"""Devices that replace QEMU's default CD drive."""
CD_PLACE = 2
"""The index on the IDE bus of QEMU's default CD drive."""
NETWORK = ("net", "nic", "netdev")


def default_devices(found: Draft, given: Sequence[str], names: AbstractSet[str]) -> list[tuple[tuple[str, ...], str]]:
    """The default devices as arguments, each with its reason.

    :param given: the drivers of all ``-device`` options.
    :param names: the options of the command line itself: a ``-netdev`` in a ``-readconfig`` file does not replace the
        default card.
    """
    if found.foreign_board:
        found.notes.append(f"the default devices of the machine type {found.foreign_board} are left out")
        return []
    board = str(found.document.get("machine"))
    extra: list[tuple[tuple[str, ...], str]] = []
    if "vga" not in names and not any(device in GRAPHICS for device in given):
        extra.append((("-vga", "std"), "QEMU's default graphics card"))
    if not names & set(NETWORK):
        model = "e1000e" if "q35" in board else "e1000"
        extra.append((("-nic", f"user,model={model}"), "QEMU's default network card"))
    no_bus = found.document.get("machine-options", {}).get("sata") == "off"
    if (
        not no_bus
        and "cdrom" not in names
        and not any(device in DRIVES for device in given)
        and not _third_drive(found)
    ):
        extra.append((("-drive", "if=ide,index=2,media=cdrom"), "QEMU's default CD drive"))
    if not names & {"display", "nographic", "vnc", "spice", "curses", "sdl"}:
        found.notes.append("QEMU would open a window; a guest of the workbench has none: add [display] for VNC")
    found.notes.append("QEMU's default floppy drive and parallel port are left out")
    return extra


def _third_drive(found: Draft) -> bool:
    """Whether the index of the default CD drive is in use: drives without an index get the first free one (QEMU:
    blockdev.c, drive_new())."""
    taken: set[int] = set()
    for option in found.options:
        if option.name in ("hda", "hdb", "hdc", "hdd"):
            taken.add("abcd".index(option.name[-1]))
        elif option.name == "drive" and option.keys.get("if", "ide") == "ide":
            index = whole(option.keys.get("index", ""))
            taken.add(index if index is not None else next(n for n in range(len(taken) + 1) if n not in taken))
    return CD_PLACE in taken
