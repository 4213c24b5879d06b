"""Messages of a monitor laid out as lines: the time, a mark, and the message.

::

    14:02:11 ▸  balloon value=268435456                     action
    14:02:11 ◂  {}                                          0.4 ms
    14:02:11 ⚡ BALLOON_CHANGE actual=535822336
    14:02:14 ✗  DeviceNotFound: Device 'x' not found        0.2 ms
    14:02:19 ▹  !info mtree -f                              screen

Independent of widgets: an item and a width in, pieces with roles out.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, cast

from msgspec import Struct, field
from rich.cells import cell_len

from workbench.domain.qmp.record.record import HMP, Kind, Message, Origin, hmp_line
from workbench.domain.text import visible
from workbench.ui.keys.names import key_name
from workbench.ui.qmp.record.json_lines import Pieces, assignments, json_lines, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROLES = (
    "plain", "time", "muted", "label", "sent", "received", "event", "error", "mistake", "name",
    "key", "string", "number", "literal", "text",
)  # fmt: skip
"""Every role that a piece can have."""

LEAD = 12
"""Cells before the message: the time, a space, a mark of two cells, a space."""
LABEL = 11
"""Cells at the right for the latency or the origin of a command; hidden where the log is narrower than WITH_LABELS."""
WITH_LABELS = 60
SHORT = 24
"""Lines of a shortened reply."""
SHORT_SCREEN = 3
"""Lines of a shortened reply to the screen's own commands."""
ALL = 4000
"""Lines of a reply shown in full, at most."""


class Note(Struct, frozen=True):
    """A line of the console itself: a mistake in the typed line, an error."""

    time: float
    """Unix time in seconds."""
    message: str
    hint: str = ""
    typed: str = ""
    """The typed line; empty if the note is not about one."""
    span: tuple[int, int] = (0, 0)
    """Start and end of the mistake in it, in characters."""
    more: tuple[tuple[int, int], ...] = ()
    """Start and end of other mistakes in it."""


Item = Message | Note


class Layout(Struct):
    """An item as lines."""

    lines: list[Pieces] = field(default_factory=list)
    shortened: bool = False
    """Whether there is more than is shown."""


def lay_out(item: Item, width: int, *, whole: bool = False) -> Layout:
    """The lines of one item, none wider than ``width`` cells.

    :param whole: show all of it, up to ALL lines, not only its beginning.
    """
    label = _label(item) if width >= WITH_LABELS else ""
    room = max(width - LEAD, 20)
    limit = ALL if whole else SHORT_SCREEN if _is_polling(item) else SHORT
    body = list(islice(_body(item, room), limit + 1))
    if label and body and _cells(body[0]) > room - LABEL:
        # The label is at the end of the first line; all lines are made narrower only if it does not fit there.
        body = list(islice(_body(item, room - LABEL), limit + 1))
    shortened = len(body) > limit
    if shortened:
        body[limit:] = _prose(_more(item, whole), "muted", room)
    if _is_polling(item):
        body = [[(text, "muted") for text, _ in pieces] for pieces in body]
    margin: Pieces = [(" " * LEAD, "plain")]
    lines = [[*(margin if index else _lead(item)), *pieces] for index, pieces in enumerate(body or [[]])]
    if label:
        lines[0] += [(" " * (width - _cells(lines[0]) - len(label)), "plain"), (label, "label")]
    return Layout(lines, shortened)


def _is_polling(item: Item) -> bool:
    return isinstance(item, Message) and item.is_polling


def _lead(item: Item) -> Pieces:
    """The time and the mark. Hollow marks are the screen's own commands and their replies."""
    clock = time.strftime("%H:%M:%S ", time.localtime(item.time))
    if isinstance(item, Note):
        return [(clock, "time"), ("✗  ", "error")]
    hollow = item.origin is Origin.SCREEN
    marks = {
        Kind.COMMAND: ("▹  " if hollow else "▸  ", "sent"),
        Kind.REPLY: ("◃  " if hollow else "◂  ", "received"),
        Kind.ERROR: ("✗  ", "error"),
        Kind.EVENT: ("⚡ ", "event"),
        Kind.NOTE: ("·  ", "muted"),
    }
    text, role = marks[item.kind]
    return [(clock, "time"), (text, "muted" if _is_polling(item) else role)]


def _label(item: Item) -> str:
    if isinstance(item, Note):
        return ""
    if item.latency is not None:
        return f"{item.latency * 1000:.1f} ms" if item.latency < 1 else f"{item.latency:,.1f} s"
    return item.origin.value if item.kind is Kind.COMMAND and item.origin is not Origin.USER else ""


