"""How a proposal is carried out: who is sent what, when, and what became of it."""

from __future__ import annotations

from tests.domain.rebalance.candidates import guest
from workbench.domain.balloon.safety.ramp import Ramp
from workbench.domain.rebalance.progress import Course, Seen, Stage, patience
from workbench.domain.rebalance.proposal import Candidate, propose
from workbench.domain.units import MIB

END = 100.0


def course(guests: list[Candidate], budget: int) -> Course:
    return Course(propose(guests, budget * MIB), deadline=END)


def at(target: int, actual: int | None = None, cause: str = "", **words: str) -> Seen:
    return Seen(target * MIB, (target if actual is None else actual) * MIB, cause, **words)


def stages(one: Course) -> list[Stage]:
    return [progress.stage for progress in one.progress.values()]


def gives_and_gets() -> list[Candidate]:
    """a has 200 of 512 MiB and needs more; b has 500 and needs little. At 600 MiB in all, b gives 195 and a gets 95."""
    return [guest("a", target=200, used=250, floor=295), guest("b", target=500, used=100)]


def test_guests_give_before_others_get() -> None:
    run = course(gives_and_gets(), 600)
    assert run.advance(0, {}) == [("b", 305 * MIB)]
    assert stages(run) == [Stage.WAITING, Stage.MOVING]
    assert run.advance(1, {"a": at(200), "b": at(305, 400)}) == [], "the one that gives is not there yet"
    assert run.advance(2, {"a": at(200), "b": at(305)}) == [("a", 295 * MIB)]
    assert stages(run) == [Stage.MOVING, Stage.REACHED]
    assert run.advance(3, {"a": at(295)}) == []
    assert run.over
    assert run.complete
    assert not run.failed


def test_what_was_not_given_is_not_handed_out() -> None:
    run = course(gives_and_gets(), 600)
    run.advance(0, {})
    run.fail("b", "QEMU does not answer")
    assert run.advance(1, {"a": at(200)}) == []
    assert stages(run) == [Stage.HELD, Stage.FAILED], "200 + 500 are more than 600 already"
    assert run.failed
    assert run.progress["a"].remark == "other guests gave too little"


def test_waiting_guests_get_what_there_is() -> None:
    guests = [*gives_and_gets(), guest("c", target=400, used=50)]
    run = course(guests, 1050)
    first = dict(run.advance(0, {}))
    assert set(first) == {"b", "c"}
    run.fail("b", "refused")
    room = 1050 - 200 - 500 - first["c"] // MIB
    assert 10 < room < 95, "what c gave is not enough for all of it"
    assert run.advance(1, {"c": at(first["c"] // MIB)}) == [("a", (200 + room) * MIB)]
    assert run.advance(2, {"a": at(200 + room)}) == []
    assert stages(run) == [Stage.REACHED, Stage.FAILED, Stage.REACHED]
    assert run.progress["a"].remark == f"got {room} MiB of 95 MiB: other guests gave too little"
    assert not run.complete


def test_the_greatest_need_is_met_first() -> None:
    calm = guest("a", target=200, used=150, floor=260)
    poor = guest("b", target=200, used=190, floor=260)
    run = course([calm, poor, guest("c", target=500), guest("d", target=500)], 1320)
    given = run.advance(0, {})
    assert [name for name, _ in given] == ["c", "d"]
    run.fail("c", "refused")
    room = 1320 - 200 - 200 - 500 - given[1][1] // MIB
    assert 10 < room < 60, "enough for one of them, and not for all of it"
    assert run.advance(1, {"d": at(given[1][1] // MIB)}) == [("b", (200 + room) * MIB)]
    assert run.progress["a"].stage is Stage.HELD


def test_a_timeout_ends_it_and_names_late_guests() -> None:
    run = course(gives_and_gets(), 600)
    run.advance(0, {})
    assert run.advance(END, {"b": at(305, 400, "the guest has no more free pages to give")}) == []
    assert run.over
    assert not run.complete
    assert not run.failed
    assert stages(run) == [Stage.HELD, Stage.LATE]
    assert run.progress["b"].remark == "the guest has no more free pages to give"
    assert run.progress["a"].remark == "timed out"


def test_a_guest_that_ends_on_the_way_has_failed() -> None:
    run = course([guest("a"), guest("b")], 700)
    run.advance(0, {})
    run.advance(1, {"a": at(0, 0, gone="QEMU exited"), "b": at(350)})
    assert stages(run) == [Stage.FAILED, Stage.REACHED]
    assert run.progress["a"].remark == "QEMU exited"


def test_a_target_set_by_another_client_on_the_way_is_kept() -> None:
    run = course([guest("a")], 300)
    assert run.advance(0, {}) == [("a", 300 * MIB)]
    run.advance(1, {"a": at(512)})
    assert stages(run) == [Stage.MOVING], "a reading from before it was sent"
    run.advance(2, {"a": at(300, 400)})
    run.advance(3, {"a": at(450, 450)})
    assert stages(run) == [Stage.FAILED]
    assert run.progress["a"].remark == "another client set its target to 450 MiB"


def test_a_ramp_is_waited_for_at_each_of_its_steps() -> None:
    run = course([guest("a")], 300)
    assert run.advance(0, {}) == [("a", 300 * MIB)]
    assert run.advance(1, {"a": at(412, step="step 1 of 3")}) == []
    assert run.advance(2, {"a": at(312, step="step 2 of 3")}) == []
    assert stages(run) == [Stage.MOVING]
    assert run.progress["a"].step == "step 2 of 3"
    run.advance(3, {"a": at(300)})
    assert run.complete


def test_a_ramp_ended_by_another_client_has_failed() -> None:
    run = course([guest("a")], 300)
    run.advance(0, {})
    run.advance(1, {"a": at(412, step="step 1 of 3")})
    run.advance(2, {"a": at(400)})
    assert run.progress["a"].remark == "another client set its target to 400 MiB"


def test_a_guest_whose_guard_gave_everything_back_gives_nothing() -> None:
    run = course(gives_and_gets(), 600)
    run.advance(0, {})
    run.advance(1, {"a": at(200), "b": at(512, 350, released="its guard gave everything back: 20 MiB available")})
    assert stages(run) == [Stage.HELD, Stage.RELEASED], "it counts with all its RAM now"
    assert not run.failed
    assert not run.complete
    assert "20 MiB available" in run.progress["b"].remark


def test_ramps_are_given_their_time() -> None:
    proposal = propose([guest("a"), guest("b")], 700 * MIB)
    plain = patience(proposal, {})
    assert patience(proposal, {"a": Ramp(20 * MIB, 5.0), "c": Ramp(MIB, 99.0)}) == plain + 8 * 5, "162 MiB are 9 steps"


def test_stopping_sends_nothing_more_and_says_so() -> None:
    run = course(gives_and_gets(), 600)
    run.advance(0, {})
    run.stop("left")
    assert run.over
    assert [one.remark for one in run.progress.values()] == ["left", "left"]
    assert run.advance(1, {"b": at(305)}) == []


def test_a_guest_that_stays_is_left_alone() -> None:
    run = course([guest("a", fixed="paused"), guest("b")], 900)
    assert run.advance(0, {}) == [("b", 388 * MIB)]
    run.advance(1, {"a": at(512, 100), "b": at(388)})
    assert stages(run) == [Stage.UNCHANGED, Stage.REACHED]
    assert run.complete
