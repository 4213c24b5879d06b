"""``balloon --wait``: what ends a wait. The steps of a driver that comes up are too quick to be caught in a real guest."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.ui.fake_engine import FakeGuest, running
from workbench.domain.balloon.balloon import Balloon
from workbench.domain.balloon.diagnosis.judge import Circumstances, judge
from workbench.domain.balloon.reading import Reading, Source
from workbench.errors import NotReached, WorkbenchError
from workbench.verbs.balloon.set import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.commandline import CommandLine
    from workbench.domain.guest.snapshot import GuestSnapshot

MIB = 1 << 20


class Steps(FakeGuest):
    """A guest whose driver has a status, and whose balloon has an actual (MiB), at each reading."""

    def __init__(self, *steps: tuple[int | None, int]) -> None:
        super().__init__(running(balloon=None))
        self._steps = steps
        self.reads = 0

    async def wait_until(
        self,
        condition: Callable[[GuestSnapshot], bool],
        seconds: float,
        *,
        each: Callable[[GuestSnapshot], None] = lambda _snapshot: None,
    ) -> GuestSnapshot:
        for status, actual in self._steps:
            self.reads += 1
            reading = Reading(time.time(), 512 * MIB, 256 * MIB, actual * MIB, Source.CONFIG_SPACE)
            verdict = judge(reading, Circumstances(now=time.time(), driver_status=status))
            self.snapshot = running(balloon=Balloon(verdict, reading))
            each(self.snapshot)
            if condition(self.snapshot):
                return self.snapshot
        raise NotReached("the time is over")


async def test_a_diff_of_0_counts_only_when_the_driver_is_ready() -> None:
    """ACKNOWLEDGE, DRIVER, FEATURES_OK, and only then DRIVER_OK (virtio 1.2, 3.1.1 Driver Requirements)."""
    probe = Steps((0, 256), (1, 256), (11, 256), (15, 256))
    await wait_for(probe, 30.0)
    assert probe.reads == 4, "it ended with DRIVER_OK, neither before nor after"


async def test_a_driver_that_is_ready_counts_only_when_the_diff_is_0() -> None:
    probe = Steps((15, 512), (15, 300), (15, 256))
    await wait_for(probe, 30.0)
    assert probe.reads == 3


async def test_a_status_that_cannot_be_read_keeps_nobody_waiting() -> None:
    probe = Steps((None, 300), (None, 256))
    await wait_for(probe, 30.0)
    assert probe.reads == 2


async def test_the_time_ends_a_wait() -> None:
    probe = Steps((0, 256))
    await wait_for(probe, 0.2)


async def test_a_device_that_is_unplugged_ends_a_wait() -> None:
    gone = FakeGuest(running(balloon=Balloon(judge(None, Circumstances(now=time.time(), device=False)))))
    with pytest.raises(WorkbenchError, match="no balloon device"):
        await wait_for(gone, 30.0)


@pytest.mark.parametrize("option", ["--histroy", "--jsno", "-x", "--al"])
def test_a_mistyped_option_is_no_target(option: str, workbench: CommandLine) -> None:
    """It would be told to be a negative size, or a guest of that name to be missing."""
    workbench("balloon", "demo", option).check_error(2, option)
    workbench("balloon", option).check_error(2, option)
    assert "No such option" in workbench("balloon", "demo", option).stderr
    assert "did you mean" in workbench("balloon", "demo", "--histroy").stderr.lower()
