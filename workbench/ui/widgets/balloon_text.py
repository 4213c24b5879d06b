"""What the balloon panel says in words and numbers: pure text from a snapshot, tested without a screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from workbench.domain.balloon import Balloon, Reading, Source, State
from workbench.domain.units import MIB
from workbench.ui.words import age, duration, mib, pages

if TYPE_CHECKING:
    from workbench.domain.snapshot import GuestSnapshot

LABEL = 9
"""Columns of a label at the left edge."""
STATE_STYLES = {
    State.SETTLED: "$success",
    State.INFLATING: "$warning",
    State.DEFLATING: "$warning",
    State.STALLED: "bold $error",
    State.ABSENT: "$text-muted",
}
ARROW = "\u2192"
DOT = "\u00b7"

Part = str | tuple[str, str]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a staged target would do."""

    target: int
    """Bytes."""
    available: int | None
    """Bytes that the guest would have left, by its own statistics; None when it said nothing."""
    seconds: float | None
    """Seconds to settle at the speed that was seen; None when none was seen."""
    risky: bool
    """Whether it would leave the guest too little: it is asked before it is sent."""


FLOOR_SHARE = 20
FLOOR = 32 * MIB
"""A target that would leave the guest less available memory than this, or than RAM / 20, is asked about first."""


