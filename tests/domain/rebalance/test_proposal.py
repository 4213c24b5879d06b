"""One budget for many guests: what is proposed, and what may never be."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.domain.rebalance.candidates import guest
from workbench.domain.rebalance.proposal import DEADBAND, Candidate, Proposal, propose
from workbench.domain.units import MIB, PAGE


def targets(proposal: Proposal) -> list[int]:
    return [line.new // MIB for line in proposal.lines]


def test_idle_memory_is_taken_in_proportion_to_it() -> None:
    proposal = propose([guest("a", used=312), guest("b", used=112)], 724 * MIB)
    assert targets(proposal) == [412, 312], "200 and 400 MiB idle: 100 and 200 taken"
    assert [line.reason for line in proposal.lines] == [
        "gives 100 MiB of 200 MiB idle",
        "gives 200 MiB of 400 MiB idle",
    ]
    assert proposal.words == ""


def test_then_all_guests_go_down_to_their_floors_and_no_further() -> None:
    low = [guest("a", used=400, floor=200), guest("b", used=50, floor=64)]
    assert targets(propose(low, 300 * MIB)) == [236, 64]
    assert targets(propose(low, 264 * MIB)) == [200, 64]
    none = propose(low, 263 * MIB)
    assert none.short == MIB
    assert not none.changes
    assert none.words == "the budget is 1 MiB too small: these guests need at least 264 MiB"


def test_a_floor_that_is_no_whole_mib_is_met_to_the_page() -> None:
    odd = replace(guest(target=200), floor=100 * MIB + PAGE)
    proposal = propose([odd], odd.floor)
    assert proposal.lines[0].new == odd.floor
    assert proposal.left == 0


def test_growth_goes_to_the_least_available_share() -> None:
    proposal = propose([guest("a", target=200, used=150, floor=150), guest("b", target=400, used=50)], 700 * MIB)
    assert targets(proposal) == [300, 400]
    assert proposal.lines[0].reason == "25 % of it was idle"


def test_more_than_all_their_ram_is_left() -> None:
    proposal = propose([guest("a", target=300), guest("b")], 2048 * MIB)
    assert targets(proposal) == [512, 512]
    assert proposal.left == 1024 * MIB
    assert proposal.words == "every guest that can be moved has all its RAM; 1,024 MiB of the budget are unused"


def test_a_guest_below_its_floor_is_raised_from_what_others_have_idle() -> None:
    proposal = propose([guest("a", target=100, used=150, floor=195), guest("b", target=500)], 600 * MIB)
    assert targets(proposal) == [195, 405]
    assert proposal.lines[0].reason == "was below its floor of 195 MiB"


def test_a_guest_below_its_floor_stays_where_the_budget_has_no_room_for_more() -> None:
    proposal = propose([guest("a", target=100, used=150, floor=195), guest("b", target=500)], 230 * MIB)
    assert targets(proposal) == [100, 130]
    assert proposal.lines[0].reason == "is below its floor of 195 MiB"
    assert propose([guest("a", target=100, floor=195), guest("b")], 229 * MIB).short == MIB


def test_a_guest_that_cannot_be_moved_counts_with_the_most_it_may_have() -> None:
    stuck = guest("a", target=200, actual=300, fixed="paused")
    proposal = propose([stuck, guest("b")], 600 * MIB)
    assert targets(proposal) == [200, 300]
    assert proposal.total == 600 * MIB
    assert proposal.lines[0].reason == "paused"
    words = propose([stuck, guest("b")], 400 * MIB).words
    assert words.endswith("need at least 430 MiB, 300 MiB of it for guests that cannot be moved")
    alone = propose([stuck], 512 * MIB)
    assert alone.words == "no guest can be moved; 212 MiB of the budget are unused"


def test_trifles_are_not_moved() -> None:
    proposal = propose([guest("a"), guest("b"), guest("c")], (3 * 512 - 12) * MIB)
    assert sorted(targets(proposal)) == [500, 512, 512], "one gives 12 MiB; three would give 4 each"
    assert targets(propose([guest("a"), guest("b")], 1021 * MIB)) == [509, 512], "but the budget holds"
    small = propose([guest("a", target=300), guest("b", target=300)], 609 * MIB)
    assert not small.changes
    assert small.words == "9 MiB of the budget are unused: too little to move"


def test_what_the_host_gains_lies_between_what_is_surely_resident_and_what_is_given() -> None:
    touched = propose([guest(resident=500, used=100)], 256 * MIB).lines[0]
    assert touched.host_gain == (244 * MIB, 256 * MIB)
    fresh = propose([guest(resident=120, used=100)], 256 * MIB).lines[0]
    assert fresh.host_gain == (0, 20 * MIB), "what was never touched, the host has already"
    assert propose([guest()], 256 * MIB).lines[0].host_gain is None
    both = propose([guest("a", resident=500), guest("b", resident=120)], 512 * MIB)
    assert both.host_gain == (244 * MIB, 276 * MIB)
    assert propose([guest(target=256)], 400 * MIB).lines[0].host_gain == (0, 0)


def test_a_trifle_that_must_be_taken_comes_from_the_most_idle() -> None:
    """And not from one that does not say what it uses, though that could give it too."""
    quiet = guest("quiet", used=None, floor=1, ram=8)
    assert targets(propose([guest("idle", used=1, floor=1, ram=237), quiet], 244 * MIB)) == [236, 8]
    assert targets(propose([quiet, guest("idle", used=1, floor=1, ram=237)], 244 * MIB)) == [8, 236]


# What holds for all guests and budgets.

pages = st.integers(1, 2 * 1024 * 1024 * 1024 // PAGE).map(lambda count: count * PAGE)
whole = st.integers(1, 2048).map(lambda count: count * MIB)


@st.composite
def candidates(draw: st.DrawFn, *, plain: bool = False) -> list[Candidate]:
    """
    :param plain: in whole MiB, and no guest below its floor.
    """
    sizes = whole if plain else st.one_of(whole, pages)
    found = []
    for i in range(draw(st.integers(1, 7))):
        ram = draw(sizes)
        target = min(draw(sizes), ram)
        actual = min(draw(st.one_of(st.just(target), sizes)), ram)
        used = draw(st.one_of(st.none(), sizes.map(lambda size, most=ram: min(size, most))))  # type: ignore[misc]
        floor = min(draw(sizes), target if plain else ram)
        fixed = draw(st.sampled_from(["", "", "", "", "paused"]))
        found.append(Candidate(f"g{i}", ram, target, actual, floor, used=used, fixed=fixed))
    return found


Case = tuple[list[Candidate], int]


@st.composite
def cases(draw: st.DrawFn, *, plain: bool = False) -> Case:
    """Guests, and a budget from a little too small to a little too large for them."""
    guests = draw(candidates(plain=plain))
    least, most = sum(guest.least for guest in guests), sum(guest.ram for guest in guests)
    return guests, max(1, least - 20 * MIB + draw(st.integers(0, most - least + 40 * MIB)))


def after(proposal: Proposal) -> list[Candidate]:
    """The guests when they have reached their targets."""
    return [
        line.guest if line.guest.fixed else replace(line.guest, target=line.new, actual=line.new)
        for line in proposal.lines
    ]


@given(cases())
def test_never_below_a_floor_never_above_ram_and_whole_pages(case: Case) -> None:
    for line in propose(*case).lines:
        assert line.new >= min(line.guest.floor, line.guest.target)
        assert line.new <= line.guest.ram
        assert line.new % PAGE == 0
        assert not (line.guest.fixed and line.change)


@given(cases())
def test_the_sum_is_the_budget_or_it_says_why_not(case: Case) -> None:
    proposal = propose(*case)
    guests, budget = case
    least = sum(guest.least for guest in guests)
    assert (proposal.short > 0) == (least > budget)
    if proposal.short:
        assert proposal.short == least - budget
        assert not proposal.changes
        assert "too small" in proposal.words
        return
    assert proposal.total <= budget
    movable = [line for line in proposal.lines if not line.guest.fixed]
    if proposal.left >= DEADBAND:
        assert all(line.guest.ram - line.new < MIB for line in movable)
    assert bool(proposal.words) == (proposal.left >= MIB)


@given(cases())
def test_proposing_again_changes_nothing(case: Case) -> None:
    proposal = propose(*case)
    again = propose(after(proposal), case[1])
    assert not again.changes
    assert again.total == sum(candidate.counts for candidate in after(proposal))


@given(cases())
def test_no_guest_gives_while_one_with_more_idle_memory_is_spared(case: Case) -> None:
    proposal = propose(*case)
    gives = [line for line in proposal.lines if line.change < 0]
    spared = [line for line in proposal.lines if line.change >= 0 and not line.guest.fixed]
    for one in gives:
        for other in spared:
            could = min(other.guest.idle or 0, other.guest.target - other.guest.floor)
            # Unless it could give a trifle only, or the budget asks for no more than one of them.
            assert could < DEADBAND or (one.guest.idle or 0) + MIB >= (other.guest.idle or 0)


@given(cases())
def test_no_guest_grows_while_one_with_a_smaller_available_share_could(case: Case) -> None:
    proposal = propose(*case)
    known = [line for line in proposal.lines if not line.guest.fixed and line.guest.used]
    for one in known:
        for other in known:
            if one.change <= DEADBAND or other.change > 0 or one.guest.target < one.guest.floor:
                continue
            if other.guest.ram - other.new < DEADBAND:
                continue
            assert one.guest.used is not None
            assert other.guest.used is not None
            # One deadband less, and it was no higher than the other is; sizes count in whole MiB.
            slack = DEADBAND + 2 * MIB
            assert (one.new - slack) / one.guest.used <= (other.new + slack) / max(1, other.guest.used - MIB)


@given(cases(plain=True))
def test_a_trifle_is_moved_only_where_no_other_guest_could(case: Case) -> None:
    proposal = propose(*case)
    assume(proposal.left < DEADBAND)  # more is left only where all guests get all their RAM, trifle or not
    for one in [line for line in proposal.changes if abs(line.change) < DEADBAND]:
        for other in [line for line in proposal.changes if line is not one]:
            room = other.new - other.guest.floor if one.change < 0 else other.guest.ram - other.new
            assert room < abs(one.change), "the other one could have moved that much more, and this one stayed"


@given(cases())
def test_the_order_of_the_guests_decides_ties_alone(case: Case) -> None:
    guests, budget = case
    forward, backward = propose(guests, budget), propose(guests[::-1], budget)
    assert propose(guests, budget) == forward
    assert backward.short == forward.short
    assert abs(backward.total - forward.total) <= len(guests) * MIB
