"""Writes a guest's history. One recorder at a time: the screen while it is open, otherwise any command that reads the guest.

The coarser tiers are made from the finer ones: a new recorder completes what the previous one had begun, so a killed
screen loses only its last line.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from workbench.domain.balloon.history.samples import Span, fold, joins, merged, span_of
from workbench.domain.units import MIB
from workbench.engine.balloon.record.history import WIDTHS, HistoryFiles, format_sample, format_span, parse_spans

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.domain.balloon.reading import Sample

LOCK = "history.lock"
REST = 5.0
"""Seconds between lines while nothing changes."""
CHANGE = 4 * MIB
"""Bytes by which resident or available memory must change for a line before that."""


class Recorder:
    """Appends samples that differ enough from the last one."""

    def __init__(self, directory: Path, *, lasting: bool) -> None:
        """:param lasting: stay the recorder until closed; otherwise release the lock after each sample."""
        self._files = HistoryFiles.of(directory)
        self._lock = directory / LOCK
        self._lasting = lasting
        self._handle: int | None = None
        self._stamp: tuple[int, int, int] | None = None
        """Stamp of the samples' file as this recorder left it."""
        self.trouble = ""
        """Why samples cannot be written, as the system puts it; empty if they can."""
        self._last: Sample | None = None
        self._open: list[Span | None] = [None, None, None]
        """The unfinished span of each tier."""

    def add(self, sample: Sample) -> None:
        """Record a sample, unless another process records this guest."""
        # The history is a convenience: a full disk or a directory being cleaned must not stop the screen.
        try:
            if not self._hold():
                self.trouble = ""
                return
            try:
                if self._worth_a_line(sample):
                    self._last = sample
                    self._files.tiers[0].append(format_sample(sample))
                    self.trouble = ""
                self._count(1, span_of(sample))
            finally:
                if not self._lasting:
                    self.close()
        except OSError as error:
            self.trouble = error.strerror or str(error)

    def close(self) -> None:
        """Let another process record."""
        if self._handle is not None:
            self._stamp = self._files.tiers[0].stamp
            os.close(self._handle)
            self._handle = None

    def _hold(self) -> bool:
        """Whether this is the current recorder; a new one continues from the files."""
        if self._handle is None:
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                return False
            except OSError:
                os.close(handle)
                raise
            self._handle = handle
            if self._files.tiers[0].stamp != self._stamp:
                self._take_up()
        return True

    def _take_up(self) -> None:
        """Write the lines of the coarser tiers that the previous recorder had not finished."""
        self._open = [None, None, None]
        for tier in (1, 2):
            lines = self._files.tiers[tier]
            written = parse_spans(lines.tail(4096))
            since = written[-1].end if written else -inf
            finer = (span for span in self._files.spans(tier - 1, since) if span.start > since)
            owed = fold(finer, WIDTHS[tier])
            self._open[tier] = owed.pop() if owed else None
            with suppress(OSError):  # on a full disk the next recorder writes them
                lines.append(*map(format_span, owed))
        samples = self._files.samples(1)
        self._last = samples[-1] if samples else None

    def _count(self, tier: int, span: Span) -> None:
        """Add to a tier's unfinished span; once complete, write it and add it to the next tier."""
        begun = self._open[tier]
        if begun is not None and joins(begun, span, WIDTHS[tier]):
            self._open[tier] = merged(begun, span)
            return
        self._open[tier] = span
        if begun is not None:
            if tier + 1 < len(WIDTHS):
                self._count(tier + 1, begun)
            self._files.tiers[tier].append(format_span(begun))

    def _worth_a_line(self, sample: Sample) -> bool:
        last = self._last
        if last is None or (last.target, last.actual) != (sample.target, sample.actual):
            return True
        pairs = ((last.resident, sample.resident), (last.available, sample.available))
        if any((a is None) != (b is None) or (a and b and abs(a - b) >= CHANGE) for a, b in pairs):
            return True
        return not 0 <= sample.time - last.time < REST
