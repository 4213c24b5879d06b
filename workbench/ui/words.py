"""Sizes, times and line breaks as the screen writes them; widths rarely change, so that nothing moves."""

from __future__ import annotations

from workbench.domain.units import GIB, MIB


def short_size(size: int) -> str:
    """For a narrow column: ``512M``, ``1G``, ``1.5G``."""
    if size >= GIB:
        return f"{size / GIB:.1f}".rstrip("0").rstrip(".") + "G"
    return f"{size // MIB}M"


def uptime(seconds: float) -> str:
    """``45s``, ``3m``, ``2h05m``, ``3d04h``: coarse, so that it rarely changes."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86400:
        return f"{whole // 3600}h{whole // 60 % 60:02}m"
    return f"{whole // 86400}d{whole // 3600 % 24:02}h"


def broken(text: str, room: int, hang: int = 2) -> list[str]:
    """The text in lines of at most ``room`` columns, broken after a comma or space if possible; later lines are indented."""
    pieces: list[str] = []
    indent = ""
    while len(indent) + len(text) > room:
        most = room - len(indent)
        least = most // 4
        cut = max(text.rfind(",", least, most), text.rfind(" ", least, most)) + 1 or most
        pieces.append(indent + text[:cut])
        text, indent = text[cut:], " " * hang
    return [*pieces, indent + text]
