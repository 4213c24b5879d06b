"""What the keys for ramp and guard ask for, without a screen."""

from __future__ import annotations

import pytest

from tests.ui.fake_engine import NOW, RAM, running
from workbench.domain.balloon.safety.guard import Alarm
from workbench.domain.balloon.safety.protection import Protection, ProtectionRequest
from workbench.domain.balloon.safety.ramp import Ramp, Ramping
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.units import MIB
from workbench.ui.balloon.staging.effects import Protect, Refuse
from workbench.ui.balloon.staging.protection_keys import continue_ramp, stop_or_dismiss, toggle_guard, toggle_ramp

RAMP = Ramp(64 * MIB, 5)
RAMPING = Ramping(RAMP, RAM, 256 * MIB, 384 * MIB, NOW - 2)
ALARM = Alarm(NOW, "only 12 MiB available", 128 * MIB)


@pytest.mark.parametrize(
    ("protection", "request_"),
    [
        (Protection(), ProtectionRequest.RAMP_ON),
        (Protection(ramp=RAMP), ProtectionRequest.RAMP_OFF),
        (Protection(ramp=RAMP, paced=True, armed=True), ProtectionRequest.RAMP_ON),
    ],
)
def test_the_guards_own_pace_is_no_ramp_that_could_be_turned_off(
    protection: Protection, request_: ProtectionRequest
) -> None:
    assert toggle_ramp(running(protection=protection)) == Protect("demo", request_)


def test_the_guard_is_armed_and_disarmed() -> None:
    assert toggle_guard(running()) == Protect("demo", ProtectionRequest.ARM)
    assert toggle_guard(running(protection=Protection(armed=True))) == Protect("demo", ProtectionRequest.DISARM)


def test_only_an_interrupted_ramp_continues() -> None:
    assert continue_ramp(running(protection=Protection(ramping=RAMPING))) == Refuse("No interrupted ramp to continue")
    left = running(protection=Protection(left=RAMPING))
    assert continue_ramp(left) == Protect("demo", ProtectionRequest.CONTINUE_RAMP)


@pytest.mark.parametrize(
    ("protection", "request_"),
    [
        (Protection(ramping=RAMPING), ProtectionRequest.STOP_RAMP),
        (Protection(ramping=RAMPING, alarm=ALARM), ProtectionRequest.STOP_RAMP),
        (Protection(ramping=RAMPING, elsewhere=True, alarm=ALARM), ProtectionRequest.DISMISS),
        (Protection(left=RAMPING), ProtectionRequest.DISMISS),
        (Protection(ramping=RAMPING, elsewhere=True), None),
        (Protection(ramp=RAMP, armed=True), None),
    ],
)
def test_escape_stops_ones_own_ramp_and_then_dismisses(
    protection: Protection, request_: ProtectionRequest | None
) -> None:
    effect = stop_or_dismiss(running(protection=protection))
    assert effect == (None if request_ is None else Protect("demo", request_))


@pytest.mark.parametrize("key", [toggle_ramp, toggle_guard, continue_ramp])
def test_a_guest_that_does_not_run_has_nothing_to_protect(key: object) -> None:
    assert callable(key)
    assert key(None) == Refuse("No guest is chosen")
    assert key(GuestSnapshot("demo")) == Refuse("demo is not running")
