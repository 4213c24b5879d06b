"""The text of the rebalance screen: numbers, bars and words, from a proposal alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from workbench.domain.rebalance.progress import Stage
from workbench.domain.rebalance.proposal import gain_in_mib
from workbench.domain.units import in_mib, mib
from workbench.ui.keys.names import key_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.rebalance.progress import Course, Progress
    from workbench.domain.rebalance.proposal import Line, Proposal

ARROW = "\u2192"
DASH = "\u2013"
MUTED = "$foreground-muted"
COLUMNS = (("RAM", 7), ("used", 7), ("floor", 7), ("target", 8), ("", 2), ("new", 7), ("change", 8), ("host gains", 12))
"""The cells of a row, and the minimum columns of the screen for each."""
NAME = (10, 24)
"""Minimum and maximum columns of the screen for a guest's name."""
WIDER = 3
"""How much wider a number's column may get where there is room."""
STAGE_STYLES = {
    Stage.UNCHANGED: MUTED,
    Stage.WAITING: MUTED,
    Stage.MOVING: "$warning",
    Stage.REACHED: "$success",
    Stage.LATE: "bold $error",
    Stage.HELD: "bold $warning",
    Stage.RELEASED: "bold $error",
    Stage.FAILED: "bold $error",
}
USED, IDLE, GONE, MARK = "\u2501", "\u2500", "\u2508", "\u2503"
"""The parts of a bar: memory used, unused, not held by the guest, and the mark of the new target."""

Cell = tuple[str, str]


def table(
    proposal: Proposal, width: int, *, cursor: str, out: Mapping[str, str], progress: Mapping[str, Progress] | None
) -> Content:
    """Two lines for each guest: numbers in MiB, and a bar with the reason.

    :param cursor: the guest that keys act on.
    :param out: the excluded guests, each with its RAM as text.
    :param progress: the progress of each guest; None before anything is sent.
    """
    most = max((line.guest.ram for line in proposal.lines), default=0)
    lines = {line.guest.name: line for line in proposal.lines}
    parts = []
    for name in sorted({*lines, *out}):
        line = lines.get(name)
        if line is None:
            parts += [
                _row(name, name == cursor, "\u25cb", MUTED, [(out[name], MUTED)], width),
                Content.styled("    excluded: space includes it", MUTED),
            ]
            continue
        one = progress.get(name) if progress else None
        mark = ("\u25cf", MUTED if line.guest.fixed else "$success")
        parts += [_row(name, name == cursor, *mark, _numbers(line), width), _bar_line(line, one, most, width)]
    return Content("\n").join(parts)


def heading(width: int) -> Content:
    names: list[Cell] = [(name, MUTED) for name, _ in COLUMNS]
    return _row("MiB", False, " ", "", names, width, style=MUTED)


def total(proposal: Proposal, width: int) -> Content:
    """The sums, in the same columns."""
    lines = proposal.lines
    before = sum(line.guest.counts for line in lines)
    cells: list[Cell] = [
        (in_mib(sum(line.guest.ram for line in lines)), ""),
        ("", ""),
        (in_mib(sum(line.guest.floor for line in lines)), ""),
        (in_mib(before), "$target"),
    ]
    if proposal.changes:
        change = in_mib(proposal.total - before, signed=True)
        cells += [(ARROW, MUTED), (in_mib(proposal.total), "bold $target"), (change, "bold")]
        cells.append((gain_in_mib(proposal.host_gain), "$resident"))
    return _row("sum", False, " ", "", cells, width)


def _numbers(line: Line) -> list[Cell]:
    guest = line.guest
    cells: list[Cell] = [
        (in_mib(guest.ram), ""),
        (DASH if guest.used is None else in_mib(guest.used), ""),
        (in_mib(guest.floor) if guest.read else DASH, ""),
        (in_mib(guest.target) if guest.read else DASH, "$target"),
    ]
    if line.change:
        new = [(ARROW, MUTED), (in_mib(line.new), "bold $target"), (in_mib(line.change, signed=True), "bold")]
        cells += [*new, (gain_in_mib(line.host_gain), "$resident")]
    return cells


