"""A mistake in a typed line, with its position; incomplete JSON comes with a hint on how to close it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.qmp.json_text import Wrong
from workbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.qmp.json_text import Fault, Json, Span


class InputError(UsageError):
    """A line that cannot be sent, with the position of the mistake."""

    def __init__(self, message: str, span: Span = (0, 0), *, hint: str = "", more: Sequence[Span] = ()) -> None:
        super().__init__(message, hint=hint)
        self.span = span
        """(0, 0) when no single position is wrong."""
        self.more = tuple(more)
        """Positions of further mistakes."""


def json_trouble(text: str, at: int, json: Json) -> InputError | None:
    """What is wrong with the JSON at ``at``; for incomplete JSON, what would close it."""
    return None if json.fault is None else _explained(text, at, json.fault, json.closing)


def _explained(text: str, at: int, fault: Fault, closing: str) -> InputError:
    start, end = fault.span
    if fault.wrong is Wrong.UNSENDABLE:
        return InputError(f"JSON: {fault.words}", fault.span)
    if fault.wrong is Wrong.OPEN_STRING and start == at:
        return InputError("unclosed quote", fault.span)
    if text[start:end] == "'":
        return InputError("JSON: strings need double quotes", fault.span)
    if not closing:
        return InputError(f"JSON: {fault.words}", fault.span)
    end = len(text.rstrip())
    span = (start, end) if fault.wrong is Wrong.OPEN_STRING else (end, end + 1)
    return InputError("JSON: unexpected end of input", span, hint=f"close it with {closing}")
