"""A guest's history: samples, and spans that summarize many samples without losing a dip.

A span keeps each series' minimum, maximum and last value, so that a month can be drawn from few spans and still shows a
dip of one second.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from workbench.domain.balloon.reading import Sample

GAP = 15.0
"""Seconds without a sample that count as a gap: three times the sampling interval at rest."""
SERIES = ("target", "actual", "resident", "available")
"""In the order of :class:`Span` and of everything below."""


class Range(NamedTuple):
    """One series over some time, in bytes. A tuple for speed, as spans are: thousands are read and drawn at once."""

    low: int
    high: int
    last: int


class Span(NamedTuple):
    """All samples over some time."""

    start: float
    """Unix time of the first sample."""
    end: float
    """Unix time of the last one."""
    target: Range
    actual: Range
    resident: Range | None
    """None if unknown."""
    available: Range | None


class Past(Struct, frozen=True):
    """A stretch of a guest's history."""

    spans: tuple[Span, ...] = ()
    """Ascending."""
    oldest: float | None = None
    """Unix time of the oldest record that is kept."""


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
    """Whether two spans belong to one of ``width`` seconds: in the same interval, without a gap between them."""
    return one.start // width == later.start // width and 0 <= later.start - one.end <= max(GAP, width / 6)


def fold(spans: Iterable[Span], width: float) -> list[Span]:
    """Merge spans into spans of at most ``width`` seconds, aligned to multiples of it.

    :param spans: ascending.
    """
    folded: list[Span] = []
    for span in spans:
        if folded and joins(folded[-1], span, width):
            folded[-1] = merged(folded[-1], span)
        else:
            folded.append(span)
    return folded


def coarsest(spans: Sequence[Span], start: float, end: float) -> float:
    """The resolution between two Unix times: seconds of the longest span that overlaps them, 0 if there is none."""
    return max((span.end - span.start for span in spans if span.start < end and span.end >= start), default=0.0)


def ascending(spans: Iterable[Span]) -> list[Span]:
    """Sorted by time: records written under another clock setting are out of order."""
    return sorted(spans, key=_start)


def _start(span: Span) -> float:
    return span.start


Column = tuple[int, int, int] | None
"""Minimum, maximum and last value of one series in one column of a plot; None if unknown."""


def columns(
    spans: Sequence[Span], samples: Sequence[Sample], *, start: float, step: float, count: int, now: float
) -> list[list[Column]]:
    """Each of :data:`SERIES` over ``count`` columns of ``step`` seconds.

    A value holds until the next one, unless that is more than :data:`GAP` seconds later.

    :param spans: ascending, and before ``samples``.
    :param samples: ascending.
    :param now: Unix time until which the last value may hold.
    """
    filled: list[list[Column]] = [[None] * count for _ in SERIES]
    before: _Known | None = None
    for first, group in groupby(spans, lambda span: int((span.start - start) // step)):
        if first >= count:
            break
        held = tuple(group)
        last = int((held[-1].end - start) // step)
        if last == first and last >= 0:
            _hold_until(filled, before, held[0].start, first, start, step)
            _fill(filled, first, _extremes(held))
            before = held[-1].end, held[-1][2:]
        else:
            for span in held:  # wider than a column, or before the first one
                before = _place(filled, before, span, start, step)
    for at, some in groupby(samples, lambda sample: int((sample.time - start) // step)):
        if at >= count:
            break
        within = tuple(some)
        newest = span_of(within[-1])[2:]
        if at >= 0:
            _hold_until(filled, before, within[0].time, at, start, step)
            _fill(filled, at, newest if len(within) == 1 else _extremes_of(within))
        before = within[-1].time, newest
    if before is not None:
        known = min(now, before[0] + GAP)
        _hold(filled, before, int((before[0] - start) // step) + 1, int((known - start) // step) + 1)
    return filled


_Known = tuple[float, "Sequence[Column]"]
"""Unix time of the last known values, and the values."""


def _extremes(spans: Sequence[Span]) -> Sequence[Column]:
    if len(spans) == 1:
        return spans[0][2:]
    found: list[Column] = []
    for series in zip(*(span[2:] for span in spans), strict=True):
        known = [value for value in series if value is not None]
        low, high, last = zip(*known, strict=True) if known else ((), (), ())
        found.append((min(low), max(high), last[-1]) if known else None)
    return found


def _extremes_of(samples: Sequence[Sample]) -> Sequence[Column]:
    found: list[Column] = []
    for values in (
        [sample.target for sample in samples],
        [sample.actual for sample in samples],
        [size for sample in samples if (size := sample.resident) is not None],
        [size for sample in samples if (size := sample.available) is not None],
    ):
        found.append((min(values), max(values), values[-1]) if values else None)
    return found


def _fill(filled: list[list[Column]], at: int, values: Sequence[Column]) -> None:
    """Merge values into a column."""
    for series, value in zip(filled, values, strict=True):
        there = series[at]
        if value is not None and there is not None:
            series[at] = min(there[0], value[0]), max(there[1], value[1]), value[2]
        elif value is not None:
            series[at] = value


def _hold_until(
    filled: list[list[Column]], before: _Known | None, time: float, column: int, start: float, step: float
) -> None:
    """Extend the last known values to the next ones, unless those are beyond a gap."""
    if before is not None and time - before[0] <= GAP:
        _hold(filled, before, int((before[0] - start) // step) + 1, column)


def _place(filled: list[list[Column]], before: _Known | None, span: Span, start: float, step: float) -> _Known:
    """Put a span into every column that it covers."""
    first, last = int((span.start - start) // step), int((span.end - start) // step)
    if last >= 0:
        _hold_until(filled, before, span.start, first, start, step)
        for at in range(max(first, 0), min(last, len(filled[0]) - 1) + 1):
            _fill(filled, at, span[2:])
    return span.end, span[2:]


def _hold(filled: list[list[Column]], before: _Known, first: int, until: int) -> None:
    """Fill the columns from ``first`` up to ``until``, exclusive, with the last known values."""
    first, until = max(first, 0), min(until, len(filled[0]))
    if first < until:
        for series, value in zip(filled, before[1], strict=True):
            if value is not None:
                last = value[2]
                series[first:until] = [(last, last, last)] * (until - first)
