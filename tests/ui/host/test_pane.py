from __future__ import annotations

import re
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from textual.app import App, ComposeResult
from textual.containers import Vertical

from tests.ui.fake_engine import running
from tests.ui.main.opened import opened
from workbench.domain.host.accelerator import DOM0, UNNAMED, hypervisor_words
from workbench.domain.host.hugepages import HugepageHolder, HugepagePool, NodePool
from workbench.domain.host.snapshot import HostSnapshot
from workbench.domain.units import GIB, MIB
from workbench.ui.host.pane import WIDEST, HostPane, host_lines
from workbench.ui.host.pool_table import pool_table

SMALL = HugepagePool(2 * MIB, total=640, free=140, reserved=12, surplus=0)
NONE = HugepagePool(GIB, 0, 0, 0, 0)
HOST = HostSnapshot(
    accelerator="tcg",
    accelerator_reason="no vmx or svm here",
    accelerator_advice="nesting [b]is[/b] off",
    hypervisor="KVM",
    qemu="7.2.22",
    memory_total=round(23.5 * GIB),
    memory_available=round(16.4 * GIB),
    pools=(SMALL, NONE),
    cpus=2,
)


class Host(App[None]):
    CSS: ClassVar[str] = "Vertical { width: 30; } .pane { border: round white; }"

    def compose(self) -> ComposeResult:
        with Vertical():
            yield HostPane(id="host")


def texts(host: HostSnapshot | None, width: int) -> list[str]:
    return [line.plain for line in host_lines(host, width)]


def screen(app: App[None]) -> list[str]:
    """The text on the screen, line by line."""
    pane = app.query_one(HostPane)
    return [pane.render_line(y).text.rstrip() for y in range(pane.content_size.height)]


def test_the_lines_of_the_sketch() -> None:
    assert texts(HOST, 26) == [
        "TCG no vmx or svm here",
        "Host is a KVM guest",
        "QEMU 7.2.22",
        "Memory     7.1 of 23.5 GiB",
        "\u2501" * 26,
        "2 MiB pages     512 of 640",
        "\u2501" * 26,
        "  reserved              12",
        "1 GiB pages           none",
    ]


def test_a_reason_wraps_at_words() -> None:
    reason = "KVM opens and cannot run a guest: failed to set MSR 0x10a to 0x69"
    lines = texts(replace(HOST, accelerator_reason=reason), 24)
    assert lines[:4] == [
        "TCG KVM opens and cannot",
        "run a guest: failed to",
        "set MSR 0x10a to 0x69",
        "Host is a KVM guest",
    ]


@given(st.integers(22, 120), st.integers(0, 23 * GIB), st.integers(0, 10**6), st.text(max_size=80))
def test_no_line_is_wider_than_the_pane_and_no_number_is_lost(
    width: int, available: int, free: int, reason: str
) -> None:
    pool = HugepagePool(2 * MIB, total=10**6, free=free, reserved=0, surplus=0)
    host = replace(HOST, memory_available=available, pools=(pool,), accelerator_reason=reason)
    lines = host_lines(host, width)
    assert all(line.cell_length <= min(width, WIDEST) for line in lines)
    joined = "\n".join(line.plain for line in lines)
    assert f"{10**6 - free:,} of 1,000,000" in joined


@given(st.integers(0, 640), st.integers(0, 640))
def test_numbers_end_in_one_column_whatever_they_are(one: int, other: int) -> None:
    for width in (26, 30):
        for free in (one, other):
            pools = (replace(SMALL, free=free, reserved=0), NONE)
            rows = [line for line in texts(replace(HOST, pools=pools), width) if re.search(r" of |none", line)]
            assert {len(row) for row in rows} == {width}


def test_a_bar_is_empty_or_full_only_when_it_is_so() -> None:
    def filled(free: int) -> int:
        line = host_lines(replace(HOST, pools=(replace(SMALL, free=free, reserved=0),)), 20)[-1]
        return sum(span.end - span.start for span in line.spans if span.style == "$secondary")

    assert (filled(640), filled(639), filled(320), filled(1), filled(0)) == (0, 1, 10, 20, 20)
    line = host_lines(replace(HOST, pools=(replace(SMALL, free=1, reserved=0),)), 20)[-1]
    assert line.plain.endswith("\u2578")


def test_a_missing_qemu_is_shown() -> None:
    assert "QEMU not found" in texts(replace(HOST, qemu=""), 30)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "bare metal"),
        ("KVM", "a KVM guest"),
        ("ACRN", "an ACRN guest"),
        (DOM0, "Xen dom0"),
        (UNNAMED, "a virtual machine"),
    ],
)
def test_the_hypervisor_in_words(name: str, words: str) -> None:
    assert hypervisor_words(name) == words


async def test_the_pane_is_as_high_as_its_lines() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        pane = app.query_one(HostPane)
        await pilot.pause()
        assert screen(app)[0].startswith("reading")
        pane.snapshot = HOST
        await pilot.pause()
        assert pane.border_title == "Host"
        assert pane.content_size.height == 9
        assert screen(app)[0] == "TCG no vmx or svm here"
        assert screen(app)[5] == "2 MiB pages     512 of 640"

        pane.snapshot = replace(HOST, pools=())
        await pilot.pause()
        assert pane.content_size.height == 5


