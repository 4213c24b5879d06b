"""What was seen of a balloon over time."""

from __future__ import annotations

from workbench.domain.balloon.diagnosis.judge import PATIENCE
from workbench.domain.balloon.reading import Reading, Source
from workbench.domain.units import MIB
from workbench.engine.balloon.track import Track

RAM = 128 * MIB


def read(time: float, actual: int, target: int = 64) -> Reading:
    return Reading(time, RAM, target * MIB, actual * MIB, Source.CONFIG_SPACE)


def seen(*readings: Reading, target_since: float = 0.0) -> Track:
    track = Track(started=0.0, moved_at=0.0)
    for reading in readings:
        track.see(reading, driver_ok=True, target_since=target_since)
    return track


def test_a_diff_moves_for_a_while_after_each_page_and_each_target() -> None:
    assert not seen().moves(100.0), "nothing was read"
    assert not seen(read(99.0, 64)).moves(100.0), "there is no diff"
    assert not seen(read(99.0, 96)).moves(100.0), "nothing was seen to move"
    assert seen(read(99.0, 96), target_since=99.0).moves(100.0), "the target is new"
    moved = seen(read(99.0, 96), read(100.0, 95))
    assert moved.moved_at == 100.0
    assert moved.moves(100.0 + PATIENCE - 0.1)
    assert not moved.moves(100.0 + PATIENCE)


def test_a_reset_ends_a_take_back() -> None:
    track = seen(read(1.0, 64, 32), read(2.0, 64), read(3.0, 70))
    assert track.take_back is not None
    assert track.take_back.size == 6 * MIB
    track.restart(4.0)
    assert track.take_back is None
    assert track.started == 4.0


def test_a_driver_that_was_seen_to_leave_and_come_back_was_loaded_again() -> None:
    track = seen(read(1.0, 64))
    track.see_driver(1.0, ok=True)
    assert track.driver_since == 0.0
    for when, ok in ((2.0, False), (3.0, None), (4.0, True), (5.0, True)):
        track.see_driver(when, ok=ok)
    assert track.driver_since == 4.0


def test_a_guest_without_a_device_has_no_reading() -> None:
    track = seen(read(1.0, 64))
    track.see(None, driver_ok=False, target_since=0.0)
    assert track.reading is None
    assert not track.moves(1.0)
