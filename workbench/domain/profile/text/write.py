"""Write a profile's document as readable TOML: tables with headers, keys in the model's order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from workbench.domain.profile.devices.part import key_text
from workbench.domain.profile.guest import GuestProfile
from workbench.domain.profile.text.shape import fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from workbench.domain.profile.devices.part import Path


def to_toml(document: Mapping[str, Any]) -> str:
    """The document with a blank line between tables; strings are literal, so ``${`` is escaped."""
    return "\n".join(_table(document, ())).strip("\n") + "\n"


def toml_value(value: object) -> str:
    """A value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key_toml(key)} = {toml_value(one)}' for key, one in value.items())} }}"
    if isinstance(value, str):
        # JSON's escapes are those of TOML, except for DEL, which TOML requires (https://toml.io/en/v1.0.0#string).
        return json.dumps(value.replace("${", "$${"), ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)


def arguments_toml(reserve: int, arguments: Sequence[tuple[Sequence[str], str]]) -> str:
    """``[qemu]`` as an import writes it; empty if there is nothing to write.

    :param arguments: the words of each option, and why it is there if not simply because no key exists for it.
    """
    if not arguments and not reserve:
        return ""
    text = "\n[qemu]\n"
    if reserve:
        text += f"# PCI slots for the devices in args.\nreserve = {reserve}\n"
    if not arguments:
        return text
    text += "# Options without a key in the profile, unchanged and in their order.\nargs = [\n"
    for words, why in arguments:
        if why:
            text += f"    # {comment(why)}\n"
        text += "    " + " ".join(f"{toml_value(word)}," for word in words) + "\n"
    return text + "]\n"


def comment(text: str) -> str:
    """A text without characters that would end a comment."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def pairs_text(values: Mapping[str, object]) -> str:
    """The lines of a table with one value per line, without its header."""
    return "".join(f"{key_toml(key)} = {toml_value(value)}\n" for key, value in values.items())


def key_toml(text: object) -> str:
    """A key, in quotes where it has to be."""
    return key_text((str(text),)).replace("\x7f", "\\u007f")


def _table(table: Mapping[str, Any], path: Path) -> Iterator[str]:
    """The lines of a table: values first, then its tables."""
    keys = sorted(table, key=lambda key: _rank(path, key))
    for key in keys:
        if not _is_table(table[key]) and not _are_tables(table[key]):
            yield f"{key_toml(key)} = {toml_value(table[key])}"
    for key in keys:
        value, below = table[key], (*path, key)
        header = ".".join(key_toml(step) for step in below)
        if _is_table(value):
            if any(not _is_table(one) for one in value.values()) or not value:
                yield f"\n[{header}]"
            yield from _table(value, below)
        elif _are_tables(value):
            for one in value:
                yield f"\n[[{header}]]"
                yield from _table(one, below)


def _rank(path: Path, key: str) -> int:
    """The key's place in the model; unknown keys come last, in their own order."""
    part: Any = GuestProfile
    for step in path:
        field = fields_of(part).get(str(step)) if part is not None else None
        shape = (field.shape.item or field.shape) if field is not None else None
        part = shape.bare if shape is not None and shape.kind == "table" else None
    known = list(fields_of(part)) if part is not None else []
    return known.index(key) if key in known else len(known)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)
