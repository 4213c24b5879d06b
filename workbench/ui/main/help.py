"""The help screen: every key by pane, generated from the bindings."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from workbench.ui.keys.names import keys_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    ("Host", "#host"),
)
KEY_WIDTH = 10
ID_WIDTH = 20
TERMS = {
    "target": "RAM that the guest should have; you set it",
    "actual": "RAM that it has now, as its driver reports",
    "diff": "actual \u2212 target; in 4 KiB pages, what the guest's driver computes in towards_target()",
    "inflate": "the guest gives pages to its balloon, and the host gets them back",
    "deflate": "the guest takes pages back from its balloon",
    "unreturned": "memory that the guest gave up and the host still holds (hugepages, locked memory)",
}


class HelpScreen(ModalScreen[None]):
    """Scrolls; esc, ? or q closes it."""

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        & > VerticalScroll {
            width: 92; max-width: 96%; height: auto; max-height: 92%; padding: 1 2;
            background: $surface; border: round $primary;
        }
        & Static { height: auto; width: 1fr; }
        & Horizontal { height: auto; }
        & .help-word { width: 14; }
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
            yield Static(Content("\n").join(self._keys()), markup=False)
            yield Static(Content.styled("Balloon terms", "bold"), markup=False)
            for word, meaning in TERMS.items():
                with Horizontal():
                    yield Static(Content.styled(f"  {word}", "$accent"), classes="help-word", markup=False)
                    yield Static(meaning, markup=False)

    def _keys(self) -> list[Content]:
        lines: list[Content] = []
        for title, selector in SECTIONS:
            roots = [self._main.query_one(selector)] if selector else [self._main, self.app]
            lines += self._section(title, bindings_of(roots, below=bool(selector)))
        for title, bindings in window_bindings().items():
            lines += self._section(title, bindings)
        return lines

    def _section(self, title: str, bindings: Mapping[str, Binding]) -> list[Content]:
        lines = [Content.styled(title, "bold")]
        for binding in bindings.values():
            key, words = self._key_of(binding), binding.tooltip or binding.description
            if str(binding.id).startswith("balloon.tenth-"):
                if binding.id != "balloon.tenth-1":
                    continue  # one line for all nine
                key, words = "1\u20269", "Stage 10 % \u2026 90 % of the guest's RAM"
            name = (f"{binding.id:<{ID_WIDTH}}", "$foreground-muted")
            lines.append(Content.assemble((f"  {key:<{KEY_WIDTH}}", "$accent"), name, words))
        return [*lines, Content("")]

    def _key_of(self, binding: Binding) -> str:
        """The binding's current key; the user may have changed it."""
        return keys_of(str(binding.id), self.app.get_key_display(binding))


def bindings_of(roots: Sequence[DOMNode], *, below: bool) -> dict[str, Binding]:
    """The bindings with an id, by id; several keys of one binding count once.

    :param below: include the widgets inside the roots.
    """
    found: dict[str, Binding] = {}
    nodes = [node for root in roots for node in ([root, *root.walk_children()] if below else [root])]
    for node in nodes:
        for bindings in node._bindings.key_to_bindings.values():
            for binding in bindings:
                if binding.id:
                    found.setdefault(binding.id, binding)
    return found


def window_bindings() -> dict[str, dict[str, Binding]]:
    """The keys of the screens that open over the main screen, by title."""
    from workbench.ui.editor.form import FormList
    from workbench.ui.editor.problem_list import ProblemList
    from workbench.ui.editor.screen import EditorScreen
    from workbench.ui.editor.text_area import ProfileArea
    from workbench.ui.hotplug.form import PlugForm
    from workbench.ui.rebalance.screen import RebalanceScreen

    windows: dict[str, tuple[type[DOMNode], ...]] = {
        "Rebalance": (RebalanceScreen,),
        "Editor": (EditorScreen, ProfileArea, FormList, ProblemList),
        "Plug in": (PlugForm,),
    }
    return {
        title: {str(binding.id): binding for node in nodes for binding in node.BINDINGS if isinstance(binding, Binding)}
        for title, nodes in windows.items()
    }


def binding_ids(main: Screen[object]) -> set[str]:
    """Every id that can be used in keys.toml."""
    windows = set().union(*window_bindings().values())
    return set(bindings_of([main, main.app], below=False)) | set(bindings_of([main], below=True)) | windows
