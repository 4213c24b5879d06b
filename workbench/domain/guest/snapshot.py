"""An immutable snapshot of one guest for the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.safety.protection import Protection, Safety
from workbench.domain.guest.lifecycle import Exit, Phase, Silence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.hotplug.unplug import Unplug


class GuestSnapshot(Struct, frozen=True):
    name: str
    phase: Phase = Phase.STOPPED
    answering: bool = True
    """False while QEMU does not answer on its monitor or another client holds it; ``trouble`` says which."""
    trouble: str = ""
    """What is wrong now; empty if nothing is."""
    silence: Silence | None = None
    """Why it does not answer; None while it does."""
    ended: Exit | None = None
    """How the last run ended; None if it is running or never ran."""
    ended_cause: str = ""
    """Why it died and what to do, if known."""
    cautions: tuple[str, ...] = ()
    """Warnings about its profile to show before a start."""
    ended_output: str = ""
    """The last lines of QEMU's standard error in that run."""
    pid: int | None = None
    run: str = ""
    """Identifies its present run, differs after every restart; empty if it is not running."""
    directory: str = ""
    """Where its sockets and logs are; empty if it is not running."""
    memory: int | None = None
    """RAM in bytes; None if the profile cannot be read."""
    accelerator: str = ""
    """``tcg`` or ``kvm`` if running; if not, as in the profile, such as ``auto``."""
    accelerator_reason: str = ""
    """Why "auto" chose it, for people."""
    qemu_version: str = ""
    """Such as ``7.2.22``."""
    started: float | None = None
    """Unix time at which QEMU started."""
    status: str = ""
    """QEMU's ``RunState``, such as ``running`` or ``io-error``."""
    user_monitor: str = ""
    """The QMP socket reserved for the user's own tools; empty if not running."""
    profile_path: str = ""
    """The profile's file; the copy that a running guest was started from is in its state directory."""
    problems: int = 0
    """Number of problems in the profile."""
    description: str = ""
    backing: str = ""
    """``2M pages`` for hugepages; empty for ordinary memory."""
    balloon: Balloon | None = None
    """None until QEMU has answered."""
    safety: Safety = field(default_factory=Safety)
    """Its profile's floor, ramp, guard and presets; for a running guest, as it was started."""
    protection: Protection = field(default_factory=Protection)
    """The state of its ramp and guard; both off if not running."""
    device_lines: Mapping[str, str] = field(default_factory=dict)
    """For each device id, the place in the profile that defines it, such as ``demo.toml:14``."""
    devices_revision: int = 0
    """Grows when the device tree may have changed."""
    unplugs: tuple[Unplug, ...] = ()
    """Pending unplug requests."""
    unplugged: tuple[Unplug, ...] = ()
    """Results, since the screen opened, of unplug requests that had timed out before."""

    @property
    def state(self) -> str:
        """QEMU's run state if it stopped the guest's CPUs, otherwise the phase: ``suspended``, ``io-error``, ``running``."""
        return self.status if self.phase is Phase.PAUSED and self.status else self.phase.value

    @property
    def identity(self) -> tuple[str, str]:
        """Differs between guests and between runs of one guest: the one answer to "is it still the same run?"."""
        return self.name, self.run


def settled(snapshot: GuestSnapshot) -> bool:
    """Whether the balloon has reached its target.

    A diff of 0 is not enough: a booting guest has it too, before its driver is loaded.
    """
    return snapshot.balloon is not None and snapshot.balloon.verdict.state is State.SETTLED
