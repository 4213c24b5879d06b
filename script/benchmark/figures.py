"""A figure with its limit, and the statistics to compute it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value and its promised limit."""

    name: str
    value: float
    limit: float
    """The largest acceptable value."""
    unit: str
    """``x`` for a ratio, ``ms``, ``%`` of one core, ``MiB``."""
    detail: str = ""
    """The underlying numbers, for people."""

    @property
    def ok(self) -> bool:
        return self.value <= self.limit

    def __str__(self) -> str:
        verdict = "ok" if self.ok else "OVER"
        return f"{self.name:<24}{self.value:>8.2f} {self.unit:<4}{self.limit:>8g} {self.unit:<4} {verdict:<5} {self.detail}"


class Unavailable(Exception):
    """A measurement that is not possible on this host now; the message says why and how to enable it."""


def ratio(name: str, ours: Sequence[float], theirs: Sequence[float], limit: float, against: str) -> Figure:
    """The ratio of the medians, ours to theirs.

    :param ours: seconds.
    :param theirs: seconds, measured alternately with ours.
    """
    own, other = median(ours), median(theirs)
    return Figure(name, own / other, limit, "x", f"{_time(own)} against {_time(other)} ({against}), {len(ours)} pairs")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0…1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def latency(name: str, seconds: Sequence[float], share: float, limit: float, more: str = "") -> Figure:
    """A percentile of latencies, in milliseconds.

    :param limit: milliseconds.
    :param more: appended to the detail.
    """
    value = percentile(seconds, share)
    detail = f"p{100 * share:g} of {len(seconds)}; median {_time(median(seconds))}, worst {_time(max(seconds))}"
    detail += f"; {more}" if more else ""
    return Figure(name, value * 1e3, limit, "ms", detail)


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"
