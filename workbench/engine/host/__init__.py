"""This host: accelerator, hugepages, firmware, QEMU's programs and processes."""
