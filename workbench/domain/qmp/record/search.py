"""Filter and search a record: which messages are shown, and which of them contain a text.

A search compares normalised text: lower case, without quotes, braces, commas and spaces, and with ``=`` as ``:``. So
``value=268`` finds what the screen shows as ``balloon value=268435456`` and the record has as ``{"value":268435456}``.
Each block of messages is normalised into one byte string when it is first searched, so that 100,000 messages are
searched at the speed of a byte comparison.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.qmp.record.record import HMP, Kind, Message, Origin, arguments_of, hmp_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workbench.domain.qmp.record.record import Block, Kept, Record


class Show(StrEnum):
    """Which messages to show."""

    ALL = "all"
    MINE = "mine"
    EVENTS = "events"
    COMMANDS = "commands"
    REPLIES = "replies"
    ERRORS = "errors"


_KINDS = {
    Show.EVENTS: (Kind.EVENT,),
    Show.COMMANDS: (Kind.COMMAND,),
    Show.REPLIES: (Kind.REPLY, Kind.ERROR),
    Show.ERRORS: (Kind.ERROR,),
}


class Filter(Struct, frozen=True):
    """Which messages of a record are shown."""

    show: Show = Show.ALL
    polling: bool = False
    """Whether to show the screen's own queries."""
    hidden: frozenset[str] = frozenset()
    """Names of events that are hidden."""

    def takes(self, message: Message) -> bool:
        """Whether a message is shown."""
        chosen = self.chooser()
        return (self.polling or not message.is_polling) and (chosen is None or chosen(message))

    def chooser(self) -> Callable[[Message], bool] | None:
        """The same without the check for polling; None when every message is shown."""
        hidden = self.hidden
        if self.show is Show.MINE:
            return lambda message: message.origin is Origin.USER
        kinds = _KINDS.get(self.show)
        if kinds is None:
            if not hidden:
                return None
            return lambda message: message.kind is not Kind.EVENT or message.name not in hidden
        if not hidden or Kind.EVENT not in kinds:
            return lambda message: message.kind in kinds
        return lambda message: message.kind is Kind.EVENT and message.name not in hidden

    def choose(self, messages: Iterator[Message]) -> Iterator[Message]:
        """The messages that are shown, out of some that include polling only if it is shown."""
        return filter(self.chooser(), messages) if self.chooser() is not None else messages


_SKIPPED = b'"{}, '
_SIMPLE = bytes(byte + 32 if 65 <= byte <= 90 else 58 if byte == 61 else byte for byte in range(256))
"""A to Z as a to z, and ``=`` as ``:``."""


def simple(text: str) -> bytes:
    """The normalised form of a text; empty when there is nothing to search for."""
    return text.encode("utf-8", "surrogatepass").translate(_SIMPLE, _SKIPPED).replace(b"\n", b"")


def pattern(text: str) -> re.Pattern[str] | None:
    """A pattern that matches a text in a line on the screen; None when there is nothing to search for."""
    wanted = simple(text).decode("utf-8", "surrogatepass")
    if not wanted:
        return None
    parts = ("[:=]" if character == ":" else re.escape(character) for character in wanted)
    return re.compile(r'["{}, ]*'.join(parts), re.IGNORECASE | re.ASCII)


def search(record: Record, text: str, filter_: Filter) -> list[int]:
    """The serials of the shown messages that contain a text, oldest first."""
    wanted = simple(text)
    if not wanted:
        return []
    found = list(_find(record.messages, wanted, filter_))
    if filter_.polling:
        found = sorted([*found, *_find(record.polling, wanted, filter_)])
    return found


def forget_index(record: Record) -> None:
    """Free the memory of the search index."""
    for kept in (record.messages, record.polling):
        for block in kept.blocks:
            block.index = None


def prepare(record: Record, filter_: Filter) -> Iterator[None]:
    """Build the index ahead of the first search, one block per step."""
    for kept in (record.messages, record.polling) if filter_.polling else (record.messages,):
        for block in tuple(kept.blocks):
            if block.index is None:
                block.index = _index(block)
                yield


def _find(kept: Kept, wanted: bytes, filter_: Filter) -> Iterator[int]:
    chosen = filter_.chooser()
    for block in kept.blocks:
        index = block.index
        if index is None:
            index = block.index = _index(block)
        if wanted in index:
            found = [
                message for message, line in zip(block.messages, index.split(b"\n"), strict=True) if wanted in line
            ]
            yield from (message.serial for message in (found if chosen is None else filter(chosen, found)))


def _index(block: Block) -> bytes:
    return b"\n".join(map(_displayed, block.messages)).translate(_SIMPLE, _SKIPPED)


def _displayed(message: Message) -> bytes:
    """A message approximately as the screen shows it, on one line: compact JSON contains no newline."""
    kind = message.kind
    if kind is Kind.ERROR:
        failure = arguments_of(message)
        return _flat(f"{failure.get('class', '')}: {failure.get('desc', '')}" if failure else str(message.payload))
    if message.name == HMP:
        if kind is Kind.REPLY:
            return message.body.replace(b"\\r\\n", b" ").replace(b"\\n", b" ")
        line = hmp_line(message)
        if line is not None:
            return _flat(f"!{line}")
    if kind in (Kind.REPLY, Kind.NOTE):
        return message.body
    return (b"exec-oob " if message.oob else b"") + _flat(message.name) + b" " + message.body


def _flat(text: str) -> bytes:
    return text.encode("utf-8", "replace").replace(b"\n", b" ")
