"""How fast a balloon was seen to move."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon.rate import Speeds
from workbench.domain.balloon.reading import Sample
from workbench.domain.units import MIB

RAM = 512 * MIB


def seen(*rates: float) -> Speeds:
    speeds = Speeds()
    for rate in rates:
        speeds = speeds.after(rate * MIB)
    return speeds


def test_the_end_of_a_movement_does_not_slow_it_down() -> None:
    speeds = seen(0, -120, -180, -90, -20, -3, 0)
    assert speeds.towards(512 * MIB, 256 * MIB) == 180 * MIB


def test_each_way_has_its_own_speed() -> None:
    speeds = seen(-100, -20, 900, 400, 0)
    assert (speeds.towards(512 * MIB, 256 * MIB), speeds.towards(256 * MIB, 512 * MIB)) == (100 * MIB, 900 * MIB)
    assert seen(900, 0).towards(512 * MIB, 256 * MIB) == 0, "not seen to inflate"


def test_a_new_movement_takes_the_place_of_the_last() -> None:
    assert seen(-180, -50, 0, -40, -60).inflating == 60 * MIB


def test_a_recorded_history_gives_a_speed_too() -> None:
    still = [Sample(5.0 * second, RAM, RAM) for second in range(4)]
    down = [Sample(20 + step / 10, 256 * MIB, RAM - min(256, 8 * step) * MIB) for step in range(60)]
    seldom = [Sample(60.0, 256 * MIB, 128 * MIB), Sample(62.0, 128 * MIB, 64 * MIB)]
    speeds = Speeds.over((*still, *down, *seldom))
    assert 79 * MIB < speeds.towards(RAM, 256 * MIB) < 81 * MIB
    assert speeds.towards(256 * MIB, RAM) == 0
    assert Speeds.over(()) == Speeds.over(still) == Speeds()


@given(st.lists(st.floats(-5e9, 5e9)))
def test_a_speed_was_seen(rates: list[float]) -> None:
    speeds = Speeds()
    for rate in rates:
        speeds = speeds.after(rate)
    assert speeds.inflating in {0.0, *(-rate for rate in rates)}
    assert speeds.deflating in {0.0, *rates}
