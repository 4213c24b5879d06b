"""PCI as reported by QEMU: addresses, ids and their names, base address registers, bridges.

Vendor and device ids are from QEMU's docs/specs/pci-ids.rst, include/hw/pci/pci_ids.h and the devices' own files.
"""

from __future__ import annotations

from msgspec import Struct

from workbench.domain.devices.virtio import NAMES as VIRTIO_NAMES

VIRTIO_VENDOR = 0x1AF4
"""Red Hat, Qumranet: every virtio device (PCI_VENDOR_ID_REDHAT_QUMRANET)."""

_TRANSITIONAL = {0x1000: 1, 0x1001: 2, 0x1002: 5, 0x1003: 3, 0x1004: 8, 0x1005: 4, 0x1009: 9, 0x1012: 19}
"""PCI id of a transitional device -> virtio device id (docs/specs/pci-ids.rst)."""
_MODERN = 0x1040
"""PCI id of a modern device - its virtio device id (virtio 1.2, 4.1.2.1)."""

VENDORS = {
    0x1000: "LSI", 0x1002: "ATI", 0x1011: "DEC", 0x1013: "Cirrus", 0x1022: "AMD", 0x1033: "NEC",
    0x104C: "Texas Instruments", 0x106B: "Apple", 0x10EC: "Realtek", 0x1234: "QEMU", 0x1274: "Ensoniq",
    0x15AD: "VMware", 0x1AF4: "Red Hat (virtio)", 0x1B36: "Red Hat (QEMU)", 0x8086: "Intel",
}  # fmt: skip

DEVICES = {
    (0x1000, 0x0012): "LSI 53C895A",
    (0x1000, 0x0054): "MPT SAS1068",
    (0x1000, 0x0060): "MegaRAID SAS",
    (0x1011, 0x0019): "Tulip",
    (0x1013, 0x00B8): "Cirrus VGA",
    (0x1022, 0x2000): "PCnet",
    (0x1022, 0x2020): "AM53C974",
    (0x1033, 0x0194): "NEC xHCI",
    (0x104C, 0x8232): "upstream port",
    (0x104C, 0x8233): "downstream port",
    (0x106B, 0x003F): "OHCI",
    (0x10EC, 0x8029): "NE2000",
    (0x10EC, 0x8139): "RTL8139",
    (0x1234, 0x1111): "VGA",
    (0x1234, 0x11E8): "edu",
    (0x1274, 0x5000): "ES1370",
    (0x15AD, 0x0405): "VMware SVGA",
    (0x15AD, 0x07B0): "VMXNET3",
    (0x15AD, 0x07C0): "PVSCSI",
    (0x1AF4, 0x1110): "ivshmem",
    (0x1B36, 0x0001): "PCI bridge",
    (0x1B36, 0x0002): "PCI serial",
    (0x1B36, 0x0005): "PCI test device",
    (0x1B36, 0x0007): "SDHCI",
    (0x1B36, 0x0008): "PCIe host bridge",
    (0x1B36, 0x0009): "PCI expander",
    (0x1B36, 0x000B): "PCIe expander",
    (0x1B36, 0x000C): "root port",
    (0x1B36, 0x000D): "xHCI",
    (0x1B36, 0x000E): "PCIe-PCI bridge",
    (0x1B36, 0x0010): "NVMe",
    (0x1B36, 0x0011): "pvpanic",
    (0x1B36, 0x0012): "ACPI ERST",
    (0x1B36, 0x0100): "QXL",
    (0x8086, 0x100E): "e1000",
    (0x8086, 0x10C9): "igb",
    (0x8086, 0x10D3): "e1000e",
    (0x8086, 0x1237): "host bridge",
    (0x8086, 0x2415): "AC97",
    (0x8086, 0x244E): "PCI bridge",
    (0x8086, 0x25AB): "i6300ESB",
    (0x8086, 0x2668): "ICH6 audio",
    (0x8086, 0x2918): "ISA bridge",
    (0x8086, 0x2922): "AHCI",
    (0x8086, 0x2930): "SMBus",
    (0x8086, 0x2934): "UHCI 1",
    (0x8086, 0x2935): "UHCI 2",
    (0x8086, 0x2936): "UHCI 3",
    (0x8086, 0x293A): "EHCI",
    (0x8086, 0x293E): "ICH9 audio",
    (0x8086, 0x29C0): "host bridge",
    (0x8086, 0x3420): "root port",
    (0x8086, 0x7000): "ISA bridge",
    (0x8086, 0x7010): "IDE",
    (0x8086, 0x7020): "UHCI",
    (0x8086, 0x7113): "ACPI",
}

