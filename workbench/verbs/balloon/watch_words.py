"""One line for each guest: in columns, and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from workbench.domain.guest.lifecycle import Silence
from workbench.domain.text import visible
from workbench.domain.units import in_mib
from workbench.verbs.balloon.words import balloon_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.guest.snapshot import GuestSnapshot

COLUMNS = ("NAME", "STATE", "TARGET", "ACTUAL", "DIFF", "RATE", "AVAIL", "RESIDENT", "UNRETURNED", "")
WORDS = frozenset({0, 1, 9})
"""Columns of text, left-aligned; the others are numbers in MiB, right-aligned."""
LEAST = (4, 9, 6, 6, 6, 6, 6, 8, 10, 0)
"""Minimum width of each column, so that columns seldom move."""
NONE = "-"
HELD = "another command holds its monitor, or QEMU is busy"
"""Why a guest was not read, short enough for a line of 80 columns."""
ENDED = "its QEMU has ended"


def table(seen: Sequence[GuestSnapshot], width: int | None = None) -> list[str]:
    """A heading, and a line for each guest. Sizes are in MiB, the rate in MiB/s.

    :param width: columns of the terminal; causes go below the table if one does not fit on its line.
    """
    rows = [_row(one) for one in seen]
    lines = _lines(rows)
    if width is None or all(cell_len(line) <= width or not row[-1] for line, row in zip(lines[1:], rows, strict=True)):
        return lines
    full = [row for row in rows if len(row) == len(COLUMNS)]
    causes = [f"{row[0]}: {row[-1]}" for row in full if row[-1]]
    return [*_lines([(*row[:-1], "") if row in full else row for row in rows]), *causes]


def _lines(guests: Sequence[tuple[str, ...]]) -> list[str]:
    rows = [COLUMNS, *guests]
    full = [row for row in rows if len(row) == len(COLUMNS)]
    widths = [max(least, *(cell_len(row[at]) for row in full)) for at, least in enumerate(LEAST)]
    widths[0] = max(cell_len(row[0]) for row in rows)
    return ["  ".join(_cell(text, widths[at], at) for at, text in enumerate(row)).rstrip() for row in rows]


def _cell(text: str, width: int, column: int) -> str:
    if cell_len(text) > width:
        return text
    return set_cell_size(text, width) if column in WORDS else " " * (width - cell_len(text)) + text


def cut(line: str, width: int) -> str:
    """Cut a line to ``width`` cells; a wide character that does not fit is left out."""
    return line if cell_len(line) <= width else set_cell_size(line, width).rstrip()


def _row(guest: GuestSnapshot) -> tuple[str, ...]:
    balloon = guest.balloon
    if balloon is None or not guest.answering:
        ended = not guest.phase.alive
        # The reason takes the place of the numbers: further right a narrow terminal would cut it off.
        return visible(guest.name), "ended" if ended else "unknown", "" if ended else visible(trouble_of(guest))
    reading, host, stats = balloon.reading, balloon.host, balloon.stats
    return (
        visible(guest.name),
        balloon.verdict.state.value,
        _known(reading.target if reading else None),
        _known(reading.actual if reading else None),
        _known(reading.diff if reading else None, signed=True),
        # If the guest moved and settled between two reads, the rate is out of date.
        _known(round(balloon.rate) if reading and reading.diff else 0, signed=True),
        _known(stats.available if stats else None),
        _known(host.resident if host else None),
        _known(balloon.unreturned),
        visible(balloon.verdict.cause),
    )


def _known(size: int | None, *, signed: bool = False) -> str:
    return NONE if size is None else in_mib(size, signed=signed)


def trouble_of(guest: GuestSnapshot) -> str:
    """Why a guest was not read; empty if it was."""
    if not guest.phase.alive:
        return ENDED
    return HELD if guest.silence is Silence.OCCUPIED else guest.trouble


def row_object(guest: GuestSnapshot, when: float) -> dict[str, object]:
    """The output of ``balloon --json`` with the time, or the reason why the guest was not read.

    :param when: Unix time.
    """
    head: dict[str, object] = {"time": round(when, 3), "guest": guest.name, "trouble": trouble_of(guest)}
    if guest.balloon is None or not guest.answering:
        return {**head, "state": None if guest.phase.alive else "ended"}
    return {**head, **balloon_object(guest)}


def json_line(guest: GuestSnapshot, when: float) -> str:
    return json.dumps(row_object(guest, when), ensure_ascii=False)
