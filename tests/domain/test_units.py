"""Sizes, shares and times as people write them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.units import (
    GIB,
    KIB,
    MIB,
    TIB,
    SizeError,
    age,
    ago,
    duration,
    format_size,
    gib_of,
    in_mib,
    mib,
    mib_span,
    parse_percentage,
    parse_size,
    size_words,
    whole_mib,
    with_sign,
)

sizes = st.integers(min_value=0, max_value=2**63)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("1K", KIB),
        ("1k", KIB),
        ("256M", 256 * MIB),
        ("256MB", 256 * MIB),
        ("256MiB", 256 * MIB),
        ("256 mib", 256 * MIB),
        (" 1.5 GiB ", 3 * GIB // 2),
        ("0.5K", 512),
        ("2T", 2 * TIB),
        ("100B", 100),
    ],
)
def test_a_size_is_read_in_binary_units(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a size"),
        ("abc", "is not a size"),
        ("M", "is not a size"),
        ("1,5G", "is not a size"),
        ("1e9", "is not a size"),
        ("٢M", "is not a size"),
        ("1 2", "is not a size"),
        ("+1M", "is not a size"),
        ("9" * 21, "is not a size"),
        ("--wiat", "is not a size"),
        ("-64M", "is negative"),
        (" -1", "is negative"),
        ("0.3", "not a whole number of bytes"),
        ("0.0001K", "not a whole number of bytes"),
    ],
)
def test_an_invalid_size_says_why(text: str, words: str) -> None:
    with pytest.raises(SizeError, match=words) as caught:
        parse_size(text)
    assert repr(text.strip()) in str(caught.value)


@given(sizes)
def test_a_written_size_reads_back(size: int) -> None:
    assert parse_size(format_size(size)) == size


@given(sizes, st.sampled_from(["", "K", "kib", "M", "mB", "G", "t"]), st.sampled_from(["", " "]))
def test_units_multiply_by_powers_of_1024(number: int, unit: str, space: str) -> None:
    factor = 1024 ** " kmgt".index((unit[:1] or " ").lower())
    assert parse_size(f"{number}{space}{unit}") == number * factor


@given(st.text(max_size=30))
def test_any_text_is_a_size_or_a_size_error(text: str) -> None:
    with suppress(SizeError):
        assert parse_size(text) >= 0


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0"), (1, "1"), (KIB, "1K"), (1536 * KIB, "1536K"), (512 * MIB, "512M"), (GIB, "1G"), (3 * TIB, "3T")],
)
def test_a_size_is_written_as_short_as_it_is_exact(size: int, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 MiB"),
        (256 * MIB, "256 MiB"),
        (-55 * MIB, "−55 MiB"),
        (MIB // 2, "1 MiB"),
        (MIB // 2 - 1, "<1 MiB"),
        (-(MIB // 2), "−1 MiB"),
        (-1, "<1 MiB"),
        (2 * TIB, "2,097,152 MiB"),
    ],
)
def test_mib_rounds_and_has_a_true_minus(size: int, text: str) -> None:
    assert mib(size) == text


@pytest.mark.parametrize(
    ("size", "plain", "signed"),
    [
        (0, "0", "0"),
        (256 * MIB, "256", "+256"),
        (-55 * MIB, "−55", "−55"),
        (100, "<1", "0"),
        (-100, "<1", "0"),
        (20000 * MIB, "20,000", "+20,000"),
    ],
)
def test_in_a_column_the_unit_is_left_to_its_name(size: int, plain: str, signed: str) -> None:
    assert (in_mib(size), in_mib(size, signed=True)) == (plain, signed)
    assert (mib(size), mib(size, signed=True)) == (f"{plain} MiB", f"{signed} MiB")


@given(st.integers(-(2**63), 2**63))
def test_whole_mib_are_the_nearest(size: int) -> None:
    assert abs(whole_mib(size) * MIB - size) <= MIB // 2
    assert whole_mib(-size) == -whole_mib(size)


@pytest.mark.parametrize(
    ("least", "most", "text"),
    [
        (0, 44 * MIB, "0\u201344"),
        (44 * MIB, 44 * MIB + 1, "44"),
        (0, 0, "0"),
        (1, 2, "<1"),
        (MIB, 2000 * MIB, "1\u20132,000"),
    ],
)
def test_a_span_is_one_number_where_both_round_to_the_same(least: int, most: int, text: str) -> None:
    assert mib_span(least, most) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (32, "32 bytes"), (4 * KIB, "4 KiB"), (2 * MIB, "2 MiB"), (GIB, "1 GiB"), (TIB, "1024 GiB")],
)
def test_a_page_or_a_region_is_written_exactly(size: int, text: str) -> None:
    assert size_words(size) == text


def test_a_count_with_its_sign() -> None:
    assert [with_sign(count) for count in (14080, -14080, 0)] == ["+14,080", "−14,080", "0"]


def test_gib_of() -> None:
    assert gib_of(3 * GIB // 2, 8 * GIB) == "1.5 of 8.0 GiB"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (2.4, "2 s"),
        (99, "99 s"),
        (100, "1 min"),
        (5999, "99 min"),
        (6000, "1 h"),
        (172799, "47 h"),
        (172800, "2 d"),
    ],
)
def test_an_age_has_one_unit(seconds: float, words: str) -> None:
    assert age(seconds) == words
    assert ago(seconds) == f"{words} ago"


def test_a_time_to_wait_has_tenths_of_a_second_while_it_is_short() -> None:
    assert [duration(seconds) for seconds in (0.24, 9.94, 9.95, 180)] == ["0.2 s", "9.9 s", "10 s", "3 min"]


@given(st.floats(0, 1e9))
def test_times_are_short(seconds: float) -> None:
    assert len(age(seconds)) <= 7
    assert len(duration(seconds)) <= 7


@pytest.mark.parametrize(
    ("text", "size"), [("50%", 512), (" 12.5 % ", 128), ("0%", 0), ("100%", 1024), ("-1%", -10), ("33.3%", 340)]
)
def test_a_percentage_is_a_part_of_the_whole(text: str, size: int) -> None:
    assert parse_percentage(text, 1024) == size


@pytest.mark.parametrize("text", ["", "%", "half%", "50", "1e9%", "1234567%", "5%%", "\u0665%"])
def test_an_invalid_percentage_is_rejected(text: str) -> None:
    with pytest.raises(SizeError, match="is not a percentage: use a form such as 50%"):
        parse_percentage(text, 1024)
