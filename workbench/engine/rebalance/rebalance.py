"""Read many guests at once and move them to their targets, over the monitors for the command line.

Each guest has its own connection with deadlines, so that one that does not answer does not delay the others.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.balloon.balloon import Balloon
from workbench.domain.balloon.diagnosis.judge import Circumstances, judge
from workbench.domain.balloon.reading import Sample
from workbench.domain.guest.lifecycle import Silence, phase_of
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.profile.guest import safety_of
from workbench.domain.qmp.record.record import Origin
from workbench.domain.rebalance.guests import figures_cover
from workbench.domain.rebalance.progress import Course, Seen, Stage, step_words
from workbench.engine.balloon.probe import BalloonProbe
from workbench.engine.balloon.safety.guard import alarm_words
from workbench.engine.balloon.safety.protection import Protector
from workbench.engine.profiles.store import started_profile
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.qmp.silence import is_stopped, silence_of, silence_words
from workbench.errors import MonitorError, MonitorTimeout, WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workbench.engine.state.directory import Running

DEADLINE = 2.0
"""Seconds after which a silent guest counts as not answering."""
FIGURES = 4.0
"""Seconds to wait for statistics newer than the last movement of the balloon."""
LOOK = 0.25
"""Seconds between two readings during that wait."""
RECENT = 60.0
"""Seconds after a change of the target in which the balloon may still move or has just settled."""
STEP = 0.1
"""Seconds between two readings of a moving guest."""


class Watched:
    """One guest and its connection, opened on first use and reopened when lost."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self._monitor: Monitor | None = None
        self._probe: BalloonProbe | None = None
        self._samples: list[Sample] = []
        self._moved_at = 0.0
        self._protector: Protector | None = None
        """Its ramp and guard, once its target is sent."""

    async def close(self) -> None:
        monitor, probe, self._monitor, self._probe = self._monitor, self._probe, None, None
        if monitor is None:
            return
        if self._protector is not None:
            with suppress(MonitorError):  # a QEMU that ended or is frozen keeps the guard's settings
                await self._protector.leave(probe)
        await monitor.close()

    async def look(self, *, figures: float = 0.0) -> GuestSnapshot:
        """Read the guest.

        :param figures: seconds to wait for statistics newer than the last movement of the balloon.
        """
        facts = self.running.facts
        snapshot = GuestSnapshot(
            self.running.name,
            phase=phase_of("running"),
            pid=self.running.pid,
            memory=facts.memory or None,
            backing=facts.backing,
            safety=safety_of(started_profile(self.running.path)),
        )
        try:
            probe = await self._connected()
            status = await probe.run_state()
            balloon = await self._balloon(probe, status)
            since = self._unsettled_since(probe, balloon)
            end = time.monotonic() + figures
            while not figures_cover(balloon, since) and time.monotonic() < end and status == "running":
                await asyncio.sleep(LOOK)
                balloon = await self._balloon(probe, status)
            if not figures_cover(balloon, since):
                balloon = replace(balloon, stats=None)
        except MonitorError as error:
            pid = self.running.pid
            silence = silence_of(pid) if isinstance(error, MonitorTimeout) else Silence.BROKEN
            trouble = error.message if silence is Silence.BROKEN else silence_words(pid, silence)
            return replace(snapshot, answering=False, trouble=trouble, silence=silence)
        return replace(snapshot, phase=phase_of(status), status=status, memory=probe.ram, balloon=balloon)

    async def seen(self) -> Seen | None:
        """Its present progress; None if it cannot be read now."""
        if not self.running.alive:
            return Seen(0, 0, gone="QEMU exited")
        protector = self._protector
        try:
            probe = await self._connected()
            status = await probe.run_state()
            balloon = await self._balloon(probe, status)
            if protector is not None:
                await protector.after_reading(probe, balloon.reading, balloon.stats, lambda: balloon.verdict, status)
        except MonitorError:
            return None
        reading = balloon.reading
        if reading is None:
            return None
        state = protector.state(probe.ram) if protector is not None else None
        return Seen(
            reading.target,
            reading.actual,
            balloon.verdict.cause,
            step_words(state.ramping) if state else "",
            alarm_words(self.running.name, state.alarm) if state and state.alarm else "",
        )

    async def send(self, size: int) -> None:
        """Send a target, in the steps of its ramp if it has one, with its guard armed if its profile says so.

        :raise WorkbenchError: if it cannot be reached, or refuses.
        """
        probe = await self._connected()
        reading = await probe.read()
        if self._protector is None:
            self._protector = Protector(self.running.path, safety_of(started_profile(self.running.path)))
        await self._protector.set_target(probe, reading, size)

    @staticmethod
    def _unsettled_since(probe: BalloonProbe, balloon: Balloon) -> float:
        """Unix time before which its statistics do not match its present actual, as it may have had more memory then."""
        reading, record = balloon.reading, probe.record
        if reading is None or record is None or (record.baseline is None and reading.target == reading.ram):
            return 0.0
        return reading.time if reading.diff or reading.time - record.since < RECENT else 0.0

    async def _connected(self) -> BalloonProbe:
        if is_stopped(self.running.pid):  # do not wait for the deadline
            raise MonitorTimeout("QEMU's process is stopped")
        if self._monitor is not None and self._monitor.closed:
            await self.close()
        if self._probe is None:
            self._monitor = await Monitor.connect(self.running.path / "qmp-cli.sock", deadline=DEADLINE)
            probe = BalloonProbe(self._monitor, self.running, origin=Origin.USER, deadline=DEADLINE)
            try:
                await probe.open()
            except MonitorError:
                await self.close()
                raise
            self._probe = probe
        return self._probe

    async def _balloon(self, probe: BalloonProbe, status: str) -> Balloon:
        reading = await probe.read()
        stats = await probe.stats()
        if reading is not None:
            if self._samples and self._samples[-1].actual != reading.actual:
                self._moved_at = reading.time
            self._samples.append(Sample(reading.time, reading.target, reading.actual))
        seen = Circumstances(
            now=time.time(),
            device=probe.present,
            driver_status=probe.driver_status,
            status=status,
            target_since=probe.record.since if probe.record else 0.0,
            moved_at=self._moved_at,
            started=probe.started,
            stats=stats,
        )
        host = probe.look_at_host()
        history = tuple(self._samples)
        return Balloon(judge(reading, seen), reading, stats=stats, host=host, history=history, backing=probe.backing)


