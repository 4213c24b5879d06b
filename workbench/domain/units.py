"""Sizes, shares and times as people write them: ``256M``, ``1.5 GiB``, ``50%``, ``3 min``.

Internally, memory is an ``int`` of bytes. All units are binary, as in QEMU
(util/cutils.c, ``do_strtosz``): ``M``, ``MB`` and ``MiB`` are all 1,048,576 bytes.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from workbench.domain.text import enumerated

if TYPE_CHECKING:
    from collections.abc import Iterable


KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
TIB = 1 << 40
MINUS = "\N{MINUS SIGN}"

_FACTORS = {"": 1, "k": KIB, "m": MIB, "g": GIB, "t": TIB}
_SIZE = re.compile(r"\s*(\d{1,20}(?:\.\d{1,10})?)\s*([kmgt]?)(?:i?b)?\s*", re.IGNORECASE | re.ASCII)
# Stricter than Fraction(): 1e99999999 would take minutes and gigabytes.
_PERCENTAGE = re.compile(r"(-?\d{1,6}(?:\.\d{1,10})?)\s*%", re.ASCII)


class SizeError(ValueError):
    """A text that is not a size; the message says why."""

    def __init__(self, why: str, allowed: str = "") -> None:
        """:param allowed: the valid range, where it depends on the guest."""
        super().__init__(f"{why}: {allowed}" if allowed else why)
        self.why = why


def parse_size(text: str) -> int:
    """Parse a size such as ``256M`` into bytes; a bare number is bytes.

    :raise SizeError: for anything else, a negative size, or a fraction of a byte.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        if re.match(r"\s*-\d", text):
            raise SizeError(f"{text.strip()!r} is negative: a size must be 0 or more")
        raise SizeError(f"{text.strip()!r} is not a size: use 256M, 1.5G or a number of bytes")
    number, unit = match.groups()
    size = Fraction(number) * _FACTORS[unit.lower()]
    if size.denominator != 1:
        raise SizeError(f"{text.strip()!r} is not a whole number of bytes")
    return int(size)


def parse_percentage(text: str, whole: int) -> int:
    """Parse a share of ``whole`` such as ``12.5%`` into bytes, rounded towards 0.

    :raise SizeError: for anything else.
    """
    share = _PERCENTAGE.fullmatch(text.strip())
    if share is None:
        raise SizeError(f"{text.strip()!r} is not a percentage: use a form such as 50%")
    return int(whole * Fraction(share[1]) / 100)


def format_size(size: int) -> str:
    """The shortest exact text: ``512M``, ``1G``, ``1536K``, ``100`` (bytes). :func:`parse_size` reads it back."""
    for unit in "TGMK":
        factor = _FACTORS[unit.lower()]
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def size_words(size: int) -> str:
    """A power-of-two size with its unit: ``2 MiB``, ``1 GiB``, ``64 KiB``, ``32 bytes``."""
    for factor, unit in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size >= factor and size % factor == 0:
            return f"{size // factor} {unit}"
    return f"{size} bytes"


def gib_of(part: int, whole: int) -> str:
    """``1.5 of 7.8 GiB``."""
    return f"{part / GIB:.1f} of {whole / GIB:.1f} GiB"


def whole_mib(size: int) -> int:
    """The nearest whole number of MiB, half away from zero."""
    whole = (abs(size) + MIB // 2) // MIB
    return -whole if size < 0 else whole


def in_mib(size: int, *, signed: bool = False) -> str:
    """Whole MiB for a column whose heading has the unit: ``1,024``, ``−55``, and with ``signed`` ``+55``.

    A non-zero size that rounds to 0 is ``<1``; with a sign it is ``0``.
    """
    whole = whole_mib(size)
    if size and not whole:
        return "0" if signed else "<1"
    sign = MINUS if whole < 0 else "+" if signed and whole else ""
    return f"{sign}{abs(whole):,}"


def mib(size: int, *, signed: bool = False) -> str:
    """Whole MiB with the unit: ``256 MiB``, ``−55 MiB``."""
    return f"{in_mib(size, signed=signed)} MiB"


def mib_span(least: int, most: int, between: str = "\N{EN DASH}") -> str:
    """A range in whole MiB without the unit; a single number if both ends round to the same."""
    low, high = whole_mib(least), whole_mib(most)
    return in_mib(most) if low == high else f"{low:,}{between}{high:,}"


def with_sign(count: int) -> str:
    """``+14,080``, ``−14,080`` with a true minus sign, ``0``."""
    return f"{MINUS if count < 0 else '+' if count else ''}{abs(count):,}"


def age(seconds: float) -> str:
    """``2 s``, ``3 min``, ``2 h``, ``3 d``: one unit, rounded down."""
    seconds = max(0.0, seconds)
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds // 60:.0f} min"
    return f"{seconds // 3600:.0f} h" if seconds < 172800 else f"{seconds // 86400:.0f} d"


def ago(seconds: float) -> str:
    """:func:`age` with "ago": ``2 s ago``."""
    return f"{age(seconds)} ago"


def duration(seconds: float) -> str:
    """A waiting time: ``0.2 s``, ``12 s``, ``3 min``."""
    return f"{seconds:.1f} s" if seconds < 9.95 else age(seconds)


PAGE = 4096
"""Bytes of a balloon page, independent of the guest's page size (VIRTIO_BALLOON_PFN_SHIFT = 12)."""


def pages_in(size: int) -> int:
    """Whole balloon pages in ``size`` bytes; negative for a negative size."""
    return size // PAGE if size >= 0 else -(-size // PAGE)


def sizes_words(pages: Iterable[int]) -> str:
    """A list of page sizes, smallest first: ``2 MiB and 1 GiB``."""
    return enumerated([size_words(page) for page in sorted(pages)])
