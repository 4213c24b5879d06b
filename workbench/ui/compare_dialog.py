"""How two profiles differ, in a window: their keys, and QEMU's options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from workbench.domain.compare import settings_words
from workbench.ui.dialogs import Dialog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.compare import Change
    from workbench.domain.compare_keys import Comparison, KeyChange

MUTED = "$foreground-muted"
MARKS = {"+": ("+ ", "$success"), "-": ("\u2212 ", "$error"), "~": ("~ ", "$accent")}


class CompareDialog(Dialog):
    """Scrolls; closed by its button."""

    DEFAULT_CSS = """
    CompareDialog {
        & > Vertical { width: 116; }
        & VerticalScroll { max-height: 75vh; }
    }
    """

    def __init__(self, title: str, found: Comparison, *, runs: bool) -> None:
        """:param runs: whether it is held against the guest that runs."""
        super().__init__(title, Content("\n").join(lines(found, runs=runs)), [("ok", "OK", "primary")])


def lines(found: Comparison, *, runs: bool) -> Iterator[Content]:
    """The keys that differ, then the options."""
    if not found:
        yield Content("They say the same." if not runs else "A restart would change nothing.")
        return
    if runs:
        yield Content("All of it takes effect at the next start: a guest keeps the profile that it was started with.")
        yield Content("")
    width = max((len(key.key) for key in found.keys), default=0)
    if found.keys:
        yield Content.styled("Keys of the profile", "bold")
        for key in found.keys:
            yield _key_line(key, width)
    if found.keys and found.options:
        yield Content("")
    if found.options:
        yield Content.styled("Options of QEMU", "bold")
        for change in found.options:
            yield _option_line(change, found.keys_of(change))
    elif found.keys:
        yield Content("")
        yield Content.styled("QEMU's options are the same.", MUTED)


def _key_line(key: KeyChange, width: int) -> Content:
    words = "  no option: the workbench's own" if key.no_option else ""
    values = Content.assemble((key.one, MUTED), (" \u2192 ", MUTED), key.other)
    return Content.assemble(MARKS[key.mark], f"{key.key:<{width}}  ", values, (words, MUTED))


def _option_line(change: Change, keys: tuple[str, ...]) -> Content:
    made = change.other or change.one
    mark = MARKS["~" if change.one and change.other else "+" if change.other else "-"]
    words = change.words or (settings_words(made) if made else "")
    return Content.assemble(mark, change.name, "  ", words, (f"  {', '.join(keys)}" if keys else "", MUTED))
