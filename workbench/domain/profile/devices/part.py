"""What every table of a profile is made of: typed fields, and the names that QEMU has for them.

A field that QEMU takes as it stands says so beside its type: ``Annotated[bool, device("deflate-on-oom")]`` is the
property of that name of the ``-device``; ``backend(...)`` is a member of the ``-netdev``, ``-object`` or ``-blockdev``
behind it.
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
"""Where a value stands in a profile: ``("net", 0, "mac")``."""

Option = tuple[str, ...]
"""One option of QEMU with its value: ``("-device", "{…}")``."""


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A table of a profile. Its keys are its fields' names with ``-`` for ``_``, as QEMU spells them."""

    def check(self) -> Iterator[tuple[Path, str]]:
        """What is wrong between keys of this table that are right one by one: the place below it, and why."""
        return iter(())


def device(name: str) -> Meta:
    """The field is the property ``name`` of the QEMU device."""
    return Meta(extra={"device": name})


def backend(name: str) -> Meta:
    """The field is the member ``name`` of the netdev, object or block node behind the device."""
    return Meta(extra={"backend": name})


def words(text: str) -> Meta:
    """What a value must be, for a message: ``"x" is not <text>``."""
    return Meta(extra={"words": text})


def judged(trouble: Callable[[Any], str]) -> Meta:
    """What bounds and patterns cannot say of a value alone: a function that gives what is wrong with it, or nothing."""
    return Meta(extra={"judge": trouble})


def usual(values: tuple[Any, ...]) -> Meta:
    """What ``true`` means in the place of a list."""
    return Meta(extra={"usual": values})


def lone() -> Meta:
    """One table, or ``true`` for one with its defaults, may stand in the place of a list of tables."""
    return Meta(extra={"lone": True})


Size = Annotated[int, Meta(ge=0, extra={"size": True})]
"""Bytes; in the file a text such as ``512M`` or a number of bytes."""

Id = Annotated[
    str,
    # QEMU: util/id.c, id_wellformed(). At most 20: a block node's name can have 31 (block.c), and ours get an ending.
    Meta(pattern=r"^[A-Za-z][A-Za-z0-9._-]{0,19}\Z"),
    words("an id: a letter, then at most 19 letters, digits, '.', '_' or '-'"),
]

Slot = Annotated[
    str,
    Meta(pattern=r"^(0?[1-9a-f]|1[0-9a-e])\Z"),
    words('a PCI slot from "01" to "1e", in hexadecimal as lspci shows it'),
]
File = Annotated[str, Meta(min_length=1, max_length=4095), words("a path of 1 to 4,095 characters")]
"""A path; a relative one begins at the profile's own directory, ``~/`` at the user's home."""


def metas(type_: Any) -> tuple[Any, tuple[Meta, ...]]:
    """A field's bare type, and all that its annotations say."""
    if get_origin(type_) is Annotated:
        bare, *annotations = get_args(type_)
        return bare, tuple(item for item in annotations if isinstance(item, Meta))
    return type_, ()


def extra(type_: Any, key: str) -> Any:
    """What the outermost annotation of that key says, or None."""
    found = [meta.extra[key] for meta in metas(type_)[1] if meta.extra and key in meta.extra]
    return found[-1] if found else None


def named(part: Part, side: str) -> dict[str, Any]:
    """The fields that QEMU takes on one side, ``device`` or ``backend``, by QEMU's names; unset ones left out."""
    values = ((name, getattr(part, field)) for name, field in _names(type(part), side))
    return {name: value for name, value in values if value is not None}


@cache
def _names(part: type[Part], side: str) -> tuple[tuple[str, str], ...]:
    """QEMU's name and ours of each field that QEMU takes on that side."""
    found = ((extra(field.type, side), field.name) for field in msgspec.structs.fields(part))
    return tuple((name, field) for name, field in found if name is not None)


def json_option(option: str, values: Mapping[str, Any]) -> Option:
    """An option in QEMU's JSON syntax, in which no value can end early and become another one."""
    return option, json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def comma(value: str) -> str:
    """A value in QEMU's comma syntax: a comma in it is written twice (QEMU: util/keyval.c, util/qemu-option.c)."""
    return value.replace(",", ",,")


def key_text(path: Path) -> str:
    """The dotted text of a path: ``net[1].backend``; what is no bare key stands in quotes."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            bare = re.fullmatch(r"[A-Za-z0-9_-]+", step, re.ASCII)
            text += f"{'.' if text else ''}{step if bare else json.dumps(step, ensure_ascii=False)}"
    return text


def resolve(text: str, *, base: str, home: str) -> str:
    """An absolute path: ``~/`` is the home, and what is relative begins at ``base``."""
    if text.startswith("~/"):
        return posixpath.join(home, text[2:])
    return posixpath.join(base, text)
