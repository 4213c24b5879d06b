"""The text of a target's path, from what was seen of one change alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from workbench.domain.balloon.path.evidence import Known, stage_states
from workbench.domain.balloon.path.stages import Proof, Side, milestone_words, stages
from workbench.domain.balloon.path.timeline import Kind
from workbench.domain.units import MINUS, PAGE, in_mib, mib, with_sign
from workbench.domain.versions import version_of

if TYPE_CHECKING:
    from workbench.domain.balloon.path.evidence import StageState
    from workbench.domain.balloon.path.stages import Stage
    from workbench.domain.balloon.path.timeline import PathView, Timeline

MUTED = "$foreground-muted"
DARK = "$foreground 35%"
"""A stage that has not run."""
SIDES = {Side.HOST: "$resident", Side.GUEST: "$actual"}
"""The host's edge has the colour of host resident, the guest's that of actual."""
AT_MOST = "\u2264"
"""Prefix of a time by which a stage had run; when exactly is unknown."""
SIGNS = {Known.BETWEEN: "\u00b7", Known.HIDDEN: "?", Known.PENDING: "\u2013"}
STYLES = {Known.SEEN: "bold", Known.BETWEEN: "", Known.HIDDEN: MUTED, Known.PENDING: DARK}
TO_HOST = frozenset(
    {"get", "readl", "tell", "output", "page", "discard", "size", "set", "write", "writel", "written", "event"}
)
"""The stages that go from the guest to QEMU; the others go from QEMU, or with QEMU's answer, to the guest."""
EDGE, FUNCTION, FILE, SHORT_FILE, WHEN, NOTE, COUNT = 9, 30, 34, 19, 13, 22, 11
"""Columns of the screen. The widest names of :mod:`workbench.domain.balloon.path.stages` fit;
a count without a note, up to 99,999."""
ROOM_FOR_EACH = 66
"""Columns from which the time per piece is shown too."""
READS = 3
"""How many of the first reads, and of the last, are listed."""

Part = str | tuple[str, str]


def head(view: PathView, ram: int, width: int) -> Content:
    """The change, its progress, and the diff as the guest computes it; always three lines."""
    line = view.timeline
    if line is None:
        return _lines([_trace_words(view), [("send a target to see its path", MUTED)], _diff(None, ram, width)])
    return _lines([_headline(line, ram), _pace(line, width) or _trace_words(view), _diff(line, ram, width)])


def _trace_words(view: PathView) -> list[Part]:
    """Whether QEMU traces the stages, and what is missing if it does not."""
    if view.traced and view.timeline is not None and not view.timeline.traced:
        # It began before the events were on, or QEMU's log is not where expected.
        return [("no trace of this change: ", "$warning"), ("only its request, reply and readings", MUTED)]
    if view.traced:
        return [("trace events are on: QEMU reports when each stage runs", MUTED)]
    if not view.why:
        return [("turning QEMU's trace events on\u2026", MUTED)]
    return [("no trace: ", "$warning"), (view.why, MUTED)]


def _headline(line: Timeline, ram: int) -> list[Part]:
    parts: list[Part] = []
    astray = line.unasked and line.num_pages == line.held_before and line.held is not None  # from a target once reached
    if line.held_before is not None:
        parts += [(in_mib(ram - line.held_before * PAGE), "bold $actual"), (" \u2192 ", MUTED)]
    if astray and line.held is not None:
        parts += [(mib(ram - line.held * PAGE), "bold $actual")]
    elif line.num_pages is not None:
        parts += [(mib(ram - line.num_pages * PAGE), "bold $target")]
    if line.unasked:
        parts.append((f"  {'after a reset' if line.after_reset else 'by the guest itself'}", MUTED))
    elif not line.ours and line.asked is None:
        parts.append(("  no request seen", MUTED))
    elif not line.ours:
        parts.append(("  by another client", MUTED))
    if line.settled is None:
        parts.append(("  away from its target" if astray else "  in progress", "$warning"))
    else:
        after = "within" if line.settled_late else "after"
        parts += [("  settled", "$success"), (f" {after} {line.settled:,} \u00b5s", "")]
    return parts


