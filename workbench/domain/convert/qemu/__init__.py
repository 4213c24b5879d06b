"""Import a QEMU command line as a profile."""
