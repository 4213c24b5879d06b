"""The dialog that compares two profiles: their keys and their QEMU options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from workbench.domain.compare.drift import Kind
from workbench.domain.compare.options import settings_words
from workbench.ui.common.dialogs import Dialog
from workbench.ui.words import broken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.compare.keys import Comparison
    from workbench.domain.compare.options import Change

MUTED = "$foreground-muted"
NO_OPTION = "no QEMU option"
MARKS = {"+": ("+ ", "$success"), "-": ("\u2212 ", "$error"), "~": ("~ ", "$accent")}


class CompareDialog(Dialog):
    """A scrolling dialog, closed by its button."""

    DEFAULT_CSS = """
    CompareDialog {
        & > Vertical { width: 116; max-height: 95%; padding: 0 2; }
        & VerticalScroll { max-height: 70vh; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    }
    """

    def __init__(self, title: str, found: Comparison, *, runs: bool) -> None:
        """:param runs: whether the comparison is with the running guest."""
        super().__init__(title, Content(""), [("ok", "OK", "primary")])
        self._found = found
        self._runs = runs

    def on_resize(self) -> None:
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        width = self.query_one(VerticalScroll).scrollable_content_region.width
        self.query_one(VerticalScroll).query_one(Static).update(
            Content("\n").join(lines(self._found, width, runs=self._runs))
        )


def lines(found: Comparison, width: int, *, runs: bool) -> Iterator[Content]:
    """The keys that differ, then the options."""
    if found.unknown:
        yield Content.styled(f"Devices plugged or unplugged since the start are unknown: {found.unknown}", "$warning")
        yield Content("")
    if not found:
        if not runs:
            yield Content("No differences.")
            return
        known = ", as far as known" if found.unknown else ""
        yield Content(f"A restart changes no devices or options{known}. Values set at run time are lost.")
        return
    if runs:
        as_it = "was started" if found.unknown else "is now, hotplugged devices included"
        yield Content(f"Compared with the guest as it {as_it}. Changes take effect at the next start.")
        yield Content("")
    if found.keys:
        yield Content.styled("Profile keys", "bold")
        room = max(len(key.key) for key in found.keys)
        for key in found.keys:
            values = f"{key.one} \u2192 {key.other}"
            yield from _entry(key.mark, f"{key.key:<{room}}", values, NO_OPTION if key.no_option else "", width)
        yield Content("")
    if found.options:
        yield Content.styled("QEMU options", "bold")
        for change in found.options:
            keys = ", ".join(found.keys_of(change))
            yield from _entry(_mark(change), change.name, _words(change), keys, width)
    else:
        yield Content.styled("The QEMU options are the same.", MUTED)
    if found.others:
        yield Content("")
        yield Content.styled("Plugged or unplugged by another client since the start", "bold")
        for one in found.others:
            gone = one.kind is Kind.EXTRA
            words = "plugged in, gone after a restart" if gone else "unplugged, back after a restart"
            yield from _entry("-" if gone else "+", one.name, one.type, words, width)


def _entry(mark: str, name: str, words: str, note: str, width: int) -> Iterator[Content]:
    """One difference; what does not fit beside its name is indented below it."""
    head = f"{name}  "
    if len(f"  {head}{words}  {note}".rstrip()) <= width:
        yield Content.assemble(MARKS[mark], head, words, (f"  {note}" if note else "", MUTED))
        return
    beside = len(f"  {head}{words}") <= width
    pieces = [f"{head}{words}"] if beside else broken(f"{name.rstrip()}  {words}", width - 2, hang=4)
    for number, piece in enumerate(pieces):
        yield Content.assemble(MARKS[mark] if number == 0 else "  ", piece)
    if note:
        yield from (Content.styled(f"      {piece}", MUTED) for piece in broken(note, width - 6, hang=0))


def _mark(change: Change) -> str:
    return "~" if change.one and change.other else "+" if change.other else "-"


def _words(change: Change) -> str:
    made = change.other or change.one
    return change.words or (settings_words(made) if made else "")
