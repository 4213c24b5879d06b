"""Findings on a guest whose CPUs are stopped or whose QEMU is silent, and evidence for any finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.diagnosis.causes import Cause, Finding
from workbench.domain.balloon.diagnosis.run_states import STOPS, Stop
from workbench.domain.units import age, mib

if TYPE_CHECKING:
    from workbench.domain.balloon.diagnosis.causes import Circumstances


def silent(seen: Circumstances) -> Finding:
    """QEMU does not answer."""
    return Finding(
        Cause.QEMU_SILENT,
        "QEMU does not answer",
        "check whether its process is stopped (SIGSTOP) or busy",
        (seen.trouble or "no reply within the deadline", "the figures are from the last successful read"),
    )


def paused(seen: Circumstances) -> Finding:
    """The CPUs are stopped, and why."""
    stop = STOPS.get(seen.status, Stop())
    words = f"the guest is {seen.status}" + (f" ({stop.why})" if stop.why else "")
    return Finding(Cause.PAUSED, f"{words}, so its driver is not running", stop.advice)


def stats_evidence(seen: Circumstances) -> str:
    """The age of the guest's statistics, and what it has available."""
    stats = seen.stats
    if stats is None:
        return "guest statistics: not read"
    if not stats.interval:
        return "guest statistics: polling is off"
    if not stats.last_update:
        return "guest statistics: never sent"
    old = f"{age(seen.now - stats.last_update)} old"
    if stats.available is None:
        return f"guest statistics: {old}, without available memory"
    return f"guest statistics: {old}, {mib(stats.available)} available"
