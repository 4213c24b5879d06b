"""Judge the balloon's state, and why a diff remains, from readings alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.balloon.diagnosis.causes import DRIVER_OK, Cause, Circumstances, Finding, State, Verdict
from workbench.domain.balloon.diagnosis.movement import oscillation, rising
from workbench.domain.balloon.diagnosis.statistics import statistics_finding
from workbench.domain.balloon.history.marks import MarkKind
from workbench.domain.balloon.reading import Source
from workbench.domain.devices.virtio import virtio_status_bits
from workbench.domain.units import PAGE, age, ago, mib

if TYPE_CHECKING:
    from workbench.domain.balloon.reading import Reading

__all__ = ["BOOT", "DRIVER_OK", "PATIENCE", "SCARCE", "Cause", "Circumstances", "Finding", "Verdict", "judge"]

BOOT = 20.0
"""Seconds after its start in which a guest may not have loaded its drivers yet."""
PATIENCE = 3.0
"""Seconds without a page moved until a diff counts as stalled. A guest that finds no free page retries five times
a second (Linux: drivers/virtio/virtio_balloon.c, ``fill_balloon``: msleep(200))."""
SCARCE = 0.1
"""A guest with less than this share of its memory available is short of pages."""
RESUMED_BY_WAITING = frozenset(
    {"inmigrate", "postmigrate", "finish-migrate", "restore-vm", "save-vm", "colo", "prelaunch"}
)
STOPPED_WORDS = {
    "io-error": ("a disk reported an error", "fix the disk error (out of space?), then resume the guest"),
    "guest-panicked": ("its kernel panicked", "check its console, then reset it"),
    "internal-error": ("QEMU hit an internal error", "check qemu.log, then reset it"),
    "watchdog": ("its watchdog fired", "check its console, then reset it"),
    "shutdown": ("it has powered down", ""),
}
"""Reason and advice for the RunStates in which the CPUs are stopped (qapi/run-state.json)."""


def judge(reading: Reading | None, seen: Circumstances) -> Verdict:
    """The verdict on the last reading."""
    verdict = _state(reading, seen)
    found = (_paused_note(verdict, seen), _ram_note(reading, seen), statistics_finding(seen), _unrecorded(seen))
    notes = tuple(note for note in found if note is not None)
    if not seen.answering and verdict.code is not Cause.QEMU_SILENT:
        notes = (_silent(seen), *notes)
    return replace(verdict, notes=notes) if notes else verdict


def _state(reading: Reading | None, seen: Circumstances) -> Verdict:
    if not seen.device:
        return _absent(
            Finding(
                Cause.NO_DEVICE,
                "the guest has no balloon device",
                "add a [balloon] section to the profile and restart the guest",
                ("query-pci lists no virtio balloon",),
            )
        )
    if seen.driver_ok is False:
        return _absent(_no_driver(reading, seen))
    if reading is None:
        return _absent(
            _silent(seen) if not seen.answering else Finding(Cause.UNREAD, "the balloon has not been read yet")
        )
    if reading.diff == 0:
        return Verdict(State.SETTLED)
    found = _why(reading, seen)
    if found is None:
        return Verdict(State.INFLATING if reading.diff > 0 else State.DEFLATING)
    common = (_diff_evidence(reading, seen), _driver_evidence(seen), _stats_evidence(seen))
    return Verdict(State.STALLED, found.text, found.advice, (*found.evidence, *common), found.code)


def _absent(found: Finding) -> Verdict:
    return Verdict(State.ABSENT, found.text, found.advice, found.evidence, found.code)


def _no_driver(reading: Reading | None, seen: Circumstances) -> Finding:
    young = seen.now - seen.started < BOOT
    status = seen.driver_status or 0
    bits = ", ".join(virtio_status_bits(status)) or "no bits set"
    evidence = (f"device status 0x{status:02x} ({bits}): DRIVER_OK is not set", _stats_evidence(seen))
    load = "load virtio_balloon in the guest (Windows: install the virtio drivers); targets take effect only then"
    if reading is not None and reading.held > 0:
        # A driver returns all pages before it is unloaded; only a reset leaves them behind.
        return Finding(
            Cause.STALE_AFTER_RESET,
            "the guest was reset; target and actual are stale until its driver loads",
            "wait: the guest is booting, and its driver will apply the target" if young else load,
            (f"QEMU still counts {mib(reading.held)} as ballooned, but no driver holds them", *evidence),
        )
    if young:
        return Finding(Cause.STARTING, "no balloon driver in the guest yet: it is still booting", "", evidence)
    return Finding(Cause.NO_DRIVER, "no balloon driver in the guest", load, evidence)


def _why(reading: Reading, seen: Circumstances) -> Finding | None:
    """Why a diff remains; None while the balloon moves as it should."""
    if not seen.answering:
        return _silent(seen)
    if seen.status != "running":
        return _paused(seen)
    return _fights(reading, seen) or _taken_back(reading, seen) or _stuck(reading, seen)


def _silent(seen: Circumstances) -> Finding:
    return Finding(
        Cause.QEMU_SILENT,
        "QEMU does not answer",
        "check whether its process is stopped (SIGSTOP) or busy",
        (seen.trouble or "no reply within the deadline", "the figures are from the last successful read"),
    )


def _paused(seen: Circumstances) -> Finding:
    why, advice = STOPPED_WORDS.get(seen.status, ("", "resume the guest"))
    if seen.status in RESUMED_BY_WAITING:
        advice = "it continues when this finishes, or when you resume it"
    words = f"the guest is {seen.status}" + (f" ({why})" if why else "")
    return Finding(Cause.PAUSED, f"{words}, so its driver is not running", advice)


def _paused_note(verdict: Verdict, seen: Circumstances) -> Finding | None:
    """A paused guest at its target: the next target will have to wait."""
    if verdict.state is not State.SETTLED or not seen.answering or seen.status in ("running", ""):
        return None
    return replace(_paused(seen), evidence=(f"QEMU is {seen.status}",))


def _fights(reading: Reading, seen: Circumstances) -> Finding | None:
    turns = oscillation(seen.samples, target=reading.target, since=seen.target_since, now=seen.now)
    if turns is None or seen.now - seen.moved_at > PATIENCE:
        return None
    return Finding(
        Cause.FIGHTS_OOM,
        "the balloon and the guest's OOM handler are fighting: memory given is taken back",
        "raise the target, or stop something in the guest",
        (
            f"actual changed direction {turns.count} times in {age(turns.seconds)}: "
            f"{mib(turns.fallen)} given, {mib(turns.risen)} taken back",
            _oom_evidence(seen),
        ),
    )


def _taken_back(reading: Reading, seen: Circumstances) -> Finding | None:
    """Memory that the guest took back and will not give again on its own."""
    if reading.diff < 0:
        return None
    moves = seen.now - seen.moved_at < PATIENCE
    if moves and not rising(seen.samples, target=reading.target):
        return None  # the driver is inflating again
    size, words = _taken(reading, seen)
    if not size:
        return None
    again = "send the target again; the driver will not retry on its own"
    if seen.deflate_on_oom is False:
        text = f"the guest took {mib(size)} back from its balloon for an unknown reason: deflate-on-oom is off"
        return Finding(Cause.UNKNOWN, text, again, (words, _oom_evidence(seen)))
    if seen.reached is None and _scarce(reading, seen):
        if not moves:
            return None  # the driver still retries five times a second: the guest is out of pages
        advice = "stop something in the guest, or raise the target; the driver retries on its own"
    elif _scarce(reading, seen):
        advice = "stop something in the guest, which is still short of memory, then send the target again"
    else:
        advice = again
    return Finding(
        Cause.TAKEN_BACK,
        f"the guest took {mib(size)} back on OOM",
        advice,
        (words, _oom_evidence(seen)),
    )


def _taken(reading: Reading, seen: Circumstances) -> tuple[int, str]:
    """Bytes that the guest took back since the target was sent, with the evidence; 0 if none."""
    run = seen.take_back
    if run is not None and run.last >= seen.target_since:
        return run.size, f"actual rose by {mib(run.size)} {ago(seen.now - run.last)}, num_pages did not change"
    reset = max((mark.time for mark in seen.marks if mark.kind is MarkKind.RESET), default=0.0)
    since = max(seen.target_since, reset)
    taken = [mark for mark in seen.marks if mark.kind is MarkKind.TAKE_BACK and mark.time >= since]
    if taken:
        # It may have given some of it again since.
        size = min(max(mark.size or 0 for mark in taken), reading.diff)
        return size, f"actual rose by {mib(size)} {ago(seen.now - taken[-1].time)}, num_pages did not change"
    if seen.reached is not None and seen.reached >= since and reading.source is Source.CONFIG_SPACE and seen.driver_ok:
        return reading.diff, f"the target was reached {ago(seen.now - seen.reached)}; num_pages has not changed since"
    return 0, ""


def _stuck(reading: Reading, seen: Circumstances) -> Finding | None:
    if seen.now - max(seen.moved_at, seen.target_since) < PATIENCE:
        return None
    if reading.diff > 0 and _scarce(reading, seen):
        return Finding(
            Cause.OUT_OF_PAGES,
            "the guest has no more free pages to give",
            "stop something in the guest, or raise the target",
        )
    return Finding(
        Cause.UNKNOWN,
        "the cause is unknown",
        "check the guest's console and kernel log; sending the target again notifies the driver again",
    )


def _unrecorded(seen: Circumstances) -> Finding | None:
    if not seen.unrecorded:
        return None
    return Finding(
        Cause.UNRECORDED,
        f"the history is not being recorded: {seen.unrecorded}",
        "free space for the guest's state directory; until then other workbenches take these targets for another client's",
    )


def _ram_note(reading: Reading | None, seen: Circumstances) -> Finding | None:
    """The target shifted because memory was plugged or unplugged since it was sent."""
    changes = [mark for mark in seen.marks if mark.kind is MarkKind.RAM_CHANGE and mark.time >= seen.target_since]
    shift = sum(mark.size or 0 for mark in changes)
    if reading is None or reading.target == reading.ram or not shift:
        return None
    way, turn = ("plugged in", "rose") if shift > 0 else ("unplugged", "fell")
    asked, stats = reading.target - shift, seen.stats
    advice = f"send {mib(asked)} to restore the previous target" if asked > 0 else "send a new target"
    evidence = [
        f"RAM changed from {mib(reading.ram - shift)} to {mib(reading.ram)} {ago(seen.now - changes[-1].time)}",
        f"num_pages unchanged at {(reading.ram - reading.target) // PAGE:,}",
    ]
    if stats is not None and stats.available is not None and stats.available < shift:
        # Linux does not use plugged memory until it is brought online; until then the old target would take other memory.
        advice = f"bring the new memory online in the guest, then {advice}"
        total = f"{mib(stats.total)} total, " if stats.total is not None else ""
        evidence.append(f"the guest reports {total}{mib(stats.available)} available")
    return Finding(
        Cause.RAM_CHANGED,
        f"memory was {way}, so the target {turn} by {mib(abs(shift))} to {mib(reading.target)}",
        advice,
        tuple(evidence),
    )


def _diff_evidence(reading: Reading, seen: Circumstances) -> str:
    moved = f"none moved for {age(seen.now - seen.moved_at)}" if seen.moved_at else "none seen to move"
    if seen.moved_at and seen.now - seen.moved_at < 1:
        moved = "some moved just now"
    return f"{abs(reading.diff_pages):,} pages to {'inflate' if reading.diff > 0 else 'deflate'}, {moved}"


def _driver_evidence(seen: Circumstances) -> str:
    status = "cannot be read" if seen.driver_status is None else f"0x{seen.driver_status:02x}"
    return f"device status {status}; QEMU is {seen.status}"


def _oom_evidence(seen: Circumstances) -> str:
    if seen.deflate_on_oom is None:
        return "deflate-on-oom: unknown"
    if seen.deflate_on_oom and not seen.agreed:
        return "deflate-on-oom is offered; this QEMU does not show whether the driver accepted it"
    return f"deflate-on-oom is {'on' if seen.deflate_on_oom else 'off'}"


def _scarce(reading: Reading, seen: Circumstances) -> bool:
    stats = seen.stats
    return stats is not None and stats.available is not None and stats.available < SCARCE * max(reading.actual, 1)


def _stats_evidence(seen: Circumstances) -> str:
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