def _pace(line: Timeline, width: int) -> list[Part]:
    """When the first and the last MiB had moved, and the time for one; empty without a trace."""
    seen = line.seen.get(Proof.WRITTEN)
    if seen is None or not line.traced or not line.moved:
        return []
    parts: list[Part] = [("first pages ", MUTED), f"{_since(seen.first, line):>{WHEN}}"]
    if seen.count > 1:
        each = (seen.last - seen.first) // (seen.count - 1)
        parts += [("  last ", MUTED), f"{_since(seen.last, line):>{WHEN}}"]
        parts += [(f"  {each:>7,} \u00b5s a piece", MUTED)] if width >= ROOM_FOR_EACH else []
    return parts


def _diff(line: Timeline | None, ram: int, width: int) -> Content:
    """``diff = num_pages − held``, with the numbers of the last read or write, in fixed columns."""
    name = ("diff = num_pages \u2212 held", MUTED) if width >= 56 else ("diff", MUTED)
    if line is None or line.diff is None or line.num_pages is None or line.held is None:
        return Content.assemble(name)
    room = len(f"{ram // PAGE:,}")
    return Content.assemble(
        name,
        (f"  {with_sign(line.diff):>{room + 1}}", "bold"),
        (" = ", MUTED),
        (f"{line.num_pages:>{room},}", "$target"),
        (" \u2212 ", MUTED),
        (f"{line.held:>{room},}", "$actual"),
    )


def stage_list(view: PathView, width: int, *, hugepages: bool, brief: bool) -> Content:
    """The stages, one per row, marked as far as they are known to have run.

    :param brief: the short form, for a screen with few rows.
    """
    line = view.timeline
    rows: list[Content] = []
    side: Side | None = None
    for state in stage_states(_path(view, hugepages=hugepages), line):
        if brief and not state.stage.brief:
            continue
        rows.append(_row(state, line, width, first=state.stage.side is not side))
        side = state.stage.side
    return Content("\n").join(rows)


def whole(view: PathView, width: int, *, hugepages: bool) -> Content:
    """Every stage, below the short form."""
    title = Content.styled("The whole path", "bold")
    return Content("\n").join([Content(""), title, stage_list(view, width, hugepages=hugepages, brief=False)])


def _path(view: PathView, *, hugepages: bool) -> tuple[Stage, ...]:
    line = view.timeline
    deflating = line is not None and line.deflating
    return stages(version_of(view.qemu_version), deflating=deflating, hugepages=hugepages)


def _row(state: StageState, line: Timeline | None, width: int, *, first: bool) -> Content:
    stage, style, colour = state.stage, STYLES[state.known], SIDES[state.stage.side]
    lit = state.known in (Known.SEEN, Known.BETWEEN)
    arrow = "\u2190" if stage.key in TO_HOST else "\u2192"
    parts: list[Part] = [
        (f"{stage.side if first else '':<5} ", colour if lit else DARK),
        ("\u2503", colour if lit else DARK),
        (arrow if lit else " ", colour),
        (f" {stage.function:<{FUNCTION}}", style),
    ]
    if width >= EDGE + FUNCTION + 1 + FILE + WHEN:
        parts.append((f" {stage.file:<{FILE}}", MUTED if lit else DARK))
    elif width >= EDGE + FUNCTION + 1 + SHORT_FILE + WHEN:
        parts.append((f" {stage.file.rpartition('/')[2]:<{SHORT_FILE}}", MUTED if lit else DARK))
    parts.append((f"{_when(state, line):>{WHEN}}", style))
    spare = width - (EDGE + FUNCTION + 1 + FILE + WHEN)
    if spare >= COUNT and state.sighting is not None:
        often = state.sighting.count > 1 and not state.sighting.late
        count = f" \u00d7{state.sighting.count:,}" if often else ""
        parts += [f"  {milestone_words(stage)}" if spare >= NOTE else " ", (count, MUTED)]
    return Content.assemble(*parts)


