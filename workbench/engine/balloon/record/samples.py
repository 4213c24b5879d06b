"""One guest's last samples, in memory for the plot and the diagnosis, and on disk."""

from __future__ import annotations

from collections import deque
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from workbench.engine.balloon.record.history import HistoryFiles
from workbench.engine.balloon.record.recorder import Recorder

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.domain.balloon.reading import Sample

KEPT = 1200
"""Samples kept in memory."""
RECENT = 300
"""Samples used by the diagnosis: half a minute of a moving guest."""


class Samples:
    """Begins with what is on disk."""

    def __init__(self, directory: Path, *, lasting: bool) -> None:
        """:param lasting: stay the recorder until closed, not only for each sample."""
        loaded = HistoryFiles.of(directory).samples(KEPT)
        self._samples: deque[Sample] = deque(sorted(loaded, key=attrgetter("time")), maxlen=KEPT)
        self._recorder = Recorder(directory, lasting=lasting)

    @property
    def all(self) -> tuple[Sample, ...]:
        """All that are in memory, oldest first."""
        return tuple(self._samples)

    @property
    def recent(self) -> tuple[Sample, ...]:
        """The last :data:`RECENT` of them."""
        return tuple(islice(self._samples, max(0, len(self._samples) - RECENT), None))

    @property
    def trouble(self) -> str:
        """Why samples cannot be written to disk, as the system puts it; empty if they can."""
        return self._recorder.trouble

    def add(self, sample: Sample) -> None:
        while self._samples and self._samples[-1].time > sample.time:
            self._samples.pop()  # the clock was set back
        self._samples.append(sample)
        self._recorder.add(sample)

    def close(self) -> None:
        """Let another process record this guest."""
        self._recorder.close()
