"""The host's hugepage pools as a table by page size and node, and which guest holds how much; for the zoomed host pane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from workbench.domain.units import mib, size_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.host.snapshot import HostSnapshot

HEADINGS = ("pages", "node", "total", "free", "reserved", "surplus")
NO_NUMBER = "\u2013"
HOLDERS = ("held by", "", "pages", "", "size", "")
COLUMN = 10
"""Columns of a number."""
NAME = 16
"""Columns of the first cell."""


def pool_table(host: HostSnapshot) -> list[Content]:
    """Counts of pages; a dash where the kernel has no number for a node."""
    lines = [_heading(HEADINGS)]
    for pool in host.pools:
        size = size_words(pool.page)
        free, reserved = f"{pool.free:,}", f"{pool.reserved:,}"
        lines.append(_row((size, "all", f"{pool.total:,}", free, reserved, f"{pool.surplus:,}")))
        lines += [
            _row(("", str(one.node), f"{one.total:,}", f"{one.free:,}", NO_NUMBER, NO_NUMBER)) for one in pool.nodes
        ]
    lines += [Content(""), _heading(HOLDERS)]
    before = len(lines)
    for pool in host.pools:
        held = 0
        for one in host.holders:
            if one.page == pool.page:
                held += one.size // pool.page
                pages = f"{one.size // pool.page:,}"
                lines.append(_row((one.guest, size_words(pool.page), pages, "", mib(one.size), "")))
        others = pool.total - pool.free - held
        if others > 0:
            size = mib(others * pool.page)
            lines.append(_row(("others", size_words(pool.page), f"{others:,}", "", size, "")))
    return lines if len(lines) > before else [*lines, Content("(unused)")]


def _heading(cells: Sequence[str]) -> Content:
    return Content.styled(_row(cells).plain, "$foreground-muted")


def _row(cells: Sequence[str]) -> Content:
    first, *rest = cells
    name = first if len(first) < NAME else f"{first[: NAME - 2]}…"
    return Content(f"{name:<{NAME}}" + "".join(f"{cell:>{COLUMN}}" for cell in rest))
