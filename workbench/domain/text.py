"""Escape untrusted text from guests and QEMU, so that no control sequence reaches the terminal."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_TO_ESCAPE = re.compile(r"[^ -~]")


def visible(text: str) -> str:
    """The text with non-printing characters escaped: ``\\x1b``, ``\\u202e``.

    By :meth:`str.isprintable`: controls, invisible and direction-changing characters.
    """
    return text if text.isascii() and text.isprintable() else _TO_ESCAPE.sub(_escape, text)


def enumerated(words: Sequence[str], most: int = 5) -> str:
    """``a``, ``a and b``, ``a, b and c``; for more than ``most``, ``a, b and 7 more``."""
    if len(words) > most:
        words = (*words[: most - 1], f"{len(words) - most + 1} more")
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def json_string(text: str) -> str:
    """The text as a JSON string of printable characters only."""
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted if quoted.isprintable() else _TO_ESCAPE.sub(_json_escape, quoted)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable():
        return character
    return f"\\x{ord(character):02x}" if ord(character) < 0x100 else f"\\u{ord(character):04x}"


def _json_escape(match: re.Match[str]) -> str:
    return match[0] if match[0].isprintable() else json.dumps(match[0])[1:-1]
