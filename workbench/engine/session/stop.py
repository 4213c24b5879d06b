"""Stops a guest: presses its power button until it has ended, or kills its QEMU."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.errors import MonitorError, NotFound, NotReached

if TYPE_CHECKING:
    from workbench.domain.guest.lifecycle import Exit
    from workbench.engine.base import Guest

AGAIN = 3.0
"""Seconds between two presses of the power button."""
ENDING = 1.0
"""Seconds to wait for the end if the button cannot be pressed: the guest may be just ending."""
KILLED = 10.0
"""Seconds that the kernel may need to end a killed QEMU."""
MISSED = f"the power button was pressed every {AGAIN:g} s; a booting guest may miss it, and firmware ignores it"


async def stop(guest: Guest, seconds: float, *, kill: bool) -> Exit:
    """Stop a guest; see :meth:`workbench.engine.base.Guest.stop`."""
    if seconds > 0 or not kill:
        try:
            return await _power_down(guest, seconds, patience=0.0 if kill else ENDING)
        except NotReached:
            if not kill:
                raise
    with suppress(NotFound):  # it has just ended
        await guest.kill()
    ended = await guest.wait_ended(KILLED)
    if ended is None:
        raise NotReached(f"{guest.snapshot.name} was killed, but is still running after {KILLED:g} s")
    return ended


async def _power_down(guest: Guest, seconds: float, *, patience: float) -> Exit:
    """Press the power button repeatedly until the guest has ended.

    A booting guest loses a press that comes before its kernel listens (Linux: drivers/acpi/acpica/evxface.c,
    ``acpi_install_fixed_event_handler`` clears the event). Each press holds the monitor only briefly, because other
    clients use it too.

    :param patience: seconds to wait for the end if the first press failed.
    :raise NotReached: if it is still running after ``seconds``, or cannot be asked.
    """
    name, deadline = guest.snapshot.name, time.monotonic() + seconds
    trouble = await _press(guest)
    if trouble is not None:
        return await _failed(guest, min(seconds, patience), trouble)
    while (ended := await guest.wait_ended(min(AGAIN, deadline - time.monotonic()))) is None:
        if time.monotonic() >= deadline:
            raise NotReached(f"{name} is still running after {seconds:g} s", hint=MISSED)
        await _press(guest)  # may fail while it ends or another client holds the monitor
    return ended


async def _failed(guest: Guest, seconds: float, trouble: MonitorError) -> Exit:
    """The power button could not be pressed: wait for a guest that is just ending."""
    ended = await guest.wait_ended(seconds)
    if ended is None:
        waited = f"{guest.snapshot.name} is still running after {seconds:g} s"
        raise NotReached(f"{waited}; its monitor: {trouble.message}", hint=trouble.hint) from trouble
    return ended


async def _press(guest: Guest) -> MonitorError | None:
    """Press the power button once; return what prevented it, if anything."""
    try:
        await guest.power_down()
    except MonitorError as error:
        return error
    return None
