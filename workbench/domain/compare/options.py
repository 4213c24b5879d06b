"""Compare two profiles by the QEMU options that they generate."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.command_line.options import settings_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.domain.command_line.argv import ArgvPart

_TYPE = {"-device": "driver", "-object": "qom-type"}


class Change(Struct, frozen=True):
    """One option that differs."""

    name: str
    """The option and the id in it: ``-device net0``."""
    one: ArgvPart | None
    """None if the first profile does not have it."""
    other: ArgvPart | None
    words: str
    """The differences, setting by setting; empty if one of the two does not have the option."""


def compare(one: Iterable[ArgvPart], other: Iterable[ArgvPart]) -> tuple[Change, ...]:
    """All differences in the order of the first profile, then the options of only the other one."""
    first, second = _by_name(one), _by_name(other)
    changes = []
    for name in dict.fromkeys((*first, *second)):
        left, right = first.get(name), second.get(name)
        if left is None or right is None:
            changes.append(Change(name, left, right, ""))
        elif left.options != right.options:
            changes.append(Change(name, left, right, _words(left, right)))
    return tuple(changes)


def _by_name(parts: Iterable[ArgvPart]) -> dict[str, ArgvPart]:
    """Each option by its name and the id in its value; the second one with the same name is ``NAME 2``."""
    found: dict[str, ArgvPart] = {}
    for part in parts:
        option = part.options[0]
        settings = settings_of(part.options, _TYPE.get(option, "type"))
        named = settings.get("id") or settings.get("node-name") or ""
        key = base = f"{option} {named}" if isinstance(named, str) and named else option
        number = 2
        while key in found:
            key, number = f"{base} {number}", number + 1
        found[key] = part
    return found


def _words(one: ArgvPart, other: ArgvPart) -> str:
    kind = _TYPE.get(one.options[0], "type")
    left, right = settings_of(one.options, kind), settings_of(other.options, kind)
    differ = [key for key in dict.fromkeys((*left, *right)) if left.get(key) != right.get(key)]
    plain = all("=" not in word and "{" not in word for word in (*one.options[1:], *other.options[1:]))
    if not differ or plain:
        return f"{' '.join(one.options[1:])} \u2192 {' '.join(other.options[1:])}"
    return "; ".join(f"{key}: {_shown(left.get(key))} \u2192 {_shown(right.get(key))}" for key in differ)


def settings_words(part: ArgvPart) -> str:
    """The value of an option, setting by setting, without its id, which is in its name."""
    kind = _TYPE.get(part.options[0], "type")
    settings = settings_of(part.options, kind)
    if all("=" not in word and "{" not in word for word in part.options[1:]):
        return " ".join(part.options[1:])
    return ", ".join(f"{key} {_shown(value)}" for key, value in settings.items() if key not in ("id", "node-name"))


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
