"""Recording: bounded, never blocking, one recorder at a time, and nothing is lost with a killed recorder."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import workbench
from workbench.domain.balloon.history.samples import fold, span_of
from workbench.domain.balloon.reading import Sample
from workbench.engine.balloon.record import history
from workbench.engine.balloon.record.history import FILES, HistoryFiles
from workbench.engine.balloon.record.recorder import LOCK, REST, Recorder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

MIB = 1 << 20


def sample(time: float, actual: int = 512, available: int | None = None) -> Sample:
    return Sample(time, 256 * MIB, actual * MIB, 200 * MIB, available)


def record(path: Path, samples: Iterable[Sample]) -> None:
    """One recorder's life."""
    recorder = Recorder(path, lasting=True)
    for one in samples:
        recorder.add(one)
    recorder.close()


def test_the_next_workbench_has_a_past(tmp_path: Path) -> None:
    samples = [sample(float(second), second) for second in range(20)]
    record(tmp_path, samples)
    files = HistoryFiles.of(tmp_path)
    assert files.samples(1000) == samples
    record(tmp_path, [sample(20.0, 20)])
    assert files.samples(3) == [*samples[-2:], sample(20.0, 20)]


def test_rest_takes_little_room_and_a_change_is_written_at_once(tmp_path: Path) -> None:
    recorder, files = Recorder(tmp_path, lasting=True), HistoryFiles.of(tmp_path)
    for tenth in range(1000):
        recorder.add(sample(tenth / 10, available=tenth))
    assert len(files.samples(1000)) == 100 / REST
    recorder.add(sample(100.0, 511))
    assert files.samples(1)[0].actual == 511 * MIB
    recorder.add(sample(100.1, 511, available=300 * MIB))
    recorder.add(sample(100.2, 511, available=30 * MIB))
    assert files.samples(1)[0].available == 30 * MIB


def test_every_file_is_bounded_and_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "LIMITS", (4000, 3000, 3000))
    recorder, files = Recorder(tmp_path, lasting=True), HistoryFiles.of(tmp_path)
    for turn in range(6000):
        recorder.add(sample(turn * 10.0, turn % 500))
        if turn % 50 == 0:
            for name in FILES:
                assert not (tmp_path / name).exists() or (tmp_path / name).stat().st_size <= 4300
    assert files.samples(10)[-1] == sample(59990.0, 5999 % 500)
    assert len(files.samples(1000)) > 20
    assert files.spans(1, 0)[-1].end > 59800
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((*FILES, LOCK))


def test_the_tiers_hold_the_dips_of_the_samples(tmp_path: Path) -> None:
    samples = [sample(float(second), 3 if second == 4242 else 500) for second in range(7300)]
    record(tmp_path, samples)
    files = HistoryFiles.of(tmp_path)
    assert files.spans(1, 0) == fold(map(span_of, samples), 60)[:-1]
    halves = files.spans(2, 0)
    assert [span.start for span in halves] == [0.0, 1800.0, 3600.0, 5400.0]
    assert [span.actual.low // MIB for span in halves] == [500, 500, 3, 500]


def test_the_next_recorder_completes_what_was_begun(tmp_path: Path) -> None:
    """A screen that is killed in the middle of a minute has written its samples and nothing of the minute."""
    samples = [sample(float(second), second % 100) for second in range(4000)]
    for begin, end in ((0, 95), (95, 100), (100, 1999), (1999, 3700), (3700, 4000)):
        record(tmp_path, samples[begin:end])
    files = HistoryFiles.of(tmp_path)
    assert files.spans(1, 0) == fold(map(span_of, samples), 60)[:-1]
    assert [(span.start, span.end) for span in files.spans(2, 0)] == [(0.0, 1799.0), (1800.0, 3599.0)]


def test_only_one_records(tmp_path: Path) -> None:
    screen, watch = Recorder(tmp_path, lasting=True), Recorder(tmp_path, lasting=False)
    watch.add(sample(1.0, 1))
    screen.add(sample(2.0, 2))
    watch.add(sample(3.0, 3))
    assert [one.time for one in HistoryFiles.of(tmp_path).samples(9)] == [1.0, 2.0], (
        "the screen records: watch does not"
    )
    screen.close()
    watch.add(sample(4.0, 4))
    watch.add(sample(4.5, 4))
    assert [one.time for one in HistoryFiles.of(tmp_path).samples(9)] == [1.0, 2.0, 4.0]


def test_a_recorder_that_was_killed_gives_way(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from workbench.domain.balloon.reading import Sample;"
        "from workbench.engine.balloon.record.recorder import Recorder;"
        "r = Recorder(Path(sys.argv[1]), lasting=True); r.add(Sample(1.0, 1, 1)); print('on', flush=True); sys.stdin.read()"
    )
    here = Path(workbench.__file__).parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=here, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == b"on\n"
        mine = Recorder(tmp_path, lasting=True)
        mine.add(sample(2.0))
        assert len(HistoryFiles.of(tmp_path).samples(9)) == 1
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        mine.add(sample(3.0))
    assert [one.time for one in HistoryFiles.of(tmp_path).samples(9)] == [1.0, 3.0]


def test_a_line_that_was_cut_costs_itself_only(tmp_path: Path) -> None:
    raw = tmp_path / FILES[0]
    record(tmp_path, [sample(1.0)])
    whole = raw.read_bytes()
    for length in range(1, len(whole)):
        raw.write_bytes(whole + whole[:length])
        record(tmp_path, [sample(3.0, 1)])
        loaded = HistoryFiles.of(tmp_path).samples(10)
        assert {one.time for one in loaded} == {1.0, 3.0}, whole[:length]
        assert loaded[-1] == sample(3.0, 1)


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
    recorder, raw = Recorder(tmp_path, lasting=True), tmp_path / FILES[0]
    recorder.add(sample(1.0, 1))
    room = raw.stat().st_size + 10  # the next line fits in part
    with file_size_limit(room):
        recorder.add(sample(2.0, 2))
        recorder.add(sample(3.0, 3))
        assert recorder.trouble == os.strerror(errno.EFBIG)
    assert raw.stat().st_size == room
    recorder.add(sample(4.0, 4))
    assert not recorder.trouble
    assert [one.time for one in HistoryFiles.of(tmp_path).samples(10)] == [1.0, 4.0]


def test_a_clock_that_is_set_back_loses_nothing(tmp_path: Path) -> None:
    forth = [sample(9000.0 + second, second) for second in range(200)]
    back = [sample(1000.0 + second, second) for second in range(200)]
    record(tmp_path, [*forth, *back])
    spans = HistoryFiles.of(tmp_path).past(0.0, 1.0).spans
    assert {span.start for span in spans} == {one.time for one in (*forth, *back)}
    assert [span.start for span in spans] == sorted(span.start for span in spans)


def test_a_directory_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    Recorder(tmp_path / "gone", lasting=True).add(sample(1.0))
    assert not (tmp_path / "gone").exists()