async def look_at(running: Sequence[Running]) -> list[GuestSnapshot]:
    """Read all guests concurrently; those that do not answer have the reason in their snapshot."""
    watched = [Watched(guest) for guest in running]
    try:
        return list(await asyncio.gather(*(one.look(figures=FIGURES) for one in watched)))
    finally:
        await asyncio.gather(*(one.close() for one in watched))


async def carry_out(course: Course, running: Sequence[Running], report: Callable[[Course], None]) -> None:
    """Run a course until it is over.

    :param report: called after each round of readings.
    """
    watched = {guest.name: Watched(guest) for guest in running}
    try:
        while True:
            moving = [name for name, one in course.progress.items() if one.stage is Stage.MOVING]
            seen = await asyncio.gather(*(watched[name].seen() for name in moving))
            found = {name: one for name, one in zip(moving, seen, strict=True) if one is not None}
            await asyncio.gather(*(_send(course, watched[name], size) for name, size in course.advance(_now(), found)))
            report(course)
            # Release monitors early: other clients may be waiting for them.
            done = [name for name, one in course.progress.items() if one.stage.over]
            await asyncio.gather(*(watched[name].close() for name in done))
            if course.over:
                return
            await asyncio.sleep(STEP)
    finally:
        await asyncio.gather(*(one.close() for one in watched.values()))


def _now() -> float:
    return time.monotonic()


async def _send(course: Course, guest: Watched, size: int) -> None:
    try:
        await guest.send(size)
    except WorkbenchError as error:
        course.fail(guest.running.name, error.message)
