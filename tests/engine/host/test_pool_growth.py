"""Growing a pool of hugepages for a guest, and returning the added pages."""

from __future__ import annotations

import mmap
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.commandline import wait_until
from tests.hugepages import PAGE, hugepage_pool, read_pool, uses_pool, write_pool
from workbench.domain.host.hugepages import Shortage
from workbench.engine.host import pool_growth as supply
from workbench.engine.host.hugepages import find_shortage, read_pools
from workbench.engine.host.pool_growth import FILE, Added, give_back, grow, remember
from workbench.engine.profiles.store import ProfileStore
from workbench.engine.start import launch
from workbench.engine.start.plan import plan
from workbench.engine.state.directory import StateDirectory
from workbench.errors import HostError, StartError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import CommandLine
    from workbench.engine.start.plan import Plan

MAP_HUGETLB = 0x40000  # asm-generic/mman-common.h; Python's mmap has no name for it before 3.13
GUEST = '[memory]\nsize = "64M"\nhugepages = true\n'


def short(pages: int) -> Shortage:
    found = find_shortage(pages * PAGE, PAGE)
    assert found is not None
    return found


@uses_pool
class TestKernel:
    def test_what_was_added_is_read_back_and_given_back(self, tmp_path: Path) -> None:
        with hugepage_pool(2):
            before = read_pool("nr_hugepages")
            added = grow(short(8))
            assert added == Added(PAGE, 6)
            assert read_pool("nr_hugepages") == before + 6
            remember(tmp_path, added)
            give_back(tmp_path)
            assert read_pool("nr_hugepages") == before
            assert not (tmp_path / FILE).exists()
            give_back(tmp_path)
            assert read_pool("nr_hugepages") == before, "only once"

    def test_more_than_there_is_memory_for_is_not_tried(self, workbench: CommandLine) -> None:
        workbench.profile("huge", '[memory]\nsize = "8T"\nhugepages = true\n')
        with hugepage_pool(2):
            before = read_pool("nr_hugepages")
            refused = workbench("start", "huge", "--make-hugepages")
            refused.check_error(
                1, "4,194,302 hugepages of 2 MiB are missing", "of memory is available", "the pool was not changed"
            )
            assert read_pool("nr_hugepages") == before
            assert not (workbench.state / "huge").exists()

    def test_fewer_than_asked_are_undone(self, tmp_path: Path) -> None:
        """The kernel's own words here are that it has more than it has: then it gives what it can."""
        (tmp_path / "meminfo").write_text("MemAvailable: 99999999999 kB\nHugepagesize: 2048 kB\n")
        with hugepage_pool(2):
            before = read_pool("nr_hugepages")
            with pytest.raises(HostError, match="were released again") as failed:
                grow(short(1 << 22), proc=tmp_path)  # 8 TiB
            assert "nr_hugepages" in failed.value.hint
            assert read_pool("nr_hugepages") == before

    @pytest.mark.parametrize("prealloc", ["true", "false"])
    async def test_a_pool_drained_after_the_check_is_reported(
        self, prealloc: str, workbench: CommandLine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workbench.profile("huge", f'[memory]\nsize = "64M"\nhugepages = {{ prealloc = {prealloc} }}\n')

        async def drain(plan: Plan) -> tuple[Path, ...]:
            write_pool(read_pool("nr_hugepages") - read_pool("free_hugepages"))
            return ()

        with hugepage_pool(32):
            planned = await plan(ProfileStore(workbench.profiles).load("huge"), workbench.settings)
            monkeypatch.setattr(launch, "prepare", drain)
            with pytest.raises(StartError, match="before its monitor answered") as failed:
                await launch.start(StateDirectory(workbench.state), planned)
        assert "between the check and the start: 32 hugepages of 2 MiB are missing" in failed.value.hint
        assert "vm.nr_hugepages" in failed.value.hint
        assert not (workbench.state / "huge").exists()

    @pytest.mark.parametrize("how", ["killed", "stopped"])
    def test_added_pages_return_without_a_workbench(self, how: str, workbench: CommandLine) -> None:
        """No workbench runs when QEMU ends: its keeper gives the pages back before the end counts as written."""
        workbench.profile("huge", GUEST)
        directory = workbench.state / "huge"
        with hugepage_pool(2):
            before = read_pool("nr_hugepages")
            assert workbench("start", "huge", "--make-hugepages", "return").code == 0
            pid = int((directory / "pid").read_text())
            assert read_pool("nr_hugepages") == before + 30
            if how == "killed":
                os.kill(pid, signal.SIGKILL)
            else:
                os.kill(pid, signal.SIGTERM)  # QEMU ends in its own order
            wait_until((directory / "exit").exists, "the keeper's word")
            assert read_pool("nr_hugepages") == before
            assert not (directory / FILE).exists()
            assert "signal 9" in workbench("list").stdout or how != "killed"
            assert read_pool("nr_hugepages") == before

    def test_a_start_makes_what_is_missing(self, workbench: CommandLine) -> None:
        workbench.profile("huge", GUEST)
        with hugepage_pool(2):
            before = read_pool("nr_hugepages")
            refused = workbench("start", "huge")
            refused.check_error(1, "30 hugepages of 2 MiB are missing", "--make-hugepages")
            done = workbench("start", "huge", "--make-hugepages", "return")
            assert done.code == 0, done
            assert read_pool("nr_hugepages") == before + 30
            assert workbench("stop", "huge", "--timeout", "0", "--kill").code == 0
            assert read_pool("nr_hugepages") == before
            done = workbench("start", "huge", "--make-hugepages")
            assert done.code == 0, done
            assert workbench("stop", "huge", "--timeout", "0", "--kill").code == 0
            workbench("list")
            assert read_pool("nr_hugepages") == before + 30, "kept, as it was asked"

    def test_a_check_warns_of_pages_that_are_missing_now(self, workbench: CommandLine) -> None:
        workbench.profile("huge", GUEST)
        with hugepage_pool(2):
            checked = workbench("check", "huge")
            assert checked.code == 0, "the pool can grow until the start"
            assert "huge.toml:3:1: memory.hugepages: 30 hugepages of 2 MiB are missing" in checked.stderr
            assert "sudo sysctl vm.nr_hugepages=" in checked.stderr
        with hugepage_pool(32):
            assert "missing" not in workbench("check", "huge").stderr
            workbench.start("huge")
            assert "missing" not in workbench("check", "huge").stderr, "it has them itself"
            assert workbench("stop", "huge", "--timeout", "0", "--kill").code == 0

    def test_the_holders_of_the_pages_are_listed(self, workbench: CommandLine) -> None:
        workbench.profile("huge", GUEST)
        workbench.profile("second", GUEST)
        with hugepage_pool(40):
            workbench.start("huge")
            workbench("start", "second").check_error(
                1, "24 hugepages of 2 MiB are missing", "pages, guest huge holds 32"
            )
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_HUGETLB
            with mmap.mmap(-1, 5 * PAGE, flags=flags) as memory:
                for page in range(5):
                    memory[page * PAGE] = 1
                workbench("start", "second").check_error(
                    1, "29 hugepages of 2 MiB are missing", "guest huge holds 32, other processes "
                )
            assert workbench("stop", "huge", "--timeout", "0", "--kill").code == 0

    def test_a_start_that_fails_leaves_the_pool_as_it_was(self, workbench: CommandLine) -> None:
        workbench.profile("huge", GUEST + '[qemu]\nargs = ["-rtc", "base=never"]\n')
        with hugepage_pool(2):
            before = read_pool("nr_hugepages")
            workbench("start", "huge", "--make-hugepages").check_error(1, "invalid datetime")
            assert read_pool("nr_hugepages") == before


def test_a_check_reports_a_source_that_is_not_a_mount(workbench: CommandLine, tmp_path: Path) -> None:
    if PAGE not in {pool.page for pool in read_pools()}:
        pytest.skip("this host has no 2 MiB pages")
    table = '[memory]\nsize = "64M"\n[memory.hugepages]\nsource = "{}"\n'
    workbench.profile("gone", table.format(tmp_path / "gone"))
    workbench.profile("plain", table.format(tmp_path))
    for name, words in {"gone": "No such file or directory", "plain": "is not a mounted hugetlbfs"}.items():
        checked = workbench("check", name)
        assert checked.code == 1
        assert f"{name}.toml:4:1: memory.hugepages.source: hugepage source {tmp_path}" in checked.stdout
        assert words in checked.stdout
        assert "sudo mount -t hugetlbfs -o pagesize=2M" in checked.stdout


def drawn(tmp_path: Path, total: int, free: int, reserved: int = 0) -> Path:
    """A pool that stands still: what is written to it stays, whatever memory there is."""
    pool = tmp_path / "sys/kernel/mm/hugepages/hugepages-2048kB"
    pool.mkdir(parents=True)
    for name, value in (("nr", total), ("free", free), ("resv", reserved), ("surplus", 0), ("nr_overcommit", 0)):
        (pool / f"{name}_hugepages").write_text(f"{value}\n")
    (tmp_path / "proc/sys/vm").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("Hugepagesize: 2048 kB\n")
    return pool


def test_memory_in_pieces_is_compacted_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool, compact = drawn(tmp_path, total=10, free=0), tmp_path / "proc/sys/vm/compact_memory"
    real = supply.request_pages

    def in_pieces(file: Path, pages: int, missing: Shortage, sys: Path) -> int:
        return real(file, pages if compact.exists() else 14, missing, sys)

    monkeypatch.setattr(supply, "request_pages", in_pieces)
    added = grow(Shortage(PAGE, 16, 0, 10), sys=tmp_path / "sys", proc=tmp_path / "proc")
    assert (added.pages, compact.read_text()) == (16, "1")
    assert (pool / "nr_hugepages").read_text() == "26"


def test_pages_that_others_use_by_now_are_not_taken_from_them(tmp_path: Path) -> None:
    pool = drawn(tmp_path, total=40, free=3, reserved=1)
    remember(tmp_path, Added(PAGE, 30))
    give_back(tmp_path, sys=tmp_path / "sys")
    assert (pool / "nr_hugepages").read_text() == "38"


def test_without_permission_the_hint_has_the_command_for_root(tmp_path: Path) -> None:
    pool = drawn(tmp_path, total=0, free=0)
    (pool / "nr_hugepages").unlink()
    (pool / "nr_hugepages").mkdir()
    with pytest.raises((HostError, IsADirectoryError)):
        grow(Shortage(PAGE, 8, 0, 0), sys=tmp_path / "sys", proc=tmp_path / "proc")


def test_a_damaged_note_changes_nothing(tmp_path: Path) -> None:
    pool = drawn(tmp_path, total=40, free=40)
    (tmp_path / FILE).write_text("{")
    give_back(tmp_path, sys=tmp_path / "sys")
    assert (pool / "nr_hugepages").read_text().strip() == "40"
