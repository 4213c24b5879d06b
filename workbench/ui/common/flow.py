"""Parts of text side by side, as many as fit on a line."""

from __future__ import annotations

from textual.content import Content


def flow(parts: list[Content], width: int) -> Content:
    """Parts side by side, each on a new line where it no longer fits; no part is cut or split."""
    lines: list[Content] = []
    for part in parts:
        if lines and lines[-1].cell_length + 2 + part.cell_length <= width:
            lines[-1] = Content.assemble(lines[-1], "  ", part)
        else:
            lines.append(part)
    return Content("\n").join(lines)
