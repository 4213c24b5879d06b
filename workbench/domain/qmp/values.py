"""Values of QMP arguments: convert a word to its type in the schema, and reject what QEMU's parser rejects.

QEMU's parser reports an error without the id of the command, so a client cannot tell which command failed
(docs/interop/qmp-spec, "Error"). Text that the parser would reject is therefore rejected here, with the reason.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workbench.domain.units import SizeError, parse_size

if TYPE_CHECKING:
    from workbench.domain.qmp.schema import Schema

MAX_NESTING = 1000
"""QEMU's limit is 1024 (qobject/json-streamer.c, MAX_NESTING); the command around the value needs a few levels."""

_INTEGER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,300})(?:\.[0-9]{1,300})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_BOOLEANS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
# Surrogates and Unicode's noncharacters: util/unicode.c, mod_utf8_encode().
UNSENDABLE = re.compile(
    "[\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17))
    + "]"
)


class BadValue(ValueError):
    """An invalid value, or one that QEMU would not accept; the message gives the reason."""


def typed_value(word: str, schema: Schema | None, type_: str | None) -> object:
    """Convert a bare word to the type of its argument.

    An integer may be written as ``0x10`` or as a size, ``256M``. A word that does not fit stays a string, and the check
    against the schema reports it.

    :param type_: the type's name in the schema; None when unknown: a JSON literal or number is then read as such.
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
    """Why QEMU would not accept a text; empty when it would."""
    match = UNSENDABLE.search(text)
    return f"QEMU does not accept the character U+{ord(match[0]):04X}" if match else ""


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
    """Read a JSON literal or a number as such, anything else as a string."""
    literals = {"true": True, "false": False, "null": None}
    if word in literals:
        return literals[word]
    return _number(word) if _NUMBER.fullmatch(word) else word
