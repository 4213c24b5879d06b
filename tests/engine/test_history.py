"""The readings on disk: bounded, never in the way, and readable after whatever became of their last line."""

from __future__ import annotations

import resource
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon import Sample
from workbench.engine import history
from workbench.engine.history import FILE, REST, HistoryFile, format_line, parse_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

sizes = st.integers(0, 2**50)


def sample(time: float, actual: int = 512) -> Sample:
    return Sample(time, 256 << 20, actual << 20, 200 << 20, None)


@given(
    st.builds(
        Sample,
        time=st.integers(0, 2**42).map(lambda thousandths: thousandths / 1000),
        target=sizes,
        actual=sizes,
        resident=st.none() | sizes,
        available=st.none() | sizes,
    )
)
def test_a_line_reads_back(one: Sample) -> None:
    assert parse_line(format_line(one)) == one


@given(st.text(max_size=60))
def test_any_line_is_a_sample_or_none(line: str) -> None:
    parsed = parse_line(line)
    assert parsed is None or isinstance(parsed, Sample)


def test_the_next_workbench_has_a_past(tmp_path: Path) -> None:
    first = HistoryFile(tmp_path)
    samples = [sample(float(second), second) for second in range(20)]
    for one in samples:
        first.add(one)
    assert HistoryFile(tmp_path).load(1000) == samples
    second = HistoryFile(tmp_path)
    second.add(sample(20.0, 20))
    assert HistoryFile(tmp_path).load(3) == [*samples[-2:], sample(20.0, 20)]


def test_none_yet(tmp_path: Path) -> None:
    assert HistoryFile(tmp_path).load(10) == []


def test_rest_takes_little_room(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path)
    for tenth in range(1000):
        file.add(sample(tenth / 10))
    assert len(file.load(1000)) == 100 / REST
    file.add(sample(100.0, 511))
    assert file.load(1)[0].actual == 511 << 20, "a change is written at once"


def test_the_file_is_bounded_and_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "LIMIT", 2000)
    file = HistoryFile(tmp_path)
    for second in range(500):
        file.add(sample(float(second), second))
        assert (tmp_path / FILE).stat().st_size <= 2100
    kept = file.load(1000)
    assert [one.time for one in kept] == [float(second) for second in range(500 - len(kept), 500)]
    assert len(kept) > 15
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_line_that_was_cut_costs_itself_only(tmp_path: Path) -> None:
    whole = f"{format_line(sample(1.0))}\n"
    for length in range(1, len(whole)):
        (tmp_path / FILE).write_text(whole + whole[:length])
        HistoryFile(tmp_path).add(sample(3.0))
        loaded = HistoryFile(tmp_path).load(10)
        assert (loaded[0], loaded[-1]) == (sample(1.0), sample(3.0)), whole[:length]


def test_garbage_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe\0\n" + f"{format_line(sample(1.0))}\n".encode() + b"1 2 3\nnan - - - -\n")
    assert HistoryFile(tmp_path).load(10) == [sample(1.0)]


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file of this process can grow past ``size`` bytes: a write gives EFBIG, as it gives ENOSPC on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_stops_nothing_and_spoils_nothing(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path)
    file.add(sample(1.0, 1))
    room = (tmp_path / FILE).stat().st_size + 10  # the next line fits in part
    with file_size_limit(room):
        file.add(sample(2.0, 2))
        file.add(sample(3.0, 3))
    assert (tmp_path / FILE).stat().st_size == room
    file.add(sample(4.0, 4))
    assert [one.time for one in file.load(10)] == [1.0, 4.0]


def test_a_directory_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    HistoryFile(tmp_path / "gone").add(sample(1.0))
    assert not (tmp_path / "gone").exists()
