"""The status line of the record: what is hidden, and the count of each event."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from textual.content import Content

from workbench.domain.qmp.record.search import Show
from workbench.domain.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.qmp.record.search import Filter

POLLING_NAMED = 4
"""The screen's own commands that are named at most."""
NAMED = 5
"""Events that are named at most, the most frequent first."""


def polling_words(counted: Counter[str], width: int) -> str:
    """The counts of the screen's own commands that fit, the most frequent first."""
    words = ""
    for name, count in counted.most_common(POLLING_NAMED):
        one = f"{count:,} \N{MULTIPLICATION SIGN} {name}"
        if words and len(words) + 2 + len(one) > width:
            break
        words = f"{words}, {one}" if words else f"\N{MIDDLE DOT} screen: {one}"
    return words


def state_words(filter_: Filter, later: int, events: Mapping[str, int]) -> list[Content]:
    """The parts of the status line.

    :param later: number of messages after those in the log.
    :param events: the count of each event.
    """
    words: list[Content] = []
    if filter_.show is not Show.ALL:
        words.append(Content.assemble(("only ", "$foreground-muted"), (filter_.show.value, "$warning")))
    if later:
        words.append(Content.assemble((f"{later:,} newer (end)", "$warning")))
    if filter_.hidden:
        words.append(Content.styled(f"{len(filter_.hidden)} hidden", "$warning"))
    if events:
        parts = [
            Content.assemble((visible(name), "$foreground"), f" {count:,}")
            for name, count in Counter(events).most_common(NAMED)
        ]
        more = [Content(f"{len(events) - NAMED} more")] if len(events) > NAMED else []
        words.append(Content.assemble("\N{HIGH VOLTAGE SIGN} ", Content("  ").join([*parts, *more])))
    return words
