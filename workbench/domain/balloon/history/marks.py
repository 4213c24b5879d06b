"""Marks in a balloon's history: what happened to it, and when."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping


class MarkKind(StrEnum):
    """What happened. The words stand in the guest's ``marks`` file and in JSON: they stay as they are."""

    REQUEST = "request"
    """A workbench sent a target."""
    FOREIGN_REQUEST = "foreign-request"
    """A target that somebody else set was found."""
    TAKE_BACK = "take-back"
    """The guest took memory back from its balloon though nobody raised the target: deflate-on-oom."""
    RESET = "reset"
    PAUSE = "pause"
    RESUME = "resume"
    RAM_CHANGE = "ram-change"
    """Memory was plugged or unplugged: the target shifted with it."""
    GUARD = "guard"
    RAMP = "ramp"
    """A ramp sent a step, beside the request that the step is, or was found left at one."""


class Mark(Struct, frozen=True, gc=False, omit_defaults=True):
    time: float
    """Unix time in seconds."""
    kind: MarkKind
    text: str
    """For people, short: ``target 256 MiB``."""
    size: int | None = None
    """Bytes: the target of a request, the amount of a take-back, the signed change of RAM; None where there is none."""
    by_guest: bool = False
    """Of a reset: whether the guest asked for it itself."""
    why: str = ""
    """Of the guard: why it acted, in words."""


LETTERS = {
    MarkKind.TAKE_BACK: ("O", "taken back"),
    MarkKind.GUARD: ("G", "guard"),
    MarkKind.RESET: ("R", "reset"),
    MarkKind.RAM_CHANGE: ("M", "RAM changed"),
    MarkKind.PAUSE: ("P", "paused"),
    MarkKind.RESUME: ("C", "runs on"),
    MarkKind.FOREIGN_REQUEST: ("X", "set elsewhere"),
    MarkKind.RAMP: ("S", "ramp step"),
    MarkKind.REQUEST: ("T", "target set"),
}
"""The letter of each in a plot, and what it means; the weightiest first."""

EVENTS = {
    "RESET": (MarkKind.RESET, "reset"),
    "STOP": (MarkKind.PAUSE, "paused"),
    "RESUME": (MarkKind.RESUME, "runs on"),
}
"""QEMU's events that stand in the history (qapi/run-state.json)."""


BY_GUEST = "reset by the guest"


def mark_of_event(name: str, data: Mapping[str, object], when: float) -> Mark | None:
    """The mark of one of QEMU's events, at its Unix time; None for the many that leave none."""
    kind, text = EVENTS.get(name, (None, ""))
    if kind is None:
        return None
    by_guest = kind is MarkKind.RESET and bool(data.get("guest"))
    return Mark(when, kind, BY_GUEST if by_guest else text, by_guest=by_guest)


APART = 2.0
"""Seconds that two marks of one kind and size lie apart at the least; nearer ones are the same, found by the screen and the
command line, or a reset by the guest that follows from the host's."""
SAME = 0.05
"""Seconds for a reset by the host: QEMU gives each monitor the same time of it, so another time is another reset."""
TURNS = frozenset({MarkKind.PAUSE, MarkKind.RESUME})
SPEAKS_ONCE = frozenset(
    {MarkKind.RESET, MarkKind.PAUSE, MarkKind.RESUME, MarkKind.FOREIGN_REQUEST, MarkKind.RAM_CHANGE}
)


def is_told(mark: Mark, marks: tuple[Mark, ...]) -> bool:
    """Whether the same event stands in ``marks`` already. What a workbench does itself always counts anew."""
    if mark.kind not in SPEAKS_ONCE:
        return False
    if mark.kind in TURNS:  # paused, runs on, paused again within a moment are three events
        marks = tuple(other for other in marks if other.kind in TURNS)[-1:]
    apart = SAME if mark.kind is MarkKind.RESET and not mark.by_guest else APART
    return any(
        (other.kind, other.size) == (mark.kind, mark.size) and abs(other.time - mark.time) < apart for other in marks
    )
