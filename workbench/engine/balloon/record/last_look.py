"""What one look at a balloon cannot tell and an earlier one could: kept in the guest's directory from look to look.

The command line looks once and ends; with this it still knows that a target was reached before, and that RAM has changed.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from workbench.domain.balloon.reading import Source
from workbench.engine.storage.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.domain.balloon.reading import Reading

FILE = "witness.json"


class Testimony(Struct, frozen=True):
    ram: int
    """Bytes of the guest's RAM."""
    since: float = 0.0
    """Unix time at which the present target was sent, or the guest was reset after that."""
    reached: float | None = None
    """Unix time at which the target was first seen reached since then."""


class Witness:
    """Sees every reading, and keeps what a later diagnosis needs."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._known = self._written = self._load()

    @property
    def reached(self) -> float | None:
        """Unix time at which the present target was first seen reached; None when it was not."""
        return self._known.reached if self._known else None

    def ram_change(self, reading: Reading) -> int:
        """Bytes by which RAM has changed since anybody looked; 0 when it has not, or another workbench told already."""
        if self._known is None or self._known.ram == reading.ram:
            return 0
        self._known = self._load() or self._known
        return reading.ram - self._known.ram

    def see(self, reading: Reading, *, since: float, driver_ok: bool) -> None:
        """One reading.

        :param since: Unix time at which its target was sent, or the guest was reset after that.
        """
        known = self._known
        if known is None or known.since != since:
            self._written = self._load()
            known = self._written or known
        if known is None or known.since != since:
            known = Testimony(reading.ram, since)
        if driver_ok and reading.diff == 0 and known.reached is None and reading.source is Source.CONFIG_SPACE:
            known = replace(known, reached=reading.time)
        if (known := replace(known, ram=reading.ram)) != self._known:
            self._known = known
            written = self._written
            if written is not None and written.ram == known.ram and known.reached is None:
                return  # who finds another target's testimony there concludes the same
            # A full disk costs the command line some of its knowledge, and nothing else.
            with suppress(OSError):
                write_atomic(self._path, msgspec.json.encode(known), lasting=False)
                self._written = known

    def _load(self) -> Testimony | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Testimony)
        except (OSError, ValueError):
            return None
