"""Marks on disk: kept for the next workbench, bounded, and never blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon.history.marks import Mark, MarkKind
from workbench.engine.balloon.record import marks
from workbench.engine.balloon.record.marks import FILE, MarksFile, parse_marks

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def request(time: float, size: int = 256 << 20) -> Mark:
    return Mark(time, MarkKind.REQUEST, "target 256 MiB", size)


def test_the_next_workbench_has_them_and_the_present_one_sees_what_another_adds(tmp_path: Path) -> None:
    screen, command = MarksFile(tmp_path), MarksFile(tmp_path)
    assert screen.load() == ()
    screen.add(request(1.0))
    command.add(Mark(2.0, MarkKind.RESET, "reset"))
    assert screen.load() == command.load() == MarksFile(tmp_path).load()
    assert [mark.kind for mark in screen.load()] == [MarkKind.REQUEST, MarkKind.RESET]


def test_a_mark_that_grows_is_one(tmp_path: Path) -> None:
    file = MarksFile(tmp_path)
    for size in (1, 2, 3):
        file.add(Mark(5.0, MarkKind.TAKE_BACK, f"took {size} MiB back", size))
    file.add(request(6.0))
    assert file.load() == (Mark(5.0, MarkKind.TAKE_BACK, "took 3 MiB back", 3), request(6.0))


def test_an_event_seen_twice_is_marked_once(tmp_path: Path) -> None:
    MarksFile(tmp_path).add(Mark(1.0, MarkKind.RESET, "reset"))
    MarksFile(tmp_path).add(Mark(1.0, MarkKind.RESET, "reset"))
    assert len(MarksFile(tmp_path).load()) == 1


def test_a_line_that_was_cut_short_swallows_no_other(tmp_path: Path) -> None:
    file = MarksFile(tmp_path)
    file.add(request(1.0))
    with (tmp_path / FILE).open("ab") as raw:
        raw.write(b'{"time":2.0,"kind":"re')
    file.add(request(3.0))
    assert MarksFile(tmp_path).load() == (request(1.0), request(3.0))


def test_the_file_is_bounded_and_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "LIMIT", 2000)
    file = MarksFile(tmp_path)
    for second in range(200):
        file.add(request(float(second)))
    assert (tmp_path / FILE).stat().st_size < 2200
    kept = file.load()
    assert kept == tuple(request(float(second)) for second in range(200 - len(kept), 200))
    assert len(kept) > 5


def test_marks_that_the_disk_refuses_are_still_known_here(tmp_path: Path) -> None:
    file = MarksFile(tmp_path / "gone")
    file.add(request(1.0))
    file.add(request(2.0))
    assert file.load() == (request(1.0), request(2.0))
    other = MarksFile(tmp_path / "gone")
    assert other.load() == ()
    other.follow(file)
    assert other.load() == file.load()


@given(st.lists(st.binary(max_size=40)))
def test_any_lines_are_marks_or_passed_over(lines: list[bytes]) -> None:
    assert all(isinstance(mark, Mark) for mark in parse_marks(lines))