def _when(state: StageState, line: Timeline | None) -> str:
    if state.sighting is None or line is None:
        return SIGNS[state.known]
    when = _since(state.sighting.first, line)
    return when.replace("+", AT_MOST) if state.sighting.late else when


def _since(at: int, line: Timeline) -> str:
    """Microseconds since the request; seconds where those no longer fit the column."""
    micros = at - line.begun
    if abs(micros) < 10_000_000:
        text = f"{micros:+,} \u00b5s"
    else:
        text = f"{micros / 1e6:+.6f} s" if abs(micros) < 1_000_000_000 else f"{micros / 1e6:+,.0f} s"
    return text.replace("-", MINUS)


def questions(view: PathView, ram: int, *, hugepages: bool) -> Content:
    """Where the number of pages comes from, what calls set_config, and what each stage does."""
    line = view.timeline
    example = ""
    if line is not None and line.num_pages is not None:
        target = ram - line.num_pages * PAGE
        example = f" {in_mib(ram)} \u2212 {in_mib(target)} = {mib(ram - target)}, or {line.num_pages:,} pages of 4 KiB."
    does: list[list[Part] | Content] = [
        [(stage.function, SIDES[stage.side]), (f"  {stage.file}" if stage.file else "", MUTED), f"  {stage.does}"]
        for stage in _path(view, hugepages=hugepages)
    ]
    return _lines(
        [
            [],
            [(f"{SIGNS[Known.BETWEEN]}", "bold"), ("  ran between two stages that were seen; when is unknown", MUTED)],
            [(f"{SIGNS[Known.HIDDEN]}", "bold"), ("  cannot be seen here", MUTED)],
            [(AT_MOST, "bold"), ("  had run by then, according to a reply or a reading", MUTED)],
            [("The guest's functions are those of Linux; other drivers have their own.", MUTED)],
            [],
            [("Where does the number of pages come from?", "bold")],
            [
                "From the host. virtio_balloon_to_target() subtracts the target from the RAM and stores the rest as num_pages in "
                f"the device's config space.{example} The guest only reads it: towards_target() subtracts the pages already in "
                "the balloon; the result is the diff."
            ],
            [],
            [("What calls set_config?", "bold")],
            [
                "The guest. After each piece of at most 256 pages, update_balloon_size() writes the number held to actual in "
                "the config space. The write exits to QEMU, where virtio_config_modern_writel() calls the device's "
                "set_config, virtio_balloon_set_config(). The host never calls it on its own."
            ],
            [],
            [("What each stage does", "bold")],
            *does,
        ]
    )


def reads(view: PathView) -> Content:
    """The diff at the first and the last reads of the config space seen."""
    line = view.timeline
    if line is None or not len(line.steps):
        return Content("")
    found = [step for step in line.steps.kept if step.kind is not Kind.WRITTEN] or list(line.steps.kept)
    rows: list[list[Part] | Content] = [[], [("The diff at each read of num_pages", "bold")]]
    for index, step in enumerate(found):
        if READS <= index < len(found) - READS:
            continue
        if index == len(found) - READS and (index > READS or line.steps.folded):
            rows.append([("\u2026".rjust(WHEN), MUTED)])
        rows.append(
            [
                f"{_since(step.at, line):>{WHEN}}",
                (f"{with_sign(step.diff):>12}", "bold"),
                (" = ", MUTED),
                (f"{step.num_pages:>10,}", "$target"),
                (" \u2212 ", MUTED),
                (f"{step.held:>10,}", "$actual"),
            ]
        )
    return _lines(rows)


def _lines(lines: list[list[Part] | Content]) -> Content:
    return Content("\n").join(line if isinstance(line, Content) else Content.assemble(*line) for line in lines)
