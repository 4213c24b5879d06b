"""Undo and redo over a session's targets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon.target_undo import KEPT, Targets, Way

START = 512


def run(*steps: int | Way) -> tuple[Targets, int]:
    """The undo history after these targets, undos and redos, and the present target."""
    session, now = Targets(), START
    for step in steps:
        way = step if isinstance(step, Way) else Way.NEW
        target = step if isinstance(step, int) else session.next(step)
        if target is not None:
            session, now = session.sent(target, replaced=now, way=way), target
    return session, now


def test_undo_goes_back_one_by_one_and_redo_forward_again() -> None:
    assert run(256, 128, Way.UNDO)[1] == 256
    assert run(256, 128, Way.UNDO, Way.UNDO)[1] == START
    assert run(256, 128, Way.UNDO, Way.UNDO, Way.REDO)[1] == 256
    assert run(256, 128, Way.UNDO, Way.UNDO, Way.REDO, Way.REDO)[1] == 128


def test_a_new_target_ends_what_could_be_redone() -> None:
    session, now = run(256, 128, Way.UNDO, 64)
    assert now == 64
    assert session.next(Way.REDO) is None
    assert session.next(Way.UNDO) == 256


def test_the_same_target_again_is_nothing_to_undo() -> None:
    session, _ = run(256, 256, 256)
    assert session.before == (START,)


def test_nothing_to_undo_or_redo() -> None:
    assert Targets().next(Way.UNDO) is None
    assert Targets().next(Way.REDO) is None
    assert Targets((1,), (2,)).next(Way.NEW) is None


@given(st.lists(st.integers(1, 8) | st.sampled_from([Way.UNDO, Way.REDO]), max_size=60))
def test_undoing_all_ends_at_the_start_and_redoing_all_where_it_was(steps: list[int | Way]) -> None:
    session, now = run(*steps)
    while (target := session.next(Way.REDO)) is not None:
        session, now = session.sent(target, replaced=now, way=Way.REDO), target
    latest, count = now, len(session.before)
    for _ in range(count):
        target = session.next(Way.UNDO)
        assert target is not None
        session, now = session.sent(target, replaced=now, way=Way.UNDO), target
    assert (now, session.next(Way.UNDO)) == (START, None)
    for _ in range(count):
        target = session.next(Way.REDO)
        assert target is not None
        session, now = session.sent(target, replaced=now, way=Way.REDO), target
    assert now == latest


def test_a_long_session_stays_small() -> None:
    session, _ = run(*(size for size in range(1, 3 * KEPT)))
    assert len(session.before) == KEPT
