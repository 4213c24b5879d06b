"""What the keys for ramp and guard ask for, from a snapshot alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.safety.protection import Protection, ProtectionRequest
from workbench.ui.balloon.staging.effects import Protect, Refuse, live_balloon, refuse

if TYPE_CHECKING:
    from workbench.domain.guest.snapshot import GuestSnapshot


def protection_of(snapshot: GuestSnapshot | None) -> Protection:
    """The state of the chosen guest's ramp and guard; both off without a guest."""
    return snapshot.protection if snapshot is not None else Protection()


def toggle_ramp(snapshot: GuestSnapshot | None) -> Protect | Refuse:
    """Turn the ramp on or off; the armed guard's own pace is no ramp."""
    protection = protection_of(snapshot)
    on = protection.ramp is not None and not protection.paced
    return _ask(snapshot, ProtectionRequest.RAMP_OFF if on else ProtectionRequest.RAMP_ON)


def toggle_guard(snapshot: GuestSnapshot | None) -> Protect | Refuse:
    """Arm or disarm the guard."""
    armed = protection_of(snapshot).armed
    return _ask(snapshot, ProtectionRequest.DISARM if armed else ProtectionRequest.ARM)


def continue_ramp(snapshot: GuestSnapshot | None) -> Protect | Refuse:
    """Continue the interrupted ramp, if there is one."""
    if live_balloon(snapshot) is not None and protection_of(snapshot).left is None:
        return Refuse("No interrupted ramp to continue")
    return _ask(snapshot, ProtectionRequest.CONTINUE_RAMP)


def stop_or_dismiss(snapshot: GuestSnapshot | None) -> Protect | Refuse | None:
    """Stop this workbench's ramp at its step; otherwise dismiss a message; None if there is neither."""
    protection = protection_of(snapshot)
    if protection.ramping is not None and not protection.elsewhere:
        return _ask(snapshot, ProtectionRequest.STOP_RAMP)
    if protection.alarm is not None or protection.left is not None:
        return _ask(snapshot, ProtectionRequest.DISMISS)
    return None


def _ask(snapshot: GuestSnapshot | None, request: ProtectionRequest) -> Protect | Refuse:
    if snapshot is None or live_balloon(snapshot) is None:
        return refuse(snapshot)
    return Protect(snapshot.name, request)
