"""The views of the device tree: PCI, buses, QOM, virtio."""
