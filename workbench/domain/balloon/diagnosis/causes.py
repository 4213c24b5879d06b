"""What a diagnosis is made of: the causes that the workbench knows, what it found, and what must be known to judge."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.reading import GuestStats, Sample

if TYPE_CHECKING:
    from workbench.domain.balloon.diagnosis.movement import TakeBack
    from workbench.domain.balloon.history.marks import Mark
    from workbench.domain.balloon.reading import GuestStats, Sample

DRIVER_OK = 4
"""The bit of the device status that a driver sets when it is ready (virtio 1.2, 2.1 Device Status Field)."""


class Cause(StrEnum):
    """Why a diff stays, or what is to be known beside it. The words stand in JSON: they stay as they are."""

    NO_DEVICE = "no-device"
    NO_DRIVER = "no-driver"
    STARTING = "starting"
    """No driver yet, and the guest began a moment ago."""
    STALE_AFTER_RESET = "stale-after-reset"
    """num_pages and actual outlive a reset: they are those of the driver before it."""
    UNREAD = "unread"
    QEMU_SILENT = "qemu-silent"
    PAUSED = "paused"
    """The CPUs stand, whatever stopped them."""
    OUT_OF_PAGES = "out-of-pages"
    TAKEN_BACK = "taken-back"
    """The guest took memory back from its balloon: deflate-on-oom."""
    FIGHTS_OOM = "fights-oom"
    """Inflation and deflate-on-oom take turns."""
    UNKNOWN = "unknown"
    RAM_CHANGED = "ram-changed"
    """Memory was plugged or unplugged: num_pages stood, so the target in bytes shifted."""
    WINDOWS_SERVICE = "windows-service"
    """Reports come, and nothing is in them: Windows without its balloon service."""
    STATISTICS_OFF = "statistics-off"
    STATISTICS_SWITCHED_OFF = "statistics-switched-off"
    """The guest's profile asks for them, and another client has told QEMU not to."""
    STATISTICS_PAUSED = "statistics-paused"
    STATISTICS_NEVER = "statistics-never"
    STATISTICS_STOPPED = "statistics-stopped"
    UNRECORDED = "unrecorded"
    """What is read cannot be written into the guest's directory."""


STALE_STATISTICS = frozenset({Cause.STATISTICS_OFF, Cause.STATISTICS_SWITCHED_OFF, Cause.STATISTICS_STOPPED})
"""With these what the guest said last need no longer be so. While it is paused nothing in it changes."""


class Finding(Struct, frozen=True):
    """Something that was found."""

    code: Cause
    text: str
    """In words."""
    advice: str = ""
    """What to do about it."""
    evidence: tuple[str, ...] = ()
    """What was seen that says so."""


class Verdict(Struct, frozen=True):
    """What the balloon is doing, and when it does nothing that it should: why, and what was seen that says so."""

    state: State
    cause: str = ""
    """Why it is stalled or absent, in words; empty otherwise."""
    advice: str = ""
    """What to do about it."""
    evidence: tuple[str, ...] = ()
    code: Cause | None = None
    """The cause for programs."""
    notes: tuple[Finding, ...] = ()
    """What is to be known beside the state: a settled balloon too may have frozen statistics."""

    @property
    def send_again(self) -> bool:
        """Whether the same target, sent again, may move the guest: QEMU then notifies its driver anew."""
        return self.code in (Cause.TAKEN_BACK, Cause.UNKNOWN)


class Circumstances(Struct, frozen=True):
    """What must be known beside the last reading to judge it."""

    now: float
    """Unix time."""
    device: bool = True
    """Whether the guest has a balloon device."""
    driver_status: int | None = None
    """The device status byte from the virtio registers; None when it cannot be read."""
    status: str = "running"
    """QEMU's ``RunState``."""
    answering: bool = True
    trouble: str = ""
    """What is known of a QEMU that does not answer, in words."""
    target_since: float = 0.0
    """Unix time at which the target was last sent or found, as far as known."""
    moved_at: float = 0.0
    """Unix time at which ``actual`` last changed, as far as known."""
    started: float = 0.0
    """Unix time at which the guest last began, QEMU's start or a reset, as far as known."""
    stats: GuestStats | None = None
    statistics: int = 0
    """Seconds between two reports that the guest's profile asks for; 0 = it asks for none."""
    polled_since: float = 0.0
    """Unix time since which QEMU asks for statistics as often as it does now; 0 = longer than anybody looked."""
    deflate_on_oom: bool | None = None
    """Whether the driver may take memory back: the feature that it agreed to, or where that cannot be read safely the device's
    property; None when neither is known."""
    agreed: bool = True
    """Whether that is what the driver agreed to; otherwise it is only what the device offers."""
    reached: float | None = None
    """Unix time at which this target was seen reached; None when it was not seen."""
    samples: tuple[Sample, ...] = ()
    """The last readings, oldest first."""
    marks: tuple[Mark, ...] = ()
    take_back: TakeBack | None = None
    """What the guest takes back just now, before it is marked."""
    unrecorded: str = ""
    """Why what is read is not written, in the system's words; empty when it is."""

    @property
    def driver_ok(self) -> bool | None:
        return None if self.driver_status is None else bool(self.driver_status & DRIVER_OK)


class State(StrEnum):
    SETTLED = "settled"
    INFLATING = "inflating"
    DEFLATING = "deflating"
    STALLED = "stalled"
    ABSENT = "absent"
    """No balloon device, or no driver in the guest to move it."""
