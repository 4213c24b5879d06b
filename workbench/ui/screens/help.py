"""Every key, by pane, with what it does: made from the bindings themselves, so that it cannot be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.dom import DOMNode
    from textual.screen import Screen

SECTIONS = (
    ("Everywhere", ""),
    ("Guests", "#guests"),
    ("Balloon", "#balloon"),
    ("QMP console", "#qmp"),
    ("Serial console", "#console"),
    ("Devices", "#devices"),
)
KEY_WIDTH = 14
WORDS = """The balloon
  target     RAM that the guest should have: you set it
  actual     RAM that it has now: its driver reports it
  diff       actual \u2212 target; in pages of 4 KiB it is what the guest's driver computes in towards_target()
  inflate    the guest gives pages to its balloon, and the host gets them back
  unreturned what the guest gave up and the host still holds (hugepages, locked memory)"""


class HelpScreen(ModalScreen[None]):
    """Scrolls; escape or ? closes it."""

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        & > VerticalScroll {
            width: 92; max-width: 96%; height: auto; max-height: 92%; padding: 1 2;
            background: $surface; border: round $primary;
        }
        & Static { height: auto; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "Close", id="help.close", tooltip="Close the help"),
    ]

    def __init__(self, main: Screen[None]) -> None:
        super().__init__()
        self._main = main

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = "Keys"
            yield Static(self._text(), markup=False)

    def _text(self) -> Content:
        lines: list[Content] = []
        for title, selector in SECTIONS:
            nodes: list[DOMNode] = [self._main.query_one(selector)] if selector else [self._main, self.app]
            bindings = [binding for node in nodes for binding in own_bindings(node)]
            if not bindings:
                continue
            lines.append(Content.styled(title, "bold"))
            for binding in bindings:
                key, words = self.app.get_key_display(binding), binding.tooltip or binding.description
                if binding.id and binding.id.startswith("balloon.tenth-"):
                    if not binding.id.endswith("-1"):
                        continue  # one line for the nine
                    key, words = "1\u20269", "Stage 10 % \u2026 90 % of the guest's RAM"
                lines.append(Content.assemble((f"  {key:<{KEY_WIDTH}}", "$accent"), words))
            lines.append(Content(""))
        return Content("\n").join([*lines, *(Content(line) for line in WORDS.splitlines())])


def own_bindings(node: DOMNode) -> list[Binding]:
    """The bindings of a node that have an id, and so can be moved by the user; one line for keys that do the same."""
    found: dict[str, Binding] = {}
    for bindings in node._bindings.key_to_bindings.values():
        for binding in bindings:
            if binding.id and binding.id not in found:
                found[binding.id] = binding
    return list(found.values())
