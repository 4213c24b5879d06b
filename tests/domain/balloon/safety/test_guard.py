"""The guard: no alarm on a calm guest whatever its balloon does, and an alarm on each sign of trouble."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from workbench.domain.balloon.reading import GuestStats
from workbench.domain.balloon.safety.guard import (
    FAULTS,
    GAP,
    SILENCE,
    Sight,
    alarm,
    available_now,
    blind,
    keep_sight,
    threshold_of,
)
from workbench.domain.units import GIB, MIB

RAM = 512 * MIB
THRESHOLD = threshold_of(RAM)


def stats(number: int, available: int | None = 300 * MIB, **more: int) -> GuestStats:
    return GuestStats(1000.0 + number, 1, available=available, **more)


def sights(count: int = 9, *, target: int = RAM // 2, actual: int = RAM // 2, **rates: int) -> tuple[Sight, ...]:
    """One report and one sight a second, with counters that grow by so many a second."""
    available = rates.pop("available", 300 * MIB)
    return tuple(
        Sight(
            float(n), RAM, target, actual, stats(n, available, **{name: 7 + rate * n for name, rate in rates.items()})
        )
        for n in range(count)
    )


@given(st.data())
def test_a_guest_above_its_threshold_never_alarms(data: st.DataObject) -> None:
    """Whatever its balloon does and however late its reports come, within what a calm guest does."""
    ram = data.draw(st.integers(64, 8192), "ram") * MIB
    line = threshold_of(ram)
    used = data.draw(st.integers(0, ram - line), "used")
    lowest = used + line  # below this it would have less than its line
    window: tuple[Sight, ...] = ()
    # At first there is a report of before: from when it had anything at all.
    actual, report, clock, number, faults = ram, stats(0, data.draw(st.integers(0, ram), "before")), 0.0, 0, 0
    for _ in range(data.draw(st.integers(1, 30), "sights")):
        clock += data.draw(st.floats(0.02, 1.0), "wait")
        before = actual
        actual = data.draw(st.integers(max(lowest, actual - 64 * MIB), min(ram, actual + 64 * MIB)), "actual")
        if clock - number >= 2 or (clock - number >= 0.5 and data.draw(st.booleans(), "report")):
            passed, number = int(clock) + 1 - number, int(clock) + 1
            # The report tells of some moment since the last sight.
            moment = data.draw(st.integers(min(before, actual), max(before, actual)), "moment")
            faults += passed * (100 if moment - used < 4 * line else 5000)
            report = stats(number, moment - used, major_faults=faults, swap_out=0, alloc_stalls=number, oom_kills=3)
        target = data.draw(st.integers(lowest, ram), "target")
        window = keep_sight(window, Sight(clock, ram, target, actual, report))
        assert alarm(window) == ""


@given(st.integers(64, 65536).map(lambda size: size * MIB), st.data())
def test_a_guest_below_its_threshold_alarms(ram: int, data: st.DataObject) -> None:
    available = data.draw(st.integers(0, threshold_of(ram) - 1))
    before = Sight(0.0, ram, ram // 2, ram // 2, stats(1, ram // 2))
    assert "(threshold " in alarm((before, replace(before, time=0.5, stats=stats(2, available))))


@given(
    st.lists(
        st.tuples(st.floats(0, 9), st.integers(0, RAM)).map(lambda at: Sight(at[0], RAM, RAM, at[1], None)),
        max_size=5,
    )
)
def test_an_empty_balloon_never_alarms(window: list[Sight]) -> None:
    assert alarm(window) == ""


def test_nothing_is_given_back_twice() -> None:
    low = Sight(0.0, RAM, RAM, RAM // 4, stats(1, 0))
    assert alarm((low,)) == "", "its whole RAM was asked for already"


def test_what_a_guest_gave_since_its_report_counts() -> None:
    """The report is half a second old, and the balloon took 200 MiB since: waiting for the next would be too late."""
    window = (
        Sight(0.0, RAM, 64 * MIB, RAM, stats(1, 300 * MIB)),
        Sight(0.1, RAM, 64 * MIB, RAM, stats(2, 220 * MIB)),
        Sight(0.2, RAM, 64 * MIB, RAM - 100 * MIB, stats(2, 220 * MIB)),
        Sight(0.3, RAM, 64 * MIB, RAM - 200 * MIB, stats(2, 220 * MIB)),
    )
    assert alarm(window[:3]) == ""
    assert available_now(window) == 20 * MIB
    assert alarm(window) == "only 20 MiB available (threshold 32 MiB)"


def test_a_report_from_before_the_guard_was_armed_is_ignored() -> None:
    """It is of when the balloon was large; since then all was given back."""
    window = (
        Sight(0.0, RAM, RAM // 2, RAM, stats(1, 10 * MIB)),
        Sight(0.1, RAM, RAM // 2, RAM - 8 * MIB, stats(1, 10 * MIB)),
    )
    assert available_now(window) is None
    assert alarm(window) == ""


def test_what_was_given_before_the_report_does_not_count_twice() -> None:
    """The report came between the last two sights: the guest may have given all of it by then."""
    window = (
        Sight(0.0, RAM, 64 * MIB, RAM, stats(1, 400 * MIB)),
        Sight(1.0, RAM, 64 * MIB, RAM - 350 * MIB, stats(2, 50 * MIB)),
    )
    assert available_now(window) == 50 * MIB
    assert alarm(window) == ""


def test_oom_kills_alarm_at_once() -> None:
    killed = "the guest's OOM killer killed 1 process"
    assert alarm(sights(2, oom_kills=1, available=3 * THRESHOLD)) == killed
    assert alarm(sights(2, oom_kills=1, alloc_stalls=1)) == killed, (
        "the process that was killed had all that is free now"
    )
    assert alarm(sights(2, oom_kills=0)) == "", "those of long ago are not counted"


def test_oom_kills_for_a_limit_of_a_container_are_no_alarm() -> None:
    """Seen: 170 MiB available, and a process killed for the 20 MiB of its control group: all memory was given back."""
    plenty: dict[str, int] = {"oom_kills": 1, "available": 170 * MIB}
    assert alarm(sights(5, **plenty)) == ""
    assert alarm(sights(5, alloc_stalls=0, **plenty)) == ""
    assert alarm(sights(5, oom_kills=1, alloc_stalls=0, available=3 * THRESHOLD)) != "", "that is not plenty"
    unknown = tuple(
        replace(one, stats=replace(one.stats, available=None)) for one in sights(5, **plenty) if one.stats is not None
    )
    assert alarm(unknown) != "", "what is not reported contradicts nothing"


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ({"major_faults": 400}, "400 major faults a second with 100 MiB available"),
        ({"swap_out": 8 * MIB}, "8 MiB swapped out a second with 100 MiB available"),
        ({"alloc_stalls": 60}, "60 allocation stalls a second with 100 MiB available"),
        ({"major_faults": 400, "alloc_stalls": 60}, "60 allocation stalls a second, 400 major faults a second"),
    ],
)
def test_thrashing_with_little_left_alarms(rates: dict[str, int], words: str) -> None:
    assert alarm(sights(available=100 * MIB, **rates)).startswith(words)
    assert alarm(sights(available=300 * MIB, **rates)) == "", "with plenty left it is the page cache's business"
    assert alarm(sights(3, available=100 * MIB, **rates)) == "", "one burst is no thrashing"


def test_faults_alone_do_not_alarm_where_the_guest_does_not_say_what_is_left() -> None:
    def mute(window: tuple[Sight, ...]) -> list[Sight]:
        return [replace(one, stats=replace(one.stats, available=None)) for one in window if one.stats is not None]

    assert alarm(mute(sights(major_faults=900))) == ""
    assert "major faults" in alarm(mute(sights(major_faults=900, swap_out=9 * MIB)))


def test_silence_while_inflating_alarms() -> None:
    def silent(seconds: float, actual: int, last: int = 1) -> list[Sight]:
        return [Sight(n / 2, RAM, RAM // 2, actual, stats(last)) for n in range(int(seconds * 2) + 1)]

    assert alarm(silent(SILENCE, RAM - MIB)) == "no report from the guest for 6 s while inflating"
    assert alarm(silent(SILENCE - 1, RAM - MIB)) == ""
    assert alarm(silent(SILENCE + 3, RAM // 2)) == "", "it is settled: nothing is taken from it"
    never = [replace(one, stats=GuestStats(0.0, 1)) for one in silent(9, RAM - MIB)]
    assert alarm(never) == ""
    assert blind(never) == "the guest reports no statistics"


def test_samples_before_a_gap_are_ignored() -> None:
    window: tuple[Sight, ...] = ()
    for one in sights(5, oom_kills=0):
        window = keep_sight(window, one)
    late = Sight(window[-1].time + GAP + 1, RAM, RAM // 2, RAM // 2, stats(50, oom_kills=12))
    window = keep_sight(window, late)
    assert window == (late,)
    assert alarm(window) == ""


def test_an_old_sight_leaves_the_window() -> None:
    window: tuple[Sight, ...] = ()
    for one in sights(40, major_faults=int(FAULTS)):
        window = keep_sight(window, one)
    assert window[0].time == window[-1].time - 10


@pytest.mark.parametrize(("ram", "line"), [(64 * MIB, 32 * MIB), (2 * GIB, 2 * GIB // 20), (64 * GIB, 256 * MIB)])
def test_the_threshold(ram: int, line: int) -> None:
    assert threshold_of(ram) == line


def test_what_blinds_a_guard() -> None:
    assert blind(()) == blind((Sight(0, RAM, RAM, RAM, None),)) == "the guest reports no statistics"
    assert blind((Sight(0, RAM, RAM, RAM, stats(1, None)),)) == "the guest's reports are empty"
    assert blind(sights(1)) == ""
