"""Targets for the balloon, as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.units import MIB, PAGE, SizeError, format_size, parse_percentage, parse_size

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAST = MIB
"""The smallest target: below it nothing runs, and 0 is an error of QEMU's."""


def parse_target(text: str, *, ram: int, target: int) -> int:
    """The target in bytes that a person means: ``256M``, ``50%`` (of RAM), ``+64M``, ``max``.

    :param target: the present target, which ``+`` counts from.
    :raise SizeError: for what is no size, 0, negative, or more than RAM, with the range that is.
    """
    word = text.strip()
    if word.lower() == "max":
        return ram
    if word.startswith("-"):
        raise SizeError(f"{word!r} is negative", f"a target is 1M to {format_size(ram)}")
    if word.endswith("%"):
        size = parse_percentage(word, ram)
    elif word.startswith("+"):
        size = target + parse_size(word[1:])
    else:
        size = parse_size(word)
    return check_target(size, ram=ram, written=word)


def check_target(size: int, *, ram: int, written: str) -> int:
    """A target, down to a whole balloon page.

    QEMU refuses 0 and takes the rest: 1 byte, which no guest survives, and more than RAM, which it clamps.

    :raise SizeError: when it is not between 1 MiB and RAM.
    """
    if size < LEAST:
        raise SizeError(f"{written!r} would leave the guest {size:,} bytes", f"a target is 1M to {format_size(ram)}")
    if size > ram:
        raise SizeError(f"{written!r} is more than the guest's RAM", f"a target is 1M to {format_size(ram)}")
    return size // PAGE * PAGE


def clamp_target(size: int, *, ram: int) -> int:
    """The nearest target that can be sent, a whole number of balloon pages."""
    return min(max(size, LEAST), ram) // PAGE * PAGE


def commanded_target(command: str, arguments: Mapping[str, object]) -> int | None:
    """The target in bytes that a QMP or HMP command sets; None for a command that sets none.

    HMP's number is in MiB where it has no unit (QEMU: hmp-commands.hx, ``balloon``, ``value:M``).
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
