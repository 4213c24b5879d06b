"""Compare two profiles key by key, including the keys that do not affect QEMU's options."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from workbench.domain.command_line.option_keys import makes_no_option
from workbench.domain.compare.options import Change, compare
from workbench.domain.profile.devices.part import key_text
from workbench.domain.profile.text.shape import fields_of
from workbench.domain.profile.text.write import toml_value
from workbench.domain.units import format_size, parse_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workbench.domain.command_line.argv import ArgvPart
    from workbench.domain.compare.drift import Difference
    from workbench.domain.profile.devices.part import Part, Path
    from workbench.domain.profile.guest import GuestProfile
    from workbench.domain.profile.text.shape import Field, Shape

ABSENT = "none"
"""Shown for a table or device that one of the two does not have."""
DEFAULT = "not given"
"""Shown for a key that is not set and whose default cannot be written."""


class KeyChange(Struct, frozen=True):
    """One key in which two profiles differ, by their texts or by a default."""

    path: Path
    one: str
    """Its value in the first profile, in TOML."""
    other: str
    no_option: bool
    """Whether it does not affect QEMU's options: the workbench applies it, from the next start on."""

    @property
    def key(self) -> str:
        return key_text(self.path)

    @property
    def mark(self) -> str:
        """``+`` if only the second profile has it, ``-`` if only the first has it, ``~`` if both have it."""
        return "+" if self.one == ABSENT else "-" if self.other == ABSENT else "~"


class Comparison(Struct, frozen=True):
    """The differences between two profiles: in their keys and in the options that these generate."""

    keys: tuple[KeyChange, ...]
    options: tuple[Change, ...]
    others: tuple[Difference, ...] = ()
    """For a running guest: devices and objects that were added or removed outside the workbench."""
    unknown: str = ""
    """For a running guest: why its plugged and unplugged devices are unknown; empty if they are known."""

    def __bool__(self) -> bool:
        return bool(self.keys or self.options or self.others)

    def keys_of(self, change: Change) -> tuple[str, ...]:
        """The changed keys that affect a changed option."""
        parts = [part for part in (change.one, change.other) if part is not None]
        return tuple(key.key for key in self.keys if any(part.says(key.path) for part in parts) and not key.no_option)


def compare_profiles(
    one: tuple[GuestProfile, Sequence[ArgvPart]], other: tuple[GuestProfile, Sequence[ArgvPart]]
) -> Comparison:
    """All differences from the first to the second, in the model's order."""
    return Comparison(tuple(_table(one[0], other[0], ())), compare(one[1], other[1]))


def _table(one: Part | None, other: Part | None, path: Path) -> Iterator[KeyChange]:
    if one is None or other is None:
        if one is not other:
            yield _change(path, _whole(one), _whole(other))
        return
    for key, field in fields_of(type(one)).items():
        if not field.hidden and (*path, key) != ("extends",):
            yield from _field(field, getattr(one, field.name), getattr(other, field.name), (*path, key))


def _field(field: Field, one: Any, other: Any, path: Path) -> Iterator[KeyChange]:
    shape = field.shape
    if shape.kind == "table":
        yield from _table(one, other, path)
    elif shape.item is not None and shape.item.kind == "table":
        if shape.lone and max(len(one), len(other)) == 1:
            yield from _table(next(iter(one), None), next(iter(other), None), path)
        else:
            yield from _tables(one, other, path)
    elif shape.kind == "names":
        left, right = dict(one), dict(other)
        for name in dict.fromkeys((*left, *right)):
            if left.get(name) != right.get(name):
                words = (_shown(shape, side[name]) if name in side else ABSENT for side in (left, right))
                yield _change((*path, name), *words)
    elif one != other:
        yield _change(path, _shown(shape, one), _shown(shape, other))


def _tables(one: Sequence[Part], other: Sequence[Part], path: Path) -> Iterator[KeyChange]:
    """Match elements by id, or by index if they have none."""
    left, right = _by_id(one), _by_id(other)
    for name in dict.fromkeys((*left, *right)):
        index, first = left.get(name, (0, None))
        index, second = right.get(name, (index, None))
        yield from _table(first, second, (*path, index))


def _by_id(parts: Sequence[Part]) -> dict[object, tuple[int, Part]]:
    return {getattr(part, "id", None) or index: (index, part) for index, part in enumerate(parts)}


def _change(path: Path, one: str, other: str) -> KeyChange:
    return KeyChange(path, one, other, makes_no_option(path))


def _whole(part: Part | None) -> str:
    """A table on one line, without values that are defaults."""
    return ABSENT if part is None else toml_value(_given(part)) if _given(part) else "with its defaults"


def _given(part: Part) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for key, field in fields_of(type(part)).items():
        value = getattr(part, field.name)
        if field.hidden or value is None or (not field.required and value == _default(part, field)):
            continue
        tables = field.shape.kind == "list" and field.shape.item and field.shape.item.kind == "table"
        if field.shape.kind == "table":
            given[key] = _given(value)
        elif tables:
            given[key] = [_given(element) for element in value]
        else:
            given[key] = dict(value) if field.shape.kind == "names" else _plain(field.shape, value)
    return given


def _default(part: Part, field: Field) -> Any:
    names, defaults = type(part).__struct_fields__, type(part).__struct_defaults__
    return dict(zip_longest(reversed(names), reversed(defaults))).get(field.name)


def _shown(shape: Shape, value: Any) -> str:
    return DEFAULT if value is None else toml_value(_plain(shape, value)).replace("$${", "${")


def _plain(shape: Shape, value: Any) -> Any:
    """A size with a suffix, if that is exact."""
    if shape.kind == "size" and parse_size(text := format_size(value)) == value:
        return text
    return value
