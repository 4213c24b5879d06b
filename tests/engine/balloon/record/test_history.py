"""Reading the history back: tails only, with damaged lines, and a month in as few spans as a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon.history.samples import GAP, fold, span_of
from workbench.domain.balloon.reading import Sample
from workbench.engine.balloon.record.history import (
    FILES,
    HistoryFiles,
    format_sample,
    format_span,
    parse_sample,
    parse_spans,
)

if TYPE_CHECKING:
    from pathlib import Path

sizes = st.integers(0, 2**50)
samples = st.builds(
    Sample,
    time=st.integers(0, 2**42).map(lambda thousandths: thousandths / 1000),
    target=sizes,
    actual=sizes,
    resident=st.none() | sizes,
    available=st.none() | sizes,
)
MONTH = 30 * 86400


def sample(time: float, actual: int = 512) -> Sample:
    return Sample(time, 256 << 20, actual << 20, 200 << 20, None)


def write(path: Path, tier: int, some: list[Sample], width: float = 0.0) -> None:
    spans = fold(map(span_of, some), width) if tier else []
    lines = [*map(format_span, spans)] if tier else [*map(format_sample, some)]
    (path / FILES[tier]).write_bytes(b"".join(line + b"\n" for line in lines))


@given(samples)
def test_a_line_reads_back(one: Sample) -> None:
    assert parse_sample(format_sample(one)) == one
    assert parse_spans([format_span(span_of(one))]) == [span_of(one)]


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_line_is_something_or_nothing(line: bytes) -> None:
    parsed = parse_sample(line)
    assert parsed is None or isinstance(parsed, Sample)
    parse_spans([line])


@given(samples, st.data())
def test_a_line_that_was_cut_is_none(one: Sample, data: st.DataObject) -> None:
    """A number that lost its last digits would be a dip that never was."""
    for line in (format_sample(one), format_span(span_of(one))):
        cut = line[: data.draw(st.integers(0, len(line) - 1))]
        assert parse_sample(cut) is None
        assert parse_spans([cut]) == []


def test_none_yet(tmp_path: Path) -> None:
    files = HistoryFiles.of(tmp_path)
    assert files.samples(10) == []
    assert files.past(0.0, 1.0).spans == ()
    assert files.oldest is None


def test_garbage_is_passed_over(tmp_path: Path) -> None:
    good = format_sample(sample(1.0))
    (tmp_path / FILES[0]).write_bytes(b"\xff\xfe\0\n" + good + b"\n[1, 2, 3]\nnan - - - -\n\n[1.5,2,3,null")
    assert HistoryFiles.of(tmp_path).samples(10) == [sample(1.0)]


def test_the_newest_samples_are_read_from_the_end(tmp_path: Path) -> None:
    many = [sample(float(second), second % 500) for second in range(9000)]
    write(tmp_path, 0, many)
    assert HistoryFiles.of(tmp_path).samples(100) == many[-100:]


def test_a_short_window_is_read_from_the_samples(tmp_path: Path) -> None:
    many = [sample(float(second), second % 500) for second in range(9000)]
    write(tmp_path, 0, many)
    past = HistoryFiles.of(tmp_path).past(8000.0, 0.5)
    assert past.spans[-1] == span_of(many[-1])
    assert 8000 - GAP <= past.spans[0].start < 8000
    assert len(past.spans) <= 1000 + GAP + 1
    assert past.oldest == 0.0


def test_tiers_follow_each_other_without_a_hole(tmp_path: Path) -> None:
    """The coarse ones are older, and the newest minute has no line but its samples'."""
    every = [
        sample(60.0 * minute + half, minute % 500) for minute in range(6000) for half in (0.0, 10.0, 20, 30, 40, 50)
    ]
    now = every[-1].time
    write(tmp_path, 2, every[: -6 * 5], 1800)
    write(tmp_path, 1, every[-6 * 2000 : -6], 60)
    write(tmp_path, 0, every[-6 * 500 :])
    files = HistoryFiles.of(tmp_path)
    for step in (1.0, 30.0, 60.0, 300.0, 1800.0, 7200.0):
        past = files.past(0.0, step)
        assert past.spans[0].start == 0.0
        assert past.spans[-1].end == now, step
        longest = max(b.start - a.end for a, b in zip(past.spans, past.spans[1:], strict=False))
        assert longest <= GAP, step
        assert all(a.start <= b.start for a, b in zip(past.spans, past.spans[1:], strict=False))


def test_a_month_is_few_spans_and_keeps_a_short_dip(tmp_path: Path) -> None:
    every = [sample(60.0 * minute) for minute in range(MONTH // 60)]
    every[10_000] = sample(every[10_000].time, 3)
    write(tmp_path, 2, every, 1800)
    step = MONTH / 600
    past = HistoryFiles.of(tmp_path).past(0.0, step)
    assert len(past.spans) <= 1800 * 6
    assert min(span.actual.low for span in past.spans) == 3 << 20
