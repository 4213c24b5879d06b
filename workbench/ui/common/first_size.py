"""A screen that knows from its first picture on how large the terminal is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.screen import Screen


def size_screen(screen: Screen[Any]) -> None:
    """Give a screen the classes of its breakpoints before it is laid out.

    Textual sets them when the first Resize comes, after it has laid out and drawn the screen without them (textual:
    ``Screen._on_resize``): a picture in the wrong arrangement, and three more to mend it.
    """
    size = screen.app.size
    for breakpoints, length in (
        (screen.HORIZONTAL_BREAKPOINTS, size.width),
        (screen.VERTICAL_BREAKPOINTS, size.height),
    ):
        fitting = [name for least, name in sorted(breakpoints or ()) if length >= least]
        screen.add_class(*fitting[-1:])
