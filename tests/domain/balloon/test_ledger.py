"""The ledger of a target: its arithmetic, and what it says of figures that were measured on real guests."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from workbench.domain.balloon.backing import Backing
from workbench.domain.balloon.ledger import Ledger, Moment
from workbench.domain.units import MIB, PAGE, pages_in

RAM = 512 * MIB
HUGE = 2 * MIB

sizes = st.integers(0, RAM // PAGE).map(lambda count: count * PAGE)
known = st.none() | sizes


def parts_of(**parts: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, Any]]:
    """The arguments of a value: what they are annotated with is known to the type checker alone."""
    return st.fixed_dictionaries(parts)


moments = parts_of(
    time=st.just(0.0), target=known, actual=known, resident=known, available=known, free=known, pool_free=st.none()
).map(lambda parts: Moment(**parts))
backings = st.none() | parts_of(
    page=st.sampled_from([PAGE, HUGE]), locked=st.booleans(), reporting=st.none() | st.booleans()
).map(lambda parts: Backing(**parts))
ledgers = parts_of(ram=st.just(RAM), now=moments, before=st.none() | moments, ours=st.booleans(), backing=backings).map(
    lambda parts: Ledger(**parts)
)


def inflated(resident_before: int, resident: int, *, backing: Backing | None = None, held: int = 256) -> Ledger:
    """512 MiB that gave ``held`` MiB, with the host's side in MiB."""
    return Ledger(
        RAM,
        now=Moment(2.0, RAM - held * MIB, RAM - held * MIB, resident * MIB),
        before=Moment(1.0, RAM, RAM, resident_before * MIB),
        backing=backing,
    )


@given(ledgers)
def test_what_follows_lies_within_what_can_be(ledger: Ledger) -> None:
    if ledger.unreturned is not None:
        assert 0 <= ledger.unreturned <= RAM
    if ledger.yield_ is not None:
        assert ledger.yield_ <= 1
    least, most, gave = ledger.never_used, ledger.never_used_most, ledger.given
    assert (least is None) <= (most is None), "no upper bound without a lower one"
    if least is not None:
        assert gave is not None
        assert 0 <= least <= max(0, gave)
        if most is not None:
            assert least <= most <= max(0, gave)
    for entry in (ledger.asked, ledger.held, ledger.host, ledger.believed):
        if entry.change is not None:
            assert entry.before is not None
            assert entry.before + entry.change == entry.now


@given(ledgers)
def test_there_are_words_for_everything(ledger: Ledger) -> None:
    for line in ledger.words:
        assert line == line.strip()
        assert "None" not in line
        assert not line.endswith(".")


@given(st.data())
def test_never_used_is_bounded_rightly(data: st.DataObject) -> None:
    """Play a guest on ordinary memory: each page is resident or not, and some are given, which frees those that were."""
    pages = data.draw(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=64))
    resident = sum(was for was, _ in pages)
    gave = sum(given_up for _, given_up in pages)
    returned = sum(was and given_up for was, given_up in pages)
    # It may touch the rest in the meantime.
    kept = sum(not was and not given_up for was, given_up in pages)
    touched = data.draw(st.integers(0, kept))
    ram = len(pages) * PAGE
    ledger = Ledger(
        ram,
        now=Moment(2.0, ram - gave * PAGE, ram - gave * PAGE, (resident - returned + touched) * PAGE),
        before=Moment(1.0, ram, ram, resident * PAGE),
    )
    never = (gave - returned) * PAGE
    assert ledger.never_used is not None
    assert ledger.never_used_most is not None
    assert ledger.never_used <= never <= ledger.never_used_most
    assert ledger.unreturned == 0, "on ordinary memory no more is resident than the guest has"


def test_unreturned_and_yield_are_of_what_the_guest_gave() -> None:
    assert (inflated(300, 300).unreturned, inflated(200, 200).unreturned) == (44 * MIB, 0)
    assert (inflated(200, 200).yield_, inflated(512, 512).yield_) == (1, 0)
    assert inflated(512, 512, held=0).yield_ is None


def test_pages_without_a_driver_are_not_counted_as_held() -> None:
    """After a reset the device still says what the driver before it held."""
    before = Moment(1.0, RAM, RAM, 400 * MIB)
    ledger = Ledger(RAM, now=Moment(2.0, 256 * MIB, None, 300 * MIB), before=before)
    assert (ledger.held.now, ledger.given, ledger.unreturned, ledger.yield_, ledger.never_used) == (None,) * 5
    assert ledger.asked.now == 256 * MIB
    assert (ledger.void, ledger.loss, ledger.words) == (False, False, ())


