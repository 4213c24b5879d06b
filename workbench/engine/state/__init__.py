"""The state directory of a running guest, and whether its QEMU is alive."""
