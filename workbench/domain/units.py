"""Sizes as people write them: ``256M``, ``1.5 GiB``, ``268435456``.

Inside the workbench memory is an ``int`` of bytes. Every unit is binary, as QEMU's are
(util/cutils.c, ``do_strtosz``): ``M``, ``MB`` and ``MiB`` are all 1,048,576 bytes.
"""

from __future__ import annotations

import re
from fractions import Fraction

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
TIB = 1 << 40

_FACTORS = {"": 1, "k": KIB, "m": MIB, "g": GIB, "t": TIB}
_SIZE = re.compile(r"\s*(\d{1,20}(?:\.\d{1,10})?)\s*([kmgt]?)(?:i?b)?\s*", re.IGNORECASE | re.ASCII)


class SizeError(ValueError):
    """A text that is no size; the message says why."""

    def __init__(self, why: str, allowed: str = "") -> None:
        """:param allowed: what would be one, where that depends on the guest."""
        super().__init__(f"{why}: {allowed}" if allowed else why)
        self.why = why


def parse_size(text: str) -> int:
    """The number of bytes that a text such as ``256M`` means; a bare number is bytes.

    :raise SizeError: for anything else, a negative size, or a fraction of a byte.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        if re.match(r"\s*-\d", text):
            raise SizeError(f"{text.strip()!r} is negative: a size is 0 or more")
        raise SizeError(f"{text.strip()!r} is not a size: write 256M, 1.5G or a number of bytes")
    number, unit = match.groups()
    size = Fraction(number) * _FACTORS[unit.lower()]
    if size.denominator != 1:
        raise SizeError(f"{text.strip()!r} is not a whole number of bytes")
    return int(size)


def format_size(size: int) -> str:
    """The shortest exact text: ``512M``, ``1G``, ``1536K``, ``100`` (bytes). :func:`parse_size` reads it back."""
    for unit in "TGMK":
        factor = _FACTORS[unit.lower()]
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def mib(size: int, *, signed: bool = False) -> str:
    """Whole MiB for a table: ``256 MiB``, ``−55 MiB`` with a true minus sign. Rounds half away from zero.

    :param signed: whether a growth has a plus sign.
    """
    whole = (abs(size) + MIB // 2) // MIB
    plus = "+" if signed else ""
    sign = ("\N{MINUS SIGN}" if size < 0 else plus) if whole else ""
    return f"{sign}{whole:,} MiB"
