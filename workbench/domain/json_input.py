"""JSON in a line that is typed: read, or explained with the place that is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workbench.domain.json_cursor import unfinished_json
from workbench.domain.qmp_values import BadValue, decode_json
from workbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

Span = tuple[int, int]
"""From and behind which character of the line."""


class InputError(UsageError):
    """A line that cannot be sent, and the place in it that says so."""

    def __init__(self, message: str, span: Span = (0, 0), *, hint: str = "", more: Sequence[Span] = ()) -> None:
        super().__init__(message, hint=hint)
        self.span = span
        """Empty at 0 when the line has no one place."""
        self.more = tuple(more)
        """The places of the other mistakes in it."""


def json_at(text: str, at: int) -> tuple[object, int]:
    """One JSON value and where it ends."""
    try:
        return decode_json(text, at)
    except json.JSONDecodeError as error:
        raise _no_json(text, at, error) from error
    except BadValue as error:
        raise InputError(f"JSON: {error}", (at, len(text))) from error


def _no_json(text: str, at: int, error: json.JSONDecodeError) -> InputError:
    """What is wrong with it; where it only ends too soon, what would end it."""
    place = min(error.pos, len(text))
    # Python's json gives no code beside its message (Lib/json/decoder.py).
    string = error.msg.startswith("Unterminated string")
    closing = unfinished_json(text, at) if string or not text[place:].strip() else ""
    if string and place == at:
        return InputError("this quote is never closed", (at, len(text)))
    if text[place : place + 1] == "'":
        return InputError("JSON: a string stands in double quotes", (place, place + 1))
    if not closing:
        return InputError(f"JSON: {error.msg[0].lower()}{error.msg[1:]}", (place, place + 1))
    end = len(text.rstrip())
    span = (place, end) if string else (end, end + 1)
    return InputError("JSON: it ends too soon", span, hint=f"what is open is closed by {closing}")


def refuse_unsendable(text: str, span: Span) -> None:
    try:
        decode_json(json.dumps(text), 0)
    except BadValue as error:
        raise InputError(str(error), span) from error
