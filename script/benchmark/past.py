"""Generated histories of a month and of a minute, in the recorder's file format."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from workbench.domain.balloon.history.samples import fold, span_of
from workbench.domain.balloon.reading import Sample
from workbench.engine.balloon.record.history import FILES, LIMITS, WIDTHS, format_sample, format_span

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MIB = 1 << 20
MONTH = 30 * 86400
REST = 5.0
"""Seconds between readings of an idle guest."""


def samples(start: float, end: float, step: float) -> list[Sample]:
    """Readings of a guest whose target and memory vary."""
    found = []
    for turn in range(int((end - start) / step)):
        time = start + turn * step
        wave = math.sin(time / 9000)
        target = (400 + 16 * round(6 * wave)) * MIB
        resident = (200 + round(50 * math.sin(time / 700))) * MIB
        found.append(Sample(time, target, target + turn % 9 * MIB // 4, resident, target - 150 * MIB + turn % 7 * MIB))
    return found


def write(directory: Path, end: float, length: float) -> None:
    """Write files with ``length`` seconds until ``end`` (Unix time), each up to its size limit."""
    fine = samples(max(end - length, end - 12 * 3600), end, REST)
    coarse = samples(end - length, end, 60.0)
    tiers: tuple[Iterable[bytes], ...] = (
        map(format_sample, fine),
        map(format_span, fold(map(span_of, coarse[-3000:]), WIDTHS[1])),
        map(format_span, fold(map(span_of, coarse), WIDTHS[2])),
    )
    for name, limit, lines in zip(FILES, LIMITS, tiers, strict=True):
        data = b"".join(line + b"\n" for line in lines)
        assert len(data) <= limit, f"{name}: {len(data)} bytes"
        (directory / name).write_bytes(data)
