"""A guest's past: samples, and spans that stand for many of them without losing a dip.

A span keeps the least, the most and the last value of each series over its time, so that a month can be drawn from few of
them and a drop of a second is still there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from workbench.domain.balloon import Sample

GAP = 15.0
"""Seconds without a sample after which nothing is known: three times what lies between two of them at rest."""
SERIES = ("target", "actual", "resident", "available")
"""In the order in which a :class:`Span` and everything below has them."""


class Range(NamedTuple):
    """Bytes that one series had over some time. A tuple, as spans are: thousands are read and drawn at once."""

    low: int
    high: int
    last: int


class Span(NamedTuple):
    """What was sampled over some time."""

    start: float
    """Unix time of the first sample."""
    end: float
    """Unix time of the last one."""
    target: Range
    actual: Range
    resident: Range | None
    """None where it was not known."""
    available: Range | None


@dataclass(frozen=True, slots=True)
class Past:
    """A stretch of a guest's history."""

    spans: tuple[Span, ...] = ()
    """Ascending."""
    oldest: float | None = None
    """Unix time from which on anything is kept at all."""


def span_of(sample: Sample) -> Span:
    target, actual = sample.target, sample.actual
    resident, available = sample.resident, sample.available
    return Span(
        sample.time,
        sample.time,
        Range(target, target, target),
        Range(actual, actual, actual),
        None if resident is None else Range(resident, resident, resident),
        None if available is None else Range(available, available, available),
    )


def merged(one: Span, later: Span) -> Span:
    return Span(
        one.start,
        later.end,
        _both(one.target, later.target),
        _both(one.actual, later.actual),
        _either(one.resident, later.resident),
        _either(one.available, later.available),
    )


def _both(one: Range, later: Range) -> Range:
    return Range(min(one.low, later.low), max(one.high, later.high), later.last)


def _either(one: Range | None, later: Range | None) -> Range | None:
    if one is None or later is None:
        return one or later
    return _both(one, later)


def joins(one: Span, later: Span, width: float) -> bool:
    """Whether two spans belong into one of ``width`` seconds: of the same stretch of the clock, without a gap between."""
    return one.start // width == later.start // width and 0 <= later.start - one.end <= max(GAP, width / 6)


def fold(spans: Iterable[Span], width: float) -> list[Span]:
    """The same in spans of at most ``width`` seconds each, on whole multiples of it.

    :param spans: ascending.
    """
    folded: list[Span] = []
    for span in spans:
        if folded and joins(folded[-1], span, width):
            folded[-1] = merged(folded[-1], span)
        else:
            folded.append(span)
    return folded


def ascending(spans: Iterable[Span]) -> list[Span]:
    """By time. Lines that were written while the clock stood elsewhere are out of order."""
    return sorted(spans, key=_start)


def _start(span: Span) -> float:
    return span.start


Column = tuple[int, int, int] | None
"""Least, most and last value of one series in one column of a plot; None where nothing is known."""


def columns(
    spans: Sequence[Span], samples: Sequence[Sample], *, start: float, step: float, count: int, now: float
) -> list[list[Column]]:
    """Each series of :data:`SERIES` over ``count`` columns of ``step`` seconds each.

    A value holds until the next one; where more than :data:`GAP` seconds lie between two, nothing is known.

    :param spans: ascending, and before ``samples``.
    :param samples: ascending.
    :param now: Unix time until which the last value holds at the most.
    """
    filled: list[list[Column]] = [[None] * count for _ in SERIES]
    reach = start + step * count
    before: tuple[float, Sequence[Column]] | None = None
    for span in spans:
        if span.start >= reach:
            break
        before = _place(filled, before, (span.start, span.end), span[2:], start, step)
    for sample in samples:
        at = sample.time
        if at >= reach:
            break
        target, actual, resident, available = sample.target, sample.actual, sample.resident, sample.available
        values = (
            (target, target, target),
            (actual, actual, actual),
            None if resident is None else (resident, resident, resident),
            None if available is None else (available, available, available),
        )
        before = _place(filled, before, (at, at), values, start, step)
    if before is not None:
        known = min(now, before[0] + GAP)
        _hold(filled, before, int((before[0] - start) // step) + 1, int((known - start) // step) + 1)
    return filled


def _place(
    filled: list[list[Column]],
    before: tuple[float, Sequence[Column]] | None,
    time: tuple[float, float],
    values: Sequence[Column],
    start: float,
    step: float,
) -> tuple[float, Sequence[Column]]:
    """Put one span's values into their columns, and what held before it into those that lead to them."""
    begin, end = time
    first, last, count = int((begin - start) // step), int((end - start) // step), len(filled[0])
    if last >= 0 and first < count:
        if before is not None and begin - before[0] <= GAP:
            _hold(filled, before, int((before[0] - start) // step) + 1, first)
        for series, value in zip(filled, values, strict=True):
            if value is None:
                continue
            for at in range(max(first, 0), min(last, count - 1) + 1):
                there = series[at]
                series[at] = (
                    value
                    if there is None
                    else (
                        there[0] if there[0] < value[0] else value[0],
                        there[1] if there[1] > value[1] else value[1],
                        value[2],
                    )
                )
    return end, values


def _hold(filled: list[list[Column]], before: tuple[float, Sequence[Column]], first: int, until: int) -> None:
    """The last known values stand in the columns from ``first`` to before ``until``."""
    first, until = max(first, 0), min(until, len(filled[0]))
    if first < until:
        for series, value in zip(filled, before[1], strict=True):
            if value is not None:
                last = value[2]
                series[first:until] = [(last, last, last)] * (until - first)
