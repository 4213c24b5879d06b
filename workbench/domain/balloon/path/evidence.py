"""The state of each stage of a target's path in one change: seen, inferred, not observable here, or pending."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.path.stages import Proof, Stage

if TYPE_CHECKING:
    from workbench.domain.balloon.path.timeline import Sighting, Timeline

MOVES = frozenset({"fill", "tell", "output", "page", "discard"})
"""Stages that run only when pages move; a guest at its target only writes its size."""
REQUEST = frozenset({"request", "command", "target", "notify", "interrupt", "irq", "changed", "work"})
"""Stages by which a request reaches the guest's driver; a driver that moves on its own skips them."""
LOOK = frozenset({"diff", "get", "readl", "read"})
"""Stages in which the driver reads num_pages; one that takes pages back skips them."""
PROBE = frozenset({"changed", "work"})
"""Stages of a request that also run when a driver is loaded and num_pages is not 0."""
TRACED = frozenset({Proof.COMMAND, Proof.TARGET, Proof.READ, Proof.WRITTEN})
"""Proofs that only a trace event gives at the time they happen."""


class Known(StrEnum):
    """How it is known that a stage ran."""

    SEEN = "seen"
    """Proved by a trace event, a reply or a QMP event."""
    BETWEEN = "between"
    """It must have run, as a later stage was seen."""
    HIDDEN = "hidden"
    """It may have run, but that cannot be observed here."""
    PENDING = "pending"
    """It has not run yet."""


class StageState(Struct, frozen=True):
    """A stage and its state in one change."""

    stage: Stage
    known: Known
    sighting: Sighting | None = None
    """When it was seen; None unless ``known`` is ``SEEN``."""


def stage_states(path: tuple[Stage, ...], timeline: Timeline | None) -> tuple[StageState, ...]:
    """The state of each stage in one change; all pending without one."""
    if timeline is None:
        return tuple(StageState(stage, Known.PENDING) for stage in path)
    seen = timeline.seen
    proved = [index for index, stage in enumerate(path) if stage.proof in seen and stage.proof is not Proof.SETTLED]
    last = max(proved, default=-1)
    found: list[StageState] = []
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
            known = Known.BETWEEN  # virtio_balloon_to_target() calls it before it writes its trace event
        elif not timeline.traced and stage.proof in TRACED:
            known = Known.HIDDEN
        else:
            known = Known.PENDING
        found.append(StageState(stage, known, sighting))
    return tuple(found)


def _passed_by(stage: Stage, timeline: Timeline) -> bool:
    """Whether a stage may have been skipped although a later one was seen, as no request was."""
    if timeline.requested:
        return False
    if stage.key in LOOK:
        return Proof.READ not in timeline.seen
    return stage.key in REQUEST and not (timeline.after_reset and stage.key in PROBE)


def _must_have_run(stage: Stage, timeline: Timeline) -> bool:
    """Whether an unobservable stage must have run before one that was seen."""
    if stage.proof is Proof.EVENT:
        return False  # throttled: it comes later, or a newer one replaces it
    return timeline.moved or stage.key not in MOVES
