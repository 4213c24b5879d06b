"""The QEMU command lines in a shell script."""
