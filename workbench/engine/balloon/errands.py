"""Asks for what is due besides the balloon itself: run state, driver, statistics, RAM, and what backs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.engine.balloon.schedule import Errand, Schedule

if TYPE_CHECKING:
    from workbench.domain.balloon.reading import GuestStats
    from workbench.engine.balloon.probe import BalloonProbe
    from workbench.engine.balloon.schedule import Clock

ROUND_TRIPS = 3
"""Commands that one round may cost, including the balloon's own reading."""


class Errands:
    """Runs one guest's errands round by round, and keeps the answers that the probe does not."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._schedule = Schedule()
        self._probe: BalloonProbe | None = None
        """The probe that everything was read from."""
        self.status = ""
        """QEMU's ``RunState`` as last read."""
        self.status_at = 0.0
        """Unix time at which it was read."""
        self.stats: GuestStats | None = None
        """The guest's own statistics as last read."""
        self.driver_seen = 0.0
        """Unix time at which the device status was last read."""

    def has_met(self, probe: BalloonProbe) -> bool:
        """Whether everything was read from this probe at least once."""
        return self._probe is probe

    def expire(self) -> None:
        """Something happened: read again soon what is otherwise read now and then."""
        self._schedule.expire()

    @property
    def expired(self) -> bool:
        """Whether some of that has not been read again yet."""
        return self._schedule.expired

    def hasten_statistics(self) -> None:
        """Read the statistics in the next round."""
        self._schedule.hasten(Errand.STATISTICS)

    @property
    def report_due(self) -> bool:
        """Whether the guest may send its next report at any moment.

        QEMU requests a report no earlier than one interval after the last one (hw/virtio/virtio-balloon.c,
        ``virtio_balloon_receive_stats``).
        """
        stats = self.stats
        if stats is None or not stats.interval:
            return False
        return self._clock.time() >= (stats.came_after or stats.last_update) + stats.interval

    async def run(self, probe: BalloonProbe, *, at_rest: bool, statistics: bool) -> None:
        """Run what is due and fits into :data:`ROUND_TRIPS`; everything with a probe that is new.

        :param at_rest: the address of the registers was looked up in this round.
        :param statistics: read the statistics first, except in rounds that check the driver.
        """
        first = not self.has_met(probe)
        if first:
            self._schedule.expire()
        now = self._clock.monotonic()
        for errand in self._order(now, at_rest=at_rest, statistics=statistics):
            if probe.queries.sent >= ROUND_TRIPS and not first:
                break
            if errand is Errand.DRIVER and not at_rest:
                continue  # the address was not checked in this round
            await self._run(errand, probe)
            self._schedule.done(errand, now)
        while probe.memory.asking and (first or probe.queries.sent < ROUND_TRIPS):
            await probe.memory.ask()
        self._probe = probe

    def _order(self, now: float, *, at_rest: bool, statistics: bool) -> list[Errand]:
        due = self._schedule.due(now)
        if statistics and not (at_rest and {Errand.RUN_STATE, Errand.DRIVER} & set(due)):
            return [Errand.STATISTICS, *(errand for errand in due if errand is not Errand.STATISTICS)]
        return due

    async def _run(self, errand: Errand, probe: BalloonProbe) -> None:
        match errand:
            case Errand.RUN_STATE:
                self.status, self.status_at = await probe.run_state(), self._clock.time()
            case Errand.DRIVER:
                await self._look_at_driver(probe)
            case Errand.INTERVAL:
                await probe.statistics.look_at_interval()
            case Errand.STATISTICS:
                self.stats = await probe.statistics.read()
            case Errand.RAM:
                await probe.memory.look()
            case Errand.FEATURES:
                await probe.driver.look_at_features()

    async def _look_at_driver(self, probe: BalloonProbe) -> None:
        was_up = probe.driver.ok
        await probe.driver.look()
        self.driver_seen = self._clock.time()
        if probe.driver.ok and not was_up:
            self._schedule.hasten(Errand.FEATURES)
