"""QEMU's command line: built from a profile, parsed, and checked for conflicts."""
