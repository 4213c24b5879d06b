"""The base of all tables of a profile: typed fields and QEMU's names for them.

A field that is passed to QEMU unchanged is annotated with its name there: ``Annotated[bool, device("deflate-on-oom")]``
is a property of the ``-device``; ``backend(...)`` is a member of its ``-netdev``, ``-object`` or ``-blockdev``.
"""

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec import Meta

Path = tuple[str | int, ...]
"""The place of a value in a profile: ``("net", 0, "mac")``."""

Option = tuple[str, ...]
"""A QEMU option with its value: ``("-device", "{…}")``."""


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A table of a profile. Its keys are its field names with ``-`` for ``_``, as QEMU spells them."""

    def check(self) -> Iterator[tuple[Path, str]]:
        """Conflicts between keys of this table that are each valid: the path within the table, and why."""
        return iter(())


def device(name: str) -> Meta:
    """Marks a field as the property ``name`` of the QEMU device."""
    return Meta(extra={"device": name})


def backend(name: str) -> Meta:
    """Marks a field as the member ``name`` of the device's netdev, object or block node."""
    return Meta(extra={"backend": name})


def words(text: str) -> Meta:
    """What a value must be, for messages: ``"x" is not <text>``."""
    return Meta(extra={"words": text})


def judged(trouble: Callable[[Any], str]) -> Meta:
    """A check beyond bounds and patterns: a function that returns what is wrong with a value, or an empty string."""
    return Meta(extra={"judge": trouble})


def usual(values: tuple[Any, ...]) -> Meta:
    """What ``true`` means in place of a list."""
    return Meta(extra={"usual": values})


def lone() -> Meta:
    """Allows one table, or ``true`` for one with its defaults, in place of a list of tables."""
    return Meta(extra={"lone": True})


Size = Annotated[int, Meta(ge=0, extra={"size": True})]
"""Bytes; in the file a string such as ``512M`` or a number of bytes."""

Id = Annotated[
    str,
    # QEMU: util/id.c, id_wellformed(). At most 20: a block node name has at most 31 (block.c), and ours get a suffix.
    Meta(pattern=r"^[A-Za-z][A-Za-z0-9._-]{0,19}\Z"),
    words("an id: a letter, then at most 19 letters, digits, '.', '_' or '-'"),
]

Slot = Annotated[
    str,
    Meta(pattern=r"^(0?[1-9a-f]|1[0-9a-e])\Z"),
    words('a PCI slot from "01" to "1e", in hexadecimal as lspci shows it'),
]
File = Annotated[str, Meta(min_length=1, max_length=4095), words("a path of 1 to 4,095 characters")]
"""A path, relative to the profile's directory; ``~/`` is the user's home."""


def metas(type_: Any) -> tuple[Any, tuple[Meta, ...]]:
    """A field's bare type and its annotations."""
    if get_origin(type_) is Annotated:
        bare, *annotations = get_args(type_)
        return bare, tuple(item for item in annotations if isinstance(item, Meta))
    return type_, ()


def extra(type_: Any, key: str) -> Any:
    """The outermost annotation with that key, or None."""
    found = [meta.extra[key] for meta in metas(type_)[1] if meta.extra and key in meta.extra]
    return found[-1] if found else None


def named(part: Part, side: str) -> dict[str, Any]:
    """The fields passed to one side, ``device`` or ``backend``, by QEMU's names; unset ones are left out."""
    values = ((name, getattr(part, field)) for name, field in _names(type(part), side))
    return {name: value for name, value in values if value is not None}


@cache
def _names(part: type[Part], side: str) -> tuple[tuple[str, str], ...]:
    """QEMU's name and our name of each field passed to that side."""
    found = ((extra(field.type, side), field.name) for field in msgspec.structs.fields(part))
    return tuple((name, field) for name, field in found if name is not None)


def json_option(option: str, values: Mapping[str, Any]) -> Option:
    """An option in QEMU's JSON syntax, in which a value cannot be split into several."""
    return option, json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def comma(value: str) -> str:
    """A value in QEMU's comma syntax: commas are doubled (QEMU: util/keyval.c, util/qemu-option.c)."""
    return value.replace(",", ",,")


def key_text(path: Path) -> str:
    """The dotted text of a path: ``net[1].backend``; keys that need quotes get them."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            bare = re.fullmatch(r"[A-Za-z0-9_-]+", step, re.ASCII)
            text += f"{'.' if text else ''}{step if bare else json.dumps(step, ensure_ascii=False)}"
    return text


def resolve(text: str, *, base: str, home: str) -> str:
    """An absolute path: ``~/`` is the home, and a relative path is relative to ``base``."""
    if text.startswith("~/"):
        return posixpath.join(home, text[2:])
    return posixpath.join(base, text)
