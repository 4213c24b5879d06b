"""The check before a start, against the kernel's pools if this user may change them, else against a fake /sys."""

from __future__ import annotations

import mmap
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hugepages import PAGE, hugepage_pool, read_pool, uses_pool
from tests.privilege import unprivileged
from tests.real import QEMU, running_qemu
from workbench.domain.host.hugepages import HugepagePool
from workbench.domain.units import GIB, MIB
from workbench.engine.host.hugepages import check_hugepages, read_nodes, read_pools
from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAP_HUGETLB = 0x40000  # asm-generic/mman-common.h; Python's mmap has no name for it before 3.13


def backend(size: int) -> list[str]:
    return ["-object", f"memory-backend-memfd,id=m,size={size},hugetlb=on,hugetlbsize={PAGE},prealloc=on"]


@contextmanager
def mounted(path: Path, options: str) -> Iterator[Path]:
    """A hugetlbfs of the test's own; skipped where this user may not mount."""
    path.mkdir()
    done = subprocess.run(["mount", "-t", "hugetlbfs", "-o", options, "none", path], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no hugetlbfs can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def refused(*args: object, **roots: Path) -> HostError:
    with pytest.raises(HostError) as caught:
        check_hugepages(*args, **roots)  # type: ignore[arg-type]
    return caught.value


@uses_pool
class TestKernel:
    """The pool of this machine."""

    def test_the_pool_as_the_kernel_counts_it(self) -> None:
        with hugepage_pool(12):
            pool = next(pool for pool in read_pools() if pool.page == PAGE)
            assert pool.available == 12
            assert pool.total == read_pool("nr_hugepages")
            assert sum(node.total for node in read_nodes(PAGE)) in (0, pool.total)

    def test_room_is_room_and_one_page_more_is_not(self) -> None:
        with hugepage_pool(12):
            check_hugepages(12 * PAGE, PAGE)
            error = refused(13 * PAGE, PAGE)
            assert error.message.startswith("1 hugepage of 2 MiB is missing")

    def test_the_command_of_the_hint_fixes_it(self) -> None:
        with hugepage_pool(3):
            command = refused(16 * PAGE, PAGE).hint.splitlines()[0]
            assert command.startswith("sudo sysctl vm.nr_hugepages=")
            subprocess.run(command.removeprefix("sudo ").replace("sysctl ", "sysctl -q "), shell=True, check=True)
            check_hugepages(16 * PAGE, PAGE)
            assert refused(17 * PAGE, PAGE)

    def test_the_command_for_a_node_fixes_it(self) -> None:
        if not read_nodes(PAGE):
            pytest.skip("this kernel has no NUMA nodes")
        node = read_nodes(PAGE)[0].node
        with hugepage_pool(3):
            command = refused(16 * PAGE, PAGE, (node,)).hint.splitlines()[0]
            assert f"node{node}" in command
            subprocess.run(command.replace("sudo ", ""), shell=True, check=True, stdout=subprocess.DEVNULL)
            check_hugepages(16 * PAGE, PAGE, (node,))

    def test_reserved_pages_are_promised_to_others(self) -> None:
        with hugepage_pool(10):
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_HUGETLB
            with mmap.mmap(-1, 4 * PAGE, flags=flags):  # reserved, and no page of it touched
                assert read_pool("resv_hugepages") >= 4
                check_hugepages(6 * PAGE, PAGE)
                error = refused(7 * PAGE, PAGE)
            assert "4 free ones reserved" in error.message
            assert f"={read_pool('nr_hugepages') + 1}" in error.hint

    def test_what_it_allows_starts_and_what_it_refuses_does_not(self) -> None:
        with hugepage_pool(20):
            check_hugepages(16 * PAGE, PAGE)
            machine = ("-machine", "memory-backend=m")
            with running_qemu(*backend(16 * PAGE), *machine, memory=f"{16 * PAGE // MIB}M", devices=(), paused=True):
                wait_until(lambda: read_pool("free_hugepages") <= 4)
                check_hugepages(4 * PAGE, PAGE)
                assert refused(5 * PAGE, PAGE).message.startswith("1 hugepage of 2 MiB is missing")
                done = subprocess.run(
                    [QEMU, "-machine", "none", "-display", "none", "-nodefaults", *backend(5 * PAGE)],
                    capture_output=True,
                    timeout=60,
                    check=False,
                )
                assert done.returncode == 1
                assert b"memory" in done.stderr


@uses_pool
class TestMount:
    """hugetlbfs as the source."""

    def test_a_hugetlbfs_of_the_right_pages_serves(self, tmp_path: Path) -> None:
        with mounted(tmp_path / "a name", "pagesize=2M") as path, hugepage_pool(2):
            check_hugepages(2 * PAGE, PAGE, (), str(path))
            assert refused(3 * PAGE, PAGE, (), str(path)).message.startswith("1 hugepage of 2 MiB is missing")

    def test_a_directory_on_it_serves(self, tmp_path: Path) -> None:
        with mounted(tmp_path / "huge", "pagesize=2M") as path, hugepage_pool(2):
            (path / "mine").mkdir()
            (tmp_path / "link").symlink_to(path / "mine")
            check_hugepages(2 * PAGE, PAGE, (), str(tmp_path / "link"))

    def test_other_pages_are_refused(self, tmp_path: Path) -> None:
        with mounted(tmp_path / "huge", "pagesize=2M") as path:
            if GIB not in {pool.page for pool in read_pools()}:
                pytest.skip("this host has one page size alone")
            error = refused(GIB, GIB, (), str(path))
            assert error.message == f"hugetlbfs at {path} has 2 MiB pages, but the guest needs 1 GiB"

    def test_the_mounts_own_limit_counts(self, tmp_path: Path) -> None:
        with mounted(tmp_path / "huge", "pagesize=2M,size=4M") as path, hugepage_pool(8):
            check_hugepages(2 * PAGE, PAGE, (), str(path))
            error = refused(3 * PAGE, PAGE, (), str(path))
            assert error.message == f"hugetlbfs at {path} has room for 2 pages, but the guest needs 3"

    def test_a_mount_without_permission(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            Path(directory).chmod(0o755)
            with mounted(Path(directory) / "huge", "pagesize=2M,mode=0700") as path, unprivileged():
                error = refused(PAGE, PAGE, (), str(path))
            assert error.message == f"no permission to create files in hugetlbfs at {path}"
            assert 'source = "memfd"' in error.hint

    def test_an_ordinary_directory_is_refused(self, tmp_path: Path) -> None:
        if PAGE not in {pool.page for pool in read_pools()}:
            pytest.skip("this host has no 2 MiB pages")
        error = refused(PAGE, PAGE, (), str(tmp_path))
        assert error.message == f"hugepage source {tmp_path} is not a mounted hugetlbfs"
        assert f"mount -t hugetlbfs -o pagesize=2M none {tmp_path}" in error.hint
        assert 'source = "memfd"' in error.hint
        (tmp_path / "mine").touch()
        hint = refused(PAGE, PAGE, (), str(tmp_path)).hint
        assert "sudo" not in hint, "a mount would hide what is in it"
        assert "name an empty directory" in hint

    def test_a_path_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        if PAGE not in {pool.page for pool in read_pools()}:
            pytest.skip("this host has no 2 MiB pages")
        assert "No such file" in refused(PAGE, PAGE, (), str(tmp_path / "gone")).message


class Sys:
    """A drawn /sys and /proc: for hosts that this one is not."""

    def __init__(self, root: Path) -> None:
        self.sys = root / "sys"
        self.proc = root / "proc"
        self.proc.mkdir(parents=True)
        (self.proc / "meminfo").write_text("MemTotal: 1 kB\nHugepagesize:       2048 kB\n")

    def pool(self, page: int, nr: int, free: int, resv: int = 0, node: int | None = None) -> None:
        top = self.sys / ("kernel/mm/hugepages" if node is None else f"devices/system/node/node{node}/hugepages")
        path = top / f"hugepages-{page >> 10}kB"
        path.mkdir(parents=True)
        names = {"nr": nr, "free": free, "surplus": 0} | ({"resv": resv, "nr_overcommit": 0} if node is None else {})
        for name, value in names.items():
            (path / f"{name}_hugepages").write_text(f"{value}\n")

    def refuses(self, size: int, page: int, *nodes: int) -> HostError:
        return refused(size, page, nodes, "memfd", sys=self.sys, proc=self.proc)

    def allows(self, size: int, page: int, *nodes: int) -> None:
        check_hugepages(size, page, nodes, "memfd", sys=self.sys, proc=self.proc)


@pytest.fixture
def drawn(tmp_path: Path) -> Sys:
    return Sys(tmp_path)


def test_pools_smallest_first(drawn: Sys) -> None:
    drawn.pool(GIB, 1, 1)
    drawn.pool(PAGE, 640, 128, 3)
    assert read_pools(drawn.sys) == (HugepagePool(PAGE, 640, 128, 3, 0), HugepagePool(GIB, 1, 1, 0, 0))


def test_a_kernel_without_hugepages(drawn: Sys) -> None:
    assert read_pools(drawn.sys) == ()
    assert drawn.refuses(PAGE, PAGE).message == "this kernel has no hugepages"


def test_an_unknown_page_size_lists_those_there_are(drawn: Sys) -> None:
    drawn.pool(PAGE, 1, 1)
    drawn.pool(GIB, 1, 1)
    error = drawn.refuses(4 * MIB, 4 * MIB)
    assert error.message == "this host has no hugepages of 4 MiB"
    assert error.hint == "available sizes: 2 MiB and 1 GiB"


def test_memory_that_is_not_a_multiple_of_the_page_size(drawn: Sys) -> None:
    drawn.pool(PAGE, 640, 640)
    error = drawn.refuses(257 * MIB, PAGE)
    assert error.message == "memory size 257M is not a multiple of 2 MiB pages"
    assert error.hint == "use 256M or 258M"


def test_the_message_has_every_number(drawn: Sys) -> None:
    drawn.pool(PAGE, 640, 128, 28)
    error = drawn.refuses(256 * MIB, PAGE)
    assert error.message == (
        "28 hugepages of 2 MiB are missing: the guest needs 128, 100 of 640 available, 28 free ones reserved"
    )
    assert error.hint.splitlines()[0] == "sudo sysctl vm.nr_hugepages=668"


def test_a_size_that_sysctl_does_not_mean_is_written_to_its_own_file(drawn: Sys) -> None:
    drawn.pool(GIB, 1, 0)
    hint = drawn.refuses(2 * GIB, GIB).hint.splitlines()
    assert hint[0] == "echo 3 | sudo tee /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages"
    assert "hugepagesz=1G hugepages=3" in hint[1]


def test_nodes(drawn: Sys) -> None:
    drawn.pool(PAGE, 128, 128)
    drawn.pool(PAGE, 28, 28, node=0)
    drawn.pool(PAGE, 100, 100, node=1)
    drawn.allows(200 * MIB, PAGE, 1)
    drawn.allows(256 * MIB, PAGE, 0, 1)
    drawn.allows(256 * MIB, PAGE)
    error = drawn.refuses(64 * MIB, PAGE, 0)
    assert error.message.startswith("4 hugepages of 2 MiB are missing on node 0: ")
    assert error.hint.splitlines()[0] == (
        "echo 32 | sudo tee /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages"
    )
    assert drawn.refuses(64 * MIB, PAGE, 7).hint == "it has nodes 0 and 1"


def test_a_node_named_twice_counts_once(drawn: Sys) -> None:
    drawn.pool(PAGE, 20, 20)
    drawn.pool(PAGE, 10, 10, node=0)
    assert drawn.refuses(40 * MIB, PAGE, 0, 0).message.startswith("10 hugepages")