@given(st.integers(-(2**40), 2**40))
def test_pages_of_a_size_are_whole_and_signed(size: int) -> None:
    assert abs(pages_in(size)) == abs(size) // PAGE
    assert pages_in(-size) == -pages_in(size)


def test_a_fresh_guest_has_nothing_to_give_back() -> None:
    """Measured: 512 MiB, 256 MiB given, resident 213 MiB before and 207 MiB after."""
    ledger = inflated(213, 207)
    assert (ledger.reclaimed, ledger.unreturned, ledger.yield_) == (6 * MIB, 0, 1)
    assert (ledger.never_used, ledger.never_used_most) == (43 * MIB, 250 * MIB)
    assert not ledger.void
    assert ledger.words == ("at least 43 MiB of the 256 MiB given were never used: nothing to reclaim there",)


def test_a_guest_of_which_less_came_back_than_it_gave_may_not_have_used_the_rest() -> None:
    """Of 256 MiB 200 came back, and all 512 may have been resident: the rest was never used, or touched again since."""
    ledger = inflated(456, 256)
    assert (ledger.never_used, ledger.never_used_most) == (0, 56 * MIB)
    assert ledger.words == ("the guest gave 256 MiB, and the host got 200 MiB back; up to 56 MiB were never used",)


def test_a_guest_that_used_its_memory_gives_it_back() -> None:
    """Measured: anonymous memory, no reporting, 430 MiB resident before and 174 MiB after."""
    ledger = inflated(430, 174)
    assert (ledger.reclaimed, ledger.unreturned, ledger.never_used_most) == (256 * MIB, 0, 0)
    assert ledger.words == ("the guest gave 256 MiB, and the host got 256 MiB back",)


def test_on_hugepages_the_host_gets_nothing() -> None:
    """Measured: 2 MiB pages, no reporting, all resident before and after."""
    ledger = inflated(512, 512, backing=Backing(HUGE, reporting=False))
    assert (ledger.reclaimed, ledger.unreturned, ledger.yield_) == (0, 256 * MIB, 0)
    assert (ledger.never_used, ledger.never_used_most) == (0, 0), "all of it was held"
    assert ledger.void
    first, cause, instead = ledger.words
    assert first == "the guest gave 256 MiB, but the host got none of it back"
    assert "only free whole 2 MiB pages" in cause
    assert "ordinary memory" in instead


def test_on_hugepages_with_reporting_the_host_loses() -> None:
    """Measured: 2 MiB pages with reporting, 102 MiB resident before and 350 MiB after."""
    ledger = inflated(102, 350, backing=Backing(HUGE, reporting=True))
    assert ledger.reclaimed == -248 * MIB
    assert ledger.loss
    assert ledger.unreturned == 94 * MIB
    assert ledger.words[0] == "loss: the guest gave 256 MiB, but the host holds 248 MiB more than before"
    assert "target at RAM" in ledger.words[-1]


def test_a_guest_that_uses_what_it_kept_is_no_loss() -> None:
    """Seen: a guest gave 56 MiB of 256, and a process in it took 100 MiB after that."""
    ledger = inflated(81, 242)
    assert not ledger.loss
    assert ledger.words == ("the guest gave 256 MiB but touched memory since: the host holds 161 MiB more than before",)


