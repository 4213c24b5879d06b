"""Devices of a running guest: PCI, buses, QOM, virtio, and their source files in QEMU."""
