"""From a profile to the QEMU command line, and what on it clashes."""
