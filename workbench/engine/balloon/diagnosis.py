"""The diagnosis of one guest's balloon: the only place where the circumstances of a verdict are put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.diagnosis.judge import Circumstances, judge
from workbench.domain.balloon.diagnosis.statistics import is_stale

if TYPE_CHECKING:
    from workbench.domain.balloon.diagnosis.judge import Verdict
    from workbench.domain.balloon.safety.ramp import Ramping
    from workbench.engine.balloon.console_look import ConsoleLook
    from workbench.engine.balloon.errands import Errands
    from workbench.engine.balloon.probe import BalloonProbe
    from workbench.engine.balloon.record.marks import MarksFile
    from workbench.engine.balloon.record.samples import Samples
    from workbench.engine.balloon.schedule import Clock
    from workbench.engine.balloon.track import Track


class Diagnosis:
    """Judges from everything that was read of the guest so far, by any workbench."""

    def __init__(
        self,
        wanted: int,
        clock: Clock,
        marks: MarksFile,
        samples: Samples,
        errands: Errands,
        track: Track,
        console: ConsoleLook,
    ) -> None:
        """:param wanted: seconds between reports that the guest's definition asks for; 0: none."""
        self._wanted = wanted
        self._clock = clock
        self._marks = marks
        self._samples = samples
        self._errands = errands
        self._track = track
        self._console = console
        self._silent = False
        self._heard_again = 0.0
        """Unix time at which QEMU began to answer again; 0: it always answered."""

    def note_silence(self) -> None:
        """QEMU does not answer."""
        self._silent = True

    def note_answer(self) -> None:
        """QEMU answered a whole round."""
        if self._silent:
            self._silent, self._heard_again = False, self._clock.time()

    def verdict(
        self, probe: BalloonProbe, *, answering: bool = True, trouble: str = "", ramping: Ramping | None = None
    ) -> Verdict:
        """The balloon's state and its cause.

        :param trouble: why QEMU does not answer, if known.
        :param ramping: the ramp that is carried out, by any process.
        """
        seen = self._circumstances(probe, answering=answering, trouble=trouble, ramping=ramping)
        return judge(self._track.reading, seen)

    def available(self, probe: BalloonProbe) -> int | None:
        """The guest's available memory in bytes; None if its last report is too old."""
        stats = self._errands.stats
        if stats is None or is_stale(stats, self._circumstances(probe)):
            return None
        return stats.available

    def _circumstances(
        self, probe: BalloonProbe, *, answering: bool = True, trouble: str = "", ramping: Ramping | None = None
    ) -> Circumstances:
        errands, stats, track = self._errands, self._errands.stats, self._track
        return Circumstances(
            now=self._clock.time(),
            device=probe.present,
            driver_status=probe.driver.status,
            driver_at=errands.driver_seen,
            driver_since=track.driver_since,
            unmapped=probe.device.unmapped,
            status=errands.status,
            status_at=errands.status_at,
            console=None if probe.driver.ok else self._console.look(),
            answering=answering,
            trouble=trouble,
            target_since=track.target_since,
            moved_at=track.moved_at,
            started=track.started,
            stats=stats,
            statistics=self._wanted if stats is not None and not stats.interval else 0,
            polled_since=max(probe.statistics.polled_since, self._heard_again),
            deflate_on_oom=probe.driver.deflate_on_oom,
            agreed=probe.driver.features is not None,
            reached=probe.book.witness.reached,
            samples=self._samples.recent,
            marks=self._marks.load(),
            take_back=track.take_back,
            ramp_step=ramping.progress if ramping is not None else "",
            unrecorded=self._samples.trouble,
        )
