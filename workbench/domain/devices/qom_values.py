"""Convert what a user typed for a QOM property to the value that ``qom-set`` takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workbench.domain.qmp.json_text import Wrong, read_json
from workbench.domain.qmp.values import BadValue
from workbench.domain.units import SizeError, parse_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.devices.qom import Property

RANGES = {
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    "int": (-(2**63), 2**63 - 1),
    "uint": (0, 2**64 - 1),
    "size": (0, 2**64 - 1),
}
"""QOM's integer types (qapi/qapi-visit-core.c) with their minimum and maximum."""
_WORDS = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
_INTEGER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})", re.ASCII)


def parse_value(text: str, one: Property) -> object:
    """Convert a text to the type of a property.

    Integers may be written as ``0x10`` or as a size, ``64M``; structures and lists as JSON.

    :raise BadValue: when it is invalid, with the reason.
    """
    word = text.strip()
    if one.type == "bool" or (isinstance(one.value, bool) and one.type not in RANGES):
        if word.lower() not in _WORDS:
            raise BadValue("expected on or off")
        return _WORDS[word.lower()]
    if one.type in RANGES or (type(one.value) is int and one.type not in ("str", "string")):
        return _integer(word, *RANGES.get(one.type, (-(2**63), 2**64 - 1)))
    if isinstance(one.value, dict | list) or one.type.startswith("struct"):
        read = read_json(word)
        if read.fault is not None:
            prefix = "" if read.fault.wrong is Wrong.UNSENDABLE else "not valid JSON: "
            raise BadValue(f"{prefix}{read.fault.words}")
        if word[read.end :].strip():
            raise BadValue("unexpected text after the JSON value")
        return read.value
    return text


def set_arguments(path: str, name: str, value: object) -> Mapping[str, object]:
    """The arguments of a ``qom-set``."""
    return {"path": path, "property": name, "value": value}


def _integer(word: str, minimum: int, maximum: int) -> int:
    if _INTEGER.fullmatch(word):
        number = int(word, 16 if "x" in word.lower() else 10)
    else:
        try:
            number = parse_size(word)
        except SizeError as error:
            raise BadValue("expected an integer, or a size such as 64M") from error
    if not minimum <= number <= maximum:
        raise BadValue(f"must be between {minimum:,} and {maximum:,}")
    return number
