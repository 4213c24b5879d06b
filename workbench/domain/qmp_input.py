"""What a user types at the QMP console, and on the command line of ``workbench qmp``, read into one request.

Four ways to write a command::

    balloon value=256M                                  key=value, typed by the schema; a.b=c reaches into a struct
    balloon {"value": 268435456}                        the arguments as a JSON object
    {"execute": "balloon", "arguments": {…}}            a whole QMP command
    !info mtree -f                                      a line for the human monitor (HMP)

Values: bare up to the next space, ``'…'`` taken as it stands, ``"…"`` a JSON string, ``{…}`` and ``[…]`` JSON. A quoted
value is a string whatever the schema says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.domain.checking import Mistake, check
from workbench.domain.json_cursor import spans_in_json
from workbench.domain.json_input import InputError, Span, json_at, refuse_unsendable
from workbench.domain.qmp_values import BadValue, typed_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.schema import Schema

Path = tuple[str, ...]
"""An argument and the members below it: ``a.b`` is ``("a", "b")``."""

_WORD = re.compile(r"[^\s={}\[\]\"']+")
_SPACE = re.compile(r"\s*")
_BARE = re.compile(r"\S*")
_TEXT = {("device_add", ("addr",))}
"""Arguments that the schema does not name and that are text whatever they look like: QEMU 8.2 aborts on a PCI address
given as a number, and the number's meaning (slot or devfn) changed between versions; ``"5"`` is the slot in all."""
_WHOLE = {"execute", "exec-oob", "arguments", "id"}
"""The members of a QMP command (docs/interop/qmp-spec); an id is ours to give, and ignored."""


@dataclass(frozen=True, slots=True)
class Request:
    """One command to send."""

    command: str
    arguments: dict[str, object]
    hmp: bool = False
    """Whether it is an HMP line, whose reply is text."""
    oob: bool = False
    """Whether it is to run out of band: ``exec-oob``."""
    places: dict[Path, Span] = field(default_factory=dict, compare=False, repr=False)
    """Where in the line each argument stands; the command itself at the empty path."""


def parse_line(text: str, schema: Schema | None = None) -> Request:
    """Read one line.

    :param schema: types the values of ``key=value``; without it they are typed by their look, as JSON is.
    :raise InputError: when it cannot be read. Nothing else is raised, whatever the text.
    """
    start = _skip(text, 0)
    if start == len(text):
        raise InputError("there is no command")
    if text[start] == "!":
        return hmp_request(text[start + 1 :].strip(), (start, len(text)))
    if text[start] == "{":
        return _whole_command(text, start)
    match = _WORD.match(text, start)
    if match is None:
        raise InputError(f"a command begins with a letter, not {text[start]!r}", (start, start + 1))
    line = _Line(text, match[0], match.span(), schema)
    line.read_arguments(match.end())
    return line.request


def parse_words(words: Sequence[str], schema: Schema | None = None) -> Request:
    """Read a command and its ``key=value`` words as a shell gives them: quotes are gone, and a value keeps its spaces.

    :raise InputError: as :func:`parse_line`.
    """
    command, *rest = words or ("",)
    if not rest and command.lstrip()[:1] in ("{", "!"):
        return parse_line(command, schema)
    if not _WORD.fullmatch(command):
        raise InputError(f"not a command's name: {command!r}")
    line = _Line(" ".join(words), command, (0, len(command)), schema)
    if len(rest) == 1 and rest[0].startswith("{"):
        line.read_arguments(len(command))
        return line.request
    at = len(command) + 1
    for word in rest:
        key, equals, raw = word.partition("=")
        span = (at, at + len(word))
        if not equals or not _WORD.fullmatch(key):
            hint = "" if equals else line.with_a_key(word)
            raise InputError(f"not key=value: {word!r}", span, hint=hint)
        line.put(key, span, *_shell_value(raw, span))
        at = span[1] + 1
    return line.request


def checked(request: Request, schema: Schema) -> Request:
    """The same request, held against the schema.

    :raise InputError: with every mistake, one on each line, and their places.
    """
    mistakes = check(schema, request.command, request.arguments)
    known = schema.commands.get(request.command)
    if request.oob and known is not None and not known.out_of_band:
        able = ", ".join(sorted(name for name, command in schema.commands.items() if command.out_of_band))
        mistakes.insert(
            0, Mistake((), f"{request.command} cannot run out of band", f"those that can: {able or 'none'}")
        )
    if not mistakes:
        return request
    words = "\n".join(str(mistake) for mistake in mistakes)
    first, *more = (_place_of(mistake, request) for mistake in mistakes)
    raise InputError(words, first, hint=mistakes[0].hint, more=more)


def _place_of(mistake: Mistake, request: Request) -> Span:
    """Where the innermost thing stands that is mistaken."""
    path = mistake.path
    while path and path not in request.places:
        path = path[:-1]
    return request.places.get(path, (0, 0))


def hmp_request(line: str, span: Span = (0, 0)) -> Request:
    """A line for the human monitor.

    :raise InputError: when it is empty.
    """
    if not line:
        raise InputError("there is no HMP command after !", span, hint="for example: !info status")
    refuse_unsendable(line, span)
    return Request("human-monitor-command", {"command-line": line}, hmp=True, places={(): span})


