"""The part of a history on display: its length and end, zoom, pan, and time labels."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

MINUTE, HOUR, DAY = 60, 3600, 86400
LENGTHS = (MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY)
"""Zoom levels in seconds."""
PAN = 4
"""One pan step is a window's length divided by this."""


class Window(Struct, frozen=True):
    length: int = 2 * MINUTE
    """Seconds; one of :data:`LENGTHS`."""
    end: float | None = None
    """Unix time of the right edge; None while it follows live."""

    def zoomed(self, steps: int) -> Window:
        """Longer for positive steps; the right edge stays."""
        place = LENGTHS.index(self.length) + steps
        return replace(self, length=LENGTHS[min(max(place, 0), len(LENGTHS) - 1)])

    def panned(self, steps: int, now: float) -> Window:
        """Later for positive steps; reaching now, it follows live again."""
        end = (now if self.end is None else self.end) + steps * self.length / PAN
        return replace(self, end=end if end < now else None)

    def ending(self, end: float | None, now: float) -> Window:
        return replace(self, end=end if end is not None and end < now else None)

    def columns(self, now: float, count: int) -> tuple[float, float]:
        """Start time and seconds per column for ``count`` columns, aligned to whole columns.

        A shift by a fraction of a column would make the whole plot flicker.
        """
        step = self.length / count
        end = now if self.end is None else self.end
        return (end // step + 1 - count) * step, step

    @property
    def name(self) -> str:
        """At most six characters: ``15 min``, ``1 h``, ``30 d``."""
        for unit, seconds in (("d", DAY), ("h", HOUR)):
            if self.length >= seconds:
                return f"{self.length // seconds} {unit}"
        return f"{self.length // MINUTE} min"


class Tick(NamedTuple):
    time: float
    """Unix time."""
    label: str


TICKS = (
    5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY,
)  # fmt: skip
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Independent of the locale, so that all have three letters."""


def ticks(start: float, end: float, cells: int) -> list[Tick]:
    """Round local times between two Unix times, few enough that their labels do not touch.

    :param cells: characters between the two times.
    """
    step = next((step for step in TICKS if step * cells / (end - start) >= _room(step)), None)
    if step is None:
        return []
    first = datetime.fromtimestamp(start)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    # In local time, so that days begin at 0:00 also when the clock changes.
    face = midnight + timedelta(seconds=-(-(first - midnight).total_seconds() // step) * step)
    found = []
    while (time := face.timestamp()) < end:
        if time >= start:
            found.append(Tick(time, _label(face, step)))
        face += timedelta(seconds=step)
    return found


def _room(step: int) -> int:
    """Cells for a label of this step and the space next to it."""
    return 12 if step < MINUTE else 10


def _label(face: datetime, step: int) -> str:
    if step >= DAY or (face.hour, face.minute, face.second) == (0, 0, 0):
        return day(face)
    return f"{face:%H:%M:%S}" if step < MINUTE else f"{face:%H:%M}"


def day(face: datetime) -> str:
    return f"{face.day} {MONTHS[face.month - 1]}"


def moment(time: float, length: int) -> str:
    """A local time, as precise as a window of ``length`` seconds needs."""
    face = datetime.fromtimestamp(time)
    if length <= 5 * MINUTE:
        return f"{day(face)} {face:%H:%M:%S}"
    return f"{day(face)} {face:%H:%M}" if length < 7 * DAY else day(face)


_UNITS = {"s": 1, "m": MINUTE, "min": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_LENGTH = re.compile(r"\s*(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]*)\s*", re.ASCII)


def parse_length(text: str) -> float:
    """Parse a time span such as ``90s``, ``15m``, ``1h``, ``2d`` or ``1w`` into seconds.

    :raise ValueError: for anything else.
    """
    match = _LENGTH.fullmatch(text)
    seconds = float(match[1]) * _UNITS.get(match[2], 0) if match else 0.0
    if not seconds:
        raise ValueError(f"{text.strip()!r} is not a time span: use 90s, 15m, 1h or 2d")
    return seconds
