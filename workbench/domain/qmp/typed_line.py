"""Parse what a user types at the QMP console, or passes to ``workbench qmp``, into one request.

Four ways to write a command::

    balloon value=256M                                  key=value, typed by the schema; a.b=c reaches into a struct
    balloon {"value": 268435456}                        the arguments as a JSON object
    {"execute": "balloon", "arguments": {…}}            a whole QMP command
    !info mtree -f                                      a line for the human monitor (HMP)

Values: bare up to the next space, ``'…'`` taken literally, ``"…"`` a JSON string, ``{…}`` and ``[…]`` JSON. A quoted
value is a string, whatever its type in the schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from workbench.domain.qmp.checking import Mistake, check
from workbench.domain.qmp.input_error import InputError
from workbench.domain.qmp.line_parts import WORD, Form, Sort, Word, read_line, word_at
from workbench.domain.qmp.values import typed_value, unsendable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.qmp.json_text import Json, Span
    from workbench.domain.qmp.line_parts import Line
    from workbench.domain.qmp.schema import Schema

Path = tuple[str, ...]
"""An argument and the members below it: ``a.b`` is ``("a", "b")``."""

_TEXT = {("device_add", ("addr",))}
"""Arguments that are not in the schema and are always text. QEMU 8.2 aborts on a PCI address given as a number, and the
number's meaning (slot or devfn) changed between versions; ``"5"`` is the slot in all of them."""
_WHOLE = {"execute", "exec-oob", "arguments", "id"}
"""The members of a QMP command (docs/interop/qmp-spec); an id is ignored, because the client assigns its own."""


class Request(Struct, frozen=True):
    """One command to send."""

    command: str
    arguments: dict[str, object]
    hmp: bool = False
    """Whether it is an HMP line, whose reply is text."""
    oob: bool = False
    """Whether to send it out of band, as ``exec-oob``."""
    places: dict[Path, Span] = field(default_factory=dict)
    """Position of each argument in the line; the command itself is at the empty path."""

    def __eq__(self, other: object) -> bool:
        """Whether it sends the same, wherever it stands in a line."""
        return isinstance(other, Request) and self._sends() == other._sends()

    def __hash__(self) -> int:
        return hash(self.command)

    def _sends(self) -> tuple[object, ...]:
        return self.command, self.arguments, self.hmp, self.oob


def parse_line(text: str, schema: Schema | None = None) -> Request:
    """Parse one line.

    :param schema: gives the types of ``key=value`` arguments; without it a value that looks like JSON is read as JSON.
    :raise InputError: when the line is invalid. Nothing else is raised.
    """
    return request_of(read_line(text), schema)


def request_of(line: Line, schema: Schema | None = None) -> Request:
    """The request in a line that was read by :func:`read_line`.

    :raise InputError: as :func:`parse_line`.
    """
    if line.sort is Sort.HMP:
        return hmp_request(line.text[line.start + 1 :].strip(), (line.start, len(line.text)))
    if line.sort is Sort.WORDS:
        given = _Given(line.command, (line.start, line.behind), schema)
        for word in line.words:
            given.add(word)
        if line.fault is not None:
            raise line.fault
        return given.request
    if line.fault is not None:
        raise line.fault
    if line.json is None:
        raise InputError("no command given")
    return _whole_command(line.json)


def given_by(line: Line, schema: Schema, *, last: bool) -> tuple[dict[str, object], bool]:
    """The arguments in a line up to its first mistake, and whether the line has no mistake.

    :param last: whether to include the word being typed at the end.
    """
    given = _Given(line.command, (line.start, line.behind), schema)
    unfinished = None if last else line.unfinished
    try:
        for word in line.words:
            if word is not unfinished:
                given.add(word)
    except InputError:
        return given.request.arguments, False
    return given.request.arguments, line.fault is None or unfinished is not None


def parse_words(words: Sequence[str], schema: Schema | None = None) -> Request:
    """Parse a command and its ``key=value`` words as passed by a shell: quotes are removed and values may have spaces.

    :raise InputError: as :func:`parse_line`.
    """
    command, *rest = words or ("",)
    if not rest and command.lstrip()[:1] in ("{", "!"):
        return parse_line(command, schema)
    if not WORD.fullmatch(command):
        raise InputError(f"not a command name: {command!r}")
    if len(rest) == 1 and rest[0].startswith("{"):
        return parse_line(" ".join(words), schema)
    given = _Given(command, (0, len(command)), schema)
    at = len(command) + 1
    for word in rest:
        key, equals, raw = word.partition("=")
        span = (at, at + len(word))
        if not equals or not WORD.fullmatch(key):
            raise InputError(f"expected key=value, not {word!r}", span, hint="" if equals else given.with_a_key(word))
        given.add(_shell_word(" ".join(words)[: span[1]], key, raw, span))
        at = span[1] + 1
    return given.request


def checked(request: Request, schema: Schema) -> Request:
    """Check a request against the schema and return it.

    :raise InputError: with every mistake, one per line, and their positions.
    """
    mistakes = check(schema, request.command, request.arguments)
    known = schema.commands.get(request.command)
    if request.oob and known is not None and not known.out_of_band:
        able = ", ".join(sorted(name for name, command in schema.commands.items() if command.out_of_band))
        mistakes.insert(
            0, Mistake((), f"{request.command} cannot run out of band", f"commands that can: {able or 'none'}")
        )
    if not mistakes:
        return request
    words = "\n".join(str(mistake) for mistake in mistakes)
    first, *more = (_place_of(mistake, request) for mistake in mistakes)
    raise InputError(words, first, hint=mistakes[0].hint, more=more)


