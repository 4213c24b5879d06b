"""The guard: detects from recent statistics that a ballooned guest is thrashing or running out of memory.

On an alarm the guest gets all of its memory back. A false alarm costs the host its gain, a late one costs the guest a
process, so each criterion is one that a healthy guest does not meet.
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
"""Polling interval of the guest's statistics while the guard is armed, in seconds."""
WINDOW = 10.0
"""Seconds of samples that are considered."""
GAP = 4.0
"""Seconds without a sample after which earlier ones are dropped: QEMU did not answer, or the guard was not running."""
SILENCE = 6.0
"""Seconds without a report while inflating that raise an alarm; QEMU polls every second."""
SPAN = 2.0
"""Least seconds that a rate is taken over: a single burst is not thrashing."""
THRESHOLD_LEAST, THRESHOLD_MOST, THRESHOLD_SHARE = 32 * MIB, 256 * MIB, 20
NARROW = 4
"""Multiple of the threshold: with more than that available, faults and reclaim are normal page cache activity."""
FAULTS = 300.0
"""Major faults a second; each one waits for a disk."""
SWAPPED = 4.0 * MIB
"""Bytes swapped out a second."""
STALLS = 50.0
"""Allocations a second that stalled in direct reclaim (Linux 6.12: mm/page_alloc.c, ALLOCSTALL)."""


class Sight(Struct, frozen=True):
    """One sample of a guest while its guard is armed. Sizes are bytes."""

    time: float
    """Seconds of a monotonic clock."""
    ram: int
    target: int
    actual: int
    stats: GuestStats | None


class Alarm(Struct, frozen=True):
    """The guard returned all memory to the guest."""

    time: float
    """Unix time."""
    why: str
    returned: int
    """Bytes that the balloon held."""


def threshold_of(ram: int) -> int:
    """The alarm threshold in bytes of available memory: RAM / 20, but 32 to 256 MiB."""
    return min(max(THRESHOLD_LEAST, ram // THRESHOLD_SHARE), THRESHOLD_MOST)


def pace_of(ram: int) -> Ramp:
    """The pace of inflation for a guarded guest without a ramp: half its threshold a second.

    A guest that gives 300 MiB a second can run out of memory between two samples: a guest of 256 MiB was seen to OOM-kill
    before the guard's command arrived. At this pace there are two reports per threshold.
    """
    return Ramp(threshold_of(ram) // 2 // PAGE * PAGE, float(INTERVAL))


def keep_sight(sights: tuple[Sight, ...], sight: Sight) -> tuple[Sight, ...]:
    """Add a sample, and drop those that no longer count."""
    if sights and sight.time - sights[-1].time > GAP:
        sights = ()
    return (*(one for one in sights if sight.time - one.time <= WINDOW), sight)


def alarm(sights: Sequence[Sight]) -> str:
    """Why all memory should be returned now; empty if all is well, or the balloon is empty."""
    if not sights or sights[-1].target >= sights[-1].ram:
        return ""
    now = sights[-1]
    left = available_now(sights)
    threshold = threshold_of(now.ram)
    if left is not None and left < threshold:
        return f"only {mib(left)} available (threshold {mib(threshold)})"
    return _killed(sights, NARROW * threshold) or _strained(sights, left, threshold) or _silent(sights)


def available_now(sights: Sequence[Sight]) -> int | None:
    """Bytes available in the guest now: its last report, minus what it has given since; None without a usable report.

    A report dates from between two samples. One already present in the first sample may be of any age, and is not used. The
    lower actual of the two samples counts, so the true value can only be lower than this for the milliseconds between a
    reading and its report.
    """
    first = _arrival(sights)
    stats = sights[-1].stats
    if not first or stats is None or stats.available is None:
        return None
    then = min(one.actual for one in sights[first - 1 : first + 1])
    return max(0, stats.available - max(0, then - sights[-1].actual))


def blind(sights: Sequence[Sight]) -> str:
    """Why an armed guard is blind; empty if it is not."""
    stats = sights[-1].stats if sights else None
    if stats is None or not stats.last_update:
        return "the guest reports no statistics"
    if stats.available is None and stats.major_faults is None:
        return "the guest's reports are empty"
    return ""


def _arrival(sights: Sequence[Sight]) -> int | None:
    """The index of the first sample with the newest report; None if there is no report yet."""
    stats = sights[-1].stats
    if stats is None or not stats.last_update:
        return None
    index = len(sights) - 1
    while index and _same_report(sights[index - 1].stats, stats):
        index -= 1
    return index


def _same_report(one: GuestStats | None, other: GuestStats) -> bool:
    return one is not None and one.last_update == other.last_update


def _killed(sights: Sequence[Sight], plenty: int) -> str:
    """The kernel also counts kills for a control group's own limit (mm/oom_kill.c, ``__oom_kill_process``), which say nothing
    of the guest's memory: then no allocation stalled outside the group (mm/vmscan.c, ``do_try_to_free_pages``), and the
    guest had plenty available before and after.
    """
    killed = _growth(sights, "oom_kills")
    if killed <= 0 or (_growth(sights, "alloc_stalls") <= 0 and _had_plenty(sights, plenty)):
        return ""
    return f"the guest's OOM killer killed {killed:,} process{'' if killed == 1 else 'es'}"


def _growth(sights: Sequence[Sight], name: str) -> int:
    """A counter's growth over the window; 0 if it is not reported."""
    counts = [getattr(one.stats, name) for one in sights if one.stats is not None]
    known = [count for count in counts if count is not None]
    return known[-1] - known[0] if known else 0


def _had_plenty(sights: Sequence[Sight], plenty: int) -> bool:
    """Whether every report in the window had at least this much available."""
    available = [one.stats.available for one in sights if one.stats is not None]
    return all(left is not None and left >= plenty for left in available)


def _strained(sights: Sequence[Sight], left: int | None, threshold: int) -> str:
    """Thrashing with little memory left; if that is unknown, two of the criteria must be met."""
    if left is not None and left >= NARROW * threshold:
        return ""
    sights = _narrow(sights, NARROW * threshold)
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
    """The latest consecutive samples with less than plenty available; activity before those is normal."""
    index = len(sights)
    while index:
        stats = sights[index - 1].stats
        if stats is None or (stats.available is not None and stats.available >= plenty):
            break
        index -= 1
    return sights[index:]


def _rate(sights: Sequence[Sight], name: str) -> float:
    """A counter's growth per second over the reports in the window; 0 if they span less than :data:`SPAN`."""
    reports: list[tuple[float, int]] = []
    seen = 0.0
    for one in sights:
        count = getattr(one.stats, name) if one.stats is not None else None
        if one.stats is not None and count is not None and one.stats.last_update != seen:
            seen = one.stats.last_update
            reports.append((one.time, count))
    # The first report is older than the first sample with it, by an unknown time.
    reports = reports[1:]
    if len(reports) < 2 or reports[-1][0] - reports[0][0] < SPAN:
        return 0.0
    return max(0.0, (reports[-1][1] - reports[0][1]) / (reports[-1][0] - reports[0][0]))


def _silent(sights: Sequence[Sight]) -> str:
    now, first = sights[-1], _arrival(sights)
    if first is None or any(one.actual <= one.target for one in sights[first:]):
        return ""
    silence = now.time - sights[first].time
    return f"no report from the guest for {silence:.0f} s while inflating" if silence >= SILENCE else ""


def alarm_words(name: str, alarm: Alarm) -> str:
    """What the guard did, for people."""
    return f"guard returned {mib(alarm.returned)} to {name}: {alarm.why}"
