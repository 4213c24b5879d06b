"""A change's path, live, from QEMU's trace events."""
