"""What is known of each stage of a target's path in one change: seen, surely run, not to be seen here, or still to come."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.path.stages import Proof, Stage

if TYPE_CHECKING:
    from workbench.domain.balloon.path.timeline import Sighting, Timeline

MOVES = frozenset({"fill", "tell", "output", "page", "discard"})
"""The stages that run only when pages move: a guest that holds what it should writes its size and no more."""
REQUEST = frozenset({"request", "command", "target", "notify", "interrupt", "irq", "changed", "work"})
"""The stages by which a request comes to the guest's driver: a driver may move by itself, as it does when it takes pages back."""
LOOK = frozenset({"diff", "get", "readl", "read"})
"""The stages by which the driver reads what it should hold; one that takes pages back does not ask."""
PROBE = frozenset({"changed", "work"})
"""Those of a request that a driver also begins by itself, when it is loaded and finds that it should hold pages."""
TRACED = frozenset({Proof.COMMAND, Proof.TARGET, Proof.READ, Proof.WRITTEN})
"""What only a trace event shows at the very moment."""


class Known(StrEnum):
    """How it is known that a stage ran."""

    SEEN = "seen"
    """A trace event, a reply or an event proved it."""
    BETWEEN = "between"
    """It must have run: what comes after it was seen."""
    HIDDEN = "hidden"
    """It may have run; what would show it cannot be seen here."""
    PENDING = "pending"
    """It has not run yet."""


class Light(Struct, frozen=True):
    """A stage, and what is known of it in one change."""

    stage: Stage
    known: Known
    sighting: Sighting | None = None
    """When it was seen; None unless ``known`` is ``SEEN``."""


def lights(path: tuple[Stage, ...], timeline: Timeline | None) -> tuple[Light, ...]:
    """What is known of each stage in one change; without one, nothing has run."""
    if timeline is None:
        return tuple(Light(stage, Known.PENDING) for stage in path)
    seen = timeline.seen
    proved = [index for index, stage in enumerate(path) if stage.proof in seen and stage.proof is not Proof.SETTLED]
    last = max(proved, default=-1)
    found: list[Light] = []
    for index, stage in enumerate(path):
        sighting = seen.get(stage.proof) if stage.proof is not None else None
        if sighting is not None:
            known = Known.SEEN
        elif stage.unsure and index < last:
            known = Known.HIDDEN
        elif index < last and _passed_by(stage, timeline):
            known = Known.PENDING if timeline.unasked else Known.HIDDEN
        elif index < last and _must_have_run(stage, timeline):
            known = Known.BETWEEN
        elif stage.key == "notify" and Proof.TARGET in seen:
            known = Known.BETWEEN  # virtio_balloon_to_target() called it before its trace event was written
        elif not timeline.traced and stage.proof in TRACED:
            known = Known.HIDDEN
        else:
            known = Known.PENDING
        found.append(Light(stage, known, sighting))
    return tuple(found)


def _passed_by(stage: Stage, timeline: Timeline) -> bool:
    """Whether it proves nothing of a stage that a later one was seen, since no request was."""
    if timeline.requested:
        return False
    if stage.key in LOOK:
        return Proof.READ not in timeline.seen
    return stage.key in REQUEST and not (timeline.after_reset and stage.key in PROBE)


def _must_have_run(stage: Stage, timeline: Timeline) -> bool:
    """Whether a stage that nothing shows lies on the way to one that was seen."""
    if stage.proof is Proof.EVENT:
        return False  # throttled: it comes later, or is replaced by a newer one
    return timeline.moved or stage.key not in MOVES
