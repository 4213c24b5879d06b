"""Why a diff stays: what the balloon is doing, judged from readings alone, with what was seen that says so."""

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
"""Seconds from its start in which a guest may well be without its drivers yet."""
PATIENCE = 3.0
"""Seconds without a page moved until a diff counts as stalled. A guest that finds no page tries again five times
a second (Linux: drivers/virtio/virtio_balloon.c, ``fill_balloon``: msleep(200))."""
SCARCE = 0.1
"""A guest whose available memory is below this share of what it has is short of pages."""
RESUMED_BY_WAITING = frozenset(
    {"inmigrate", "postmigrate", "finish-migrate", "restore-vm", "save-vm", "colo", "prelaunch"}
)
STOPPED_WORDS = {
    "io-error": ("a disk reported an error", "mend what the disk needs (space?), then resume the guest"),
    "guest-panicked": ("its kernel panicked", "its console says why; reset it"),
    "internal-error": ("QEMU met an error of its own", "qemu.log says why; reset it"),
    "watchdog": ("its watchdog fired", "its console says why; reset it"),
    "shutdown": ("it has powered down", ""),
}
"""RunStates of QEMU in which the CPUs stand for a reason (qapi/run-state.json), and what to do."""


def judge(reading: Reading | None, seen: Circumstances) -> Verdict:
    """What the balloon is doing, from the last reading and its circumstances."""
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
                "give the profile a [balloon] section and start the guest again",
                ("query-pci shows no virtio balloon",),
            )
        )
    if seen.driver_ok is False:
        return _absent(_no_driver(reading, seen))
    if reading is None:
        return _absent(
            _silent(seen) if not seen.answering else Finding(Cause.UNREAD, "nothing was read from the balloon yet")
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
    bits = ", ".join(virtio_status_bits(status)) or "no bit is set"
    evidence = (f"device status 0x{status:02x} ({bits}): DRIVER_OK is not set", _stats_evidence(seen))
    load = "load virtio_balloon in the guest (Windows: the virtio drivers); a target waits until then"
    if reading is not None and reading.held > 0:
        # A driver that is unloaded gives everything back first; only a reset ends one that holds pages.
        return Finding(
            Cause.STALE_AFTER_RESET,
            "the guest was reset: target and actual are from before, until its driver is back",
            "it is starting; its driver will give and take anew" if young else load,
            (f"{mib(reading.held)} stand as held, and no driver holds them", *evidence),
        )
    if young:
        return Finding(Cause.STARTING, "no driver in the guest has taken the balloon yet: it is starting", "", evidence)
    return Finding(Cause.NO_DRIVER, "no driver in the guest has taken the balloon", load, evidence)


def _why(reading: Reading, seen: Circumstances) -> Finding | None:
    """Why a diff stays; None while it moves as it should."""
    if not seen.answering:
        return _silent(seen)
    if seen.status != "running":
        return _paused(seen)
    return _fights(reading, seen) or _taken_back(reading, seen) or _stands(reading, seen)


def _silent(seen: Circumstances) -> Finding:
    return Finding(
        Cause.QEMU_SILENT,
        "QEMU does not answer",
        "see whether its process is stopped (SIGSTOP) or busy",
        (seen.trouble or "no reply within the deadline", "the numbers are the last that were read"),
    )


def _paused(seen: Circumstances) -> Finding:
    why, advice = STOPPED_WORDS.get(seen.status, ("", "resume the guest"))
    if seen.status in RESUMED_BY_WAITING:
        advice = "it runs on when that is over, or when it is resumed"
    words = f"the guest is {seen.status}" + (f" ({why})" if why else "")
    return Finding(Cause.PAUSED, f"{words}: its driver does not run", advice)


def _paused_note(verdict: Verdict, seen: Circumstances) -> Finding | None:
    """A guest that stands and has what it should: the next target will wait."""
    if verdict.state is not State.SETTLED or not seen.answering or seen.status in ("running", ""):
        return None
    return replace(_paused(seen), evidence=(f"QEMU is {seen.status}",))


def _fights(reading: Reading, seen: Circumstances) -> Finding | None:
    turns = oscillation(seen.samples, target=reading.target, since=seen.target_since, now=seen.now)
    if turns is None or seen.now - seen.moved_at > PATIENCE:
        return None
    return Finding(
        Cause.FIGHTS_OOM,
        "the guest takes back on OOM what its balloon takes: the two fight",
        "ask for a higher target, or stop something in the guest",
        (
            f"actual turned {turns.count} times in {age(turns.seconds)}: "
            f"{mib(turns.fallen)} given, {mib(turns.risen)} taken back",
            _oom_evidence(seen),
        ),
    )


def _taken_back(reading: Reading, seen: Circumstances) -> Finding | None:
    """Memory that the guest took back and does not give again by itself."""
    if reading.diff < 0:
        return None
    moves = seen.now - seen.moved_at < PATIENCE
    if moves and not rising(seen.samples, target=reading.target):
        return None  # its driver gives again, whatever it took
    size, words = _taken(reading, seen)
    if not size:
        return None
    again = "send the target again: its driver gives no more by itself"
    if seen.deflate_on_oom is False:
        text = f"the guest took {mib(size)} back from its balloon, and why is not known: deflate-on-oom is off"
        return Finding(Cause.UNKNOWN, text, again, (words, _oom_evidence(seen)))
    if seen.reached is None and _scarce(reading, seen):
        if not moves:
            return None  # its driver still looks for pages, five times a second: it is short of them
        advice = "stop something in the guest, or ask for a higher target: its driver tries again by itself"
    elif _scarce(reading, seen):
        advice = "stop something in the guest first: it is still short of memory; then send the target again"
    else:
        advice = again
    return Finding(
        Cause.TAKEN_BACK,
        f"the guest took {mib(size)} back on OOM",
        advice,
        (words, _oom_evidence(seen)),
    )


def _taken(reading: Reading, seen: Circumstances) -> tuple[int, str]:
    """How many bytes the guest took back since the target was sent, and what says so; 0 when nothing does."""
    run = seen.take_back
    if run is not None and run.last >= seen.target_since:
        return run.size, f"actual rose {mib(run.size)}, num_pages stood, {ago(seen.now - run.last)}"
    reset = max((mark.time for mark in seen.marks if mark.kind is MarkKind.RESET), default=0.0)
    since = max(seen.target_since, reset)
    taken = [mark for mark in seen.marks if mark.kind is MarkKind.TAKE_BACK and mark.time >= since]
    if taken:
        # It may have given some of it again since, by itself.
        size = min(max(mark.size or 0 for mark in taken), reading.diff)
        return size, f"actual rose {mib(size)}, num_pages stood, {ago(seen.now - taken[-1].time)}"
    if seen.reached is not None and seen.reached >= since and reading.source is Source.CONFIG_SPACE and seen.driver_ok:
        return reading.diff, f"the target was reached {ago(seen.now - seen.reached)}, and num_pages stood since"
    return 0, ""


def _stands(reading: Reading, seen: Circumstances) -> Finding | None:
    if seen.now - max(seen.moved_at, seen.target_since) < PATIENCE:
        return None
    if reading.diff > 0 and _scarce(reading, seen):
        return Finding(
            Cause.OUT_OF_PAGES,
            "the guest finds no more pages to give",
            "stop something in the guest, or ask for a higher target",
        )
    return Finding(
        Cause.UNKNOWN,
        "the cause is not known",
        "look at the guest's console and kernel log; sending the target again notifies its driver anew",
    )


def _unrecorded(seen: Circumstances) -> Finding | None:
    if not seen.unrecorded:
        return None
    return Finding(
        Cause.UNRECORDED,
        f"nothing of this is recorded: {seen.unrecorded}",
        "make room where the guest's directory is: until then the next workbench takes this one's targets for another client's",
    )


def _ram_note(reading: Reading | None, seen: Circumstances) -> Finding | None:
    """The target that shifted because memory was plugged or unplugged since it was sent."""
    changes = [mark for mark in seen.marks if mark.kind is MarkKind.RAM_CHANGE and mark.time >= seen.target_since]
    shift = sum(mark.size or 0 for mark in changes)
    if reading is None or reading.target == reading.ram or not shift:
        return None
    way, turn = ("plugged in", "rose") if shift > 0 else ("unplugged", "fell")
    asked, stats = reading.target - shift, seen.stats
    advice = (
        f"send {mib(asked)} to have what was asked for before" if asked > 0 else "send the target that you want now"
    )
    evidence = [
        f"RAM is {mib(reading.ram)} now, {ago(seen.now - changes[-1].time)} it was {mib(reading.ram - shift)}",
        f"num_pages stood at {(reading.ram - reading.target) // PAGE:,}",
    ]
    if stats is not None and stats.available is not None and stats.available < shift:
        # Linux leaves plugged memory alone until somebody brings it online; then what was asked for before takes other memory.
        advice = f"see that the guest uses the new memory (bring it online there), and then {advice}"
        total = f"its own total is {mib(stats.total)}, " if stats.total is not None else ""
        evidence.append(f"the guest says: {total}{mib(stats.available)} available")
    return Finding(
        Cause.RAM_CHANGED,
        f"memory was {way}: the target {turn} with it by {mib(abs(shift))}, to {mib(reading.target)}",
        advice,
        tuple(evidence),
    )


def _diff_evidence(reading: Reading, seen: Circumstances) -> str:
    moved = f"none moved for {age(seen.now - seen.moved_at)}" if seen.moved_at else "none was seen to move"
    if seen.moved_at and seen.now - seen.moved_at < 1:
        moved = "some moved just now"
    return f"{abs(reading.diff_pages):,} pages to {'inflate' if reading.diff > 0 else 'deflate'}, {moved}"


def _driver_evidence(seen: Circumstances) -> str:
    status = "cannot be read" if seen.driver_status is None else f"0x{seen.driver_status:02x}"
    return f"device status {status}; QEMU is {seen.status}"


def _oom_evidence(seen: Circumstances) -> str:
    if seen.deflate_on_oom is None:
        return "whether deflate-on-oom is on is not known"
    if seen.deflate_on_oom and not seen.agreed:
        return "deflate-on-oom is offered; whether the driver agreed cannot be read from this QEMU"
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
        return "guest statistics: the guest never sent any"
    old = f"{age(seen.now - stats.last_update)} old"
    if stats.available is None:
        return f"guest statistics: {old}, without available memory"
    return f"guest statistics: {old}, {mib(stats.available)} available"
