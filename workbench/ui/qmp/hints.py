"""The hints of the QMP console: keys on its border, and the completion at the end of its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.ui.keys.names import key_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.qmp.completion.candidates import Completion

KEYS = (
    ("qmp.complete", "tab", "complete"),
    ("qmp.help", "f1", "help"),
    ("", "!", "HMP"),
    ("qmp.polling", "f2", "polling"),
    ("qmp.events", "f3", "events"),
    ("qmp.zoom", "f5", "zoom"),
)
"""Each binding, its default key, and what it does."""


def key_words() -> str:
    """The keys, as the user has set them."""
    return "   ".join(f"{key_name(id_, key)} {words}" for id_, key, words in KEYS)


def completion_words(completions: Sequence[Completion], *, searching: bool) -> str:
    """The details of the best candidate, and how many more there are."""
    if searching:
        return f"history: {len(completions):,} found" if completions else "history: no matches"
    if not completions:
        return ""
    more = f"   {len(completions) - 1:,} more" if len(completions) > 1 else ""
    return f"{completions[0].detail}{more}"