def _place_of(mistake: Mistake, request: Request) -> Span:
    """Position of the innermost argument that contains a mistake."""
    path = mistake.path
    while path and path not in request.places:
        path = path[:-1]
    return request.places.get(path, (0, 0))


def hmp_request(line: str, span: Span = (0, 0)) -> Request:
    """A line for the human monitor.

    :raise InputError: when it is empty.
    """
    if not line:
        raise InputError("no HMP command after !", span, hint="for example: !info status")
    refuse_unsendable(line, span)
    return Request("human-monitor-command", {"command-line": line}, hmp=True, places={(): span})


class _Given:
    """A command that is built from its arguments, one at a time."""

    def __init__(self, command: str, span: Span, schema: Schema | None) -> None:
        self.schema = schema
        refuse_unsendable(command, span)
        self.request = Request(command, {}, places={(): span})

    def add(self, word: Word) -> None:
        """Add a word. An unfinished one is ignored, because its line carries the fault.

        :raise InputError: when it is not an argument.
        """
        if word.form is Form.NONE:
            raise InputError(f"{word.key!r} has no value", word.span, hint=self.with_a_key(word.key))
        if not word.whole:
            return
        if word.form is Form.ARGUMENTS:
            assert isinstance(word.value, dict)
            self.request.arguments.update(word.value)
            path: Path = ()
        else:
            path = self._put(word)
        places = word.json.places if word.json is not None else {}
        self.request.places.update({(*path, *below): span for below, span in places.items() if below})

    def with_a_key(self, word: str) -> str:
        """How to write a bare word: as the value of an argument that is still missing, or with a value."""
        command, arguments = self.request.command, self.request.arguments
        if self.schema is None or command not in self.schema.commands:
            return f"write {word}=VALUE"
        members = self.schema.arguments(command, arguments)
        if word in [member.name for member in members]:
            return f"write {word}=VALUE"
        open_ = sorted((one for one in members if one.name not in arguments), key=lambda one: one.optional)
        return (
            f"write arguments as key=value: {open_[0].name}={word}" if open_ else f"{command} takes no more arguments"
        )

    def _put(self, word: Word) -> Path:
        """Set the argument ``a.b.c``, converting a bare value to its type in the schema, and return its path."""
        key, span, value = word.key, word.span, word.value
        refuse_unsendable(key, span)
        path = self._path(key, span)
        target = self.request.arguments
        for depth, part in enumerate(path[:-1]):
            inner = target.setdefault(part, {})
            if not isinstance(inner, dict):
                raise InputError(f"{'.'.join(path[: depth + 1])} already has a value", span)
            self.request.places.setdefault(path[: depth + 1], span)
            target = inner
        if path[-1] in target:
            raise InputError(f"{key} is given twice", span)
        if word.form is Form.BARE and isinstance(value, str):
            refuse_unsendable(value, span)
            if (self.request.command, path) not in _TEXT:
                value = typed_value(value, self.schema, self._type(path))
        target[path[-1]] = value
        self.request.places[path] = span
        return path

    def _path(self, key: str, span: Span) -> Path:
        # A name can contain dots: QAPI's __RFQDN_ prefix for vendor extensions (qapi-code-gen.rst).
        if self.schema and any(member.name == key for member in self.schema.arguments(self.request.command)):
            return (key,)
        path = tuple(key.split("."))
        if "" in path:
            raise InputError(f"empty name between the dots of {key!r}", span)
        return path

    def _type(self, path: Path) -> str | None:
        """The type of an argument in the schema, given the arguments before it; None when unknown."""
        schema = self.schema
        if schema is None or self.request.command not in schema.commands:
            return None
        type_ = schema.commands[self.request.command].arguments
        given: dict[str, object] = self.request.arguments
        for part in path:
            member = next((member for member in schema.members(type_, given) if member.name == part), None)
            if member is None:
                return None
            type_ = member.type
            inner = given.get(part)
            given = inner if isinstance(inner, dict) else {}
        return type_


def _whole_command(json: Json) -> Request:
    value, places = json.value, json.places
    assert isinstance(value, dict)
    span = places[()]
    oob = "exec-oob" in value
    if oob and "execute" in value:
        raise InputError('use "execute" or "exec-oob", not both', span)
    command = value.get("exec-oob" if oob else "execute")
    if not isinstance(command, str) or not command:
        raise InputError('a JSON command needs "execute" with the command name', span)
    extra = sorted(value.keys() - _WHOLE)
    if extra:
        hint = 'a JSON command has "execute" and "arguments"'
        raise InputError(f"unknown member {extra[0]!r}", span, hint=hint)
    arguments = value.get("arguments", {})
    if not isinstance(arguments, dict):
        raise InputError('"arguments" must be a JSON object', span)
    inside = {path[1:]: span for path, span in places.items() if path[:1] == ("arguments",)}
    at = places[("exec-oob" if oob else "execute",)]
    return Request(command, arguments, oob=oob, places={**inside, (): at})


def _shell_word(text: str, key: str, raw: str, span: Span) -> Word:
    """The shell word at the end of a text: its value is JSON if it starts like JSON, otherwise bare.

    :raise InputError: when it is not a single JSON value.
    """
    begin = span[1] - len(raw)
    if not raw or raw[0] not in '{["':
        return Word(Form.BARE, key, span, begin, raw)
    word, fault = word_at(text, key, span[0], begin)
    if fault is not None:
        raise fault
    if text[word.span[1] :].strip():
        raise InputError(f"not a single JSON value: {raw}", span)
    return replace(word, span=span)


def refuse_unsendable(text: str, span: Span) -> None:
    """:raise InputError: when QEMU would not accept it."""
    if words := unsendable(text):
        raise InputError(words, span)
