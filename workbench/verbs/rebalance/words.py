"""A rebalance as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.rebalance.proposal import gain_in_mib
from workbench.domain.units import in_mib, mib

if TYPE_CHECKING:
    from workbench.domain.rebalance.progress import Course, Progress
    from workbench.domain.rebalance.proposal import Line, Proposal

DASH = "\u2013"
NAME_MOST = 24


def proposal_lines(proposal: Proposal) -> list[str]:
    """The table of changes, in MiB."""
    rows: list[tuple[str, ...]] = [("MiB", "RAM", "USED", "FLOOR", "TARGET", "", "NEW", "CHANGE", "HOST GAINS", "")]
    rows += [_row(line) for line in proposal.lines]
    before = sum(line.guest.counts for line in proposal.lines)
    ram = sum(line.guest.ram for line in proposal.lines)
    after = proposal.total
    rows.append(
        (
            "sum",
            in_mib(ram),
            "",
            in_mib(sum(line.guest.floor for line in proposal.lines)),
            in_mib(before),
            "\u2192",
            in_mib(after),
            in_mib(after - before, signed=True) if after != before else "",
            gain_in_mib(proposal.host_gain),
            f"budget {in_mib(proposal.budget)}",
        )
    )
    widths = [max(len(row[column]) for row in rows) for column in range(9)]
    lines = [
        "  ".join([f"{row[0]:{widths[0]}}", *(f"{row[i]:>{widths[i]}}" for i in range(1, 9)), row[9]]).rstrip()
        for row in rows
    ]
    return [*lines, *([proposal.words] if proposal.words and not proposal.short else [])]


def _row(line: Line) -> tuple[str, ...]:
    guest = line.guest
    name = guest.name if len(guest.name) <= NAME_MOST else guest.name[: NAME_MOST - 1] + "\u2026"
    change = in_mib(line.change, signed=True) if line.change else ""
    new = in_mib(line.new) if line.change else ""
    return (
        name,
        in_mib(guest.ram),
        DASH if guest.used is None else in_mib(guest.used),
        in_mib(guest.floor) if guest.read else DASH,
        in_mib(guest.target) if guest.read else DASH,
        "\u2192" if line.change else "",
        new,
        change,
        gain_in_mib(line.host_gain) if line.change else "",
        line.reason,
    )


def progress_line(one: Progress) -> str:
    """The progress of a guest; empty for stages that :func:`outcome_lines` reports at the end."""
    from workbench.domain.rebalance.progress import Stage

    name = one.line.guest.name
    if one.stage is Stage.MOVING:
        return f"{name}: {in_mib(one.actual)} \u2192 {mib(one.goal)}"
    if one.stage is Stage.REACHED:
        return f"{name}: reached {mib(one.goal)}"
    return ""


def outcome_lines(course: Course) -> list[str]:
    """Guests that missed their target, and why."""
    from workbench.domain.rebalance.progress import Stage

    lines = []
    for name, one in course.progress.items():
        if one.stage in (Stage.LATE, Stage.FAILED, Stage.RELEASED):
            now = f"it has {in_mib(one.actual)} of {mib(one.goal)}"
            lines.append(f"{name}: {one.stage.value}: {one.remark or 'target not reached in time'}; {now}")
        elif one.stage is Stage.HELD or one.goal != one.line.new:
            lines.append(f"{name}: {one.remark}")
    return lines


def as_object(proposal: Proposal, course: Course | None = None) -> dict[str, object]:
    """The output of ``--json``. Sizes are bytes; unknown values are null.

    :param course: the outcome; None when nothing was sent.
    """
    return {
        "budget": proposal.budget,
        "met": not proposal.short,
        "short": proposal.short,
        "left": proposal.left,
        "words": proposal.words,
        "ram": sum(line.guest.ram for line in proposal.lines),
        "before": sum(line.guest.counts for line in proposal.lines),
        "after": proposal.total,
        "host_gain": _bounds(proposal.host_gain),
        "sent": course is not None,
        "guests": [
            _guest_object(line, course.progress[line.guest.name] if course else None) for line in proposal.lines
        ],
    }


def _guest_object(line: Line, progress: Progress | None) -> dict[str, object]:
    guest, verdict = line.guest, line.guest.verdict
    return {
        "guest": guest.name,
        "state": verdict.state.value if verdict else None,
        "cause": verdict.cause if verdict else "",
        "cause_code": verdict.code.value if verdict and verdict.code else None,
        "ram": guest.ram,
        "used": guest.used,
        "idle": guest.idle,
        "floor": guest.floor if guest.read else None,
        "floor_why": guest.floor_why,
        "resident": guest.resident,
        "target": guest.target if guest.read else None,
        "actual": guest.actual if guest.read else None,
        "new": line.new if guest.read else None,
        "change": line.change,
        "counts": line.counts,
        "movable": not guest.fixed,
        "reason": line.reason,
        "host_gain": _bounds(line.host_gain),
        "outcome": _outcome_object(progress) if progress else None,
    }


def _outcome_object(progress: Progress) -> dict[str, object]:
    return {
        "stage": progress.stage.value,
        "goal": progress.goal,
        "actual": progress.actual,
        "remark": progress.remark,
    }


def _bounds(bounds: tuple[int, int] | None) -> dict[str, int] | None:
    return None if bounds is None else {"least": bounds[0], "most": bounds[1]}
