"""The QAPI schema of a running QEMU: its commands, their arguments, its events.

``query-qmp-schema`` (qapi/introspect.json) returns a flat list of entries. Commands and events keep their names; all
types except the builtin ones have numbers for names, so a type is described by its shape. Documentation is not included.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, cast

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from workbench.domain.qmp.lookups import Known, Lookup

    Entry = Mapping[str, object]
    Ask = Callable[[Lookup], Sequence[Known]]
    """Returns what is known about the guest; nothing if it has not been queried yet."""

OPEN_COMMANDS = frozenset({"device_add", "object-add"})
"""Commands that accept arguments beyond those in the schema, the properties of the device or object: ``'gen': false`` in
qapi/qdev.json and, before QEMU 6.0, in qapi/qom.json."""

_BUILTIN_WORDS = {
    "string": "string",
    "int": "integer",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
    "value": "any value",
}
_VALUES_IN_WORDS = 6
"""An enum with more values than this is described by their count."""


class SchemaError(ValueError):
    """Not a valid reply to ``query-qmp-schema``."""


class Member(Struct, frozen=True):
    """An argument of a command, a member of a struct, or a data member of an event."""

    name: str
    type: str
    """The masked name of its type, for :meth:`Schema.words` and the other methods that take a type."""
    optional: bool = False
    features: tuple[str, ...] = ()
    """``deprecated`` and ``unstable`` among others (docs/devel/qapi-code-gen.rst, "Special features")."""
    detail: str = ""
    """For a property of a device, which is not in the schema: QEMU's description."""
    choices: tuple[str, ...] = ()
    """The values of such a property, where known."""


class Command(Struct, frozen=True):
    name: str
    arguments: str
    """The masked name of the object type of its arguments."""
    returns: str
    """The masked name of its return type."""
    features: tuple[str, ...] = ()
    out_of_band: bool = False
    """Whether it can be sent with ``exec-oob``."""


class Event(Struct, frozen=True):
    name: str
    data: str
    """The masked name of the object type of its data."""
    features: tuple[str, ...] = ()


class Schema:
    """The schema of one QEMU build. Types are decoded on demand, so that the screen starts sooner."""

    def __init__(self, commands: dict[str, Command], events: dict[str, Event], types: dict[str, Entry]) -> None:
        self.commands = commands
        self.events = events
        self._types = types

    @classmethod
    def from_query(cls, entries: Iterable[Entry]) -> Schema:
        """Read a reply to ``query-qmp-schema``.

        :raise SchemaError: when it is not valid.
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
            raise SchemaError(f"invalid reply to query-qmp-schema: {error!r}") from error
        if not commands:
            raise SchemaError("invalid reply to query-qmp-schema: no commands")
        return cls(commands, events, types)

    def nearest(self, name: str, count: int = 3) -> list[str]:
        """The commands with the most similar names, best first."""
        return get_close_matches(name.lower(), self.commands, count, 0.6)

    def members(self, type_: str, given: Mapping[str, object] | None = None) -> tuple[Member, ...]:
        """The members of an object type or of an alternate's object branches; none for any other type.

        :param given: the members that have a value already. The value of a union's tag adds the members of its branch.
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
        """The arguments of a command, including those that depend on ``given``; none for an unknown command."""
        known = self.commands.get(command)
        return self.members(known.arguments, given) if known else ()

    def is_open(self, command: str) -> bool:
        """Whether a command accepts arguments that are not in the schema."""
        known = self.commands.get(command)
        return known is not None and command in OPEN_COMMANDS and "tag" not in self._entry(known.arguments)

    def kind(self, type_: str) -> str:
        """The kind of a type: ``string``, ``int``, ``number``, ``boolean``, ``null``, ``value``, ``enum``, ``array``,
        ``object`` or ``alternate``; ``value`` for a type that is not in the schema."""
        entry = self._entry(type_)
        meta = entry.get("meta-type", "builtin")
        return cast("str", entry.get("json-type", "value") if meta == "builtin" else meta)

    def element(self, type_: str) -> str:
        """The type of an array's elements."""
        return cast("str", self._entry(type_).get("element-type", "any"))

    def alternatives(self, type_: str) -> tuple[str, ...]:
        """The branches of an alternate; any other type by itself."""
        entry = self._entry(type_)
        return self._alternatives(entry) if entry.get("meta-type") == "alternate" else (type_,)

    def values(self, type_: str) -> tuple[str, ...]:
        """The values of an enum or a boolean, in QEMU's order; none for any other type."""
        entry = self._entry(type_)
        if entry.get("meta-type") == "enum":
            return tuple(cast("Sequence[str]", entry.get("values", ())))
        if entry.get("meta-type") == "alternate":
            return tuple(value for branch in self._alternatives(entry) for value in self.values(branch))
        return ("true", "false") if entry.get("json-type") == "boolean" else ()

    def value_features(self, type_: str, value: str) -> tuple[str, ...]:
        """The features of one value of an enum, reported since QEMU 6.2 (SchemaInfoEnum, ``members``)."""
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
        """The type of the union branch that the given tag selects; empty when there is none."""
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
    """An argument's type in words, whether it is optional, and whether it is deprecated or unstable."""
    if member.detail:
        return member.detail
    needed = "optional" if member.optional else "required"
    return ", ".join((schema.words(member.type), needed, *warnings(member.features)))


def signature(schema: Schema, command: str) -> str:
    """The arguments of a command: the required ones by name, then the number of optional ones."""
    members = schema.arguments(command)
    required = [member.name for member in members if not member.optional]
    optional = len(members) - len(required)
    words = [*([" ".join(required)] if required else []), *([f"{optional} optional"] if optional else [])]
    return ", ".join(words) if words else "no arguments"


def warnings(features: Iterable[str]) -> list[str]:
    return [feature for feature in features if feature in {"deprecated", "unstable"}]
