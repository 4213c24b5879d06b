"""A ramp, with readings that were in flight when its step was sent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.diagnosis.judge import Verdict
from workbench.domain.balloon.reading import Reading, Source
from workbench.domain.balloon.safety.ramp import Ramp
from workbench.domain.units import MIB
from workbench.engine.balloon.record.targets import TargetBook
from workbench.engine.balloon.safety.ramp import Ramper

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.engine.balloon.probe import BalloonProbe

RAM = 512 * MIB


class Probe:
    """What a ramp wants of a probe: targets are sent, and kept here."""

    def __init__(self, directory: Path) -> None:
        self.book = TargetBook(directory, 0.0)
        self.sent: list[int] = []

    async def set_target(self, size: int, *, continues: bool = False) -> None:
        self.sent.append(size)


async def test_a_reading_from_before_the_step_does_not_end_the_ramp(tmp_path: Path) -> None:
    """Seen: the balloon was read, the first step sent, and the ramp was over without a word."""
    ramper, fake = Ramper(tmp_path), Probe(tmp_path)
    probe = cast("BalloonProbe", fake)
    before = Reading(time.time(), RAM, RAM, RAM, Source.CONFIG_SPACE)
    await ramper.begin(probe, before, 256 * MIB, Ramp(64 * MIB, 0.0))
    await ramper.step(probe, before, lambda: Verdict(State.SETTLED))
    assert ramper.ramping is not None
    assert fake.sent == [RAM - 64 * MIB]
    now = replace(before, time=time.time(), target=fake.sent[0], actual=fake.sent[0])
    await ramper.step(probe, now, lambda: Verdict(State.SETTLED))
    assert fake.sent[1:] == [RAM - 128 * MIB]
    await ramper.step(probe, replace(now, time=time.time(), target=RAM), lambda: Verdict(State.SETTLED))
    assert ramper.ramping is None, "somebody set another target since"


def test_a_clock_that_was_set_back_hides_no_reading_for_long() -> None:
    reading = Reading(1000.0, RAM, RAM, RAM, Source.CONFIG_SPACE)
    assert [reading.precedes(when) for when in (999.0, 1000.0, 1000.5, 1004.9, 1005.0, 4600.0)] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]