def _row(
    name: str, chosen: bool, mark: str, mark_style: str, cells: list[Cell], width: int, *, style: str = ""
) -> Content:
    spare = width - 4 - sum(size for _, size in COLUMNS)
    room = max(NAME[0], min(NAME[1], spare))
    wider = max(0, min(WIDER, (spare - room) // len(COLUMNS)))
    shown = name if len(name) <= room else name[: room - 1] + "\u2026"
    parts: list[Cell] = [("\u25b8 " if chosen else "  ", "$accent"), (f"{mark} ", mark_style)]
    parts.append((f"{shown:<{room}}", style or "bold"))
    parts += [(f"{text:>{size + wider}}", look) for (text, look), (_, size) in zip(cells, COLUMNS, strict=False)]
    return Content.assemble(*parts)


def _bar_line(line: Line, one: Progress | None, most: int, width: int) -> Content:
    length = max(16, min(56, (width - 4) * 9 // 20))
    words, style = remark(line, one)
    room = max(0, width - 6 - length)
    shown = words if len(words) <= room else words[: max(0, room - 1)] + "\u2026"
    return Content.assemble("    ", bar(line, one, most, length), ("  " + shown, style))


def bar(line: Line, one: Progress | None, most: int, length: int) -> Content:
    """The memory that the guest uses, has and will have, to the scale of the largest guest's RAM."""
    guest = line.guest
    actual = one.actual if one is not None and line.change else guest.actual

    def place(size: int) -> int:
        return min(length, (size * length + most // 2) // max(1, most))

    ram, has = max(1, place(guest.ram)), place(actual)
    used = min(has, place(guest.used or 0))
    cells = [USED] * used + [IDLE] * (has - used) + [GONE] * (ram - has) + [" "] * (length - ram)
    goal = min(ram - 1, place(one.goal if one is not None else line.new))
    styles = ["$actual"] * has + [MUTED] * (length - has)
    if not guest.fixed:
        cells[goal], styles[goal] = MARK, "bold $target"
    parts: list[Cell] = []
    for cell, style in zip(cells, styles, strict=True):
        if parts and parts[-1][1] == style:
            parts[-1] = (parts[-1][0] + cell, style)
        else:
            parts.append((cell, style))
    return Content.assemble(*parts)


def remark(line: Line, one: Progress | None) -> Cell:
    """The text beside a bar, and its style."""
    if one is None or one.stage is Stage.UNCHANGED:
        return line.reason, "$warning" if line.guest.fixed else MUTED
    style = STAGE_STYLES[one.stage]
    if one.stage is Stage.WAITING:
        return "waits for the others to give memory", style
    if one.stage is Stage.MOVING:
        step = f", {one.step}" if one.step else ""
        return f"{mib(one.actual)} now{step}" + (f": {one.remark}" if one.remark else ""), style
    if one.stage is Stage.REACHED:
        return "reached" + (f": {one.remark}" if one.remark else ""), style
    return f"{one.stage.value}: {one.remark or 'not reached in time'}; it has {mib(one.actual)}", style


def keys(*, running: bool, over: bool, ready: bool) -> Content:
    """The keys that work now."""
    if running:
        return Content.assemble(
            (key_name("rebalance.leave", "esc"), "bold $accent"),
            " stops; guests already sent a target continue",
        )
    parts: list[str | Cell] = []
    if ready:
        parts += [(key_name("rebalance.send", "enter"), "bold $accent"), " sends the new targets   "]
    parts += [(f"\u2191\u2193 {key_name('rebalance.out', 'space')}", "bold $accent"), (" excludes a guest   ", MUTED)]
    parts += [(key_name("rebalance.leave", "esc"), "bold $accent"), (" closes" if over else " leaves", MUTED)]
    return Content.assemble(*parts)


def outcome(course: Course) -> Content:
    """How many guests have reached their new target; the style says whether all did."""
    changed = [one for one in course.progress.values() if one.line.change]
    reached = sum(one.stage is Stage.REACHED for one in changed)
    words = f"{reached} of {len(changed)} guest{'' if len(changed) == 1 else 's'} at the new target"
    if not course.over:
        return Content.styled(words, "$warning")
    return Content.styled(words, "bold $success" if course.complete else "bold $error")
