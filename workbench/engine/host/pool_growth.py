"""Growing a hugepage pool for a guest, and giving back what was added when the guest is gone.

Kernel: mm/hugetlb.c, ``set_max_huge_pages``: a write to ``nr_hugepages`` gives what memory allows and says nothing, so
what it really gave is read back. Memory in pieces is compacted once and tried again; what is still too little is undone.
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
    mending,
    read_nodes,
    read_pools,
)
from workbench.engine.storage.files import write_atomic
from workbench.errors import HostError

if TYPE_CHECKING:
    from workbench.domain.host.hugepages import Shortage

FILE = "hugepages.json"
"""In a guest's directory: what was added for it and is to be given back."""


class Added(msgspec.Struct, frozen=True):
    """What was added to a pool for one guest."""

    page: int
    """Bytes of one page."""
    pages: int
    node: int | None = None
    """The NUMA node whose share grew; None: the pool as a whole."""


def grow(short: Shortage, *, sys: Path = SYS, proc: Path = PROC) -> Added:
    """Make the missing pages.

    :raise HostError: when this user may not, or the kernel finds fewer; then the pool is as it was.
    """
    file = _file(short.page, short.node, sys)
    before = _total(short.page, short.node, sys)
    words = size_words(short.page)
    commands = "\n".join(mending(short, default_page(proc)))
    room = memory_available(proc)
    if room is not None and short.missing * short.page > room:
        # The kernel would push out what others have in memory, and give it back a moment later.
        raise HostError(
            f"{short.missing:,} hugepages of {words} are missing, which is {format_size(short.missing * short.page)}, and this "
            f"host has {format_size(room // MIB * MIB)} of memory to spare: nothing was changed",
            hint="give the guest less memory, or end something that uses much",
        )
    try:
        got = _write(file, short.write, short, sys)
        if got < short.write:
            with suppress(OSError):  # a kernel without it, or a sandbox: the second try may do without
                (proc / "sys/vm/compact_memory").write_text("1")
            got = _write(file, short.write, short, sys)
    except OSError as error:
        raise HostError(
            f"the pool of {words} pages cannot be changed: {error.strerror}", hint=f"as root:\n{commands}"
        ) from error
    if got < short.write:
        with suppress(OSError):
            file.write_text(str(before))
        raise HostError(
            f"the kernel made {max(0, got - before):,} of the {short.write - before:,} hugepages of {words} that are missing, "
            "and they were given back: memory is in pieces",
            hint=commands,
        )
    return Added(short.page, got - before, short.node)


def remember(directory: Path, added: Added) -> None:
    """Note what is to be given back when the guest of this directory is gone.

    :raise OSError: when it cannot be written.
    """
    write_atomic(directory / FILE, msgspec.json.encode(added), lasting=False)


def returning_script() -> str:
    """A shell script that gives back what was added for the guest of the directory in ``$1``: its keeper runs it when QEMU
    has ended, so that the pages return although no workbench runs. Where it fails, the next one that looks does it."""
    root = Path(workbench.__file__).parents[1]
    program = (
        f"import sys; sys.path.insert(0, {str(root)!r}); from pathlib import Path; "
        "from workbench.engine.host.pool_growth import give_back; give_back(Path(sys.argv[1]))"
    )
    return f'exec {shlex.quote(python.executable)} -I -c {shlex.quote(program)} "$1"\n'


def give_back(directory: Path, *, sys: Path = SYS) -> None:
    """Shrink the pool by what was added for a guest that is gone, but never below what others use or were promised.

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
    """Pages of the pool, or of the node's share of it, and how many of them somebody has or was promised."""
    pool = next((pool for pool in read_pools(sys) if pool.page == added.page), None)
    if pool is None:
        return 0, 0
    if added.node is None:
        return pool.total, pool.total - pool.available
    node = next((node for node in read_nodes(added.page, sys) if node.node == added.node), None)
    # Promises are made by the pool as a whole: all of them may fall on this node.
    return (node.total, min(node.total, node.total - node.free + pool.reserved)) if node else (0, 0)


def _write(file: Path, pages: int, short: Shortage, sys: Path) -> int:
    """Ask for so many pages, and give how many there are then."""
    file.write_text(str(pages))
    return _total(short.page, short.node, sys)


def _file(page: int, node: int | None, sys: Path) -> Path:
    name = POOL_NAME.format(page // KIB)
    where = sys / POOLS if node is None else sys / NODES / f"node{node}" / "hugepages"
    return where / name / "nr_hugepages"


def _total(page: int, node: int | None, sys: Path) -> int:
    return int(_file(page, node, sys).read_text())
