"""The QAPI schema of a running QEMU: its commands, their arguments in words, its events.

``query-qmp-schema`` (qapi/introspect.json) answers with a flat list of entries. Commands and events keep their names;
every other type but the builtin ones is masked as a number, so words for a type are made from its shape. Prose is not
in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, cast

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from workbench.domain.qmp.lookups import Known, Lookup

    Entry = Mapping[str, object]
    Ask = Callable[[Lookup], Sequence[Known]]
    """Gives what the guest is known to have; nothing where it was not asked yet."""

OPEN_COMMANDS = frozenset({"device_add", "object-add"})
"""Commands that take more arguments than the schema names: ``'gen': false`` in qapi/qdev.json, and, before QEMU 6.0, in
qapi/qom.json, so that a device's or an object's own properties pass."""

_BUILTIN_WORDS = {
    "string": "string",
    "int": "integer",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
    "value": "any value",
}
_VALUES_IN_WORDS = 6
"""An enum with more values than this is described by their number."""


class SchemaError(ValueError):
    """A list of entries that is not an answer of ``query-qmp-schema``."""


class Member(Struct, frozen=True):
    """An argument of a command, a member of a struct, or a datum of an event."""

    name: str
    type: str
    """The masked name of its type, for :meth:`Schema.words` and the other methods that take a type."""
    optional: bool = False
    features: tuple[str, ...] = ()
    """``deprecated`` and ``unstable`` among others (docs/devel/qapi-code-gen.rst, "Special features")."""
    detail: str = ""
    """What QEMU says of it, when the schema does not name it: a property of a device."""
    choices: tuple[str, ...] = ()
    """The values of such a property, where they are known."""


class Command(Struct, frozen=True):
    name: str
    arguments: str
    """The masked name of the object type that its arguments make."""
    returns: str
    """The masked name of the type that it returns."""
    features: tuple[str, ...] = ()
    out_of_band: bool = False
    """Whether ``exec-oob`` may run it."""


class Event(Struct, frozen=True):
    name: str
    data: str
    """The masked name of the object type of its data."""
    features: tuple[str, ...] = ()


class Schema:
    """What one QEMU build understands. Types are looked up when asked for: a screen starts before it needs them."""

    def __init__(self, commands: dict[str, Command], events: dict[str, Event], types: dict[str, Entry]) -> None:
        self.commands = commands
        self.events = events
        self._types = types

    @classmethod
    def from_query(cls, entries: Iterable[Entry]) -> Schema:
        """Read the answer of ``query-qmp-schema``.

        :raise SchemaError: when it is not one.
        """
        commands: dict[str, Command] = {}
        events: dict[str, Event] = {}
        types: dict[str, Entry] = {}
        try:
            for entry in entries:
                name, meta = cast("str", entry["name"]), entry["meta-type"]
                if meta == "command":
                    commands[name] = Command(
                        name,
                        cast("str", entry["arg-type"]),
                        cast("str", entry["ret-type"]),
                        _features(entry),
                        bool(entry.get("allow-oob", False)),
                    )
                elif meta == "event":
                    events[name] = Event(name, cast("str", entry["arg-type"]), _features(entry))
                else:
                    types[name] = entry
        except (KeyError, TypeError, AttributeError) as error:
            raise SchemaError(f"not an answer of query-qmp-schema: {error!r}") from error
        if not commands:
            raise SchemaError("not an answer of query-qmp-schema: it names no command")
        return cls(commands, events, types)

    def nearest(self, name: str, count: int = 3) -> list[str]:
        """The commands whose names are most like ``name``, best first."""
        return get_close_matches(name.lower(), self.commands, count, 0.6)

    def members(self, type_: str, given: Mapping[str, object] | None = None) -> tuple[Member, ...]:
        """The members of an object type; of an alternate, those of its object branches; of any other type, none.

        :param given: the members that have a value already: the value of a union's tag adds the members of that branch.
        """
        entry = self._entry(type_)
        meta = entry.get("meta-type")
        if meta == "alternate":
            return tuple(
                member for branch in self._alternatives(entry) for member in self.members(branch, given)
            )  # fmt: skip
        if meta != "object":
            return ()
        members = tuple(_member(raw) for raw in cast("Sequence[Entry]", entry.get("members", ())))
        branch = self._branch(entry, given or {})
        return members + self.members(branch, given) if branch else members

    def arguments(self, command: str, given: Mapping[str, object] | None = None) -> tuple[Member, ...]:
        """The arguments of a command, with those that the given ones bring along; none for an unknown command."""
        known = self.commands.get(command)
        return self.members(known.arguments, given) if known else ()

    def is_open(self, command: str) -> bool:
        """Whether a command takes arguments that the schema does not name."""
        known = self.commands.get(command)
        return known is not None and command in OPEN_COMMANDS and "tag" not in self._entry(known.arguments)

    def kind(self, type_: str) -> str:
        """What a type is: ``string``, ``int``, ``number``, ``boolean``, ``null``, ``value``, ``enum``, ``array``,
        ``object`` or ``alternate``; ``value`` for a type that the schema does not name."""
        entry = self._entry(type_)
        meta = entry.get("meta-type", "builtin")
        return cast("str", entry.get("json-type", "value") if meta == "builtin" else meta)

    def element(self, type_: str) -> str:
        """The type of an array's elements."""
        return cast("str", self._entry(type_).get("element-type", "any"))

    def alternatives(self, type_: str) -> tuple[str, ...]:
        """The types that an alternate may have; of any other type, itself."""
        entry = self._entry(type_)
        return self._alternatives(entry) if entry.get("meta-type") == "alternate" else (type_,)

    def values(self, type_: str) -> tuple[str, ...]:
        """The values that an enum or a boolean can have, in QEMU's order; of any other type, none."""
        entry = self._entry(type_)
        if entry.get("meta-type") == "enum":
            return tuple(cast("Sequence[str]", entry.get("values", ())))
        if entry.get("meta-type") == "alternate":
            return tuple(value for branch in self._alternatives(entry) for value in self.values(branch))
        return ("true", "false") if entry.get("json-type") == "boolean" else ()

    def value_features(self, type_: str, value: str) -> tuple[str, ...]:
        """What to know of one value of an enum; only QEMU 6.2 and later tell (SchemaInfoEnum, ``members``)."""
        for one in self.alternatives(type_):
            for member in cast("Sequence[Entry]", self._entry(one).get("members", ())):
                if self.kind(one) == "enum" and member.get("name") == value:
                    return _features(member)
        return ()

    def words(self, type_: str) -> str:
        """A type in words: ``integer``, ``on, off or auto``, ``list of object``."""
        entry = self._entry(type_)
        meta = entry.get("meta-type")
        if meta == "enum":
            values = self.values(type_)
            return f"one of {len(values)} names" if len(values) > _VALUES_IN_WORDS else _or(values)
        if meta == "array":
            return f"list of {self.words(self.element(type_))}"
        if meta == "alternate":
            return _or([self.words(branch) for branch in self._alternatives(entry)])
        return "object" if meta == "object" else _BUILTIN_WORDS.get(self.kind(type_), "any value")

    def _entry(self, type_: str) -> Entry:
        return self._types.get(type_, {})

    def branches(self, type_: str) -> tuple[str, Mapping[str, str]]:
        """The tag of a union, and the type of each branch by the tag's value; empty for any other type."""
        entry = self._entry(type_)
        variants = cast("Sequence[Entry]", entry.get("variants", ()))
        return str(entry.get("tag", "")), {str(one["case"]): str(one["type"]) for one in variants}

    @staticmethod
    def _alternatives(entry: Entry) -> tuple[str, ...]:
        return tuple(cast("str", member["type"]) for member in cast("Sequence[Entry]", entry.get("members", ())))

    @staticmethod
    def _branch(entry: Entry, given: Mapping[str, object]) -> str:
        """The type of the union branch that the given tag chooses; empty when there is none."""
        tag = entry.get("tag")
        for variant in cast("Sequence[Entry]", entry.get("variants", ())):
            if tag in given and variant["case"] == given[cast("str", tag)]:
                return cast("str", variant["type"])
        return ""


def _features(entry: Entry) -> tuple[str, ...]:
    return tuple(cast("Sequence[str]", entry.get("features", ())))


def _member(raw: Entry) -> Member:
    # An optional member is one that has a default (qapi/introspect.json, SchemaInfoObjectMember).
    return Member(cast("str", raw["name"]), cast("str", raw["type"]), "default" in raw, _features(raw))


def _or(words: Sequence[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "nothing"


def describe(schema: Schema, member: Member) -> str:
    """An argument's type in words, whether it may be left out, and what to know of it."""
    if member.detail:
        return member.detail
    needed = "optional" if member.optional else "required"
    return ", ".join((schema.words(member.type), needed, *warnings(member.features)))


def signature(schema: Schema, command: str) -> str:
    """The arguments of a command: required ones by name, then how many more there are."""
    members = schema.arguments(command)
    required = [member.name for member in members if not member.optional]
    optional = len(members) - len(required)
    words = [*([" ".join(required)] if required else []), *([f"{optional} optional"] if optional else [])]
    return ", ".join(words) if words else "no arguments"


def warnings(features: Iterable[str]) -> list[str]:
    return [feature for feature in features if feature in {"deprecated", "unstable"}]
