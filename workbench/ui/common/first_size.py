"""Sets a screen's breakpoint classes before its first layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.screen import Screen


def size_screen(screen: Screen[Any]) -> None:
    """Give a screen the classes of its breakpoints before it is laid out.

    Textual sets them at the first Resize, after it has laid out and drawn the screen without them (textual:
    ``Screen._on_resize``): one frame in the wrong layout, and three more to fix it.
    """
    size = screen.app.size
    for breakpoints, length in (
        (screen.HORIZONTAL_BREAKPOINTS, size.width),
        (screen.VERTICAL_BREAKPOINTS, size.height),
    ):
        fitting = [name for least, name in sorted(breakpoints or ()) if length >= least]
        screen.add_class(*fitting[-1:])
