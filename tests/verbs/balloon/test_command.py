"""``balloon --wait``: what ends a wait. The steps of a driver that comes up are too quick to be caught in a real guest."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import pytest

from workbench.domain.balloon.reading import Reading, Source
from workbench.errors import WorkbenchError
from workbench.verbs.balloon.set import wait_for

if TYPE_CHECKING:
    from tests.commandline import CommandLine
    from workbench.engine.balloon.probe import BalloonProbe
    from workbench.engine.balloon.readings import Readings

MIB = 1 << 20


class Steps:
    """A guest that is found with the next device status, and actual in MiB, at each reading; the last ones stay.

    It stands for the probe and for what was read.
    """

    present = True
    reading: Reading | None = None

    def __init__(self, *steps: tuple[int | None, int]) -> None:
        self._steps = list(steps)
        self.driver_status: int | None = 0
        self.reads = 0

    async def look(self, _probe: object, *, at_rest: bool) -> None:
        self.reads += 1
        self.driver_status, actual = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        self.reading = Reading(time.time(), 512 * MIB, 256 * MIB, actual * MIB, Source.CONFIG_SPACE)

    async def look_at_driver(self) -> None:
        """The status was found with the reading."""

    def close(self) -> None:
        """Nobody else waits to record."""


async def wait(guest: object, seconds: float = 30.0) -> None:
    await wait_for(cast("BalloonProbe", guest), cast("Readings", guest), seconds)


async def test_a_diff_of_0_counts_only_when_the_driver_is_ready() -> None:
    """ACKNOWLEDGE, DRIVER, FEATURES_OK, and only then DRIVER_OK (virtio 1.2, 3.1.1 Driver Requirements)."""
    probe = Steps((0, 256), (1, 256), (11, 256), (15, 256))
    await wait(probe)
    assert probe.reads == 4, "it ended with DRIVER_OK, neither before nor after"


async def test_a_driver_that_is_ready_counts_only_when_the_diff_is_0() -> None:
    probe = Steps((15, 512), (15, 300), (15, 256))
    await wait(probe)
    assert probe.reads == 3


async def test_a_status_that_cannot_be_read_keeps_nobody_waiting() -> None:
    probe = Steps((None, 300), (None, 256))
    await wait(probe)
    assert probe.reads == 2


async def test_the_time_ends_a_wait() -> None:
    probe = Steps((0, 256))
    await wait(probe, 0.2)


async def test_a_device_that_is_unplugged_ends_a_wait() -> None:
    class Gone(Steps):
        present = False

        async def look(self, _probe: object, *, at_rest: bool) -> None:
            """There is nothing to read."""

    with pytest.raises(WorkbenchError, match="no balloon device"):
        await wait(Gone())


@pytest.mark.parametrize("option", ["--histroy", "--jsno", "-x", "--al"])
def test_a_mistyped_option_is_no_target(option: str, workbench: CommandLine) -> None:
    """It would be told to be a negative size, or a guest of that name to be missing."""
    workbench("balloon", "demo", option).check_error(2, option)
    workbench("balloon", option).check_error(2, option)
    assert "No such option" in workbench("balloon", "demo", option).stderr
    assert "did you mean" in workbench("balloon", "demo", "--histroy").stderr.lower()
