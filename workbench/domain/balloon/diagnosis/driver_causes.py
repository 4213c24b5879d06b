"""Why there is no balloon, or no driver for it: the guest's state and its boot come before any advice to load one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.diagnosis.causes import Cause, Finding
from workbench.domain.balloon.diagnosis.evidence import (
    CPUS_STOPPED,
    NO_DRIVER_OK,
    NOW,
    SILENCE,
    THIS_BOOT,
    Evidence,
    Freshness,
    Rule,
    Situation,
    now_if,
)
from workbench.domain.balloon.diagnosis.stopped import paused, silent, stats_evidence
from workbench.domain.devices.virtio import Status, virtio_status_bits
from workbench.domain.units import ago, mib

if TYPE_CHECKING:
    from workbench.domain.balloon.diagnosis.causes import Circumstances

BOOT = 20.0
"""Seconds after its start in which a guest may not have loaded its drivers yet, whatever else is seen."""
SLOW_BOOT = 900.0
"""Seconds in which a guest whose console is at work, or whose firmware has not reached the device, counts as booting."""
QUIET = 30.0
"""Seconds without output after which a console no longer shows that its guest boots."""
LOAD = "load virtio_balloon in the guest (Windows: install the virtio drivers); targets take effect only then"
LOAD_LATER = f"once the guest has booted, {LOAD}"
BIND = (
    "load virtio_balloon in the guest; if it is loaded, bind the device to it: "
    "echo virtioN > /sys/bus/virtio/drivers/virtio_balloon/bind"
)


def _bits(seen: Circumstances) -> Status:
    return Status(seen.driver_status or 0)


def _starts(situation: Situation) -> bool:
    """A driver has taken the device, and has not got further (virtio 1.2, 3.1.1)."""
    bits = _bits(situation.seen)
    return Status.DRIVER in bits and Status.FAILED not in bits


def _left(situation: Situation) -> bool:
    """The system still knows the device (ACKNOWLEDGE), and a driver reported in this boot and left nothing behind: it was
    unloaded or unbound.

    A reset clears the whole status, and leaves ``actual``. Linux: drivers/virtio/virtio.c, ``virtio_dev_remove``.
    """
    seen, reading = situation.seen, situation.reading
    if _bits(seen) != Status.ACKNOWLEDGE or (reading is not None and reading.held):
        return False
    return seen.stats is not None and seen.stats.last_update > seen.started


def _output(situation: Situation) -> float | None:
    console = situation.seen.console
    return None if console is None or console.prompts else console.at


def _prompt(situation: Situation) -> float | None:
    console = situation.seen.console
    return None if console is None or not console.prompts else console.at


def _is_at_work(situation: Situation, at: float) -> bool:
    seen = situation.seen
    return at >= seen.begun and seen.now - at < QUIET and seen.now - seen.begun < SLOW_BOOT


AT_WORK = Freshness(f"at most {QUIET:g} s old, in the first {SLOW_BOOT:g} s of a boot", _is_at_work)

NO_BALLOON = Evidence("query-pci lists no virtio balloon", now_if(lambda s: not s.seen.device), NOW)
NOT_READ = Evidence("the balloon was not read yet", now_if(lambda s: s.reading is None), NOW)
STALE_PAGES = Evidence("pages count as ballooned", now_if(lambda s: s.reading is not None and s.reading.held > 0), NOW)
DRIVER_STARTS = Evidence("a driver is initialising the device", now_if(_starts), NOW)
DRIVER_FAILED = Evidence("the driver set FAILED", now_if(lambda s: Status.FAILED in _bits(s.seen)), NOW)
DRIVER_LEFT = Evidence("the device is known to a system whose driver reported before", now_if(_left), NOW)
YOUNG = Evidence("the guest started a moment ago", now_if(lambda s: s.seen.now - s.seen.begun < BOOT), NOW)
UNMAPPED = Evidence(
    "the firmware has not mapped the registers",
    now_if(lambda s: s.seen.unmapped and s.seen.now - s.seen.begun < SLOW_BOOT),
    NOW,
)
CONSOLE_AT_WORK = Evidence("the console shows output, and no prompt", _output, AT_WORK)
PROMPT = Evidence("the console shows a prompt", _prompt, THIS_BOOT)
BOOTS = Evidence(
    "the guest is booting",
    now_if(
        lambda s: (
            not (PROMPT.seen_in(s) or DRIVER_LEFT.seen_in(s))
            and any(evidence.seen_in(s) for evidence in (YOUNG, UNMAPPED, CONSOLE_AT_WORK))
        )
    ),
    NOW,
)
SYSTEM_UP = Evidence("the system knows the device", now_if(lambda s: Status.ACKNOWLEDGE in _bits(s.seen)), NOW)


def _no_device(situation: Situation) -> Finding:
    return Finding(
        Cause.NO_DEVICE,
        "the guest has no balloon device",
        "add a [balloon] section to the profile and restart the guest",
        (NO_BALLOON.name,),
    )


def _evidence(situation: Situation) -> tuple[str, ...]:
    seen = situation.seen
    status = seen.driver_status or 0
    bits = ", ".join(virtio_status_bits(status)) or "no bits set"
    lines = [f"device status 0x{status:02x} ({bits}): DRIVER_OK is not set", stats_evidence(seen)]
    if seen.unmapped:
        lines.append("neither firmware nor guest has mapped the device's registers")
    if seen.console is not None:
        lines.append(f"console, {ago(seen.now - seen.console.at)}: {seen.console.line[:60]}")
    return tuple(lines)


def _paused(situation: Situation) -> Finding:
    found = paused(situation.seen)
    return Finding(found.code, found.text, found.advice, _evidence(situation))


def _stale(situation: Situation) -> Finding:
    # A driver returns all pages before it is unloaded; only a reset leaves them behind.
    assert situation.reading is not None
    advice = "check its console: if it has booted, load virtio_balloon, which will apply the target"
    if BOOTS.seen_in(situation) or DRIVER_STARTS.seen_in(situation):
        advice = "wait: the guest is booting, and its driver will apply the target"
    elif PROMPT.seen_in(situation) or SYSTEM_UP.seen_in(situation):
        advice = BIND
    held = f"QEMU still counts {mib(situation.reading.held)} as ballooned, but no driver holds them"
    text = "the guest was reset; target and actual are stale until its driver loads"
    return Finding(Cause.STALE_AFTER_RESET, text, advice, (held, *_evidence(situation)))


def _failed(situation: Situation) -> Finding:
    return Finding(
        Cause.NO_DRIVER,
        "the guest's balloon driver failed to start",
        "check the guest's kernel log for virtio_balloon",
        _evidence(situation),
    )


def _starting(situation: Situation) -> Finding:
    text = "no balloon driver in the guest yet: it is still booting"
    return Finding(Cause.STARTING, text, "", _evidence(situation))


def _no_driver(situation: Situation) -> Finding:
    advice = LOAD_LATER
    if SYSTEM_UP.seen_in(situation):
        advice = BIND
    elif PROMPT.seen_in(situation):
        advice = LOAD
    return Finding(Cause.NO_DRIVER, "no balloon driver in the guest", advice, _evidence(situation))


def _unread(situation: Situation) -> Finding:
    return Finding(Cause.UNREAD, "the balloon has not been read yet")


ABSENCE_RULES = (
    Rule(Cause.NO_DEVICE, (NO_BALLOON,), _no_device),
    Rule(Cause.PAUSED, (NO_DRIVER_OK, CPUS_STOPPED), _paused, (SILENCE,)),
    Rule(Cause.NO_DRIVER, (NO_DRIVER_OK, DRIVER_FAILED), _failed),
    Rule(Cause.STALE_AFTER_RESET, (NO_DRIVER_OK, STALE_PAGES), _stale),
    Rule(Cause.STARTING, (NO_DRIVER_OK, DRIVER_STARTS), _starting),
    Rule(Cause.STARTING, (NO_DRIVER_OK, BOOTS), _starting),
    Rule(Cause.NO_DRIVER, (NO_DRIVER_OK,), _no_driver),
    Rule(Cause.QEMU_SILENT, (NOT_READ, SILENCE), lambda situation: silent(situation.seen)),
    Rule(Cause.UNREAD, (NOT_READ,), _unread),
)
"""In this order; the run state comes before the driver."""
