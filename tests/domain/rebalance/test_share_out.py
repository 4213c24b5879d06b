"""Whole amounts, shared out."""

from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.rebalance.share_out import fill_lowest, in_proportion, without_trifles

rows = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 5000)), min_size=1, max_size=8
)  # have, weight, cap
amounts = st.integers(0, 50_000)


def test_in_proportion_to_the_weights_and_never_above_a_cap() -> None:
    assert in_proportion(30, [2, 1, 0], [100, 100, 100]) == [20, 10, 0]
    assert in_proportion(30, [2, 1, 0], [5, 100, 100]) == [5, 25, 0]
    assert in_proportion(10, [1, 1, 1], [9, 9, 9]) == [4, 3, 3]


def test_the_lowest_rises_first_until_it_meets_the_next() -> None:
    assert fill_lowest(30, [10, 40, 90], [10, 10, 10], [99, 99, 99]) == [30, 0, 0]
    assert fill_lowest(60, [10, 40, 90], [10, 10, 10], [99, 99, 99]) == [45, 15, 0]
    assert fill_lowest(60, [10, 40, 90], [10, 10, 10], [20, 99, 99]) == [20, 40, 0]
    assert fill_lowest(60, [10, 40, 90], [0, 10, 10], [50, 10, 10]) == [40, 10, 10], "no weight comes last"


@given(amounts, rows)
def test_all_of_it_is_distributed_or_all_are_full(amount: int, guests: list[tuple[int, int, int]]) -> None:
    have, weights, caps = (list(column) for column in zip(*guests, strict=True))
    for shares, most in (
        (in_proportion(amount, weights, caps), sum(cap for cap, weight in zip(caps, weights, strict=True) if weight)),
        (fill_lowest(amount, have, weights, caps), sum(caps)),
    ):
        assert sum(shares) == min(amount, most)
        assert all(0 <= share <= cap for share, cap in zip(shares, caps, strict=True))


@given(amounts, rows)
def test_no_share_rises_above_one_that_could_still_rise(amount: int, guests: list[tuple[int, int, int]]) -> None:
    have, weights, caps = (list(column) for column in zip(*guests, strict=True))
    shares = fill_lowest(amount, have, weights, caps)
    for i, j in [(i, j) for i in range(len(guests)) for j in range(len(guests)) if weights[i] and weights[j]]:
        if shares[i] > 1 and shares[j] < caps[j]:
            # One unit of i's share less, and it was no higher than j is now with one unit more.
            assert (have[i] + shares[i] - 1) * weights[j] <= (have[j] + shares[j] + 1) * weights[i]


@given(amounts, rows)
def test_trifles_are_left_out_where_others_can_take_them(amount: int, guests: list[tuple[int, int, int]]) -> None:
    _, weights, caps = (list(column) for column in zip(*guests, strict=True))
    weights = [weight + 1 for weight in weights]
    plain = in_proportion(amount, weights, caps)
    shares = without_trifles(amount, caps, lambda need, room: in_proportion(need, weights, room), 10)
    assert sum(shares) == sum(plain), "leaving trifles out loses nothing"
    small = [i for i, share in enumerate(shares) if 0 < share < 10]
    for i in small:
        others = sum(cap for j, cap in enumerate(caps) if j != i and shares[j])
        assert others < amount, "only what no other could take"


def test_the_exempt_may_get_a_trifle() -> None:
    share_out = partial(_equal)
    assert without_trifles(12, [99, 99], share_out, 10) == [0, 12]
    assert without_trifles(12, [99, 99], share_out, 10, exempt=(0, 1)) == [6, 6]


def _equal(amount: int, caps: object) -> list[int]:
    room = list(caps)  # type: ignore[call-overload]
    return in_proportion(amount, [1] * len(room), room)
