"""Parsing and clamping of balloon targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.units import MIB, PAGE, SizeError, format_size, parse_percentage, parse_size

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAST = MIB
"""The smallest target: no guest runs below it, and QEMU rejects 0."""


def parse_target(text: str, *, ram: int, target: int) -> int:
    """Parse a target into bytes: ``256M``, ``50%`` (of RAM), ``+64M``, ``max``.

    :param target: the present target, the base of ``+``.
    :raise SizeError: if it is not a size, or 0, negative or more than RAM; names the valid range.
    """
    word = text.strip()
    if word.lower() == "max":
        return ram
    if word.startswith("-"):
        raise SizeError(f"{word!r} is negative", _range(ram))
    if word.endswith("%"):
        size = parse_percentage(word, ram)
    elif word.startswith("+"):
        size = target + parse_size(word[1:])
    else:
        size = parse_size(word)
    return check_target(size, ram=ram, written=word)


def _range(ram: int) -> str:
    return f"valid targets are 1M to {format_size(ram)}"


def check_target(size: int, *, ram: int, written: str) -> int:
    """The target, rounded down to a whole balloon page.

    QEMU rejects only 0: it accepts 1 byte, which no guest survives, and clamps more than RAM.

    :raise SizeError: if it is not between 1 MiB and RAM.
    """
    if size < LEAST:
        raise SizeError(f"{written!r} would leave the guest {size:,} bytes", _range(ram))
    if size > ram:
        raise SizeError(f"{written!r} is more than the guest's RAM", _range(ram))
    return size // PAGE * PAGE


def clamp_target(size: int, *, ram: int) -> int:
    """The nearest valid target, in whole balloon pages."""
    return min(max(size, LEAST), ram) // PAGE * PAGE


def commanded_target(command: str, arguments: Mapping[str, object]) -> int | None:
    """The target in bytes that a QMP or HMP command sets; None if it sets none.

    HMP takes a number without a unit as MiB (QEMU: hmp-commands.hx, ``balloon``, ``value:M``).
    """
    if command == "balloon":
        value = arguments.get("value")
        return value if isinstance(value, int) and value > 0 else None
    words = str(arguments.get("command-line", "")).split() if command == "human-monitor-command" else []
    if len(words) != 2 or words[0] != "balloon":
        return None
    try:
        return parse_size(words[1] if words[1][-1].isalpha() else f"{words[1]}M") or None
    except SizeError:
        return None
