"""A mistake in a line that is typed, with the place that is wrong; JSON in it is explained so that one can go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.qmp.json_text import Wrong
from workbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.qmp.json_text import Fault, Json, Span


class InputError(UsageError):
    """A line that cannot be sent, and the place in it that says so."""

    def __init__(self, message: str, span: Span = (0, 0), *, hint: str = "", more: Sequence[Span] = ()) -> None:
        super().__init__(message, hint=hint)
        self.span = span
        """Empty at 0 when the line has no one place."""
        self.more = tuple(more)
        """The places of the other mistakes in it."""


def json_trouble(text: str, at: int, json: Json) -> InputError | None:
    """What is wrong with the JSON that begins at ``at``; where it only ends too soon, what would end it."""
    return None if json.fault is None else _explained(text, at, json.fault, json.closing)


def _explained(text: str, at: int, fault: Fault, closing: str) -> InputError:
    start, end = fault.span
    if fault.wrong is Wrong.UNSENDABLE:
        return InputError(f"JSON: {fault.words}", fault.span)
    if fault.wrong is Wrong.OPEN_STRING and start == at:
        return InputError("this quote is never closed", fault.span)
    if text[start:end] == "'":
        return InputError("JSON: a string stands in double quotes", fault.span)
    if not closing:
        return InputError(f"JSON: {fault.words}", fault.span)
    end = len(text.rstrip())
    span = (start, end) if fault.wrong is Wrong.OPEN_STRING else (end, end + 1)
    return InputError("JSON: it ends too soon", span, hint=f"what is open is closed by {closing}")
