"""A QEMU command line to a profile."""
