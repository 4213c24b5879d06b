"""What a screen shows of one guest, and of the host: frozen, complete, made anew for each change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

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
    """False while QEMU does not answer on its monitor, or another client holds it; ``trouble`` says which."""
    trouble: str = ""
    """What is wrong now, in words, empty when nothing is."""
    silence: Silence | None = None
    """Why it does not answer; None while it does."""
    ended: Exit | None = None
    """How the last run ended. None when it is running or was not run."""
    ended_cause: str = ""
    """Why it died and what to do, as far as that is known."""
    cautions: tuple[str, ...] = ()
    """What its profile may do that its user should know before the start."""
    ended_output: str = ""
    """The last lines that QEMU wrote to its standard error in that run."""
    pid: int | None = None
    memory: int | None = None
    """RAM in bytes; None when the profile cannot be read."""
    accelerator: str = ""
    """``tcg`` or ``kvm`` of a running guest; empty when stopped."""
    accelerator_reason: str = ""
    """Why "auto" chose it, in words."""
    qemu_version: str = ""
    """Such as ``7.2.22``."""
    started: float | None = None
    """Unix time at which QEMU started."""
    status: str = ""
    """QEMU's ``RunState``, such as ``running`` or ``io-error``."""
    user_monitor: str = ""
    """The QMP socket that is left free for the user's own tools; empty when it does not run."""
    profile_path: str = ""
    """The profile's file; for a running guest the copy it was started from stands in its state directory."""
    problems: int = 0
    """How many problems the profile has."""
    description: str = ""
    backing: str = ""
    """``2M pages`` for hugepages; empty for ordinary memory."""
    balloon: Balloon | None = None
    """None until QEMU answered."""
    safety: Safety = field(default_factory=Safety)
    """What its profile says of floor, ramp, guard and presets; of a running guest, as it was started."""
    protection: Protection = field(default_factory=Protection)
    """How its ramp and guard stand; nothing of both when it does not run."""
    device_lines: Mapping[str, str] = field(default_factory=dict)
    """For each device's id the place in the profile that made it, such as ``demo.toml:14``."""
    devices_revision: int = 0
    """Grows when the device tree may have changed."""
    unplugs: tuple[Unplug, ...] = ()
    """Devices that were asked to go, and of which it is not known yet whether they do."""
    unplugged: tuple[Unplug, ...] = ()
    """How those ended, since the screen opened, whose time had run out before."""
