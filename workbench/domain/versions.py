"""Versions of QEMU as numbers that can be compared."""

from __future__ import annotations

NEWEST = (99, 0)


def version_of(text: str) -> tuple[int, int]:
    """``(7, 2)`` of a QEMU that says it is ``7.2.22``; the newest path for one that says nothing."""
    numbers = [int(part) for part in text.split(".")[:2] if part.isdecimal()]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else NEWEST
