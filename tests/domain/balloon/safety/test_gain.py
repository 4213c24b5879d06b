"""What the host would gain, before a target is sent: against what was measured, and within what can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon.backing import Backing, Effect
from workbench.domain.balloon.balloon import Balloon
from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.diagnosis.judge import Verdict
from workbench.domain.balloon.reading import HostMemory, Reading, Source
from workbench.domain.balloon.safety.gain import Gain, expected_gain
from workbench.domain.units import MIB, PAGE

RAM = 512 * MIB
HUGE = 2 * MIB
sizes = st.integers(0, RAM // PAGE).map(lambda count: count * PAGE)


def gain(resident: int, target: int, *, actual: int = RAM, backing: Backing | None = None) -> Gain | None:
    balloon = Balloon(
        Verdict(State.SETTLED),
        Reading(1.0, RAM, actual, actual, Source.CONFIG_SPACE),
        host=HostMemory(resident, resident),
        backing=backing,
    )
    return expected_gain(balloon, target)


def in_mib(found: Gain | None) -> tuple[int, int]:
    assert found is not None
    return found.low // MIB, found.high // MIB


@pytest.mark.parametrize(
    ("resident", "backing", "low", "high", "words"),
    [
        (430, Backing(), 174, 256, "host gains 174\u2013256 MiB"),
        (213, Backing(), 0, 213, "host gains 0\u2013213 MiB"),
        (100, Backing(reporting=True), 0, 100, "host gains 0\u2013100 MiB"),
        (512, Backing(HUGE, reporting=False), 0, 0, "host gains nothing: 2M pages"),
        (430, Backing(HUGE, reporting=False), -82, 0, "host loses up to 82 MiB: 2M pages"),
        (102, Backing(HUGE, reporting=True), -256, 0, "host loses up to 256 MiB: 2M pages"),
        (400, Backing(HUGE, reporting=True), -112, 0, "host loses up to 112 MiB: 2M pages"),
        (512, Backing(1 << 30), 0, 0, "host gains nothing: 1G pages"),
        (512, Backing(locked=True), 0, 0, "host gains nothing: locked memory"),
        (512, Backing(pinned=("vfio-pci hostdev0",)), 0, 0, "host gains nothing: vfio-pci"),
    ],
)  # fmt: skip
def test_512_to_256_mib(resident: int, backing: Backing, low: int, high: int, words: str) -> None:
    found = gain(resident * MIB, 256 * MIB, backing=backing)
    assert found is not None
    assert (in_mib(found), found.words) == ((low, high), words)
    assert found.taken == (backing.effect is not Effect.RETURNS)


def test_memory_given_back_to_the_guest_costs_at_most_what_it_gets() -> None:
    found = gain(200 * MIB, RAM, actual=256 * MIB)
    assert (in_mib(found), found and found.words) == ((-256, 0), "host gives up to 256 MiB")
    assert found is not None
    assert not found.taken
    assert in_mib(gain(500 * MIB, RAM, actual=256 * MIB)) == (-12, 0)


def test_on_hugepages_with_reporting_the_host_gains_when_the_balloon_is_emptied() -> None:
    """Seen: 256 MiB of RAM, 216 resident, of which 100 came back when the guest got its 128 MiB again."""
    found = gain(216 * MIB, RAM, actual=128 * MIB, backing=Backing(HUGE, reporting=True))
    assert found is not None
    assert found.low < 0 < 100 * MIB <= found.high
    assert "may gain" in found.words
    without = gain(216 * MIB, RAM, actual=128 * MIB, backing=Backing(HUGE, reporting=False))
    assert without is not None
    assert (without.high, without.words) == (0, "host gives up to 296 MiB")


def test_nothing_moves_or_nothing_is_known() -> None:
    assert gain(200 * MIB, RAM) is None
    unknown = Balloon(Verdict(State.SETTLED), Reading(1.0, RAM, RAM, RAM, Source.QUERY))
    assert expected_gain(unknown, RAM // 2) is None
    assert expected_gain(Balloon(Verdict(State.ABSENT)), RAM // 2) is None


@given(sizes, sizes, st.data())
def test_on_ordinary_memory_it_comes_true(actual: int, target: int, data: st.DataObject) -> None:
    """However the resident pages lie among those that are given: the host gains what was foretold."""
    resident = data.draw(st.integers(0, actual // PAGE)) * PAGE  # none of the balloon's pages is resident
    found = gain(resident, target, actual=actual, backing=Backing())
    given_up = actual - target
    if given_up <= 0:
        return
    kept = actual - given_up
    least, most = max(0, resident - kept), min(resident, given_up)
    returned = data.draw(st.integers(least // PAGE, most // PAGE)) * PAGE
    assert found is not None
    assert found.low <= returned <= found.high
    assert (found.low, found.high) == (least, most), "and no wider than need be"


@pytest.mark.parametrize(
    ("backing", "effect", "words"),
    [
        (Backing(), Effect.RETURNS, ""),
        (Backing(64 * 1024), Effect.RETURNS, ""),
        (
            Backing(HUGE),
            Effect.COSTS,
            "may lose up to 70 MiB: the guest zeroes what it gives, which takes pages from the pool;",
        ),
        (
            Backing(HUGE, reporting=True),
            Effect.COSTS,
            "may lose up to 70 MiB: the guest zeroes what it gives, which takes pages from the pool again;",
        ),
        (Backing(HUGE, reporting=True, locked=True), Effect.NOTHING, "locked"),
        (Backing(pinned=("vfio-pci a", "vhost-vdpa b")), Effect.NOTHING, "vfio-pci a and vhost-vdpa b"),
    ],
)
def test_what_will_happen_in_words(backing: Backing, effect: Effect, words: str) -> None:
    assert backing.effect is effect
    assert words in backing.words_before(100 * MIB, 70 * MIB)
    nothing = "none of the 100 MiB" if backing.cause else ""
    assert nothing in backing.words_before(100 * MIB, 0), "what the host holds already, it cannot take again"
    assert (
        bool(backing.cause)
        == bool(backing.instead)
        == bool(backing.short)
        == bool(backing.hint)
        == (effect is not Effect.RETURNS)
    )
    assert backing.words_before(0, MIB) == backing.words_before(-MIB, MIB) == ""
