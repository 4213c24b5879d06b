"""Import and export: QEMU command lines, shell scripts, libvirt domains."""
