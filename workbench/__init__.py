"""A terminal workbench for people who run QEMU themselves."""

# A constant, not importlib.metadata: reading the metadata takes longer than the rest of `--version`.
__version__ = "0.1.0"
