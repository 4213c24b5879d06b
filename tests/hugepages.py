"""The kernel's pool of 2 MiB pages for tests, one test at a time: the pool is one for the whole machine."""

from __future__ import annotations

import fcntl
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 2 << 20
POOL = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
HUGEPAGES = '[memory.hugepages]\nsize = "2M"\n'
"""The table of a profile whose guest has its RAM in hugepages."""
uses_pool = pytest.mark.xdist_group("hugepages")
"""For tests that change the pool: on several workers they would wait for each other."""


@contextmanager
def hugepage_pool(free: int) -> Iterator[None]:
    """Have exactly ``free`` pages of 2 MiB available while the body runs, then what was there before.

    Where this user may not change the pool, or the kernel finds no such pages, the test is skipped and says so.
    """
    with (Path(tempfile.gettempdir()) / "workbench-test-hugepages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            before = read_pool("nr_hugepages")
            taken = before - read_pool("free_hugepages") + read_pool("resv_hugepages")
            write_pool(taken + free)
        except OSError as error:
            pytest.skip(f"the hugepage pool cannot be changed here: {error.strerror}")
        try:
            if read_pool("nr_hugepages") != taken + free:
                pytest.skip(f"the kernel finds no {free} pages of 2 MiB: memory is in pieces")
            yield
        finally:
            write_pool(before)


def read_pool(name: str) -> int:
    return int((POOL / name).read_text())


def write_pool(pages: int) -> None:
    (POOL / "nr_hugepages").write_text(str(pages))
