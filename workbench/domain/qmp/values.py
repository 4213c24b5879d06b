"""Values of QMP arguments: from a word by the schema's type, and from JSON as strictly as QEMU reads it.

QEMU answers text that its parser refuses with an error that belongs to no command, and a client cannot know which one
failed (docs/interop/qmp-spec, "Error"). So what QEMU's parser refuses is refused here, with the reason.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workbench.domain.units import SizeError, parse_size

if TYPE_CHECKING:
    from workbench.domain.qmp.schema import Schema

MAX_NESTING = 1000
"""QEMU's parser stops at 1024 (qobject/json-streamer.c, MAX_NESTING); the command around the value takes a few."""

_INTEGER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,300})(?:\.[0-9]{1,300})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_BOOLEANS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
# Surrogates, and the code points that Unicode keeps free of characters: util/unicode.c, mod_utf8_encode().
UNSENDABLE = re.compile(
    "[\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17))
    + "]"
)


class BadValue(ValueError):
    """A value that cannot be meant, or that QEMU would not read; the message says why."""


def typed_value(word: str, schema: Schema | None, type_: str | None) -> object:
    """What a bare word means for an argument of that type.

    An integer may be written as ``0x10`` or as a size, ``256M``. A word that does not fit stays a string: the check
    against the schema tells what is wrong with it.

    :param type_: the schema's name of the type; None when it is not known: then the word is typed by its look.
    """
    if schema is None or type_ is None:
        return _by_look(word)
    kinds = {schema.kind(branch) for branch in schema.alternatives(type_)}
    if "value" in kinds:
        return _by_look(word)
    if "boolean" in kinds and word.lower() in _BOOLEANS:
        return _BOOLEANS[word.lower()]
    if "int" in kinds and (integer := _integer(word)) is not None:
        return integer
    if "number" in kinds and _NUMBER.fullmatch(word):
        return _number(word)
    if kinds == {"null"} and word == "null":
        return None
    return word


def unsendable(text: str) -> str:
    """Why QEMU would not read a text; empty when it would."""
    match = UNSENDABLE.search(text)
    return f"U+{ord(match[0]):04X} is not a character that QEMU reads" if match else ""


def _integer(word: str) -> int | None:
    if _INTEGER.fullmatch(word):
        return int(word, 16 if "x" in word.lower() else 10)
    try:
        return parse_size(word)
    except SizeError:
        return None


def _number(word: str) -> int | float:
    return int(word) if re.fullmatch(r"-?[0-9]+", word) else float(word)


def _by_look(word: str) -> object:
    """A JSON literal or a number is itself, everything else a string."""
    literals = {"true": True, "false": False, "null": None}
    if word in literals:
        return literals[word]
    return _number(word) if _NUMBER.fullmatch(word) else word