def _body(item: Item, width: int) -> Iterator[Pieces]:
    if isinstance(item, Note):
        return _note(item, width)
    payload = item.payload
    if item.cut:
        return wrapped([(visible(str(payload)), "text")], width)
    if item.kind is Kind.COMMAND:
        return wrapped(command_pieces(item), width)
    if item.kind is Kind.REPLY:
        is_text = item.name == HMP and isinstance(payload, str)
        return _text(payload, width) if is_text else json_lines(payload, width)
    if item.kind is Kind.ERROR:
        return wrapped(_failure(payload), width)
    if item.kind is Kind.EVENT:
        data = assignments(cast("Mapping[str, object]", payload)) if isinstance(payload, Mapping) else []
        return wrapped([(visible(item.name), "name"), *([("  ", "plain"), *data] if data else [])], width)
    return wrapped([(visible(str(payload)), "muted")], width)


def command_pieces(message: Message) -> Pieces:
    """A command as it is typed."""
    line = hmp_line(message)
    if line is not None:
        return [("!", "plain"), (visible(line), "name")]
    arguments = cast("Mapping[str, object]", message.payload)
    how: Pieces = [("exec-oob ", "plain")] if message.oob else []
    return [*how, (visible(message.name), "name"), *([(" ", "plain"), *assignments(arguments)] if arguments else [])]


def _text(payload: object, width: int) -> Iterator[Pieces]:
    """The output of an HMP command, as text."""
    for line in str(payload).rstrip("\r\n").split("\n"):
        shown = visible(line.rstrip("\r").expandtabs())
        yield from wrapped([(shown, "text")], width) if shown else [[]]


def _failure(payload: object) -> Pieces:
    if isinstance(payload, Mapping) and "desc" in payload:
        return [(visible(f"{payload.get('class', 'Error')}: "), "error"), (visible(str(payload["desc"])), "text")]
    return [(visible(str(payload)), "error")]


def _note(note: Note, width: int) -> Iterator[Pieces]:
    if note.typed:
        pieces = _marked(note.typed, sorted({note.span, *note.more}))
        mistaken = any(role == "error" for _, role in pieces)
        if _cells(pieces) <= width:
            yield pieces
            if mistaken:
                last = max(at for at, (_, role) in enumerate(pieces) if role == "error")
                yield [_under(text, role) for text, role in pieces[: last + 1]]
        else:
            # Wrapped text leaves no line below for the marks.
            yield from wrapped([(text, "mistake" if role == "error" else role) for text, role in pieces], width)
    yield from _prose(note.message, "text", width)
    yield from _prose(note.hint, "muted", width)


def _marked(typed: str, spans: Sequence[tuple[int, int]]) -> Pieces:
    """The typed line with its mistakes as separate pieces; of nested mistakes, only the inner one."""
    pieces: Pieces = []
    at = 0
    for start, end in spans:
        holds_another = any(other != (start, end) and start <= other[0] < other[1] <= end for other in spans)
        if at <= start < end and not holds_another:
            pieces += [(visible(typed[at:start]), "text"), (visible(typed[start:end]) or " ", "error")]
            at = end
    return [piece for piece in (*pieces, (visible(typed[at:]), "text")) if piece[0]]


def _under(text: str, role: str) -> tuple[str, str]:
    cells = cell_len(text)
    return ("~" * cells, "error") if role == "error" else (" " * cells, "plain")


def _prose(text: str, role: str, width: int) -> Iterator[Pieces]:
    """Prose, wrapped between words."""
    for paragraph in text.split("\n") if text else ():
        for line in textwrap.wrap(visible(paragraph), width):
            yield [(line, role)]


def _more(item: Item, whole: bool) -> str:
    size = _size(item.cut or len(item.body)) if isinstance(item, Message) else ""
    if isinstance(item, Message) and item.cut:
        size += f", of which {_size(len(item.body))} kept"
    if whole:
        return f"… {size} total; workbench qmp prints all of it"
    return f"… {size} total; {key_name('qmp.whole', 'f4')} or a click shows all of it"


def _size(size: int) -> str:
    """An amount of JSON, in kB or MB."""
    return f"{size / 1e6:,.1f} MB" if size >= 1_000_000 else f"{size / 1e3:,.1f} kB"


def _cells(pieces: Pieces) -> int:
    return sum(cell_len(text) for text, _ in pieces)
