"""Decode tomllib's values into the parts of a profile and collect every problem."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from workbench.domain.profile.devices.part import Part, key_text
from workbench.domain.profile.text.shape import fields_of
from workbench.domain.units import SizeError, parse_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from workbench.domain.profile.devices.part import Path
    from workbench.domain.profile.text.shape import Field, Shape

P = TypeVar("P", bound=Part)

CHOICES = 8
"""The most choices to list in full when one of them is suggested; of more, only the suggestion is shown."""

ARGUMENTS = ("qemu", "args")
"""A list whose elements depend on each other."""

_FAILED: Final = object()
"""Stands for an invalid value; the reason is in the problems."""

_INVALID_CHARACTER = re.compile(
    # NUL ends a C string. The others are noncharacters (Unicode 23.7), which QEMU rejects in JSON (util/unicode.c).
    "[\x00\ufdd0-\ufdef"
    + "".join(f"{chr(0x10000 * plane + 0xFFFE)}{chr(0x10000 * plane + 0xFFFF)}" for plane in range(17))
    + "]"
)


class Decoder:
    """Decodes tables into parts. ``problems`` has each problem with the path of its value."""

    def __init__(self, known_keys: Sequence[str] = ()) -> None:
        """
        :param known_keys: every key of the file, dotted, for hints about keys in the wrong table.
        """
        self.problems: list[tuple[Path, str]] = []
        self.kept: dict[Path, tuple[int, ...]] = {}
        """For lists with invalid elements: the indices in the text of the elements that the part has."""
        self._known_keys = known_keys

    def table(self, part: type[P], value: object, path: Path = ()) -> P | None:
        """A part from a table; None if impossible. Invalid values are left at their defaults."""
        if not isinstance(value, dict):
            self._add(path, f"{_show(value)} is not a table: write [{key_text(path)}]")
            return None
        before = len(self.problems)
        fields = fields_of(part)
        self._unknown_keys(fields, value, path)
        values: dict[str, Any] = {}
        complete = True
        for key, field in fields.items():
            if field.hidden:
                continue
            if key in value:
                decoded = self._value(field.shape, value[key], (*path, key))
                if decoded is not _FAILED:
                    values[field.name] = decoded
            elif field.required:
                self._add(path, f"missing key: {key}")
            complete = complete and (not field.required or field.name in values)
        if not complete:
            return None
        result = part(**values)
        self._check(result.check(), path, clean=len(self.problems) == before)
        return result

    def rules(self, broken: Iterable[tuple[Path, str]]) -> None:
        """Add conflicts between the keys of the whole profile, except for values that are already reported."""
        self._check(broken, (), clean=False)

    def _unknown_keys(self, fields: Mapping[str, Field], value: Mapping[str, object], path: Path) -> None:
        known = [key for key, field in fields.items() if not field.hidden]
        for key in value:
            if key in known:
                continue
            near = get_close_matches(key, known, 1) or self._elsewhere(key)
            hint = f"did you mean {near[0]}?" if near else f"valid keys are {', '.join(known)}"
            self._add((*path, key), f"unknown key: {fields[key].hidden if key in fields else hint}")

    def _elsewhere(self, key: str) -> list[str]:
        """The keys of that name in other tables."""
        return [dotted for dotted in self._known_keys if dotted.rpartition(".")[2] == key]

    def _check(self, broken: Iterable[tuple[Path, str]], path: Path, *, clean: bool) -> None:
        """Add conflicts between keys.

        They are left out for a table that already has a problem, since they may follow from it: a misspelt kernel is not
        missing. Problems of a single list element do not depend on other keys and are always added, as are those of the
        whole profile except at values that are already reported.
        """
        wrong = {place for place, _ in self.problems}
        for below, why in broken:
            alone = len(below) > 1
            place = in_text((*path, *below), self.kept)
            if (clean or not path or alone) and place not in wrong:
                self.problems.append((place, why))

    def _value(self, shape: Shape, value: object, path: Path) -> object:
        if shape.kind == "list":
            return self._list(shape, value, path)
        if shape.kind == "names":
            return self._names(shape, value, path)
        if shape.kind == "size":
            return self._size(shape, value, path)
        if shape.kind == "table":
            needs = any(field.required for field in fields_of(shape.bare).values())
            if shape.optional and isinstance(value, bool) and not (value and needs):
                return shape.bare() if value else None
            decoded = self.table(shape.bare, value, path)
            return _FAILED if decoded is None else decoded
        return self._scalar(shape, value, path)

    def _list(self, shape: Shape, value: object, path: Path) -> object:
        tables = shape.item is not None and shape.item.kind == "table"
        if value is False and (tables or shape.usual is not None):
            return ()
        if value is True and shape.usual is not None:
            return shape.usual
        if shape.lone and shape.item is not None and isinstance(value, dict):
            decoded = self._value(shape.item, value, path)
            return _FAILED if decoded is _FAILED else (decoded,)
        if not isinstance(value, list) or shape.item is None:
            return self._add(
                path, f"{_show(value)} is not a list" + (f": write [[{key_text(path)}]]" if tables else "")
            )
        if shape.high is not None and len(value) > shape.high:
            return self._add(path, f"at most {shape.high} entries, got {len(value)}")
        elements = [self._value(shape.item, element, (*path, index)) for index, element in enumerate(value)]
        good = tuple(index for index, element in enumerate(elements) if element is not _FAILED)
        if len(good) < len(elements):
            if tables or path == ARGUMENTS:
                return _FAILED
            self.kept[path] = good
        return tuple(elements[index] for index in good)

    def _names(self, shape: Shape, value: object, path: Path) -> object:
        """A table with keys chosen by the user; a number is taken as a string."""
        if not isinstance(value, dict) or shape.item is None:
            return self._add(path, f"{_show(value)} is not a table: write [{key_text(path)}]")
        if shape.high is not None and len(value) > shape.high:
            return self._add(path, f"at most {shape.high} entries, got {len(value)}")
        decoded = [
            (name, self._value(shape.item, str(inner) if type(inner) is int else inner, (*path, name)))
            for name, inner in value.items()
        ]
        return _FAILED if any(inner is _FAILED for _, inner in decoded) else tuple(decoded)

    def _scalar(self, shape: Shape, value: object, path: Path) -> object:
        found = _INVALID_CHARACTER.search(value) if isinstance(value, str) else None
        if found:
            return self._add(path, f"contains U+{ord(found[0]):04X}, which cannot be passed on a command line")
        try:
            converted: object = msgspec.convert(value, shape.checked)
        except msgspec.ValidationError:
            near = get_close_matches(value, shape.choices, 1) if isinstance(value, str) else []
            if near and len(shape.choices) > CHOICES:
                return self._add(path, f"unknown value {_show(value)}: did you mean {near[0]}?")
            hint = f": did you mean {near[0]}?" if near else ""
            return self._add(path, f"{_show(value)} is not {shape.words}{hint}")
        trouble = shape.judge(converted)
        return self._add(path, trouble) if trouble else converted

    def _size(self, shape: Shape, value: object, path: Path) -> object:
        if isinstance(value, bool) or not isinstance(value, int | str):
            return self._add(path, f"{_show(value)} is not {shape.words}")
        try:
            size = parse_size(str(value))
        except SizeError as error:
            return self._add(path, str(error))
        trouble = shape.out_of_bounds(size) or shape.judge(size)
        return self._add(path, trouble) if trouble else size

    def _add(self, path: Path, message: str) -> object:
        self.problems.append((path, message))
        return _FAILED


def in_text(path: Path, kept: Mapping[Path, tuple[int, ...]]) -> Path:
    """The path in the text of an element of a decoded list, from which invalid elements are missing."""
    for above, numbers in kept.items():
        if path[: len(above)] == above and len(path) > len(above):
            index = path[len(above)]
            if isinstance(index, int) and index < len(numbers):
                return (*above, numbers[index], *path[len(above) + 1 :])
    return path


def _show(value: object) -> str:
    """A value as in the file, shortened."""
    if isinstance(value, str):
        return json.dumps(value if len(value) <= 40 else f"{value[:37]}…", ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value}"[:40]
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return "a date or time"
