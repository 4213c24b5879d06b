"""Keeps in the guest's directory what a single reading cannot show but an earlier one could.

A command reads once and ends; with this it still knows that a target was reached earlier, and that RAM has changed.
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
    """Unix time at which the current target was sent, or of a later reset."""
    reached: float | None = None
    """Unix time at which the target was first seen as reached since then."""


class Witness:
    """Observes every reading and keeps what a later diagnosis needs."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._known = self._written = self._load()

    @property
    def reached(self) -> float | None:
        """Unix time at which the current target was first seen as reached; None if it was not."""
        return self._known.reached if self._known else None

    def ram_change(self, reading: Reading) -> int:
        """Bytes by which RAM has changed since the last reading by any workbench; 0 if it has not."""
        if self._known is None or self._known.ram == reading.ram:
            return 0
        self._known = self._load() or self._known
        return reading.ram - self._known.ram

    def see(self, reading: Reading, *, since: float, driver_ok: bool | None) -> None:
        """Observe one reading.

        :param since: Unix time at which its target was sent, or of a later reset.
        :param driver_ok: whether its driver is up; None if unknown.
        """
        known = self._known
        if known is None or known.since != since:
            self._written = self._load()
            known = self._written or known
        if known is None or known.since != since:
            known = Testimony(reading.ram, since)
        if driver_ok and reading.diff == 0 and known.reached is None and reading.source is Source.CONFIG_SPACE:
            known = replace(known, reached=reading.time)
        if driver_ok is False and known.reached is not None:
            known = replace(known, reached=None)  # the next driver starts with an empty balloon
        self._know(replace(known, ram=reading.ram))

    def forget_reached(self) -> None:
        """The driver was loaded again: it has to reach the target itself."""
        if self._known is not None:
            self._know(replace(self._known, reached=None))

    def _know(self, known: Testimony) -> None:
        if known == self._known:
            return
        self._known = known
        written = self._written
        if written is not None and written.ram == known.ram and known.reached is None and not _claims(written, known):
            return  # a testimony for another target leads to the same conclusion
        # On a full disk the command line only knows less.
        with suppress(OSError):
            write_atomic(self._path, msgspec.json.encode(known), lasting=False)
            self._written = known

    def _load(self) -> Testimony | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Testimony)
        except (OSError, ValueError):
            return None


def _claims(written: Testimony, known: Testimony) -> bool:
    """Whether the file has this target as reached."""
    return written.since == known.since and written.reached is not None