def forecast(balloon: Balloon, target: int, speed: float) -> Forecast:
    """What would happen if ``target`` was sent now.

    :param speed: bytes a second seen when the balloon last moved; 0 when it was not seen to move.
    """
    reading = balloon.reading
    assert reading is not None
    stats = balloon.stats
    available = None
    if stats is not None and stats.available is not None:
        available = max(0, stats.available - (reading.actual - target))
    seconds = abs(reading.actual - target) / speed if speed else None
    floor = max(FLOOR, reading.ram // FLOOR_SHARE)
    left = target if available is None else available
    return Forecast(target, available, seconds, risky=target < reading.actual and left < floor)


def head(balloon: Balloon, ram: int) -> Content:
    """Three lines of numbers: target and actual, diff, rate."""
    reading = balloon.reading
    state = balloon.verdict.state
    if reading is None:
        return _lines([[_label("RAM"), f"{mib(ram):>6} MiB", "   ", (state.value, STATE_STYLES[state])]])
    numbers: list[list[Part]] = [
        [
            _label("target"),
            (f"{mib(reading.target):>6} MiB", "bold $target"),
            ("   actual", "$text-muted"),
            (f"{mib(reading.actual):>7} MiB", "bold $actual"),
            ("   RAM", "$text-muted"),
            f"{mib(reading.ram):>7} MiB",
        ],
        [
            _label("diff"),
            (f"{mib(reading.diff, signed=True):>6} MiB", "bold"),
            "   ",
            f"{_pages_words(reading):<27}",
            (state.value, STATE_STYLES[state]),
        ],
        _rate_line(balloon),
    ]
    return _lines(numbers)


def _pages_words(reading: Reading) -> str:
    if not reading.diff_pages:
        return "0 pages: as asked"
    return f"{pages(reading.diff_pages)} pages to {'inflate' if reading.diff_pages > 0 else 'deflate'}"


def _rate_line(balloon: Balloon) -> list[Part]:
    eta = balloon.eta
    wait = f"settles in {duration(eta)}" if eta is not None else ""
    source = (
        "from config space"
        if balloon.reading and balloon.reading.source is Source.CONFIG_SPACE
        else "from query-balloon"
    )
    others = "" if balloon.ours else f"  {DOT} set by another client"
    return [
        _label("rate"),
        f"{mib(int(abs(balloon.rate))):>6} MiB/s",
        f" {wait:<27}" if wait else " " * 28,
        (source + others, "$text-muted"),
    ]


def ledger(balloon: Balloon, now: float) -> Content:
    """What the guest gave, what the host got back, and what the guest says of its own memory."""
    reading, host = balloon.reading, balloon.host
    lines: list[list[Part]] = []
    if reading is not None and host is not None:
        lines.append(
            [
                _label("guest"),
                ("gave ", "$text-muted"),
                f"{mib(reading.held)} MiB",
                ("   host holds ", "$text-muted"),
                (f"{mib(host.resident)} MiB", "$resident"),
                ("   got back ", "$text-muted"),
                f"{mib(host.reclaimed, signed=True)} MiB",
                ("   unreturned ", "$text-muted"),
                (
                    f"{mib(host.unreturned(reading.actual))} MiB",
                    "$warning" if host.unreturned(reading.actual) > MIB else "",
                ),
            ]
        )
    lines.append([_label("has"), *_stats_parts(balloon, now)])
    return _lines(lines)


def _stats_parts(balloon: Balloon, now: float) -> list[Part]:
    stats = balloon.stats
    if stats is None:
        return [("no statistics", "$text-muted")]
    if not stats.interval:
        return [("no statistics: polling is off (statistics = 0 in the profile)", "$text-muted")]
    if not stats.last_update:
        return [("no statistics: the guest's driver never sent any", "$text-muted")]
    parts: list[Part] = []
    for value, word in ((stats.available, "available"), (stats.caches, "caches"), (stats.swap_out, "swapped out")):
        if value is not None:
            parts += [f"{mib(value)} MiB ", (f"{word}  ", "$text-muted")]
    old = now - stats.last_update
    late = old > 3 * stats.interval + 1
    parts.append((f"{age(old)} ago", "$warning" if late else "$text-muted"))
    return parts


def situation(balloon: Balloon) -> Content:
    """Why the balloon is stalled or absent, what to do, and what was seen; nothing otherwise."""
    verdict = balloon.verdict
    if not verdict.cause:
        return Content("")
    style = STATE_STYLES[verdict.state]
    lines: list[list[Part]] = [[(verdict.state.value, style), f": {verdict.cause}"]]
    if verdict.advice:
        lines.append([(f"{ARROW} ", "$accent"), verdict.advice])
    lines += [[(f"  {line}", "$text-muted")] for line in verdict.evidence]
    return _lines(lines)


def staged_line(plan: Forecast) -> Content:
    """What the staged target would do; enter sends it, or asks."""
    parts: list[Part] = [_label("staged"), (f"{mib(plan.target):>6} MiB", "bold $target")]
    if plan.available is not None:
        parts += ["   leaves ", (f"{mib(plan.available)} MiB", "bold $error" if plan.risky else "bold"), " available"]
    if plan.seconds is not None:
        parts.append((f"  in about {duration(plan.seconds)}", "$text-muted"))
    parts += [
        "   ",
        ("enter", "bold $accent"),
        " asks: too little is left" if plan.risky else " sends",
        ("  esc drops", "$text-muted"),
    ]
    return _lines([parts])


def empty_words(snapshot: GuestSnapshot | None) -> Content:
    """What stands in the panel when there is nothing to read."""
    if snapshot is None:
        return _lines([[("No guest. Press g for the list.", "$text-muted")]])
    if snapshot.phase.value == "starting":
        return _lines([[f"{snapshot.name} is starting", ("\u2026", "$text-muted")]])
    if not snapshot.phase.alive:
        lines: list[list[Part]] = []
        if snapshot.ended:
            abnormal = snapshot.ended != "powered off"
            lines.append([f"{snapshot.name} was ", (snapshot.ended, "bold $error" if abnormal else "$success")])
            lines += [[(f"  {line}", "$text-muted")] for line in snapshot.ended_output.splitlines()[-6:]]
        else:
            lines.append([(f"{snapshot.name} is stopped.", "$text-muted")])
        lines.append([("s", "bold $accent"), ("  starts it", "$text-muted")])
        return _lines(lines)
    if not snapshot.answering:
        return _lines([[(snapshot.trouble, "bold $error")]])
    return _lines([[("Reading the balloon\u2026", "$text-muted")]])


def _label(text: str) -> Part:
    return (f"{text:<{LABEL}}", "$text-muted")


def _lines(lines: list[list[Part]]) -> Content:
    return Content("\n").join(Content.assemble(*line) for line in lines)
