"""``workbench balloon NAME TARGET --path``: trace a change of the target from the command to the guest and back."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from workbench.domain.balloon.path.evidence import Known, stage_states
from workbench.domain.balloon.path.stages import MILESTONES, Proof, Side, milestone_words, stages
from workbench.domain.balloon.path.timeline import Kind
from workbench.domain.units import MINUS, PAGE, mib, with_sign
from workbench.domain.versions import version_of
from workbench.verbs.common import open_guest, print_json, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.balloon.path.evidence import StageState
    from workbench.domain.balloon.path.stages import Stage
    from workbench.domain.balloon.path.timeline import PathView, Step, Timeline
    from workbench.errors import NotReached
    from workbench.settings import Settings
    from workbench.verbs.balloon.set import Wanted

LINGER = 1.2
"""Seconds to wait for ``BALLOON_CHANGE`` after the balloon has settled: QEMU delays it by up to one second."""
SHOWN = 7
"""Steps printed from the start and from the end of a change; ``--json`` has more."""
AT_MOST = "\N{LESS-THAN OR EQUAL TO}"
SIGNS = {Known.BETWEEN: "\N{MIDDLE DOT}", Known.HIDDEN: "?", Known.PENDING: "\N{EN DASH}"}


class Followed(Struct, frozen=True):
    """A change that was traced."""

    view: PathView
    """Its path; of a ramp, that of the last step."""
    before: tuple[Timeline, ...]
    """The earlier steps of the ramp."""
    ram: int
    """Bytes."""
    hugepages: bool
    why: NotReached | None
    """Why the target was not reached, if known."""


def show(settings: Settings, name: str, target: str, wait: float, wanted: Wanted, *, as_json: bool) -> None:
    """Set the target as the profile asks, trace the change for at most ``wait`` seconds, and print it.

    :raise NotReached: when the diff is not 0 by then; the path is printed anyway.
    """
    found = run(_follow(settings, name, target, wait, wanted))
    view, ram, huge = found.view, found.ram, found.hugepages
    if as_json:
        steps = [_ramp_step(line, ram) for line in found.before]
        print_json({**as_object(name, view, ram, hugepages=huge), "steps_before": steps})
    else:
        for step in found.before:
            click.echo(_headline(name, step, ram))
        for line in as_lines(name, view, ram, hugepages=huge):
            click.echo(line)
    if found.why is not None:
        raise found.why
    if view.timeline is None or view.timeline.settled is None:
        from workbench.errors import NotReached

        raise NotReached(
            f"{name} did not reach its target within {wait:g} s", hint=f"to see why: workbench balloon {name}"
        )


async def _follow(settings: Settings, name: str, target: str, wait: float, wanted: Wanted) -> Followed:
    from workbench.errors import NotReached
    from workbench.verbs.balloon.set import care_of, change, required

    async with open_guest(settings, name) as guest:
        before = await guest.refresh()
        reading, care = required(before), care_of(before.safety, wanted, wait=True)
        seen: list[PathView] = []
        forget = guest.path(seen.append)
        try:
            with suppress(NotReached):  # then it is known only from the request, its reply and readings
                await guest.wait_until(lambda _: seen[-1].traced or bool(seen[-1].why), wait or LINGER)
            why = await change(guest, reading, target, care, wait)
            with suppress(NotReached):
                await guest.wait_until(lambda _: _complete(seen[-1]), LINGER)
        finally:
            forget()
        return Followed(_last_of_ours(seen), _steps_before(seen), reading.ram, bool(before.backing), why)


def _last_of_ours(seen: list[PathView]) -> PathView:
    """The last view of the requested change; what the guest does on its own after it is another change."""
    return next((view for view in reversed(seen) if view.timeline is not None and view.timeline.ours), seen[-1])


def _steps_before(seen: list[PathView]) -> tuple[Timeline, ...]:
    """The last view of each earlier change of ours."""
    ours = {view.timeline.begun: view.timeline for view in seen if view.timeline is not None and view.timeline.ours}
    return tuple(ours.values())[:-1]


def _complete(view: PathView) -> bool:
    """Whether it has settled and, if pages moved, its event has come."""
    line = view.timeline
    return line is not None and line.settled is not None and (not line.moved or Proof.EVENT in line.seen)


# Text.


def as_lines(name: str, view: PathView, ram: int, *, hugepages: bool = False) -> Iterator[str]:
    """The change as text: the stages of the path, then the diff at each read."""
    line = view.timeline
    if line is None:
        return
    yield _headline(name, line, ram)
    if not line.traced:
        yield f"  {view.why or 'QEMU writes its trace elsewhere'}: known only from the request, its reply and readings"
    yield ""
    yield f"  {'µs':>10}"
    known = stage_states(_stages(view, hugepages=hugepages), line)
    for state in known:
        yield _row(state, line)
    yield ""
    yield from _legend(known)
    yield "  guest functions are those of Linux, which moves at most 256 pages (1 MiB) at a time"
    yield ""
    yield "  diff = num_pages − held, as towards_target() computes it".replace("−", MINUS)
    yield f"  {'µs':>10}"
    kept = line.steps.kept
    hidden = range(SHOWN, max(SHOWN, len(kept) - SHOWN))
    for index, step in enumerate(kept):
        if index == hidden.start and (hidden or line.steps.folded):
            yield f"  {'':>10}  {len(hidden) + line.steps.folded:,} more"
        if index in hidden:
            continue
        yield f"  {step.at - line.begun:>10,}  {_step_words(step, line)}".rstrip()
    yield ""
    yield from _answers(line, ram)


def _answers(line: Timeline, ram: int) -> Iterator[str]:
    """Where num_pages comes from, and what calls set_config."""
    number = ""
    if line.num_pages is not None:
        size = line.num_pages * PAGE
        number = f": {mib(ram)} {MINUS} {mib(ram - size)} = {mib(size)}, {line.num_pages:,} pages of 4 KiB"
    yield f"  num_pages is written by the host{number}; the guest only reads it"
    yield "  set_config is called when the guest writes: update_balloon_size() writes actual"


def _headline(name: str, line: Timeline, ram: int) -> str:
    words = f"{name}: "
    if line.held_before is not None:
        words += f"{mib(ram - line.held_before * PAGE)} → "
    target = ram - line.num_pages * PAGE if line.num_pages is not None else min(ram, line.asked or ram)
    words += mib(target)
    if line.held_before is not None and line.num_pages is not None:
        pages = line.num_pages - line.held_before
        words += f", {abs(pages):,} pages to {'deflate' if pages < 0 else 'inflate'}"
    if line.settled is None:
        return f"{words}; not settled"
    return f"{words}; settled {'within' if line.settled_late else 'after'} {line.settled:,} µs"


def _row(state: StageState, line: Timeline) -> str:
    stage, sighting = state.stage, state.sighting
    seen = f"{AT_MOST * sighting.late}{sighting.first - line.begun:,}" if sighting is not None else ""
    when = seen or SIGNS[state.known]
    words = f"  {when:>10}  {stage.side:<5}  {stage.function:<30}  {stage.file:<34}"
    if sighting is not None:
        words += f"  {milestone_words(stage)}"
        words += f"  ×{sighting.count:,}" if sighting.count > 1 and not sighting.late else ""
    return words.rstrip()


def _legend(known: tuple[StageState, ...]) -> Iterator[str]:
    found = {state.known for state in known}
    if any(state.sighting is not None and state.sighting.late for state in known):
        yield f"  {AT_MOST}  had run by then, according to a reply or a reading; the time is not known"
    if Known.BETWEEN in found:
        yield f"  {SIGNS[Known.BETWEEN]}  ran between two that were traced; the time is not known"
    if Known.HIDDEN in found:
        yield f"  {SIGNS[Known.HIDDEN]}  cannot be traced here"
    if Known.PENDING in found:
        yield f"  {SIGNS[Known.PENDING]}  was not seen"
    seen = {state.stage.key: state.sighting for state in known if state.sighting is not None}
    wrote, event = seen.get("written"), seen.get("event")
    if wrote is not None and event is not None and not wrote.late and event.first < wrote.first:
        # hw/virtio/virtio-balloon.c, ``virtio_balloon_set_config``: first the event, then the trace point.
        yield "  virtio_balloon_set_config() sends BALLOON_CHANGE first and writes its trace last"


def _step_words(step: Step, line: Timeline) -> str:
    """The diff as the guest computes it, and how much has moved so far."""
    verb = {Kind.READ: "read", Kind.WRITTEN: "wrote", Kind.POLLED: "found"}[step.kind]
    words = f"{verb:<5}  {with_sign(step.diff):>11} = {step.num_pages:,} {MINUS} {step.held:,}"
    if step.kind is Kind.READ or line.held_before is None:
        return words
    return f"{words:<48}  {mib(abs(step.held - line.held_before) * PAGE)}"


# As JSON.


def as_object(name: str, view: PathView, ram: int, *, hugepages: bool = False) -> dict[str, object]:
    """The output of ``--json``. Times are microseconds since the request; unknown values are null."""
    line = view.timeline
    known = stage_states(_stages(view, hugepages=hugepages), line)
    return {
        "guest": name,
        "qemu": view.qemu_version,
        "ram": ram,
        "begun": line.begun if line else None,
        "ours": line.ours if line else None,
        "asked": line.asked if line else None,
        "traced": bool(line and line.traced),
        "why_not": view.why,
        "num_pages": line.num_pages if line else None,
        "held": line.held if line else None,
        "held_before": line.held_before if line else None,
        "diff_pages": line.diff if line else None,
        "settled": line.settled if line else None,
        "settled_late": line.settled_late if line else None,
        "milestones": {
            MILESTONES[state.stage.key].value: _since(state, line) for state in known if state.stage.key in MILESTONES
        },
        "stages": [_stage_object(state, line) for state in known],
        "steps": [_step_object(step, line) for step in line.steps.kept] if line else [],
        "folded": line.steps.folded if line else 0,
    }


def _ramp_step(line: Timeline, ram: int) -> dict[str, object]:
    """An earlier step of a ramp."""
    target = None if line.num_pages is None else ram - line.num_pages * PAGE
    return {"begun": line.begun, "target": target, "settled": line.settled}


def _stage_object(state: StageState, line: Timeline | None) -> dict[str, object]:
    stage, sighting = state.stage, state.sighting
    return {
        "stage": stage.key,
        "function": stage.function,
        "file": stage.file,
        "source": "linux" if stage.side is Side.GUEST else "qemu",
        "side": stage.side.value,
        "does": stage.does,
        "known": state.known.value,
        "first": _since(state, line),
        "late": state.sighting.late if state.sighting else None,
        "last": sighting.last - line.begun if sighting and line else None,
        "count": sighting.count if sighting else 0,
    }


def _since(state: StageState, line: Timeline | None) -> int | None:
    """Microseconds from the start until it was first seen."""
    return state.sighting.first - line.begun if state.sighting is not None and line is not None else None


def _step_object(step: Step, line: Timeline) -> dict[str, object]:
    return {
        "at": step.at - line.begun,
        "kind": step.kind.value,
        "num_pages": step.num_pages,
        "held": step.held,
        "diff_pages": step.diff,
    }


def _stages(view: PathView, *, hugepages: bool) -> tuple[Stage, ...]:
    deflating = view.timeline is not None and view.timeline.deflating
    return stages(version_of(view.qemu_version), deflating=deflating, hugepages=hugepages)
