from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from workbench.engine.storage.input_history import InputHistory

if TYPE_CHECKING:
    from pathlib import Path


def test_lines_are_kept_across_runs(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "history"
    history = InputHistory(file)
    for line in ("query-status", "query-status", "balloon value=1", "  ", " secret", "é [/x]"):
        history.add(line)
    assert history.lines == ["query-status", "balloon value=1", "é [/x]"]
    assert InputHistory(file).lines == history.lines
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_screens_share_it(tmp_path: Path) -> None:
    file = tmp_path / "history"
    one, two = InputHistory(file), InputHistory(file)
    one.add("a")
    two.add("b")
    one.add("c")
    assert InputHistory(file).lines == ["a", "b", "c"]


def test_it_is_bounded(tmp_path: Path) -> None:
    file = tmp_path / "history"
    history = InputHistory(file, limit=10, size=200)
    other = InputHistory(file, limit=10, size=200)
    for index in range(100):
        history.add(f"line {index}")
        assert file.stat().st_size <= 200
    assert history.lines == [f"line {index}" for index in range(90, 100)]
    assert InputHistory(file, limit=10).lines == history.lines
    assert [entry.name for entry in tmp_path.iterdir()] == ["history"]
    other.add("last")
    assert InputHistory(file, limit=10).lines[-2:] == ["line 99", "last"]


def test_a_damaged_file_does_not_keep_anybody_from_typing(tmp_path: Path) -> None:
    file = tmp_path / "history"
    file.write_bytes(b"good\n\xff\xfe\x00\n\n\nalso good")
    assert InputHistory(file).lines[0] == "good"
    assert InputHistory(file).lines[-1] == "also good"


def test_a_line_that_cannot_be_written_is_reported_and_kept_for_this_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    history = InputHistory(tmp_path / "file" / "history")
    assert history.lines == []
    with pytest.raises(OSError, match="file"):
        history.add("x")
    assert history.lines == ["x"]


def test_without_a_file() -> None:
    history = InputHistory(None)
    history.add("x")
    assert history.lines == ["x"]
