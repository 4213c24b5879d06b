"""Many samples in few spans and columns: no dip is lost, nothing is made up, and gaps stay gaps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon.history.samples import GAP, SERIES, Range, Span, ascending, columns, fold, span_of
from workbench.domain.balloon.reading import Sample

sizes = st.integers(0, 2**40)
times = st.integers(0, 10**7).map(lambda tenths: tenths / 10)


@st.composite
def histories(draw: st.DrawFn) -> list[Sample]:
    """Samples in order, some close together and some far apart."""
    steps = draw(st.lists(st.sampled_from([0.1, 1.0, 5.0, 14.0, 40.0, 4000.0]), max_size=60))
    samples, time = [], draw(times)
    for step in steps:
        time = round(time + step, 3)
        samples.append(Sample(time, draw(sizes), draw(sizes), draw(st.none() | sizes), draw(st.none() | sizes)))
    return samples


def extremes(spans: list[Span], series: int) -> tuple[int | None, int | None, int | None]:
    ranges: list[Range] = [found for span in spans if (found := getattr(span, SERIES[series])) is not None]
    if not ranges:
        return None, None, None
    return min(found.low for found in ranges), max(found.high for found in ranges), ranges[-1].last


@given(histories(), st.sampled_from([0.5, 60.0, 1800.0]))
def test_folding_loses_no_extreme_and_no_end(samples: list[Sample], width: float) -> None:
    spans = [span_of(sample) for sample in samples]
    folded = fold(spans, width)
    for series in range(len(SERIES)):
        assert extremes(folded, series) == extremes(spans, series)
    assert [span.start for span in folded] == sorted(span.start for span in folded)
    if samples:
        assert (folded[0].start, folded[-1].end) == (samples[0].time, samples[-1].time)


@given(histories(), st.sampled_from([60.0, 1800.0]))
def test_a_fold_is_bounded_by_the_time_it_covers_however_many_samples(samples: list[Sample], width: float) -> None:
    folded = fold([span_of(sample) for sample in samples], width)
    longest = max(GAP, width / 6)
    buckets = {int(sample.time // width) for sample in samples}
    assert len(folded) <= len(buckets) * (1 + width // longest)
    assert all(span.end - span.start < width for span in folded)


@given(histories())
def test_folding_twice_is_folding_once(samples: list[Sample]) -> None:
    spans = [span_of(sample) for sample in samples]
    assert fold(fold(spans, 60), 1800) == fold(fold(fold(spans, 60), 60), 1800)


def test_a_gap_is_not_folded_over() -> None:
    first, second = Sample(0.0, 1, 1), Sample(GAP + 1, 1, 1)
    assert len(fold([span_of(first), span_of(second)], 60)) == 2


def test_lines_written_under_another_clock_are_put_in_order() -> None:
    spans = [span_of(Sample(time, 1, 1)) for time in (100.0, 101.0, 5.0, 6.0)]
    assert [span.start for span in ascending(spans)] == [5.0, 6.0, 100.0, 101.0]


@given(histories(), st.integers(1, 80), st.sampled_from([0.1, 2.0, 30.0, 3600.0]), st.booleans())
def test_columns_show_every_extreme_of_what_they_cover(
    samples: list[Sample], count: int, step: float, as_spans: bool
) -> None:
    start = samples[len(samples) // 3].time if samples else 0.0
    reach = start + count * step
    spans = [span_of(sample) for sample in samples]
    drawn = columns(
        spans if as_spans else [], [] if as_spans else samples, start=start, step=step, count=count, now=reach
    )
    assert [len(series) for series in drawn] == [count] * len(SERIES)
    for number, name in enumerate(SERIES):
        known = [(s.time, v) for s in samples if (v := getattr(s, name)) is not None]
        within = [value for time, value in known if start <= time < reach and int((time - start) // step) < count]
        cells = [cell for cell in drawn[number] if cell is not None]
        if within:
            assert min(cell[0] for cell in cells) <= min(within)
            assert max(cell[1] for cell in cells) >= max(within)
        # Nothing is shown that was not there: in the window, or held from just before it.
        values = {value for _, value in known}
        assert all(set(cell) <= values and cell[0] <= cell[2] <= cell[1] for cell in cells)


def test_a_dip_between_two_columns_is_in_one_of_them() -> None:
    samples = [Sample(t / 10, 100, 1 if t == 55 else 90) for t in range(200)]
    actual = columns([], samples, start=0.0, step=4.0, count=5, now=20.0)[1]
    assert actual[1] == (1, 90, 90)
    assert actual[0] == (90, 90, 90)


def test_a_value_holds_until_the_next_but_not_over_a_gap() -> None:
    samples = [Sample(0.0, 8, 8), Sample(5.0, 8, 6), Sample(5.0 + GAP + 5, 8, 4)]
    actual = columns([], samples, start=0.0, step=1.0, count=40, now=27.0)[1]
    assert [cell and cell[2] for cell in actual[:6]] == [8, 8, 8, 8, 8, 6]
    assert actual[6:25] == [None] * 19, "no samples in between"
    assert [cell and cell[2] for cell in actual[25:29]] == [4, 4, 4, None], "nothing is known of what is yet to come"


def test_what_was_known_before_the_window_holds_into_it() -> None:
    drawn = columns([], [Sample(98.0, 8, 6), Sample(104.0, 8, 5)], start=100.0, step=1.0, count=6, now=106.0)
    assert [cell and cell[2] for cell in drawn[1]] == [6, 6, 6, 6, 5, 5]