def test_the_pool_is_evidence() -> None:
    ledger = Ledger(
        RAM,
        now=Moment(2.0, RAM // 2, RAM // 2, RAM, pool_free=10),
        before=Moment(1.0, RAM, RAM, RAM, pool_free=10),
        backing=Backing(HUGE),
    )
    assert "free pages in the pool: 10 before, 10 now" in ledger.words


def test_an_unknown_cause_is_reported_and_qemus_log_is_quoted() -> None:
    assert inflated(512, 512).words[1] == "the cause is unknown"
    refused = Backing(refusal="qemu: ram_block_discard_range: Failed to discard range ram0:0 +1000 (-22)")
    assert inflated(512, 512, backing=refused).words[1].endswith("ram0:0 +1000 (-22)")


def test_memory_that_is_taken_back_is_no_loss() -> None:
    ledger = Ledger(
        RAM,
        now=Moment(2.0, RAM, RAM, 200 * MIB),
        before=Moment(1.0, RAM // 2, RAM // 2, 190 * MIB),
    )
    assert (ledger.given, ledger.reclaimed, ledger.never_used) == (-256 * MIB, -10 * MIB, 0)
    assert not ledger.loss
    assert ledger.words == ("the guest took 256 MiB back; the host allocates it as the guest touches it",)


def test_pages_that_are_free_after_a_deflation_may_come_back_to_the_host() -> None:
    """Seen on hugepages with free page reporting: the host had lost 100 MiB, and has them again."""
    ledger = Ledger(
        RAM,
        now=Moment(2.0, RAM, RAM, 116 * MIB),
        before=Moment(1.0, RAM - 128 * MIB, RAM - 128 * MIB, 216 * MIB),
        backing=Backing(HUGE, reporting=True),
    )
    assert ledger.words == (
        "the guest took 128 MiB back, and the host holds 100 MiB less than before (free page reporting)",
    )


def test_without_a_change_there_is_no_before_and_nothing_to_say() -> None:
    ledger = Ledger(RAM, now=Moment(1.0, RAM, RAM, 100 * MIB, 400 * MIB), ours=False)
    assert (ledger.asked.before, ledger.asked.now, ledger.reclaimed, ledger.never_used) == (None, 0, None, None)
    assert ledger.words == ()


def test_another_clients_target_is_reported_as_such() -> None:
    ledger = Ledger(RAM, now=Moment(2.0, RAM, RAM), before=Moment(1.0, RAM, RAM), ours=False)
    assert ledger.words[0].startswith("another client set this target")


def test_the_guests_figure_is_of_one_kind() -> None:
    both = Ledger(RAM, now=Moment(2.0, available=5, free=3), before=Moment(1.0, available=9, free=8))
    assert (both.believed_as, both.believed.change) == ("available", -4)
    old = Ledger(RAM, now=Moment(2.0, free=3), before=Moment(1.0, free=8))
    assert (old.believed_as, old.believed.change) == ("free", -5)
    silent = Ledger(RAM, now=Moment(2.0), before=Moment(1.0, available=9, free=8))
    assert (silent.believed_as, silent.believed.before, silent.believed.now) == ("available", 9, None)


def settled(given: int, before: int, reached: int, now: int, *, reporting: bool = True) -> Ledger:
    """512 MiB that gave ``given``: what the host held before, when the target was reached, and now, in MiB."""
    size = RAM - given * MIB
    return Ledger(
        RAM,
        now=Moment(3.0, size, size, now * MIB),
        before=Moment(1.0, RAM, RAM, before * MIB),
        backing=Backing(reporting=reporting),
        settled=Moment(2.0, size, size, reached * MIB),
    )


def test_what_comes_after_the_target_was_reached_is_not_the_balloons() -> None:
    """Seen: a guest gave 112 MiB that it had never used, and removed a file after that: reporting returned 196 MiB."""
    before, after = settled(112, 300, 300, 300), settled(112, 300, 300, 104)
    assert (before.reclaimed, after.reclaimed, after.otherwise) == (0, 0, 196 * MIB)
    assert before.never_used_most == after.never_used_most == 112 * MIB, "it cannot fall after settling"
    assert "the host got 196 MiB more, not from the balloon, probably by free page reporting" in after.words
    assert after.words[0] == before.words[0]


def test_the_balloon_is_not_credited_with_more_than_the_guest_gave() -> None:
    ledger = settled(112, 400, 204, 204)
    assert (ledger.reclaimed, ledger.otherwise) == (112 * MIB, 84 * MIB)
    assert ledger.words[0] == "the guest gave 112 MiB, and the host got 112 MiB back"


def test_memory_touched_after_the_target_was_reached_takes_nothing_from_what_came_back() -> None:
    assert settled(256, 430, 174, 250).reclaimed == 256 * MIB


def test_what_was_swapped_out_was_not_given_back() -> None:
    ledger = Ledger(
        RAM,
        now=Moment(2.0, RAM // 2, RAM // 2, 100 * MIB, swapped=150 * MIB),
        before=Moment(1.0, RAM, RAM, 250 * MIB),
    )
    assert (ledger.reclaimed, ledger.otherwise) == (0, 0)


def test_memory_that_the_balloon_does_not_count_is_not_unreturned() -> None:
    """Seen: virtio-mem, from which the guest gave too."""
    held = Moment(2.0, RAM // 2, RAM // 2, RAM // 2 + 144 * MIB, beyond=256 * MIB)
    assert Ledger(RAM, now=held).unreturned == 0


def test_nothing_is_concluded_from_a_figure_older_than_the_last_movement() -> None:
    old = replace(inflated(430, 430), reading=True)
    assert (old.reclaimed, old.unreturned, old.yield_, old.never_used, old.never_used_most) == (None,) * 5
    assert (old.void, old.loss, old.otherwise) == (False, False, 0)
    assert old.words == ("the guest gave 256 MiB; reading what the host holds",)


def test_the_reason_for_an_unknown_figure_is_named() -> None:
    ledger = replace(inflated(430, 0), now=Moment(2.0, RAM // 2, RAM // 2), unknown="two blocks")
    assert ledger.words == ("the guest gave 256 MiB; how much the host got back is unknown: two blocks",)
