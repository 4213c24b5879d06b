"""What the balloon panel's ledger, plot and situation get of its room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.ui.balloon import row_budget
from workbench.ui.balloon import text as balloon_text

if TYPE_CHECKING:
    from textual.content import Content
    from textual.widget import Widget

    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.guest.snapshot import GuestSnapshot

ROOMY = 30
"""Rows of the panel from which the full ledger and all evidence of a stall fit together with the plot."""


class Room(Struct, frozen=True):
    """The room of the panel."""

    width: int
    rows: int
    """For everything in the panel."""
    place: object
    """Differs after the panel was resized."""
    roomy: bool
    """Whether there is room for sentences together with the plot."""
    alone: bool
    """Whether the ledger is shown in place of the plot."""


def room_of(panel: Widget, *, alone: bool) -> Room:
    """The room of a panel. Before its first layout it is a guess that fits most terminals: a wrong one costs a second layout."""
    region, app = panel.content_region, panel.app.size
    width = region.width or max(20, app.width - 4 if app.width < 100 else app.width // 2 - 10)
    return Room(width, region.height or app.height // 2, region.size, roomy=panel.size.height >= ROOMY, alone=alone)


class Parts(Struct, frozen=True):
    """The parts whose rows depend on each other."""

    ledger: Content | None
    """None if there is no room for it."""
    plot: bool
    """Whether there is room for the plot."""
    situation: Content


class BalloonLayout:
    """Shows the ledger in the fullest form that leaves the plot readable; the rows left over go to the evidence of a stall.

    While the balloon moves, the ledger gets no fuller form: text that comes and goes must not move the plot.
    """

    def __init__(self) -> None:
        self._place: tuple[object, ...] = ()
        self._form = 0
        """The form in which the ledger was last shown at this place."""

    def divide(
        self, snapshot: GuestSnapshot, balloon: Balloon, room: Room, now: float, *, taken: int, staged: Content
    ) -> Parts:
        """
        :param now: Unix time.
        :param taken: rows of what is always shown.
        :param staged: the text of the staged target.
        """
        width, alone = room.width, room.alone
        used = taken + row_budget.height(situation(snapshot, balloon, room), width)
        # Alone, the ledger also gets the rows reserved for a staged target.
        used += 1 + (row_budget.height(staged, width) if alone else row_budget.staged_rows(staged, width))
        forms = balloon_text.ledger(balloon, now, width, alone=alone)
        rows = room.rows - used
        place = (snapshot.name, room.place, alone)
        moves = balloon.reading is not None and balloon.reading.diff != 0 and place == self._place
        chosen, plot = row_budget.choose(forms, rows, width, fullest=self._form if moves else 0, alone=alone)
        self._place, self._form = place, chosen or 0
        form = None if chosen is None else forms[chosen]
        # Without a plot, head and ledger share one blank row.
        spare = 0 if plot or form is None else max(0, rows - row_budget.height(form, width))
        return Parts(form, plot, situation(snapshot, balloon, room, spare))


def situation(snapshot: GuestSnapshot, balloon: Balloon, room: Room, spare: int = 0) -> Content:
    """Why the balloon is stalled, with as much evidence as there is room for.

    :param spare: rows beyond its minimum.
    """
    if not snapshot.answering:
        return balloon_text.silence(snapshot.trouble, balloon)
    usual = 3 if room.roomy else 1
    words = balloon_text.situation(balloon, evidence=usual)
    most = row_budget.height(words, room.width) + spare
    for lines in range(len(balloon.verdict.evidence) if words.plain else 0, usual, -1):
        more = balloon_text.situation(balloon, evidence=lines)
        if row_budget.height(more, room.width) <= most:
            return more
    return words
