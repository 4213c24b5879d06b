"""Plain text for the screen: cut or wrapped to a width, with its control characters made visible. Independent of Textual."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

_BREAKS_AND_DIRECTIONS = (0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROL = (
    {code: 0x2400 + code for code in range(0x20)}
    | {0x7F: 0x2421}
    | dict.fromkeys((*range(0x80, 0xA0), *_BREAKS_AND_DIRECTIONS), 0xFFFD)
)


def cut(text: str, width: int) -> str:
    """At most ``width`` cells, with an ellipsis if something was cut."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)) + "…" if width > 0 else ""


def hanging(text: str, width: int) -> list[str]:
    """A text in lines of at most ``width`` cells, broken after a space, slash or comma if possible."""
    lines = []
    while cell_len(text) > width:
        end = len(set_cell_size(text, width).rstrip()) or 1
        good = max(text.rfind(mark, 0, end) for mark in " /,") + 1
        end = good if good > end // 3 else end
        lines.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*lines, text]


def clean(text: str) -> str:
    """Text of a guest or of QEMU with its control characters made visible, so that they cannot move the cursor."""
    return text if text.isascii() and text.isprintable() else text.translate(_CONTROL)
