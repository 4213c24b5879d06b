"""Import and export of QEMU command lines, shell scripts and libvirt domains."""
