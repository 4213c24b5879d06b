"""Why a diff stays: what the balloon is doing, judged from readings alone, with what was seen that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.domain.balloon import State

if TYPE_CHECKING:
    from workbench.domain.balloon import GuestStats, Reading


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the balloon is doing, and when it does nothing that it should: why, and what was seen that says so."""

    state: State
    cause: str = ""
    """Why it is stalled or absent, in words; empty otherwise."""
    advice: str = ""
    """What to do about it."""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What must be known beside the readings to judge them."""

    now: float
    """Unix time."""
    device: bool = True
    """Whether the guest has a balloon device."""
    driver_status: int | None = None
    """The device status byte from the virtio registers; None when it cannot be read."""
    status: str = "running"
    """QEMU's ``RunState``."""
    answering: bool = True
    target_since: float = 0.0
    """Unix time at which the target took its present value, as far as known."""
    moved_at: float = 0.0
    """Unix time at which ``actual`` last changed, as far as known."""
    started: float = 0.0
    """Unix time at which QEMU started, as far as known."""
    stats: GuestStats | None = None

    @property
    def driver_ok(self) -> bool | None:
        return None if self.driver_status is None else bool(self.driver_status & DRIVER_OK)


DRIVER_OK = 4
"""The bit of the device status that a driver sets when it is ready (virtio 1.2, 2.1 Device Status Field)."""
BOOT = 20.0
"""Seconds from QEMU's start in which a guest may well be without its drivers yet."""
PATIENCE = 3.0
"""Seconds without a page moved until a diff counts as stalled. A guest that finds no page tries again five times
a second (Linux: drivers/virtio/virtio_balloon.c, ``fill_balloon``: msleep(200))."""
SCARCE = 0.1
"""A guest whose available memory is below this share of what it has is short of pages."""


def judge(reading: Reading | None, seen: Circumstances) -> Verdict:
    """What the balloon is doing, from one reading and its circumstances."""
    if not seen.device:
        return Verdict(
            State.ABSENT,
            "the guest has no balloon device",
            "give the profile a [balloon] section and start the guest again",
            ("query-pci shows no virtio balloon",),
        )
    if seen.driver_ok is False:
        young = seen.now - seen.started < BOOT
        return Verdict(
            State.ABSENT,
            "no driver in the guest has taken the balloon" + (" yet: it is starting" if young else ""),
            ""
            if young
            else "load virtio_balloon in the guest (Windows: the virtio drivers); a target waits until then",
            (f"device status 0x{seen.driver_status:02x}: DRIVER_OK is not set", _stats_evidence(seen)),
        )
    if reading is None:
        return Verdict(State.ABSENT, "nothing was read from the balloon yet")
    if reading.diff == 0:
        return Verdict(State.SETTLED)
    moving = State.INFLATING if reading.diff > 0 else State.DEFLATING
    if seen.status != "running":
        return _stalled(reading, seen, f"the guest is {seen.status}: its driver does not run", "resume the guest")
    if not seen.answering:
        return _stalled(reading, seen, "QEMU does not answer", "see whether its process is stopped (SIGSTOP) or busy")
    if seen.now - max(seen.moved_at, seen.target_since) < PATIENCE:
        return Verdict(moving)
    if moving is State.INFLATING and _scarce(reading, seen.stats):
        return _stalled(
            reading,
            seen,
            "the guest finds no more pages to give",
            "stop something in the guest, or ask for a higher target",
        )
    return _stalled(reading, seen, "the cause is not known", "look at the guest's console and kernel log")


def _stalled(reading: Reading, seen: Circumstances, cause: str, advice: str) -> Verdict:
    moved = f"none moved for {seen.now - seen.moved_at:.0f} s" if seen.moved_at else "none was seen to move"
    status = "cannot be read" if seen.driver_status is None else f"0x{seen.driver_status:02x}"
    evidence = (
        f"{abs(reading.diff_pages):,} pages to {'inflate' if reading.diff > 0 else 'deflate'}, {moved}",
        f"device status {status}; QEMU is {seen.status}",
        _stats_evidence(seen),
    )
    return Verdict(State.STALLED, cause, advice, evidence)


def _scarce(reading: Reading, stats: GuestStats | None) -> bool:
    return stats is not None and stats.available is not None and stats.available < SCARCE * max(reading.actual, 1)


def _stats_evidence(seen: Circumstances) -> str:
    stats = seen.stats
    if stats is None:
        return "guest statistics: not read"
    if not stats.interval:
        return "guest statistics: polling is off"
    if not stats.last_update:
        return "guest statistics: the guest never sent any"
    age = f"{max(0.0, seen.now - stats.last_update):.0f} s old"
    if stats.available is None:
        return f"guest statistics: {age}, without available memory"
    return f"guest statistics: {age}, {stats.available >> 20:,} MiB available"
