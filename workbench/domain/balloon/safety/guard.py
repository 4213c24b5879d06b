"""The guard: whether a guest with a balloon thrashes, judged from its statistics of the last moments, and why.

It acts for a guest whose balloon holds something, and gives all of it back. A false alarm costs the host what it had won,
and a late one costs the guest a process, so each sign is one that a calm guest does not show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.safety.ramp import Ramp
from workbench.domain.units import MIB, PAGE, mib

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.balloon.reading import GuestStats

INTERVAL = 1
"""Seconds between two reports that QEMU asks the guest for while the guard is armed."""
WINDOW = 10.0
"""Seconds of sights that are looked at."""
GAP = 4.0
"""Seconds without a sight after which those before say nothing any more: QEMU did not answer, or nobody looked."""
SILENCE = 6.0
"""Seconds without a report while inflating that are too long, with one asked for each second."""
SPAN = 2.0
"""Seconds over which a rate is taken at the least: one burst is no thrashing."""
LINE_LEAST, LINE_MOST, LINE_SHARE = 32 * MIB, 256 * MIB, 20
NARROW = 4
"""Times its line: with more than that available, faults and reclaim are the page cache's daily business."""
FAULTS = 300.0
"""Major faults a second: each one waits for a disk."""
SWAPPED = 4.0 * MIB
"""Bytes swapped out a second."""
STALLS = 50.0
"""Allocations a second that had to reclaim memory themselves (Linux 6.12: mm/page_alloc.c, ALLOCSTALL)."""


class Sight(Struct, frozen=True):
    """One look at a guest while its guard is armed. Sizes are bytes."""

    time: float
    """Seconds of a clock that does not go back."""
    ram: int
    target: int
    actual: int
    stats: GuestStats | None


class Alarm(Struct, frozen=True):
    """The guard gave everything back."""

    time: float
    """Unix time."""
    why: str
    returned: int
    """Bytes that the balloon held then."""


def line_of(ram: int) -> int:
    """Bytes of available memory below which a guest is in trouble: a twentieth of its RAM, 32 to 256 MiB."""
    return min(max(LINE_LEAST, ram // LINE_SHARE), LINE_MOST)


def pace_of(ram: int) -> Ramp:
    """How fast a guarded guest gives memory up where no ramp says so: half its line a second.

    A guest that gives 300 MiB a second is past its line and at its end between two looks: seen with a guest of 256 MiB,
    whose kernel killed before the guard's command arrived. At this pace each report comes before the line is crossed twice.
    """
    return Ramp(line_of(ram) // 2 // PAGE * PAGE, float(INTERVAL))


def keep_sight(sights: tuple[Sight, ...], sight: Sight) -> tuple[Sight, ...]:
    """The sights that count together with a new one."""
    if sights and sight.time - sights[-1].time > GAP:
        sights = ()
    return (*(one for one in sights if sight.time - one.time <= WINDOW), sight)


def alarm(sights: Sequence[Sight]) -> str:
    """Why everything should be given back now, in words; empty while all is well, or nothing is left to give."""
    if not sights or sights[-1].target >= sights[-1].ram:
        return ""
    now = sights[-1]
    left = available_now(sights)
    line = line_of(now.ram)
    if left is not None and left < line:
        return f"{mib(left)} available, below its line of {mib(line)}"
    return _killed(sights) or _strained(sights, left, line) or _silent(sights)


def available_now(sights: Sequence[Sight]) -> int | None:
    """Bytes available in the guest now: its last report, less what it has given up since; None when it never said.

    A report tells of some moment between two sights; one that was there already at the first sight may be of any time, when
    the guest had more or less than now, and says nothing. The most that the guest can have given by then counts as given: the
    truth may be less than this at no time but for the milliseconds between the reading and the report.
    """
    first = _arrival(sights)
    stats = sights[-1].stats
    if not first or stats is None or stats.available is None:
        return None
    then = min(one.actual for one in sights[first - 1 : first + 1])
    return max(0, stats.available - max(0, then - sights[-1].actual))


def blind(sights: Sequence[Sight]) -> str:
    """Why an armed guard cannot see; empty when it can."""
    stats = sights[-1].stats if sights else None
    if stats is None or not stats.last_update:
        return "the guest tells nothing of its memory"
    if stats.available is None and stats.major_faults is None:
        return "the guest's reports are empty"
    return ""


def _arrival(sights: Sequence[Sight]) -> int | None:
    """The index of the first sight that has the newest report; None when there is none yet."""
    stats = sights[-1].stats
    if stats is None or not stats.last_update:
        return None
    index = len(sights) - 1
    while index and _same_report(sights[index - 1].stats, stats):
        index -= 1
    return index


def _same_report(one: GuestStats | None, other: GuestStats) -> bool:
    return one is not None and one.last_update == other.last_update


def _killed(sights: Sequence[Sight]) -> str:
    counts = [one.stats.oom_kills for one in sights if one.stats is not None and one.stats.oom_kills is not None]
    killed = counts[-1] - counts[0] if counts else 0
    if killed <= 0:
        return ""
    return f"the guest's kernel killed {killed:,} process{'' if killed == 1 else 'es'} for want of memory"


def _strained(sights: Sequence[Sight], left: int | None, line: int) -> str:
    """Thrashing with little memory left; where the guest does not say how much, swapping must come to the faults."""
    if left is not None and left >= NARROW * line:
        return ""
    sights = _narrow(sights, NARROW * line)
    stalls, faults, swapped = (_rate(sights, name) for name in ("alloc_stalls", "major_faults", "swap_out"))
    words = []
    if stalls >= STALLS:
        words.append(f"{stalls:,.0f} allocation stalls a second")
    if faults >= FAULTS:
        words.append(f"{faults:,.0f} major faults a second")
    if swapped >= SWAPPED:
        words.append(f"{mib(int(swapped))} swapped out a second")
    if left is None:
        return ", ".join(words) if len(words) > 1 else ""
    return f"{', '.join(words)} with {mib(left)} available" if words else ""


def _narrow(sights: Sequence[Sight], plenty: int) -> Sequence[Sight]:
    """The last sights in a row whose reports tell of less than plenty: what went on before that was no trouble."""
    index = len(sights)
    while index:
        stats = sights[index - 1].stats
        if stats is None or (stats.available is not None and stats.available >= plenty):
            break
        index -= 1
    return sights[index:]


def _rate(sights: Sequence[Sight], name: str) -> float:
    """What a counter grew by in a second, over the reports in the window; 0 for less than :data:`SPAN` of them."""
    reports: list[tuple[float, int]] = []
    seen = 0.0
    for one in sights:
        count = getattr(one.stats, name) if one.stats is not None else None
        if one.stats is not None and count is not None and one.stats.last_update != seen:
            seen = one.stats.last_update
            reports.append((one.time, count))
    # The first report is older than the first sight of it: how much, nobody knows.
    reports = reports[1:]
    if len(reports) < 2 or reports[-1][0] - reports[0][0] < SPAN:
        return 0.0
    return max(0.0, (reports[-1][1] - reports[0][1]) / (reports[-1][0] - reports[0][0]))


def _silent(sights: Sequence[Sight]) -> str:
    now, first = sights[-1], _arrival(sights)
    if first is None or any(one.actual <= one.target for one in sights[first:]):
        return ""
    silence = now.time - sights[first].time
    return f"no word from the guest for {silence:.0f} s while inflating" if silence >= SILENCE else ""
