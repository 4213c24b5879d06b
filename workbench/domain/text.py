"""Text from a guest or from QEMU, made harmless to show: no control sequence reaches the terminal."""

from __future__ import annotations

import json
import re

_TO_ESCAPE = re.compile(r"[^ -~]")


def visible(text: str) -> str:
    """The text with every character that does not print written as an escape: ``\\x1b``, ``\\u202e``.

    What does not print is what :meth:`str.isprintable` says: controls, invisible and direction-changing characters.
    """
    return text if text.isascii() and text.isprintable() else _TO_ESCAPE.sub(_escape, text)


def json_string(text: str) -> str:
    """The text as a JSON string in which every character prints."""
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted if quoted.isprintable() else _TO_ESCAPE.sub(_json_escape, quoted)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable():
        return character
    return f"\\x{ord(character):02x}" if ord(character) < 0x100 else f"\\u{ord(character):04x}"


def _json_escape(match: re.Match[str]) -> str:
    return match[0] if match[0].isprintable() else json.dumps(match[0])[1:-1]
