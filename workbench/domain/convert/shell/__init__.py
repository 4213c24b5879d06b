"""Find the QEMU command lines in a shell script."""
