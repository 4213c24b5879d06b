"""Marks in a balloon's history: events with their times."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping


class MarkKind(StrEnum):
    """What happened. The values are part of the guest's ``marks`` file and of JSON output: do not change them."""

    REQUEST = "request"
    """A workbench sent a target."""
    FOREIGN_REQUEST = "foreign-request"
    """A target set by another client was found."""
    TAKE_BACK = "take-back"
    """The guest took memory back from its balloon without a higher target: deflate-on-oom."""
    RESET = "reset"
    PAUSE = "pause"
    RESUME = "resume"
    RAM_CHANGE = "ram-change"
    """Memory was plugged or unplugged: the target shifted with it."""
    GUARD = "guard"
    RAMP = "ramp"
    """A ramp sent a step (in addition to the step's own request), or was found interrupted at one."""


class Mark(Struct, frozen=True, gc=False, omit_defaults=True):
    time: float
    """Unix time in seconds."""
    kind: MarkKind
    text: str
    """For people, short: ``target 256 MiB``."""
    size: int | None = None
    """Bytes: the target of a request, the amount of a take-back, the signed change of RAM; None if there is none."""
    by_guest: bool = False
    """For a reset: whether the guest requested it."""
    why: str = ""
    """For the guard: why it acted."""


LETTERS = {
    MarkKind.TAKE_BACK: ("O", "taken back"),
    MarkKind.GUARD: ("G", "guard"),
    MarkKind.RESET: ("R", "reset"),
    MarkKind.RAM_CHANGE: ("M", "RAM changed"),
    MarkKind.PAUSE: ("P", "paused"),
    MarkKind.RESUME: ("C", "resumed"),
    MarkKind.FOREIGN_REQUEST: ("X", "set elsewhere"),
    MarkKind.RAMP: ("S", "ramp step"),
    MarkKind.REQUEST: ("T", "target set"),
}
"""Each kind's letter in a plot and its meaning, the most important first."""

EVENTS = {
    "RESET": (MarkKind.RESET, "reset"),
    "STOP": (MarkKind.PAUSE, "paused"),
    "RESUME": (MarkKind.RESUME, "resumed"),
}
"""QEMU's events that leave a mark (qapi/run-state.json)."""


BY_GUEST = "reset by the guest"


def mark_of_event(name: str, data: Mapping[str, object], when: float) -> Mark | None:
    """The mark for a QEMU event at its Unix time; None for events that leave none."""
    kind, text = EVENTS.get(name, (None, ""))
    if kind is None:
        return None
    by_guest = kind is MarkKind.RESET and bool(data.get("guest"))
    return Mark(when, kind, BY_GUEST if by_guest else text, by_guest=by_guest)


APART = 2.0
"""Least seconds between two marks of one kind and size. Closer ones are duplicates: seen by both the screen and the command
line, or a reset by the guest that follows from the host's."""
SAME = 0.05
"""The same for a reset by the host: QEMU gives all monitors the same time, so another time is another reset."""
TURNS = frozenset({MarkKind.PAUSE, MarkKind.RESUME})
RECORDED_ONCE = frozenset(
    {MarkKind.RESET, MarkKind.PAUSE, MarkKind.RESUME, MarkKind.FOREIGN_REQUEST, MarkKind.RAM_CHANGE}
)


def is_recorded(mark: Mark, marks: tuple[Mark, ...]) -> bool:
    """Whether ``marks`` already has this event. A workbench's own actions always count as new."""
    if mark.kind not in RECORDED_ONCE:
        return False
    if mark.kind in TURNS:  # paused, resumed and paused again in quick succession are three events
        marks = tuple(other for other in marks if other.kind in TURNS)[-1:]
    apart = SAME if mark.kind is MarkKind.RESET and not mark.by_guest else APART
    return any(
        (other.kind, other.size) == (mark.kind, mark.size) and abs(other.time - mark.time) < apart for other in marks
    )
