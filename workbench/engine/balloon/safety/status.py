"""A guest's ramp and guard as other processes run them, found in its directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.safety.protection import Protection
from workbench.engine.balloon.safety.guard import is_armed
from workbench.engine.balloon.safety.ramp import found

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.domain.balloon.reading import Reading


def found_protection(directory: Path, reading: Reading | None) -> Protection:
    """The ramp that another process runs or was interrupted in, and whether one has armed the guard; changes nothing."""
    ramping, lives = found(directory, reading.target) if reading is not None else (None, False)
    return Protection(
        ramping=ramping if lives else None,
        elsewhere=ramping is not None and lives,
        left=None if lives else ramping,
        armed=is_armed(directory),
    )
