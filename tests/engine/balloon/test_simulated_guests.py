"""Causes that no Linux guest gives at will: a real QEMU whose balloon is driven by :mod:`tests.qtest_driver`, looked at by the
command line and by the engine."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import pytest

from tests.commandline import CommandLine, wait_until
from tests.qtest_driver import DEFLATE_ON_OOM, Manner, SimulatedDriver, simulated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MIB = 1 << 20
RAM = 64 * MIB
PAGES = MIB // 4096
FULL = {"total": 60 * MIB, "free": 40 * MIB, "available": 40 * MIB, "caches": MIB}


@contextmanager
def guest(workbench: CommandLine, manner: Manner, **options: tuple[int, ...]) -> Iterator[SimulatedDriver]:
    """A guest ``sim`` whose driver is simulated."""
    path = workbench.base / "qtest"
    text = 'memory.size = "64M"\naccelerator = "tcg"\nballoon.statistics = 1\n'
    arguments = f'qemu.args = ["-qtest", "unix:{path},server=on,wait=off", "-qtest-log", "none"]\n'
    workbench.profile("sim", text + arguments)
    workbench.start("sim")
    with simulated(path, manner, **options) as driver:
        wait_until(lambda: look(workbench)["state"] != "absent", "the driver to be seen")
        yield driver


def look(workbench: CommandLine, *arguments: str) -> Mapping[str, object]:
    done = workbench("balloon", "sim", *arguments, "--json")
    assert done.code in (0, 4), done
    return done.json


def notes(seen: Mapping[str, object]) -> list[str]:
    return [note["code"] for note in cast("list[dict[str, str]]", seen["notes"])]


def test_a_guest_that_does_all_it_should(workbench: CommandLine) -> None:
    with guest(workbench, Manner(statistics=FULL)):
        seen = look(workbench, "32M", "--wait")
        assert (seen["state"], seen["cause_code"], seen["actual"]) == ("settled", None, 32 * MIB)
        assert notes(seen) == []
        assert cast("dict[str, int]", seen["guest_stats"])["available"] == 40 * MIB


def test_a_guest_that_never_moves_and_no_known_cause(workbench: CommandLine) -> None:
    with guest(workbench, Manner(lambda _wanted, held: held, FULL)):
        seen = look(workbench, "32M", "--wait", "4")
        assert (seen["state"], seen["cause_code"]) == ("stalled", "unknown")
        assert "8,192 pages to inflate, none seen to move" in cast("list[str]", seen["evidence"])
        assert "again" in cast("str", seen["advice"])


def test_a_guest_short_of_pages(workbench: CommandLine) -> None:
    with guest(workbench, Manner(lambda wanted, _held: min(wanted, 20 * PAGES), {**FULL, "available": MIB})):
        seen = look(workbench, "32M", "--wait", "4")
        assert (seen["state"], seen["cause_code"]) == ("stalled", "out-of-pages")


def test_one_reading_reports_memory_taken_back(workbench: CommandLine) -> None:
    manner = Manner(statistics=FULL)
    with guest(workbench, manner):
        assert look(workbench, "32M", "--wait")["state"] == "settled"
        manner.move = lambda _wanted, _held: 20 * PAGES
        wait_until(lambda: look(workbench)["state"] == "stalled", "the take-back")
        seen = look(workbench)
        assert (seen["cause_code"], seen["cause"]) == (
            "taken-back", "the guest took 12 MiB back on OOM",
        )  # fmt: skip
        assert any("deflate-on-oom is o" in line for line in cast("list[str]", seen["evidence"]))
        manner.move = lambda wanted, _held: wanted
        assert look(workbench, "32M", "--wait")["state"] == "settled"


def test_a_driver_that_did_not_agree_to_deflate_on_oom_has_no_such_excuse(workbench: CommandLine) -> None:
    manner = Manner(statistics=FULL)
    with guest(workbench, manner, features=(1,)):
        assert look(workbench, "32M", "--wait")["state"] == "settled"
        manner.move = lambda _wanted, _held: 20 * PAGES
        wait_until(lambda: look(workbench)["state"] == "stalled", "the growth")
        seen = look(workbench)
        if "this QEMU does not show whether the driver accepted it" in str(seen["evidence"]):
            assert seen["cause_code"] == "taken-back"
            pytest.skip("this QEMU cannot be queried safely for negotiated features")
        assert seen["cause_code"] == "unknown"
        assert "deflate-on-oom is off" in cast("str", seen["cause"])


def test_inflation_that_fights(workbench: CommandLine) -> None:
    turns = itertools.cycle([24 * PAGES] * 8 + [20 * PAGES] * 8)
    with guest(workbench, Manner(lambda wanted, held: next(turns) if wanted else held, FULL)):
        look(workbench, "32M")

        def fights() -> bool:
            return look(workbench)["cause_code"] == "fights-oom"

        wait_until(fights, "looks enough to know it")
        seen = look(workbench)
        assert seen["state"] == "stalled"
        assert "times in" in cast("list[str]", seen["evidence"])[0]


@pytest.mark.parametrize(
    ("statistics", "features", "code"),
    [
        pytest.param({}, (1, DEFLATE_ON_OOM), "windows-service", id="windows"),
        pytest.param(None, (1, DEFLATE_ON_OOM), "statistics-never", id="silent"),
        pytest.param(FULL, (DEFLATE_ON_OOM,), "statistics-never", id="without-the-feature"),
    ],
)
def test_a_settled_guest_whose_statistics_are_not_to_be_had(
    workbench: CommandLine, statistics: Mapping[str, int] | None, features: tuple[int, ...], code: str
) -> None:
    with guest(workbench, Manner(statistics=statistics), features=features):
        look(workbench, "32M", "--wait")
        wait_until(lambda: notes(look(workbench)) == [code], "the statistics to be missed")
        assert look(workbench)["state"] == "settled"
        if code == "windows-service":
            last = cast("dict[str, float]", look(workbench)["guest_stats"])["last_update"]
            wait_until(
                lambda: cast("dict[str, float]", look(workbench)["guest_stats"])["last_update"] > last, "a later report"
            )


def test_statistics_that_stop(workbench: CommandLine) -> None:
    manner = Manner(statistics=FULL)
    with guest(workbench, manner):
        look(workbench, "32M", "--wait")
        wait_until(lambda: notes(look(workbench)) == [], "reports")
        manner.statistics = None
        wait_until(lambda: notes(look(workbench)) == ["statistics-stopped"], "the silence to be noticed")
        manner.statistics = FULL
        wait_until(lambda: notes(look(workbench)) == [], "reports again")
