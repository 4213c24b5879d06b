"""Devices of a running guest: PCI, buses, QOM, virtio, and where they are defined."""