class _Line:
    """A command whose arguments are being read."""

    def __init__(self, text: str, command: str, span: Span, schema: Schema | None) -> None:
        self.text = text
        self.schema = schema
        refuse_unsendable(command, span)
        self.request = Request(command, {}, places={(): span})

    def read_arguments(self, at: int) -> None:
        """Read ``key=value …``, or one JSON object, from there to the end."""
        text = self.text
        at = _skip(text, at)
        if text[at : at + 1] == "{":
            value, end = json_at(text, at)
            _nothing_behind(text, end)
            assert isinstance(value, dict)
            self.request.arguments.update(value)
            self.request.places.update({path: span for path, span in spans_in_json(text, at).items() if path})
            return
        while at < len(text):
            match = _WORD.match(text, at)
            if match is None:
                raise InputError(f"key=value is expected here, not {text[at]!r}", (at, at + 1))
            if text[match.end() : match.end() + 1] != "=":
                raise InputError(f"{match[0]!r} has no value", match.span(), hint=self.with_a_key(match[0]))
            value, bare, end = _value_at(text, match.end() + 1)
            self.put(match[0], (at, end), value, bare)
            self._place_inside(match[0], match.end() + 1)
            at = _skip(text, end)

    def with_a_key(self, word: str) -> str:
        """How to write a word that stands alone: as the value of what can still be given, or with a value."""
        command, arguments = self.request.command, self.request.arguments
        if self.schema is None or command not in self.schema.commands:
            return f"write {word}=VALUE"
        members = self.schema.arguments(command, arguments)
        if word in [member.name for member in members]:
            return f"write {word}=VALUE"
        open_ = sorted((one for one in members if one.name not in arguments), key=lambda one: one.optional)
        return f"an argument is key=value: {open_[0].name}={word}" if open_ else f"{command} takes no more arguments"

    def _place_inside(self, key: str, at: int) -> None:
        """Where the members of a JSON value stand."""
        if self.text[at : at + 1] in ("{", "["):
            path = self._path(key, (at, at))
            inside = spans_in_json(self.text, at)
            self.request.places.update({(*path, *below): span for below, span in inside.items() if below})

    def put(self, key: str, span: Span, value: object, bare: bool) -> None:
        """Set the argument ``a.b.c`` to a value; a bare one is typed by the schema."""
        refuse_unsendable(key, span)
        path = self._path(key, span)
        target = self.request.arguments
        for depth, part in enumerate(path[:-1]):
            inner = target.setdefault(part, {})
            if not isinstance(inner, dict):
                raise InputError(f"{'.'.join(path[: depth + 1])} has a value already", span)
            self.request.places.setdefault(path[: depth + 1], span)
            target = inner
        if path[-1] in target:
            raise InputError(f"{key} is given twice", span)
        if bare and isinstance(value, str) and (self.request.command, path) not in _TEXT:
            refuse_unsendable(value, span)
            try:
                value = typed_value(value, self.schema, self._type(path))
            except BadValue as error:
                raise InputError(f"{key}: {error}", span) from error
        target[path[-1]] = value
        self.request.places[path] = span

    def _path(self, key: str, span: Span) -> Path:
        # A name may hold dots of its own: QAPI's __RFQDN_ prefix of a vendor's extension (qapi-code-gen.rst).
        if self.schema and any(member.name == key for member in self.schema.arguments(self.request.command)):
            return (key,)
        path = tuple(key.split("."))
        if "" in path:
            raise InputError(f"{key!r} has an empty part between its dots", span)
        return path

    def _type(self, path: Path) -> str | None:
        """The schema's type of an argument, as far as the arguments before it tell; None when it has none."""
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


def _whole_command(text: str, start: int) -> Request:
    value, end = json_at(text, start)
    _nothing_behind(text, end)
    assert isinstance(value, dict)
    span = (start, end)
    oob = "exec-oob" in value
    if oob and "execute" in value:
        raise InputError('"execute" or "exec-oob", not both', span)
    command = value.get("exec-oob" if oob else "execute")
    if not isinstance(command, str) or not command:
        raise InputError('a JSON command needs "execute" with the command\'s name', span)
    extra = sorted(value.keys() - _WHOLE)
    if extra:
        hint = 'it has "execute" and "arguments"'
        raise InputError(f"a JSON command has no member {extra[0]!r}", span, hint=hint)
    arguments = value.get("arguments", {})
    if not isinstance(arguments, dict):
        raise InputError('"arguments" is a JSON object', span)
    places = spans_in_json(text, start)
    inside = {path[1:]: span for path, span in places.items() if path[:1] == ("arguments",)}
    at = places.get(("exec-oob" if oob else "execute",), span)
    return Request(command, arguments, oob=oob, places={**inside, (): at})


def _value_at(text: str, at: int) -> tuple[object, bool, int]:
    """A value, whether it is bare, and where it ends."""
    opener = text[at : at + 1]
    if opener and opener in '{["':
        value, end = json_at(text, at)
    elif opener == "'":
        close = text.find("'", at + 1)
        if close < 0:
            raise InputError("this quote is never closed", (at, len(text)))
        value, end = text[at + 1 : close], close + 1
        refuse_unsendable(text[at:end], (at, end))
    else:
        match = _BARE.match(text, at)
        assert match is not None  # matches the empty text too
        return match[0], True, match.end()
    if end < len(text) and not text[end].isspace():
        raise InputError(f"a space is expected behind {text[at:end]}", (end, end + 1))
    return value, False, end


def _shell_value(raw: str, span: Span) -> tuple[object, bool]:
    """The value of a shell's word: JSON when it opens like it, else bare."""
    if raw[:1] and raw[0] in '{["':
        value, end = json_at(raw, 0)
        if raw[end:].strip():
            raise InputError(f"not one JSON value: {raw}", span)
        return value, False
    return raw, True


def _nothing_behind(text: str, end: int) -> None:
    rest = _skip(text, end)
    if rest < len(text):
        raise InputError("nothing is expected behind the JSON object", (rest, len(text)))


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
