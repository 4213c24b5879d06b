"""A guest's readings on disk, in its state directory: three tiers, each of bounded size.

::

    history             a line for each sample that differs
    history.minute      a line for each minute
    history.half-hour   a line for each half hour, for months

A line is JSON: ``[time, target, actual, resident, available]`` for a sample (Unix seconds and bytes, null if unknown),
``[start, end, [least, most, last], …]`` for a span. JSON, so that a truncated line is not valid.
:mod:`workbench.engine.balloon.record.recorder` writes them.
"""

from __future__ import annotations

from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from workbench.domain.balloon.history.samples import GAP, Past, Span, ascending, fold, span_of
from workbench.domain.balloon.reading import Sample
from workbench.engine.storage.bounded_lines import BoundedLines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from workbench.engine.state.directory import StateDirectory

FILES = ("history", "history.minute", "history.half-hour")
LIMITS = (1 << 20, 640 << 10, 640 << 10)
"""Bytes of each. A sample takes about 55, a span about 140: enough for a day and a half of minutes, 45 days of half hours."""
WIDTHS = (0.0, 60.0, 1800.0)
"""Seconds that a line of each covers."""
SAMPLE_BYTES = 96
"""Upper bound for a sample's line."""

_SAMPLE = msgspec.json.Decoder(tuple[float, int, int, int | None, int | None])
_SPAN = msgspec.json.Decoder(Span)


class HistoryFiles(Struct, frozen=True):
    """The three tiers, finest first."""

    tiers: tuple[BoundedLines, BoundedLines, BoundedLines]

    @classmethod
    def of(cls, directory: Path) -> HistoryFiles:
        return cls.at(*(directory / name for name in FILES))

    @classmethod
    def at(cls, *paths: Path) -> HistoryFiles:
        """The tiers at these paths; those of an ended guest have other names."""
        raw, minute, half_hour = (BoundedLines(path, limit) for path, limit in zip(paths, LIMITS, strict=True))
        return cls((raw, minute, half_hour))

    def samples(self, limit: int) -> list[Sample]:
        """The last ``limit`` samples in file order; invalid lines are skipped."""
        lines = self.tiers[0].tail(limit * SAMPLE_BYTES)
        return [sample for line in lines[-limit:] if (sample := parse_sample(line)) is not None]

    def spans(self, tier: int, since: float) -> list[Span]:
        """The spans of one tier that end at ``since`` or later, ascending."""
        spans = [span for span in self._read(tier, since) if span.end >= since]
        return ascending(spans)

    def _read(self, tier: int, since: float) -> list[Span]:
        lines = self.tiers[tier]
        if tier:
            return parse_spans(lines.tail())
        size, samples = 64 << 10, list[Sample]()
        while size <= 2 * LIMITS[0]:  # read no more of the largest tier than needed
            found = lines.tail(size)
            samples = [sample for line in found if (sample := parse_sample(line)) is not None]
            if samples and samples[0].time < since:
                break
            size *= 4
        return [span_of(sample) for sample in samples]

    @property
    def oldest(self) -> float | None:
        """Unix time of the oldest line."""
        firsts = [span.start for tier in (1, 2) for span in parse_spans([self.tiers[tier].head()])]
        sample = parse_sample(self.tiers[0].head())
        return min([*firsts, sample.time] if sample else firsts, default=None)

    def past(self, start: float, step: float) -> Past:
        """History from ``start`` until now, in spans of about ``step`` seconds: never many more than are drawn."""
        since = start - GAP
        tier = max(number for number, width in enumerate(WIDTHS) if width <= max(step, 0.0))
        spans = self.spans(tier, since)
        for finer in range(tier - 1, -1, -1):  # what is not in this tier yet
            end = spans[-1].end if spans else since
            spans += [span for span in self.spans(finer, end) if span.start > end]
        for coarser in range(tier + 1, len(self.tiers)):  # what is too old for this tier
            begin = spans[0].start if spans else inf
            older = [span for span in self.spans(coarser, since) if span.start < begin]
            spans = [span._replace(end=min(span.end, begin)) for span in older] + spans
        return Past(tuple(fold(spans, step) if step > 0 else spans), self.oldest)


def kept_history(state: StateDirectory, name: str) -> HistoryFiles:
    """The history of the last run of a guest that is not running."""
    return HistoryFiles.at(*(state.kept_log(name, file) for file in FILES))


def format_sample(sample: Sample) -> bytes:
    values = (round(sample.time, 3), sample.target, sample.actual, sample.resident, sample.available)
    return msgspec.json.encode(values)


def parse_sample(line: bytes) -> Sample | None:
    try:
        return Sample(*_SAMPLE.decode(line))
    except ValueError:  # msgspec's errors are ValueErrors
        return None


def format_span(span: Span) -> bytes:
    return msgspec.json.encode(span._replace(start=round(span.start, 3), end=round(span.end, 3)))


def parse_spans(lines: Iterable[bytes]) -> list[Span]:
    """Spans from their lines; invalid lines are skipped."""
    spans = []
    for line in lines:
        with suppress(ValueError):
            spans.append(_SPAN.decode(line))
    return spans
