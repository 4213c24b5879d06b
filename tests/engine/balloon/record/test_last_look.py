"""What is kept between readings, so that the command line knows it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.reading import Reading, Source
from workbench.domain.units import MIB
from workbench.engine.balloon.record.last_look import FILE, Witness

if TYPE_CHECKING:
    from pathlib import Path

RAM = 512 * MIB


def reading(time: float, actual: int, target: int = 256 * MIB) -> Reading:
    return Reading(time, RAM, target, actual, Source.CONFIG_SPACE)


def test_what_the_next_one_concludes_is_what_this_one_saw(tmp_path: Path) -> None:
    """Also of a target that was only just sent: it was not reached, whatever the file says of the one before."""
    first = Witness(tmp_path)
    for since, actual in ((10.0, 256 * MIB), (20.0, 300 * MIB), (30.0, 256 * MIB), (40.0, 256 * MIB)):
        first.see(reading(since + 1, actual), since=since, driver_ok=True)
        later = Witness(tmp_path)
        later.see(reading(since + 2, 300 * MIB), since=since, driver_ok=True)
        assert later.reached == first.reached == (None if since == 20.0 else since + 1)


def test_a_target_that_is_on_its_way_costs_no_file(tmp_path: Path) -> None:
    """Ten readings a second are seen, and targets may be sent as often."""
    witness = Witness(tmp_path)
    witness.see(reading(11, 256 * MIB), since=10.0, driver_ok=True)
    before = (tmp_path / FILE).stat().st_ino
    for number in range(20):
        witness.see(reading(20 + number, 300 * MIB), since=20.0, driver_ok=True)
    assert (tmp_path / FILE).stat().st_ino == before
    witness.see(reading(50, 256 * MIB), since=20.0, driver_ok=True)
    assert Witness(tmp_path).reached == 50


def test_what_a_driver_reached_says_nothing_of_the_next_one(tmp_path: Path) -> None:
    witness = Witness(tmp_path)
    for driver_ok in (True, None, False):
        witness.see(reading(11, 256 * MIB), since=10.0, driver_ok=driver_ok)
        found = None if driver_ok is False else 11
        assert witness.reached == Witness(tmp_path).reached == found
    witness.see(reading(12, 300 * MIB), since=10.0, driver_ok=True)
    assert witness.reached is None
    witness.see(reading(13, 256 * MIB), since=10.0, driver_ok=True)
    assert witness.reached == 13
    witness.forget_reached()
    assert witness.reached is Witness(tmp_path).reached is None


def test_ram_that_changed_while_a_target_is_on_its_way_is_kept(tmp_path: Path) -> None:
    witness = Witness(tmp_path)
    witness.see(reading(11, 256 * MIB), since=10.0, driver_ok=True)
    larger = Reading(21, 2 * RAM, 256 * MIB, RAM, Source.CONFIG_SPACE)
    witness.see(larger, since=20.0, driver_ok=True)
    assert Witness(tmp_path).ram_change(larger) == 0
