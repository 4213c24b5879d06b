"""Targets as people write them: never one that kills the guest, always whole balloon pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon.target import LEAST, check_target, clamp_target, commanded_target, parse_target
from workbench.domain.units import GIB, MIB, PAGE, SizeError

RAM = 512 * MIB

rams = st.integers(min_value=1, max_value=2**22).map(lambda mebibytes: mebibytes * MIB)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("256M", 256 * MIB),
        ("0.25G", 256 * MIB),
        ("268435456", 256 * MIB),
        ("50%", 256 * MIB),
        (" 50 % ", 256 * MIB),
        ("12.5%", 64 * MIB),
        ("100%", RAM),
        ("max", RAM),
        ("MAX", RAM),
        ("+64M", 364 * MIB),
        ("+ 64M", 364 * MIB),
        ("+0", 300 * MIB),
        ("512M", RAM),
        ("1M", MIB),
        ("1048577", MIB),  # down to a whole page
        ("33.3%", int(RAM * 333 / 1000) // PAGE * PAGE),
    ],
)
def test_valid_targets(text: str, size: int) -> None:
    assert parse_target(text, ram=RAM, target=300 * MIB) == size


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0", "would leave the guest 0 bytes"),
        ("1", "would leave the guest 1 bytes"),
        ("0%", "would leave the guest 0 bytes"),
        ("-5%", "is negative"),
        ("-64M", "is negative"),
        ("513M", "more than the guest's RAM"),
        ("101%", "more than the guest's RAM"),
        ("+512M", "more than the guest's RAM"),
        ("99999G", "more than the guest's RAM"),
        ("abc", "is not a size"),
        ("", "is not a size"),
        ("+", "is not a size"),
        ("++64M", "is not a size"),
        ("%", "is not a percentage"),
        ("half%", "is not a percentage"),
        ("1/0%", "is not a percentage"),
        ("1e99999999%", "is not a percentage"),
        ("maximum", "is not a size"),
    ],
)
def test_an_invalid_target_says_why(text: str, words: str) -> None:
    with pytest.raises(SizeError, match=words):
        parse_target(text, ram=RAM, target=300 * MIB)


def test_out_of_range_names_the_range() -> None:
    with pytest.raises(SizeError, match="valid targets are 1M to 1G"):
        check_target(2 * GIB, ram=GIB, written="2G")


@given(
    st.one_of(
        st.text(alphabet="0123456789.+-%kKmMgGtTiB max", max_size=14),
        st.integers(0, 2**40).map(str),
        st.integers(0, 200).map("{}%".format),
        st.integers(0, 2**12).map("+{}M".format),
    ),
    rams,
    st.floats(0, 1),
)
def test_a_target_is_never_outside_1m_to_ram_and_always_whole_pages(text: str, ram: int, share: float) -> None:
    now = clamp_target(int(ram * share), ram=ram)
    try:
        size = parse_target(text, ram=ram, target=now)
    except SizeError:
        return
    assert LEAST <= size <= ram
    assert size % PAGE == 0


@given(st.integers(-(2**50), 2**50), rams)
def test_a_clamped_target_can_be_sent(size: int, ram: int) -> None:
    clamped = clamp_target(size, ram=ram)
    assert check_target(clamped, ram=ram, written="") == clamped
    if LEAST <= size <= ram:
        assert size - PAGE < clamped <= size


@pytest.mark.parametrize(
    ("command", "arguments", "target"),
    [
        ("balloon", {"value": 64 << 20}, 64 << 20),
        ("balloon", {"value": 0}, None),
        ("balloon", {"value": "64M"}, None),
        ("query-balloon", {}, None),
        ("human-monitor-command", {"command-line": "balloon 64"}, 64 << 20),
        ("human-monitor-command", {"command-line": "balloon 1G"}, 1 << 30),
        ("human-monitor-command", {"command-line": "info balloon"}, None),
        ("human-monitor-command", {"command-line": "balloon x"}, None),
    ],
)
def test_the_target_of_a_command(command: str, arguments: dict[str, object], target: int | None) -> None:
    assert commanded_target(command, arguments) == target
