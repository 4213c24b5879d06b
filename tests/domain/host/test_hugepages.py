from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from workbench.domain.host.hugepages import HugepagePool, NodePool, Shortage, fitting, pages_of, shortage
from workbench.domain.units import GIB, KIB, MIB, size_words, sizes_words

SIZES = st.sampled_from([64 * KIB, 2 * MIB, 32 * MIB, GIB])


@st.composite
def pools(draw: st.DrawFn) -> HugepagePool:
    """A pool as the kernel keeps it: reserved <= free <= total, surplus <= total."""
    total = draw(st.integers(0, 4096))
    free = draw(st.integers(0, total))
    reserved = draw(st.integers(0, free))
    surplus = draw(st.integers(0, total - free))
    return HugepagePool(draw(SIZES), total, free, reserved, surplus, draw(st.integers(0, 64)))


def grown(pool: HugepagePool, write: int) -> HugepagePool:
    """The pool after ``write`` went into nr_hugepages: surplus is made permanent first (mm/hugetlb.c)."""
    assert write >= pool.total
    return HugepagePool(pool.page, write, pool.free + write - pool.total, pool.reserved, 0, pool.overcommit)


@given(pools(), st.integers(1, 8192))
def test_the_number_to_write_is_enough_and_no_more(pool: HugepagePool, pages: int) -> None:
    pool = HugepagePool(pool.page, pool.total, pool.free, pool.reserved, pool.surplus)
    size = pages * pool.page
    short = shortage(size, pool)
    if short is None:
        assert pages <= pool.available
        return
    assert short.missing == pages - pool.available > 0
    assert shortage(size, grown(pool, short.write)) is None
    assume(short.write > pool.total + 1)
    assert shortage(size, grown(pool, short.write - 1)) is not None


@given(pools(), st.integers(1, 8192))
def test_pages_that_are_in_use_stay_in_the_number(pool: HugepagePool, pages: int) -> None:
    short = shortage(pages * pool.page, pool)
    if short is not None:
        in_use = pool.total - pool.free
        assert short.write + max(0, pool.overcommit - pool.surplus) == in_use + pool.reserved + pages


def test_reserved_pages_are_not_available() -> None:
    pool = HugepagePool(2 * MIB, total=64, free=64, reserved=60, surplus=0)
    assert shortage(8 * MIB, pool) is None
    assert shortage(10 * MIB, pool) == Shortage(2 * MIB, needed=5, available=4, total=64)


def test_overcommit_lets_the_kernel_add_pages() -> None:
    pool = HugepagePool(2 * MIB, total=2, free=0, reserved=0, surplus=2, overcommit=6)
    assert shortage(8 * MIB, pool) is None
    assert shortage(10 * MIB, pool) is not None


def test_a_bound_guest_gets_its_nodes_pages_alone() -> None:
    pool = HugepagePool(2 * MIB, total=128, free=128, reserved=0, surplus=0)
    nodes = [NodePool(0, 2 * MIB, 8, 8), NodePool(1, 2 * MIB, 120, 120)]
    assert shortage(256 * MIB, pool, nodes) is None
    short = shortage(64 * MIB, pool, nodes[:1])
    assert short == Shortage(2 * MIB, needed=32, available=8, total=8, node=0)
    assert short is not None
    assert short.write == 32


def test_a_page_free_on_the_node_may_be_promised_to_others() -> None:
    pool = HugepagePool(2 * MIB, total=64, free=64, reserved=62, surplus=0)
    short = shortage(8 * MIB, pool, [NodePool(0, 2 * MIB, 32, 32)])
    assert short is not None
    assert (short.missing, short.write) == (2, 34)


@given(st.integers(-(10**12), 10**13), SIZES)
def test_whole_pages_or_an_error(size: int, page: int) -> None:
    if size > 0 and size % page == 0:
        assert pages_of(size, page) * page == size
    else:
        with pytest.raises(ValueError, match="not a whole number"):
            pages_of(size, page)


@given(st.integers(1, 10**13), SIZES)
def test_the_sizes_offered_instead_enclose_the_one_asked_for(size: int, page: int) -> None:
    below, above = fitting(size, page)
    assert below <= size <= above
    assert below % page == above % page == 0
    assert above - below == (0 if size % page == 0 else page)


def test_words() -> None:
    assert [size_words(page) for page in (64 * KIB, 2 * MIB, GIB, 100)] == ["64 KiB", "2 MiB", "1 GiB", "100 bytes"]
    assert sizes_words([]) == ""
    assert sizes_words([2 * MIB]) == "2 MiB"
    assert sizes_words([GIB, 2 * MIB]) == "2 MiB and 1 GiB"
    assert sizes_words([GIB, 64 * KIB, 2 * MIB]) == "64 KiB, 2 MiB and 1 GiB"
