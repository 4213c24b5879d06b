"""QEMU versions as comparable numbers."""

from __future__ import annotations

NEWEST = (99, 0)


def version_of(text: str) -> tuple[int, int]:
    """``(7, 2)`` for ``7.2.22``; :data:`NEWEST` if the text has no version."""
    numbers = [int(part) for part in text.split(".")[:2] if part.isdecimal()]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else NEWEST
