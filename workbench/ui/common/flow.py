"""Facts beside each other, as many as fit on a line."""

from __future__ import annotations

from textual.content import Content


def flow(parts: list[Content], width: int) -> Content:
    """Parts beside each other, each on a new line where it does not fit any more: none is cut or torn."""
    lines: list[Content] = []
    for part in parts:
        if lines and lines[-1].cell_length + 2 + part.cell_length <= width:
            lines[-1] = Content.assemble(lines[-1], "  ", part)
        else:
            lines.append(part)
    return Content("\n").join(lines)