async def test_data_is_never_markup() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        pane = app.query_one(HostPane)
        pane.snapshot = replace(HOST, accelerator_reason="[red]x[/]", hypervisor="[/b]", qemu="[$x]")
        await pilot.pause()
        assert screen(app)[:3] == ["TCG [red]x[/]", "Host is a [/b] guest", "QEMU [$x]"]
        assert str(pane.tooltip) == "nesting [b]is[/b] off"


async def test_a_change_too_small_to_read_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        pane = app.query_one(HostPane)
        pane.snapshot = HOST
        await pilot.pause()
        drawn: list[object] = []
        monkeypatch.setattr(pane, "refresh", lambda *regions, **how: drawn.append(how))
        pane.snapshot = replace(HOST, memory_available=HOST.memory_available + 1)
        assert drawn == []
        pane.snapshot = replace(HOST, memory_available=HOST.memory_available - GIB)
        assert drawn == [{"layout": False}]


async def test_a_narrow_pane_wraps_and_cuts_no_word() -> None:
    app = Host()
    async with app.run_test(size=(20, 30)) as pilot:
        app.query_one(Vertical).styles.width = 20
        app.query_one(HostPane).snapshot = HOST
        await pilot.pause()
        lines = screen(app)
        assert lines[:4] == ["TCG no vmx or", "svm here", "Host is a KVM", "guest"]
        assert lines[5:7] == ["Memory", " 7.1 of 23.5 GiB"]


async def test_labels_are_quieter_than_numbers() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        pane = app.query_one(HostPane)
        pane.snapshot = HOST
        await pilot.pause()
        label, number = [segment.style for segment in pane.render_line(5) if segment.text.strip()][:2]
        assert label is not None
        assert number is not None
        assert label.color is not None
        assert number.color is not None
        # $text-muted in a Content is pure white in Textual 8: $foreground-muted is what a stylesheet's $text-muted means.
        assert max(label.color.get_truecolor()) < max(number.color.get_truecolor())


def test_a_pool_by_node_and_who_holds_it() -> None:
    nodes = (NodePool(0, 2 * MIB, 320, 20), NodePool(1, 2 * MIB, 320, 120))
    holders = (
        HugepageHolder("huge", 2 * MIB, 800 * MIB),
        HugepageHolder("a-guest-with-a-long-name", 2 * MIB, 64 * MIB),
        HugepageHolder("other", GIB, GIB),
    )
    pool = replace(SMALL, nodes=nodes, reserved=0, surplus=4)
    lines = texts(replace(HOST, pools=(pool,), holders=holders, transparent="madvise"), 26)
    assert lines[5] == "2 MiB pages     500 of 640"
    assert lines[7:] == [
        "  node 0        300 of 320",
        "  node 1        200 of 320",
        "  surplus                4",
        "  huge                 400",
        "  a-guest-with-\u2026        32",
        "  others                68",
        "Transparent     for guests",
    ]


def test_the_table_has_each_number_of_a_pool_by_size_and_node() -> None:
    nodes = (NodePool(0, 2 * MIB, 320, 20), NodePool(1, 2 * MIB, 320, 120))
    pool = replace(SMALL, nodes=nodes, surplus=3)
    host = replace(HOST, pools=(pool, NONE), holders=(HugepageHolder("huge", 2 * MIB, 800 * MIB),))
    rows = [line.plain.split() for line in pool_table(host)]
    assert rows == [
        ["pages", "node", "total", "free", "reserved", "surplus"],
        ["2", "MiB", "all", "640", "140", "12", "3"],
        ["0", "320", "20", "\u2013", "\u2013"],
        ["1", "320", "120", "\u2013", "\u2013"],
        ["1", "GiB", "all", "0", "0", "0", "0"],
        [],
        ["held", "by", "pages", "size"],
        ["huge", "2", "MiB", "400", "800", "MiB"],
        ["others", "2", "MiB", "100", "200", "MiB"],
    ]


def test_a_table_of_pools_without_holders_shows_unused() -> None:
    assert pool_table(replace(HOST, pools=(NONE,), holders=()))[-1].plain == "(unused)"


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_every_line_of_the_host_can_be_seen_at_every_size(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines without room beside the guests are announced, and the zoomed pane shows them."""
    nodes = tuple(NodePool(number, 2 * MIB, 320, 20) for number in range(8))
    crowded = replace(HOST, pools=(replace(SMALL, nodes=nodes), NONE), transparent="madvise")

    async def host() -> HostSnapshot:
        return crowded

    async with opened(running(), size=size) as (pilot, engine):
        monkeypatch.setattr(engine, "host", host)
        pane = pilot.app.screen.query_one(HostPane)
        pane.snapshot = crowded
        await pilot.pause()
        await pilot.press("h")
        await pilot.pause()
        whole = "\n".join(screen_of(pane))
        assert "Transparent" in whole or "h, then z" in whole
        await pilot.press("z")
        await pilot.pause()
        whole = "\n".join(screen_of(pane))
        assert "Transparent" in whole
        assert "reserved" in whole
        assert re.search(r"^ *7 +320 +20", whole, re.MULTILINE)
        assert "h, then z" not in whole
        await pilot.press("z")
        assert pilot.app.screen.maximized is None


def screen_of(pane: HostPane) -> list[str]:
    return [pane.render_line(y).text.rstrip() for y in range(pane.content_size.height)]
