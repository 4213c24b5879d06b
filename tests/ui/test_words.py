"""Numbers and times as the screen writes them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.units import MIB
from workbench.ui.words import short_size, uptime


def test_short_size() -> None:
    assert [short_size(size) for size in (512 * MIB, 1024 * MIB, 1536 * MIB)] == ["512M", "1G", "1.5G"]


@given(st.floats(0, 1e9))
def test_times_never_have_more_than_a_few_characters(seconds: float) -> None:
    assert len(uptime(seconds)) <= 9


def test_uptime() -> None:
    assert [uptime(seconds) for seconds in (5, 192, 7500, 273600)] == ["5s", "3m", "2h05m", "3d04h"]
