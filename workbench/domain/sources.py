"""Where a QOM type is defined in QEMU's source tree."""

from __future__ import annotations


def source_file(type_name: str, version: str = "") -> str:
    """The file in QEMU's source tree that defines a type; empty when it is not known here."""
    stem = type_name.removesuffix("-non-transitional").removesuffix("-transitional")
    return _SOURCES.get(stem, "")


_SOURCES = {
    "virtio-net-pci": "hw/virtio/virtio-net-pci.c",
    "virtio-net-device": "hw/net/virtio-net.c",
    "virtio-scsi-pci": "hw/virtio/virtio-scsi-pci.c",
    "virtio-scsi-device": "hw/scsi/virtio-scsi.c",
    "virtio-blk-pci": "hw/virtio/virtio-blk-pci.c",
    "virtio-blk-device": "hw/block/virtio-blk.c",
    "virtio-balloon-pci": "hw/virtio/virtio-balloon-pci.c",
    "virtio-balloon-device": "hw/virtio/virtio-balloon.c",
    "virtio-serial-pci": "hw/virtio/virtio-serial-pci.c",
    "virtio-serial-device": "hw/char/virtio-serial-bus.c",
    "virtio-rng-pci": "hw/virtio/virtio-rng-pci.c",
    "virtio-rng-device": "hw/virtio/virtio-rng.c",
    "virtio-gpu-pci": "hw/display/virtio-gpu-pci.c",
    "virtio-vga": "hw/display/virtio-vga.c",
    "virtio-9p-pci": "hw/virtio/virtio-9p-pci.c",
    "virtio-mem-pci": "hw/virtio/virtio-mem-pci.c",
    "virtio-crypto-pci": "hw/virtio/virtio-crypto-pci.c",
    "virtio-iommu-pci": "hw/virtio/virtio-iommu-pci.c",
    "virtio-keyboard-pci": "hw/virtio/virtio-input-pci.c",
    "virtio-mouse-pci": "hw/virtio/virtio-input-pci.c",
    "virtio-tablet-pci": "hw/virtio/virtio-input-pci.c",
    "vhost-vsock-pci": "hw/virtio/vhost-vsock-pci.c",
    "vhost-user-fs-pci": "hw/virtio/vhost-user-fs-pci.c",
    "virtio-pci-bus": "hw/virtio/virtio-pci.c",
    "virtconsole": "hw/char/virtio-console.c",
    "virtserialport": "hw/char/virtio-console.c",
    "scsi-hd": "hw/scsi/scsi-disk.c",
    "scsi-cd": "hw/scsi/scsi-disk.c",
    "pcie-root-port": "hw/pci-bridge/gen_pcie_root_port.c",
    "pci-bridge": "hw/pci-bridge/pci_bridge_dev.c",
    "pcie-pci-bridge": "hw/pci-bridge/pcie_pci_bridge.c",
    "q35-pcihost": "hw/pci-host/q35.c",
    "mch": "hw/pci-host/q35.c",
    "i440FX-pcihost": "hw/pci-host/i440fx.c",
    "i440FX": "hw/pci-host/i440fx.c",
    "ICH9-LPC": "hw/isa/lpc_ich9.c",
    "ICH9-SMB": "hw/i2c/smbus_ich9.c",
    "ich9-ahci": "hw/ide/ich.c",
    "PIIX3": "hw/isa/piix.c",
    "piix3-ide": "hw/ide/piix.c",
    "PIIX4_PM": "hw/acpi/piix4.c",
    "VGA": "hw/display/vga-pci.c",
    "nvme": "hw/nvme/ctrl.c",
    "qemu-xhci": "hw/usb/hcd-xhci-pci.c",
    "e1000": "hw/net/e1000.c",
    "e1000e": "hw/net/e1000e.c",
    "vfio-pci": "hw/vfio/pci.c",
    "pvpanic-pci": "hw/misc/pvpanic-pci.c",
    "edu": "hw/misc/edu.c",
    "isa-serial": "hw/char/serial-isa.c",
    "memory-backend-ram": "backends/hostmem-ram.c",
    "memory-backend-memfd": "backends/hostmem-memfd.c",
    "memory-backend-file": "backends/hostmem-file.c",
    "rng-random": "backends/rng-random.c",
    "rng-builtin": "backends/rng-builtin.c",
}
"""QOM type -> file, in QEMU 7.2 to 11.1; the bus that a device sits on has a file of its own beside the device's."""
