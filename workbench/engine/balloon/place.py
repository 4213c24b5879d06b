"""What the balloon needs to know of a guest, wherever it runs and whatever started it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path


class Place(Struct, frozen=True):
    """One run of a guest, and where what is known of its balloon is kept."""

    directory: Path
    """Keeps its target, marks, history, ramp and guard; of this user only."""
    pid: int
    """QEMU's process on this host; 0 if it is not on this host."""
    memory: int
    """RAM at the start in bytes; 0 if unknown."""
    started: float
    """Unix time at which QEMU started; 0 if unknown."""
    log: Path | None = None
    """QEMU's log, if it can be read; the file may not exist."""
    console: Path | None = None
    """The log of the guest's serial console, likewise."""
