"""The Python API: :func:`workbench.open` for asyncio, and :func:`workbench.connect`, which blocks."""
