"""Where a QOM type is defined in QEMU's source tree."""

from __future__ import annotations

import re
from functools import cache

from workbench.domain.devices.source_table import TABLE

SEEN = ((5, 2), (7, 2), (10, 0))
"""The versions whose sources the table was read from."""
CHECKED = (11, 1)
"""The version whose binary was searched for file names: it contains every file of the table except :data:`NAMELESS`, which
no binary names, so that nothing is known about them."""
NAMELESS = frozenset({
    "authz/pamacct.c", "backends/cryptodev-lkcf.c", "backends/rng.c", "chardev/char-console.c", "chardev/char-null.c",
    "chardev/char-win-stdio.c", "chardev/char-win.c", "chardev/spice.c", "hw/core/irq.c", "hw/display/i2c-ddc.c",
    "hw/display/qxl.c", "hw/display/virtio-gpu-pci-gl.c", "hw/display/virtio-vga-gl.c", "hw/i2c/core.c",
    "hw/ide/ide-bus.c", "hw/input/virtio-input-hid.c", "hw/isa/piix.c", "hw/net/ne2000-pci.c", "hw/net/tulip.c",
    "hw/9pfs/virtio-9p-device.c", "hw/pci-bridge/i82801b11.c", "hw/sd/sdhci-pci.c", "hw/usb/dev-storage-bot.c",
    "hw/usb/hcd-ehci-pci.c", "hw/virtio/vhost-user-gpio.c", "hw/virtio/vhost-user-i2c.c",
    "hw/virtio/vhost-user-input.c", "hw/virtio/vhost-user-rng.c", "hw/virtio/virtio-pmem-pci.c", "qom/container.c",
    "hw/misc/sga.c", "hw/rdma/vmw/pvrdma_main.c", "softmmu/memory.c",
})  # fmt: skip
MOVED = {
    "IDE": (((7, 2), "hw/ide/qdev.c"),),
    "PIIX3": (((7, 2), "hw/isa/piix3.c"),),
    "ide-cd": (((7, 2), "hw/ide/qdev.c"),),
    "ide-hd": (((7, 2), "hw/ide/qdev.c"),),
    "isa-fdc": (((5, 2), "hw/block/fdc.c"),),
    "ivshmem-doorbell": (((7, 2), "hw/misc/ivshmem.c"),),
    "ivshmem-plain": (((7, 2), "hw/misc/ivshmem.c"),),
    "kvmvapic": (((7, 2), "hw/i386/kvmvapic.c"),),
    "memory-region": (((7, 2), "softmmu/memory.c"),),
    "nvme": (((5, 2), "hw/block/nvme.c"),),
    "nvme-ns": (((5, 2), "hw/block/nvme-ns.c"),),
    "pvpanic": (((5, 2), "hw/misc/pvpanic.c"),),
    "usb-bot": (((5, 2), "hw/usb/dev-storage.c"),),
    "usb-storage": (((5, 2), "hw/usb/dev-storage.c"),),
    "vhost-user-input": (((7, 2), "hw/input/vhost-user-input.c"),),
}
"""Type -> the last version in which it was found in an older file, and that file."""
_FAMILIES = (
    (re.compile(r"pc-q35-.*-machine"), "hw/i386/pc_q35.c"),
    (re.compile(r"pc-i440fx-.*-machine"), "hw/i386/pc_piix.c"),
    (re.compile(r".*-(x86_64|i386)-cpu"), "target/i386/cpu.c"),
    (re.compile(r"ICH9[- ]SMB"), "hw/i2c/smbus_ich9.c"),
)
"""Types whose names are composed by a macro, or contain a space."""


def source_file(type_name: str, version: str = "") -> str:
    """The file that defines a type; empty when unknown.

    A file that was verified only in an older version is marked: ``hw/isa/piix.c (in 10.0)``. For a version between two of
    :data:`SEEN` between which the type moved, both files are named.

    :param version: QEMU's version, such as ``7.2.22``; empty for the newest in the table.
    """
    now = _known().get(type_name) or _known().get(_plain(type_name)) or _family(type_name)
    number = _number(version)
    if not now or not number:
        return now
    place = now
    for until, old in reversed(MOVED.get(type_name, ())):
        if number <= until:
            place = old
        elif not any(until < seen <= number for seen in SEEN):
            place = f"{now} or {old}"
    if number > SEEN[-1] and place in NAMELESS:
        return f"{place} (in 10.0)"
    return f"{place} (in 11.1)" if number > CHECKED else place


def _plain(type_name: str) -> str:
    """A virtio PCI type without its suffix: all variants are registered together (hw/virtio/virtio-pci.c)."""
    return type_name.removesuffix("-non-transitional").removesuffix("-transitional").removesuffix("-base")


def _family(type_name: str) -> str:
    return next((file for pattern, file in _FAMILIES if pattern.fullmatch(type_name)), "")


def _number(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")[:2] if part.isdecimal()]
    return tuple(numbers) if len(numbers) == 2 else ()


@cache
def _known() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in TABLE.replace("\n ", "").split("\n"):
        file, *types = line.split() if line else ("",)
        found |= dict.fromkeys(types, file)
    return found
