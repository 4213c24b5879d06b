"""The ledger as a small table: asked, held by the balloon, held by the host, and available as the guest's driver sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from workbench.domain.balloon.ledger import percent
from workbench.domain.units import in_mib, mib_span, pages_in, with_sign
from workbench.ui.common.columns import Column, grid

if TYPE_CHECKING:
    from workbench.domain.balloon.ledger import Entry, Ledger

DASH = "\u2013"
NAMES = 7
"""Columns of the screen for row names."""
CELL_MOST = 12
PAGES = 12
"""Columns for a number of pages, where there is room."""
READING = "reading"
"""In place of each figure that follows from the host's, while that is older than the balloon's last movement."""
UNUSED = "unused"
"""Short for *never used*: its last word alone would say the opposite."""
BRIEF_UNITS = 64
"""The width from which each figure of the short form has its unit."""
SIZE = 6
"""Minimum columns for a size: the names of all columns but the last fit."""
MUTED = "$foreground-muted"


def table(ledger: Ledger, width: int, *, tall: bool, paged: bool = False) -> Content:
    """One column for each of the four entries, one row for each time.

    :param tall: whether there is room for the values before; otherwise only now and the change are shown.
    :param paged: whether there is room for the pages below each size, where they do not fit beside it.
    """
    columns = [
        ("asked", ledger.asked, "$target"),
        ("held", ledger.held, "$actual"),
        ("host", ledger.host, "$resident"),
        (ledger.believed_as, ledger.believed, "$available"),
    ]
    beside = width >= pages_from(ledger.ram)
    count_width = _pages_width(ledger.ram, width) if beside else 0
    cell = max(1, min(CELL_MOST, (width - NAMES) // 4 - count_width))
    below = paged and not beside and len(with_sign(pages_in(ledger.ram))) < cell

    def rows(name: str, cells: list[tuple[str, str, str]]) -> list[Content]:
        parts: list[tuple[str, str]] = [(f"{name:<{NAMES}}", MUTED)]
        for size, count, style in cells:
            parts.append((f"{size:>{cell}}", style))
            if beside:
                parts.append((f"{count:>{count_width}}", MUTED))
        counts = "".join(f"{count:>{cell}}" for _, count, _ in cells)
        return [Content.assemble(*parts)] + [Content.styled(f"{'pages':<{NAMES}}{counts}", MUTED)] * below

    lines = rows("MiB", [(name if len(name) < cell else "avail", "pages", MUTED) for name, _, _ in columns])[:1]
    if tall:
        lines += rows("before", [_size(entry.before, style) for _, entry, style in columns])
    lines += rows("now", [_size(entry.now, f"bold {style}".strip()) for _, entry, style in columns])
    lines += rows("change", [_change(entry, style) for _, entry, style in columns])
    return Content("\n").join(lines)


def pages_from(ram: int) -> int:
    """Columns of the screen from which each size is shown in pages too, for a guest with so much RAM."""
    return NAMES + 4 * (max(SIZE, 1 + len(in_mib(ram, signed=True))) + _pages_least(ram))


def _pages_least(ram: int) -> int:
    return max(len("pages"), len(with_sign(pages_in(ram)))) + 2


def _pages_width(ram: int, width: int) -> int:
    return max(_pages_least(ram), PAGES if width >= NAMES + 4 * (PAGES + SIZE + 2) else 0)


def figures(ledger: Ledger, width: int) -> Content:
    """The figures derived from the four: signed where a loss is possible, bounds where only those are known."""
    reclaimed, unreturned, share = ledger.reclaimed, ledger.unreturned, ledger.yield_
    columns = [
        Column(
            "reclaimed",
            _unknown(ledger) if reclaimed is None else in_mib(reclaimed, signed=True),
            "bold $error" if ledger.loss else "",
        ),
        Column(
            "unreturned",
            _unknown(ledger) if unreturned is None else in_mib(unreturned),
            "bold $warning" if ledger.void else "",
        ),
        Column(
            "yield",
            _unknown(ledger) if share is None else f"{percent(share)} %",
            "bold $warning" if ledger.void else "",
        ),
        Column("never used", never_used(ledger), short=UNUSED),
    ]
    per_row = 4 if width >= 4 * 20 + 12 else 2
    return grid([columns[at : at + per_row] for at in range(0, len(columns), per_row)], width, fit=per_row)


def brief(ledger: Ledger, width: int) -> Content:
    """The main figures, where there is no room for the table."""
    unit = " MiB" if width >= BRIEF_UNITS else ""
    reclaimed, unreturned = ledger.reclaimed, ledger.unreturned
    given = unit if ledger.never_used is not None else ""

    def plain(size: int | None) -> str:
        return DASH if size is None else f"{in_mib(size)}{unit}"

    rows = [
        [
            Column("guest gave", plain(ledger.held.now)),
            Column("host holds", plain(ledger.host.now), "$resident"),
            Column(ledger.believed_as, plain(ledger.believed.now)),
        ],
        [
            Column(
                "reclaimed",
                _unknown(ledger) if reclaimed is None else f"{in_mib(reclaimed, signed=True)}{unit}",
                "bold $error" if ledger.loss else "",
            ),
            Column(
                "unreturned",
                _unknown(ledger) if unreturned is None else plain(unreturned),
                "bold $warning" if ledger.void else "",
            ),
            Column("never used" if unit else UNUSED, f"{never_used(ledger)}{given}", short=UNUSED),
        ],
    ]
    return grid(rows, width, least=16)


def _unknown(ledger: Ledger) -> str:
    return READING if ledger.reading else DASH


def never_used(ledger: Ledger) -> str:
    """Least and most MiB with a dash between them; one number where both round to the same."""
    least, most = ledger.never_used, ledger.never_used_most
    if least is None:
        return _unknown(ledger)
    if most is None:
        return f"\u2265 {in_mib(least)}"
    return mib_span(least, most)


def words(ledger: Ledger, most: int) -> Content:
    """What happened, in sentences; a loss and memory that neither side has are highlighted."""
    style = "bold $error" if ledger.loss else "$warning" if ledger.void else "$foreground-muted"
    sentences = ledger.words_of_change[:most]
    return Content("\n").join(
        Content.assemble((line, style if index == 0 else "$foreground-muted")) for index, line in enumerate(sentences)
    )


def _size(size: int | None, style: str) -> tuple[str, str, str]:
    return (DASH, DASH, "$foreground-muted") if size is None else (in_mib(size), f"{pages_in(size):,}", style)


def _change(entry: Entry, style: str) -> tuple[str, str, str]:
    change = entry.change
    if change is None:
        return DASH, DASH, "$foreground-muted"
    return in_mib(change, signed=True), with_sign(pages_in(change)), style