_CLASSES = {
    0x00: "Unclassified device", 0x01: "Storage controller", 0x02: "Network controller", 0x03: "Display controller",
    0x04: "Multimedia device", 0x05: "Memory controller", 0x06: "Bridge", 0x07: "Communication controller",
    0x08: "System peripheral", 0x09: "Input device", 0x0B: "Processor", 0x0C: "Serial bus controller",
    0x0D: "Wireless controller", 0x10: "Encryption controller", 0x12: "Processing accelerator", 0xFF: "Other device",
}  # fmt: skip
"""Base class -> name (PCI Code and ID Assignment Specification, 1)."""


class PciAddress(Struct, frozen=True, order=True):
    """The current address of a function. The guest's firmware assigns bus numbers, and they can change at a reset."""

    bus: int
    slot: int
    function: int

    def __str__(self) -> str:
        return f"{self.bus:02x}:{self.slot:02x}.{self.function:x}"

    @property
    def devfn(self) -> int:
        """Slot and function as one number, as in QEMU's ``addr`` property."""
        return self.slot << 3 | self.function


class Bar(Struct, frozen=True):
    """One base address register."""

    index: int
    """0 to 5; 6 is the expansion ROM."""
    kind: str
    """``memory`` or ``io``."""
    size: int
    """Bytes."""
    address: int | None
    """Address in the guest's memory or I/O space; None while it is not mapped."""
    prefetchable: bool = False
    wide: bool = False
    """A 64-bit register, which takes two slots."""

    @property
    def manner(self) -> str:
        """Attributes of a memory BAR in words; empty for plain 32-bit memory and for I/O."""
        return " ".join(word for word, is_so in (("64-bit", self.wide), ("prefetchable", self.prefetchable)) if is_so)


class Window(Struct, frozen=True):
    """An address range that a bridge forwards; closed when its end is below its start."""

    kind: str
    """``io``, ``memory`` or ``prefetchable``."""
    start: int
    end: int
    """The last address, inclusive."""

    @property
    def is_open(self) -> bool:
        return self.end > self.start


class Bridge(Struct, frozen=True):
    """The buses and windows behind a bridge."""

    secondary: int
    subordinate: int
    windows: tuple[Window, ...] = ()


def virtio_device_id(vendor: int, device: int) -> int | None:
    """The virtio device id for a pair of PCI ids (5 is a balloon); None for other devices."""
    if vendor != VIRTIO_VENDOR:
        return None
    if _MODERN < device < _MODERN + 0x40:
        return device - _MODERN
    return _TRANSITIONAL.get(device)


def device_name(vendor: int, device: int, class_name: str) -> str:
    """The name of a device: by its ids if they are in the tables here, otherwise by its class."""
    virtio = virtio_device_id(vendor, device)
    if virtio is not None:
        return VIRTIO_NAMES.get(virtio, f"virtio device {virtio}")
    return DEVICES.get((vendor, device)) or class_name


def class_name(code: int, description: object = None) -> str:
    """The class in words: QEMU's description if there is one, otherwise the base class.

    :param code: base class and subclass, 16 bits.
    """
    if isinstance(description, str) and description:
        return description
    return _CLASSES.get(code >> 8, f"class {code:04x}")
