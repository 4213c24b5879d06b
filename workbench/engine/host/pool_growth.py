"""Grows a hugepage pool for a guest, and returns the added pages when the guest is gone.

Kernel: mm/hugetlb.c, ``set_max_huge_pages``: a write to ``nr_hugepages`` allocates what memory allows without an error, so
the result is read back. Fragmented memory is compacted once before a second try; if that is not enough, it is undone.
"""

from __future__ import annotations

import shlex
import sys as python
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import workbench
from workbench.domain.units import KIB, MIB, format_size, size_words
from workbench.engine.host.hugepages import (
    NODES,
    POOL_NAME,
    POOLS,
    PROC,
    SYS,
    default_page,
    memory_available,
    read_nodes,
    read_pools,
    shortage_advice,
)
from workbench.engine.storage.files import write_atomic
from workbench.errors import HostError

if TYPE_CHECKING:
    from workbench.domain.host.hugepages import Shortage

FILE = "hugepages.json"
"""In a guest's directory: the pages that were added for it and are to be returned."""


class Added(msgspec.Struct, frozen=True):
    """Pages added to a pool for one guest."""

    page: int
    """Bytes of one page."""
    pages: int
    node: int | None = None
    """The NUMA node whose share grew; None: the pool as a whole."""


def grow(short: Shortage, *, sys: Path = SYS, proc: Path = PROC) -> Added:
    """Allocate the missing pages.

    :raise HostError: if this user may not, or the kernel allocates fewer; then the pool is unchanged.
    """
    file = _file(short.page, short.node, sys)
    before = _total(short.page, short.node, sys)
    words = size_words(short.page)
    commands = "\n".join(shortage_advice(short, default_page(proc)))
    room = memory_available(proc)
    if room is not None and short.missing * short.page > room:
        # The kernel would evict other processes' memory, which would be needed back a moment later.
        raise HostError(
            f"{short.missing:,} hugepages of {words} are missing ({format_size(short.missing * short.page)}), but only "
            f"{format_size(room // MIB * MIB)} of memory is available; the pool was not changed",
            hint="give the guest less memory, or stop a program that uses much",
        )
    try:
        got = request_pages(file, short.write, short, sys)
        if got < short.write:
            with suppress(OSError):  # a kernel without it, or a sandbox: the second try may succeed anyway
                (proc / "sys/vm/compact_memory").write_text("1")
            got = request_pages(file, short.write, short, sys)
    except OSError as error:
        raise HostError(
            f"cannot change the pool of {words} pages: {error.strerror}", hint=f"as root:\n{commands}"
        ) from error
    if got < short.write:
        with suppress(OSError):
            file.write_text(str(before))
        raise HostError(
            f"the kernel allocated only {max(0, got - before):,} of the {short.write - before:,} missing hugepages of {words}, "
            "which were released again: memory is fragmented",
            hint=commands,
        )
    return Added(short.page, got - before, short.node)


def remember(directory: Path, added: Added) -> None:
    """Record the pages to return when the guest of this directory is gone.

    :raise OSError: if it cannot be written.
    """
    write_atomic(directory / FILE, msgspec.json.encode(added), lasting=False)


def returning_script() -> str:
    """A shell script that returns the pages added for the guest of the directory in ``$1``. Its keeper runs it when QEMU has
    ended, so that the pages return even if no workbench is running. If it fails, the next workbench does it."""
    root = Path(workbench.__file__).parents[1]
    program = (
        f"import sys; sys.path.insert(0, {str(root)!r}); from pathlib import Path; "
        "from workbench.engine.host.pool_growth import give_back; give_back(Path(sys.argv[1]))"
    )
    return f'exec {shlex.quote(python.executable)} -I -c {shlex.quote(program)} "$1"\n'


def give_back(directory: Path, *, sys: Path = SYS) -> None:
    """Shrink the pool by the pages added for a guest that is gone, but never below what is used or reserved.

    A pool that cannot be changed any more stays as it is: its pages are not lost, only not returned.
    """
    path = directory / FILE
    try:
        added = msgspec.json.decode(path.read_bytes(), type=Added)
    except (OSError, ValueError):
        return
    total, used = _use(added, sys)
    with suppress(OSError):
        _file(added.page, added.node, sys).write_text(str(max(used, total - added.pages)))
        path.unlink(missing_ok=True)


def _use(added: Added, sys: Path) -> tuple[int, int]:
    """Pages of the pool, or of the node's share of it, and how many of them are used or reserved."""
    pool = next((pool for pool in read_pools(sys) if pool.page == added.page), None)
    if pool is None:
        return 0, 0
    if added.node is None:
        return pool.total, pool.total - pool.available
    node = next((node for node in read_nodes(added.page, sys) if node.node == added.node), None)
    # Reservations are made on the pool as a whole: all of them may fall on this node.
    return (node.total, min(node.total, node.total - node.free + pool.reserved)) if node else (0, 0)


def request_pages(file: Path, pages: int, short: Shortage, sys: Path) -> int:
    """Request this many pages; returns how many there are then."""
    file.write_text(str(pages))
    return _total(short.page, short.node, sys)


def _file(page: int, node: int | None, sys: Path) -> Path:
    name = POOL_NAME.format(page // KIB)
    where = sys / POOLS if node is None else sys / NODES / f"node{node}" / "hugepages"
    return where / name / "nr_hugepages"


def _total(page: int, node: int | None, sys: Path) -> int:
    return int(_file(page, node, sys).read_text())
