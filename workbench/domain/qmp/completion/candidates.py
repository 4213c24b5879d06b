"""The names and values that fit at a path in a command's arguments, given the arguments typed so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.qmp.lookups import Kind, Known, Lookup, lookups
from workbench.domain.qmp.schema import Member, describe, warnings

if TYPE_CHECKING:
    from workbench.domain.qmp.schema import Schema

    Ask = Callable[[Lookup], Sequence[Known]]
    """Returns what is known about the guest; nothing if it has not been queried yet."""

OFFERED = 400
"""Limit on the guest's values in one list: there are thousands of trace events."""


_VALUES: Mapping[str, tuple[str, ...]] = {"bool": ("true", "false"), "OnOffAuto": ("on", "off", "auto")}
"""Types of QOM properties with few values."""


class Completion(Struct, frozen=True):
    """One completion: ``text`` replaces what is between ``start`` and the cursor."""

    text: str
    start: int
    label: str
    """What the list shows: a command, an argument, a value."""
    detail: str = ""
    """The type in words, and whether it is optional, deprecated or unstable; for a value from the guest, what it is."""


class Candidates(Struct, frozen=True):
    """The names and values that fit in the arguments of one command."""

    schema: Schema
    command: str
    ask: Ask

    def member(self, path: tuple[str, ...], given: object) -> tuple[Member | None, object]:
        """The argument, member or list element at a path, and its value so far."""
        schema = self.schema
        member: Member | None = Member("", schema.commands[self.command].arguments)
        for part in path:
            if member is None:
                return None, None
            elements = [schema.element(one) for one in schema.alternatives(member.type) if schema.kind(one) == "array"]
            if elements and part.isdecimal():
                member = Member(part, elements[0])
                given = given[int(part)] if isinstance(given, list) and int(part) < len(given) else None
            else:
                inner = given if isinstance(given, Mapping) else {}
                members = [*schema.members(member.type, inner), *(self._properties(inner) if not member.name else ())]
                member = next((one for one in members if one.name == part), None)
                given = inner.get(part)
        return member, given

    def members(self, path: tuple[str, ...], given: object, word: str) -> list[Member]:
        """The members still missing from the object at a path that match a word, required ones first."""
        owner, inner = self.member(path, given)
        if owner is None:
            return []
        inner = inner if isinstance(inner, Mapping) else {}
        named = [*self.schema.members(owner.type, inner), *(() if path else self._properties(inner))]
        members = {one.name: one for one in reversed(named) if _open(inner.get(one.name))}
        members = {one.name: members[one.name] for one in named if one.name in members}  # the schema takes precedence
        # Required members first; otherwise QEMU's own order.
        ordered = sorted(members, key=lambda name: members[name].optional)
        return [members[name] for name in matching(ordered, word)]

    def values(self, path: tuple[str, ...], given: object, word: str) -> list[Known]:
        """The values of an argument that match a word: those of its type, then those from the guest."""
        member, _ = self.member(path, given)
        if member is None and not (self.schema.is_open(self.command) and len(path) == 1):
            return []
        arguments = given if isinstance(given, Mapping) else {}
        found = [Known(value, self._detail(member, value)) for value in self._fixed(member, word)]
        found += [one for one in self._of_property(path, arguments) if matching([str(one.value)], word)]
        known = {
            str(one.value): one
            for lookup in lookups(self.command, path, arguments, word)
            for one in self.ask(lookup)
        }  # fmt: skip
        return found + [known[name] for name in matching(known, word)[:OFFERED]]

    def _fixed(self, member: Member | None, word: str) -> list[str]:
        return matching(member.choices or self.schema.values(member.type), word) if member is not None else []

    def _of_property(self, path: tuple[str, ...], given: Mapping[str, object]) -> list[Known]:
        """The values that ``qom-set`` can set the named property to, if its type has few."""
        at = given.get("path")
        if self.command != "qom-set" or path != ("value",) or not isinstance(at, str) or not at:
            return []
        types = [one.detail for one in self.ask(Lookup(Kind.PROPERTY, at)) if one.value == given.get("property")]
        return [Known(value, type_) for type_ in types for value in _VALUES.get(type_, ())]

    def _properties(self, given: Mapping[str, object]) -> list[Member]:
        """The properties of the device that ``device_add`` creates, if they have been queried already."""
        driver = given.get("driver")
        if self.command != "device_add" or not isinstance(driver, str) or not driver:
            return []
        known = self.ask(Lookup(Kind.DRIVER_PROPERTY, driver))
        return [
            Member(str(one.value), one.type, optional=True, detail=one.detail, choices=one.choices) for one in known
        ]

    def _detail(self, member: Member | None, value: str) -> str:
        if member is None:
            return ""
        found = warnings(self.schema.value_features(member.type, value))
        return ", ".join((describe(self.schema, member), *(f"{value} is {warning}" for warning in found)))


def _open(given: object) -> bool:
    """Whether an argument can still be given: it has no value, or is a struct that may take more members."""
    return given is None or isinstance(given, dict)


def matching(names: Iterable[str], word: str, *, anywhere: bool = True) -> list[str]:
    """The names that start with a word, then, if ``anywhere``, those that contain it; otherwise in the given order."""
    if not word:
        return list(names)
    word = word.lower().replace("_", "-")
    folded = {name: name.lower().replace("_", "-") for name in names}
    beginning = [name for name in folded if folded[name].startswith(word)]
    if not anywhere:
        return beginning
    seen = set(beginning)
    return beginning + [name for name in folded if word in folded[name] and name not in seen]
