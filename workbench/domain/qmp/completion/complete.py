"""Complete a line of the QMP console: command names, argument names, values.

``key=value`` and JSON, finished or not, are reduced to one question: which names or values fit at this path in the
command's arguments, given what precedes the cursor? The schema answers it and, for values that name something in the
guest, so does the guest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.qmp.completion.candidates import Candidates, Completion, matching
from workbench.domain.qmp.completion.complete_hmp import complete_hmp
from workbench.domain.qmp.line_parts import Form, Sort, Word, read_line
from workbench.domain.qmp.schema import describe, signature, warnings
from workbench.domain.qmp.typed_line import given_by

if TYPE_CHECKING:
    from workbench.domain.qmp.completion.candidates import Ask
    from workbench.domain.qmp.json_text import Place
    from workbench.domain.qmp.lookups import Known, Lookup
    from workbench.domain.qmp.schema import Member, Schema

_PLAIN = re.compile(r"[^\s\"'{\[][^\s]*")
"""A value that ``key=value`` takes without quotes."""


def _nothing(_lookup: Lookup) -> Sequence[Known]:
    return ()


def complete(schema: Schema, text: str, cursor: int, ask: Ask = _nothing) -> list[Completion]:
    """The completions at the cursor, most likely first; none after a mistake.

    :param ask: returns the guest's values. What it does not have yet may be available at a later call.
    """
    line = read_line(text[:cursor])
    if line.sort is Sort.WHOLE:
        return _whole(Candidates(schema, "", ask), line.json.cursor if line.json else None)
    if line.sort is Sort.HMP:
        return complete_hmp(schema, line.text, line.start + 1, ask)
    if line.sort is Sort.NOTHING:
        return [] if line.fault is not None else _commands(schema, "", line.start)
    if line.behind == len(line.text):
        return _commands(schema, line.command, line.start)
    if line.command not in schema.commands or not line.text[line.behind].isspace():
        return []
    given, valid = given_by(line, schema, last=False)
    if not valid:
        return []
    end = len(line.text)
    word = line.unfinished or Word(Form.NONE, "", (end, end), end)
    return _word(Candidates(schema, line.command, ask), line.text, word, given)


def _commands(schema: Schema, word: str, start: int, *, quoted: bool = False) -> list[Completion]:
    def text(name: str) -> str:
        if quoted:
            return json.dumps(name)
        return f"{name} " if schema.arguments(name) else name

    return [
        Completion(
            text(name),
            start,
            name,
            ", ".join((signature(schema, name), *warnings(schema.commands[name].features))),
        )
        for name in matching(sorted(schema.commands), word)
    ]


def _word(candidates: Candidates, head: str, word: Word, given: dict[str, object]) -> list[Completion]:
    """Complete a word ``key``, ``key=value`` or a JSON object of all arguments."""
    if word.form is Form.ARGUMENTS:
        return _json(candidates, word.json.cursor if word.json else None, (), {})
    path = tuple(word.key.split("."))
    if word.form is Form.NONE:
        prefix = "".join(f"{part}." for part in path[:-1])
        return [
            completion
            for one in candidates.members(path[:-1], given, path[-1])
            for completion in _named(candidates.schema, one, prefix, word.span[0])
        ]
    if word.form is Form.BARE:
        return [
            Completion(_bare(known.value), word.begin, str(known.value), known.detail)
            for known in candidates.values(path, given, str(word.value))
        ]
    if head[word.begin] in "{[":
        return _json(candidates, word.json.cursor if word.json else None, path, given)
    return _quoted(candidates, path, given, head, word)


def _quoted(
    candidates: Candidates, path: tuple[str, ...], given: dict[str, object], head: str, word: Word
) -> list[Completion]:
    """Complete an unfinished quoted value, which is always a string."""
    quote, begun = head[word.begin], head[word.begin + 1 :]
    if word.whole:
        return []
    if quote == '"':
        try:
            begun = json.loads(f'"{begun}"')
        except ValueError:
            return []  # within an escape
    member, _ = candidates.member(path, given)
    found = []
    for known in candidates.values(path, given, begun):
        text = _json_value(candidates.schema, member, known.value)
        if text.startswith('"'):
            value = str(known.value)
            bare = f"'{value}'" if quote == "'" and "'" not in value else text
            found.append(Completion(bare, word.begin, value, known.detail))
    return found


def _whole(candidates: Candidates, place: Place | None) -> list[Completion]:
    """Complete a whole QMP command."""
    if place is None or not isinstance(place.given, dict):
        return []
    command = place.given.get("execute", place.given.get("exec-oob"))
    if not place.path and place.is_key:
        first = () if isinstance(command, str) else ("execute", "exec-oob")
        open_ = [name for name in (*first, "arguments") if name not in place.given]
        return [
            Completion(f'"{name}": ' + ("{" if name == "arguments" else ""), place.start, name, _WHOLE[name])
            for name in matching(open_, place.word)
        ]
    if place.path in (("execute",), ("exec-oob",)) and not place.is_key:
        found = _commands(candidates.schema, place.word, place.start, quoted=True)
        known = candidates.schema.commands
        return [one for one in found if known[one.label].out_of_band] if place.path == ("exec-oob",) else found
    if place.path[:1] != ("arguments",) or not isinstance(command, str) or command not in candidates.schema.commands:
        return []
    if place.path == ("arguments",) and not place.is_key:
        return [] if place.begun else [Completion("{", place.start, "{", "object")]
    inner = replace(place, path=place.path[1:], given=place.given.get("arguments", {}))
    return _json(replace(candidates, command=command), inner, (), {})


def _json(
    candidates: Candidates, place: Place | None, above: tuple[str, ...], given: dict[str, object]
) -> list[Completion]:
    """Complete JSON.

    :param above: the path of the JSON, when it is the value of a ``key=``.
    :param given: the arguments before it.
    """
    if place is None:
        return []
    path = (*above, *place.path)
    whole = _put(given, above, place.given)
    if place.is_key:
        return [
            Completion(
                f"{json.dumps(one.name)}: {_opener(candidates.schema, one)}",
                place.start,
                one.name,
                describe(candidates.schema, one),
            )
            for one in candidates.members(path, whole, place.word)
        ]
    member, _ = candidates.member(path, whole)
    found = [
        Completion(_json_value(candidates.schema, member, known.value), place.start, str(known.value), known.detail)
        for known in candidates.values(path, whole, place.word)
    ]
    if member is not None and not place.begun:
        openers = dict.fromkeys(
            _opener(candidates.schema, replace(member, type=one)) for one in candidates.schema.alternatives(member.type)
        )
        detail = describe(candidates.schema, member)
        found += [Completion(opener, place.start, opener, detail) for opener in openers if opener not in ("", '"')]
    return found


def _put(given: Mapping[str, object], path: tuple[str, ...], value: object) -> object:
    """The arguments with a value at a path."""
    if not path:
        return value
    inner = given.get(path[0])
    return {**given, path[0]: _put(inner if isinstance(inner, Mapping) else {}, path[1:], value)}


_WHOLE = {"execute": "the command, required", "exec-oob": "run it out of band", "arguments": "object, optional"}


def _named(schema: Schema, member: Member, prefix: str, start: int) -> list[Completion]:
    """A name followed by ``.`` for the members of a struct, by ``=`` for a value, or one completion for each."""
    name, detail = f"{prefix}{member.name}", describe(schema, member)
    kinds = {schema.kind(one) for one in schema.alternatives(member.type)}
    if kinds == {"object"}:
        return [Completion(f"{name}.", start, name, detail)]
    found = [Completion(f"{name}=", start, name, detail)]
    if "object" in kinds:
        found.append(Completion(f"{name}.", start, f"{name}.", f"members of the {detail}"))
    return found


def _opener(schema: Schema, member: Member) -> str:
    """How a JSON value of that type starts; empty when there are several ways."""
    return {"object": "{", "array": "[", "string": '"', "enum": '"'}.get(schema.kind(member.type), "")


def _bare(value: str | int) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def _json_value(schema: Schema, member: Member | None, value: str | int) -> str:
    """A value as JSON. ``true`` and ``false`` have no quotes if the type allows a boolean or any value."""
    kinds = {schema.kind(one) for one in schema.alternatives(member.type)} if member is not None else set()
    if isinstance(value, int) or (kinds & {"boolean", "value"} and value in ("true", "false")):
        return str(value)
    return json.dumps(value)
