"""The help window of a QMP command: its schema and QEMU's manual."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from workbench.domain.qmp.command_help import arguments, command_in, features, given_in, returns
from workbench.domain.qmp.manual import Paragraph, Shape
from workbench.domain.text import visible
from workbench.ui.common.hanging_text import HangingText

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from workbench.domain.qmp.command_help import HelpLine
    from workbench.domain.qmp.schema import Schema
    from workbench.ui.common.hanging_text import Hung

    Manual = Callable[[str], Awaitable[Sequence[Paragraph]]]

FORMS = (
    ("balloon value=256M", "key=value, types from the schema; a.b=c sets a struct member"),
    ('balloon {"value": 268435456}', "the arguments as a JSON object"),
    ('{"execute": "balloon", "arguments": {\N{HORIZONTAL ELLIPSIS}}}', "a whole QMP command"),
    ("!info mtree -f", "a human monitor (HMP) command"),
)
MUTED = "$foreground-muted"
BLANK: Hung = (Content(""), 0)


class CommandHelp(ModalScreen[None]):
    """A scrolling window, closed by escape; the typed line is kept."""

    DEFAULT_CSS = """
    CommandHelp {
        align: center middle;
        & > VerticalScroll {
            width: 100; max-width: 96%; height: auto; max-height: 92%; padding: 1 2;
            background: $surface; border: round $primary;
        }
        & HangingText { height: auto; width: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,question_mark", "dismiss", "Close", id="qmp.help-close", tooltip="Close the help"),
    ]

    def __init__(self, command: str, schema: Schema | None, manual: Manual | None, line: str = "") -> None:
        """
        :param command: empty for help on the console.
        :param schema: None while unknown.
        :param manual: returns a command's part of QEMU's manual.
        :param line: the typed line: its arguments decide which others apply (the branches of a union).
        """
        super().__init__()
        self._command = command
        self._schema = schema
        self._manual = manual
        self._line = line
        self._lines: list[Hung] = []

    @property
    def text(self) -> str:
        """The whole text."""
        return "\n".join([self._title, *(line.plain for line, _ in self._lines)])

    @property
    def _title(self) -> str:
        return visible(self._command) or "QMP console"

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = Content(self._title)
            box.border_subtitle = Content("esc closes")
            yield HangingText(id="command-schema")
            yield HangingText(id="command-manual")

    def on_mount(self) -> None:
        known = self._schema is not None and self._command in self._schema.commands
        lines = list(self._of_schema() if known else self._of_nothing())
        self._lines += lines
        self.query_one("#command-schema", HangingText).show(lines)
        if known and self._manual is not None:
            self._read_manual(self._manual)

    @work(group="manual", exclusive=True)
    async def _read_manual(self, manual: Manual) -> None:
        lines = [BLANK, *(line for one in await manual(self._command) for line in _paragraph(one))]
        self._lines += lines
        self.query_one("#command-manual", HangingText).show(lines)

    def _of_schema(self) -> Iterator[Hung]:
        assert self._schema is not None
        for feature in features(self._schema, self._command):
            yield Content.styled(feature, "$warning"), 0
        given = given_in(self._line, self._schema) if command_in(self._line) == self._command else None
        lines = arguments(self._schema, self._command, given)
        yield Content.styled("Arguments" if lines else "No arguments", "bold"), 0
        yield from table(lines)
        words, members = returns(self._schema, self._command)
        yield BLANK
        yield Content.assemble(("Returns", "bold"), f" {words}"), 0
        yield from table(members)

    def _of_nothing(self) -> Iterator[Hung]:
        """Help on the console, or the text for a command that this QEMU does not have."""
        if self._command and self._schema is None:
            yield Content("QEMU's commands are not known yet."), 0
            return
        if self._schema is not None and self._command:
            near = self._schema.nearest(self._command)
            yield Content(f"This QEMU has no command {self._title}."), 0
            if near:
                yield Content(f"Did you mean {', '.join(near)}?"), 0
            return
        width = max(len(form) for form, _ in FORMS) + 2
        for form, meaning in FORMS:
            yield Content.assemble((form.ljust(width), "$accent"), meaning), width
        if self._schema is not None:
            yield BLANK
            yield (
                Content(
                    f"This QEMU has {len(self._schema.commands)} commands. Type one and press F1 or ? for its help."
                ),
                0,
            )


def table(lines: Sequence[HelpLine]) -> Iterator[Hung]:
    """Names in one column, and beside each what it is."""
    width = max((2 * line.level + len(line.name) for line in lines), default=0) + 2
    for line in lines:
        name = f"{'  ' * line.level}{visible(line.name)}".ljust(width)
        style = "$warning" if line.warned else MUTED
        yield Content.assemble(("  " + name, "$accent"), (visible(line.detail), style)), 2 + width


def _paragraph(one: Paragraph) -> Iterator[Hung]:
    text = " " * one.indent + visible(one.text)
    if one.shape is Shape.HEADING:
        yield BLANK
        yield Content.styled(text, "bold"), one.indent
        return
    hang = 2 if one.text.startswith("\N{BULLET} ") or one.shape is Shape.CODE else 0
    yield Content.styled(text, {Shape.TERM: "$accent", Shape.CODE: MUTED}.get(one.shape, "")), one.indent + hang
