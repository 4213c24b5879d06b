"""Lines drawn with braille dots: two columns and four rows of dots in each cell, one colour per cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.balloon.history.samples import Column

BLANK = 0x2800
"""U+2800 BRAILLE PATTERN BLANK; the dots are the bits above it."""
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot, by row and column (Unicode 15, 8.7 Braille Patterns)."""
_LEFT, _RIGHT = (
    [sum(_DOTS[row][side] for row in range(4) if rows >> row & 1) for rows in range(16)] for side in range(2)
)
"""The bits of a cell's left and right column of dots, by which of its four rows are set: bit 0 is the top row."""
_CHARACTERS = [" ", *(chr(BLANK + bits) for bits in range(1, 256))]
NO_OWNER = 0xFF
"""The owner of an empty cell."""
DASH = 2
"""Cells per dash where two series alternate."""


class Row(NamedTuple):
    """One line of cells."""

    text: str
    owners: bytes
    """For each cell the index of the series whose colour it has; :data:`NO_OWNER` for an empty one."""


def draw(
    series: Sequence[Sequence[Column]], *, width: int, height: int, low: float, high: float, turns: int = 1
) -> list[Row]:
    """Rows of cells for several series, drawn as steps.

    :param series: for each series ``2 * width`` values from left to right, one for each column of dots: the least, the most
        and the last; None leaves a gap. Where two series share a cell, the first one gives the colour.
    :param low: the value at the bottom row of dots.
    :param high: the value at the top row of dots; above ``low``.
    :param turns: how many of the first series alternate, in dashes, where they share cells, so that none hides another.
    """
    left, right = _LEFT, _RIGHT  # locals for the innermost loop
    masks = [_masks(values, height * 4 - 1, low, high) for values in series]
    cells = [bytearray(width) for _ in range(height)]
    owners = [bytearray([NO_OWNER]) * width for _ in range(height)]
    for index, mask in enumerate(masks):
        for x in range(width):
            one, other = mask[2 * x], mask[2 * x + 1]
            rest = one | other
            # Counted from the left edge of the plot, so that dashes do not move.
            takes = index < turns and x // DASH % turns == index
            while rest:
                row = ((rest & -rest).bit_length() - 1) >> 2
                shift = 4 * row
                rest &= -16 << shift
                cells[row][x] |= left[one >> shift & 15] | right[other >> shift & 15]
                if takes or owners[row][x] == NO_OWNER:
                    owners[row][x] = index
    texts = ("".join(map(_CHARACTERS.__getitem__, row)) for row in cells)
    return [Row(text, bytes(owner)) for text, owner in zip(texts, owners, strict=True)]


def _masks(values: Sequence[Column], bottom: int, low: float, high: float) -> list[int]:
    """For each column the rows of dots that are set: bit 0 is the top row, ``bottom`` the lowest."""
    scale = bottom / (high - low)
    masks = []
    before: int | None = None
    known: Column = None
    mask, last = 0, 0
    for value in values:
        if value is None:
            masks.append(0)
            before = known = None
            continue
        if value is not known or before != last:
            least, most, end = value
            top = bottom - round((most - low) * scale)
            foot = top if least == most else bottom - round((least - low) * scale)
            last = top if end == most else foot if end == least else bottom - round((end - low) * scale)
            if top < 0 or foot > bottom:  # beyond the edges
                top, foot, last = (min(max(at, 0), bottom) for at in (top, foot, last))
            if before is not None and before < top:  # join it to the previous value
                top = before + 1
            elif before is not None and before > foot:
                foot = before - 1
            mask = (1 << foot + 1) - (1 << top)
            joined = before is None or before == last
            known, before = (value if joined and least == most else None), last
        masks.append(mask)
    return masks
