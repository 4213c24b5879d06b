"""Assign trace lines and readings to a target change: the present one, or a new one that they start.

A change starts with a request, ours or another client's, or on its own: the guest takes pages back, or its driver is
reloaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from msgspec.structs import replace

from workbench.domain.balloon.path import trace_log
from workbench.domain.balloon.path.stages import Proof
from workbench.domain.balloon.path.timeline import Sighting, Timeline, words_of

if TYPE_CHECKING:
    from workbench.domain.balloon.path.trace_log import TraceLine
    from workbench.domain.balloon.reading import Reading


def sent(at: int, size: int, *, held: int | None, traced: bool, reset: bool = False) -> Timeline:
    """A change that this workbench requests now.

    :param at: microseconds.
    :param size: bytes.
    :param held: pages held by the guest at the last reading.
    :param reset: whether the guest was reset since, so that its driver holds none.
    """
    held = 0 if reset else held
    seen = {Proof.SENT: Sighting(at, at)}
    return Timeline(at, asked=size, traced=traced, seen=seen, held=held, held_before=held, after_reset=reset)


@overload
def follow(timeline: Timeline, line: TraceLine, now: int, *, reset: bool = False) -> Timeline: ...


@overload
def follow(timeline: None, line: TraceLine, now: int, *, reset: bool = False) -> Timeline | None: ...


def follow(timeline: Timeline | None, line: TraceLine, now: int, *, reset: bool = False) -> Timeline | None:
    """The change that a trace line belongs to: the present one, or a new one; None if there is none.

    :param now: microseconds, for logs without timestamps.
    :param reset: whether the guest was reset since the last change.
    """
    begun = now if line.at is None else line.at
    if timeline is None:
        if _does_nothing(line, reset=reset):
            return None
        held = 0 if reset else None
        unasked = reset and line.event not in (trace_log.COMMAND, trace_log.TARGET)
        timeline = Timeline(
            begun, ours=False, traced=True, held=held, held_before=held, unasked=unasked, after_reset=reset
        )
    elif _begins_another(timeline, line):
        timeline = Timeline(begun, ours=False, traced=True, held=timeline.held, held_before=timeline.held)
    elif _moves_again(timeline, line):
        # If the log was not being read, a request may have been missed.
        timeline = replace(_further(timeline, begun), traced=True, unasked=timeline.traced)
    elif not timeline.traced:
        timeline = replace(timeline, traced=True)  # tracing was switched on midway
    return timeline.traced_line(line, now)


def poll(
    timeline: Timeline | None, reading: Reading, now: int | None = None, *, reset: bool = False
) -> Timeline | None:
    """The change that a reading belongs to: the present one, or a new one that was started unseen.

    :param now: microseconds at which the reading arrived; None: the time of its request.
    :param reset: whether the guest was reset since the last change.
    """
    num_pages, held, at = words_of(reading)
    if timeline is None:
        if num_pages == held:
            return None
        before = 0 if reset else held
        return Timeline(at, ours=False, num_pages=num_pages, held=held, held_before=before, after_reset=reset)
    if not timeline.traced and at >= timeline.begun:
        if timeline.num_pages not in (None, num_pages):
            timeline = Timeline(at, ours=False, held=timeline.held, held_before=timeline.held)
        elif timeline.settled is not None and timeline.held != held:
            timeline = _further(timeline, at)
    return timeline.polled(reading, now)


def _further(timeline: Timeline, begun: int) -> Timeline:
    """A new change with the same target, after one that had settled."""
    held = timeline.held
    return Timeline(begun, ours=False, num_pages=timeline.num_pages, held=held, held_before=held)


def _does_nothing(line: TraceLine, *, reset: bool) -> bool:
    """Whether a driver only reads the config space, as at its start, and has no page to move."""
    return line.event == trace_log.READ and line.values[0] == (0 if reset else line.values[1])


def _begins_another(timeline: Timeline, line: TraceLine) -> bool:
    """Whether QEMU runs a command other than the one that started this change."""
    if line.event == trace_log.COMMAND:
        # Our own command starts a change when it is sent; this is it being run.
        return Proof.COMMAND in timeline.seen or Proof.SENT not in timeline.seen
    return line.event == trace_log.TARGET and Proof.TARGET in timeline.seen


def _moves_again(timeline: Timeline, line: TraceLine) -> bool:
    """Whether a settled guest moves on its own: it takes pages back, or its driver was reloaded."""
    if timeline.settled is None:
        return False
    if line.event == trace_log.WRITTEN:
        return line.values[0] != timeline.held
    return line.event == trace_log.READ and line.values[0] != line.values[1] and line.values[0] == timeline.num_pages
