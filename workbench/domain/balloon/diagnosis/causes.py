"""The parts of a diagnosis: known causes, findings, the verdict, and its inputs."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from workbench.domain.balloon.diagnosis.console import Console
    from workbench.domain.balloon.diagnosis.movement import TakeBack
    from workbench.domain.balloon.history.marks import Mark
    from workbench.domain.balloon.reading import GuestStats, Sample

DRIVER_OK = 4
"""The bit of the device status that a driver sets when it is ready (virtio 1.2, 2.1 Device Status Field)."""


class Cause(StrEnum):
    """Why a diff remains, or a note on the balloon. The values are part of the JSON output: do not change them."""

    NO_DEVICE = "no-device"
    NO_DRIVER = "no-driver"
    STARTING = "starting"
    """No driver yet, but the guest is booting."""
    STALE_AFTER_RESET = "stale-after-reset"
    """num_pages and actual survive a reset: they are left from the driver before it."""
    UNREAD = "unread"
    QEMU_SILENT = "qemu-silent"
    PAUSED = "paused"
    """The CPUs are stopped, for whatever reason."""
    OUT_OF_PAGES = "out-of-pages"
    TAKEN_BACK = "taken-back"
    """The guest took memory back from its balloon: deflate-on-oom."""
    FIGHTS_OOM = "fights-oom"
    """Inflation and deflate-on-oom undo each other."""
    UNKNOWN = "unknown"
    RAM_CHANGED = "ram-changed"
    """Memory was plugged or unplugged: num_pages did not change, so the target in bytes shifted."""
    WINDOWS_SERVICE = "windows-service"
    """The guest's reports are empty: Windows without its balloon service."""
    STATISTICS_OFF = "statistics-off"
    STATISTICS_SWITCHED_OFF = "statistics-switched-off"
    """The guest's profile asks for them, but another client turned polling off."""
    STATISTICS_PAUSED = "statistics-paused"
    STATISTICS_NEVER = "statistics-never"
    STATISTICS_STOPPED = "statistics-stopped"
    UNRECORDED = "unrecorded"
    """Readings cannot be written to the guest's directory."""


STALE_STATISTICS = frozenset({Cause.STATISTICS_OFF, Cause.STATISTICS_SWITCHED_OFF, Cause.STATISTICS_STOPPED})
"""With these the last report may be out of date. In a paused guest nothing changes, so it is not."""


class Finding(Struct, frozen=True):
    """A cause or note, with its evidence."""

    code: Cause
    text: str
    advice: str = ""
    """What to do about it."""
    evidence: tuple[str, ...] = ()
    """The observations behind it."""


class Verdict(Struct, frozen=True):
    """The balloon's state, and if it is not moving as it should, why, with evidence."""

    state: State
    cause: str = ""
    """Why it is stalled or absent; empty otherwise."""
    advice: str = ""
    """What to do about it."""
    evidence: tuple[str, ...] = ()
    code: Cause | None = None
    """The cause as a code."""
    notes: tuple[Finding, ...] = ()
    """Findings besides the state: a settled balloon may have frozen statistics."""

    @property
    def send_again(self) -> bool:
        """Whether sending the same target again may help: QEMU then notifies the driver again."""
        return self.code in (Cause.TAKEN_BACK, Cause.UNKNOWN)


class Circumstances(Struct, frozen=True):
    """The inputs to a verdict besides the last reading."""

    now: float
    """Unix time."""
    device: bool = True
    """Whether the guest has a balloon device."""
    driver_status: int | None = None
    """The device status byte from the virtio registers; None if it cannot be read."""
    driver_at: float | None = None
    """Unix time at which it was read; None: with the reading."""
    driver_since: float = 0.0
    """Unix time at which a driver was seen to have been loaded again; 0: never."""
    unmapped: bool = False
    """Whether neither firmware nor guest has mapped the device's registers."""
    status: str = "running"
    """QEMU's ``RunState``; empty if unknown."""
    status_at: float | None = None
    """Unix time at which it was read; None: with the reading."""
    console: Console | None = None
    """The guest's serial console; None if nothing was written to it, or it was not looked at."""
    answering: bool = True
    trouble: str = ""
    """Why QEMU does not answer, for people."""
    target_since: float = 0.0
    """Unix time at which the target was last sent or first seen, if known."""
    moved_at: float = 0.0
    """Unix time at which ``actual`` last changed, if known."""
    started: float = 0.0
    """Unix time of the guest's last start or reset, if known."""
    stats: GuestStats | None = None
    statistics: int = 0
    """The profile's polling interval in seconds; 0 = none."""
    polled_since: float = 0.0
    """Unix time since which QEMU polls at the present interval; 0 = since before the first reading."""
    deflate_on_oom: bool | None = None
    """Whether the driver may take memory back: the negotiated feature or, if that cannot be read safely, the device's
    property; None if neither is known."""
    agreed: bool = True
    """Whether that is the negotiated feature, rather than what the device offers."""
    reached: float | None = None
    """Unix time at which this target was seen to be reached; None if never."""
    samples: tuple[Sample, ...] = ()
    """The last readings, oldest first."""
    marks: tuple[Mark, ...] = ()
    take_back: TakeBack | None = None
    """The take-back in progress, before it has a mark."""
    ramp_step: str = ""
    """The step at which a ramp is, for people; empty without a ramp."""
    unrecorded: str = ""
    """The system's error if readings cannot be recorded; empty if they can."""

    @property
    def driver_ok(self) -> bool | None:
        return None if self.driver_status is None else bool(self.driver_status & DRIVER_OK)

    @property
    def begun(self) -> float:
        """Unix time before which the guest's present boot cannot have begun, if there is no driver: a driver sent the last
        report, also if nobody heard of a reset since.
        """
        return max(self.started, self.stats.last_update if self.stats is not None else 0.0)


class State(StrEnum):
    SETTLED = "settled"
    INFLATING = "inflating"
    DEFLATING = "deflating"
    STALLED = "stalled"
    ABSENT = "absent"
    """No balloon device, or no driver for it in the guest."""
