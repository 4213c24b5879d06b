"""Hugepage pools of this host, and the check that a guest on hugepages can start.

A pool that is too small fails late and badly: a guest without preallocation is killed by SIGBUS when it touches a page
that the pool lacks. So everything that can be known is checked before the start.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.host.hugepages import HugepagePool, HugepageShortage, NodePool, Shortage, fitting, shortage
from workbench.domain.units import GIB, KIB, format_size, size_words, sizes_words
from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SYS = Path("/sys")
PROC = Path("/proc")
MEMFD = "memfd"
"""The source that needs no mount: memfd_create(2) with MFD_HUGETLB."""

POOLS = "kernel/mm/hugepages"
NODES = "devices/system/node"
POOL_NAME = "hugepages-{}kB"


def read_pools(sys: Path = SYS) -> tuple[HugepagePool, ...]:
    """Every pool of the running kernel, smallest page first; none if the kernel has no hugetlb."""
    pools = []
    for page, path in _pool_directories(sys / POOLS):
        names = ("nr", "free", "resv", "surplus", "nr_overcommit")
        total, free, reserved, surplus, overcommit = (_number(path / f"{name}_hugepages") for name in names)
        nodes = read_nodes(page, sys)
        shares = nodes if len(nodes) > 1 else ()
        pools.append(HugepagePool(page, total, free, reserved, surplus, overcommit, shares))
    return tuple(pools)


def read_transparent(sys: Path = SYS) -> str:
    """The setting of transparent hugepages (the word in brackets); empty if the kernel lacks them."""
    try:
        text = (sys / "kernel/mm/transparent_hugepage/enabled").read_text()
    except OSError:
        return ""
    return text.partition("[")[2].partition("]")[0]


def hugepages_held(pid: int, proc: Path = PROC) -> dict[int, int]:
    """Bytes of hugepages that a process has mapped, by page size (proc_pid_smaps(5)); empty if it is gone."""
    held: dict[int, int] = {}
    page = 0
    try:
        with (proc / str(pid) / "smaps").open("rb") as file:
            for line in file:
                if line.startswith(b"KernelPageSize:"):
                    page = int(line.split()[1]) * KIB
                elif line.startswith((b"Shared_Hugetlb:", b"Private_Hugetlb:")) and (size := int(line.split()[1])):
                    held[page] = held.get(page, 0) + size * KIB
    except OSError:
        return {}
    return held


def pool_free(page: int, sys: Path = SYS) -> int | None:
    """Free pages in one pool; None if this host has no such pool."""
    try:
        return int((sys / POOLS / POOL_NAME.format(page // KIB) / "free_hugepages").read_text())
    except (OSError, ValueError):
        return None


def read_nodes(page: int, sys: Path = SYS) -> tuple[NodePool, ...]:
    """Each NUMA node's share of one pool, by node; none if the kernel has no NUMA."""
    nodes = []
    for path in (sys / NODES).glob("node[0-9]*"):
        pool = path / "hugepages" / POOL_NAME.format(page // KIB)
        if pool.is_dir():
            number = int(path.name.removeprefix("node"))
            nodes.append(NodePool(number, page, _number(pool / "nr_hugepages"), _number(pool / "free_hugepages")))
    return tuple(sorted(nodes, key=lambda node: node.node))


def check_hugepages(
    size: int, page: int, nodes: tuple[int, ...] = (), source: str = MEMFD, *, sys: Path = SYS, proc: Path = PROC
) -> None:
    """Check that a guest of ``size`` bytes can have its RAM in pages of ``page`` bytes now.

    :param nodes: the NUMA nodes that its memory is bound to; empty for any.
    :param source: ``memfd``, or the path of a mounted hugetlbfs.
    :raise HostError: with what is missing and, as the hint, the command that fixes it.
    """
    pools = {pool.page: pool for pool in read_pools(sys)}
    pool = pools.get(page)
    if pool is None:
        raise _unknown_page(page, pools)
    if size % page:
        raise _no_multiple(size, page)
    bound = _bound(nodes, page, sys)
    check_mount(size, page, source, proc=proc)
    short = shortage(size, pool, bound)
    if short is not None:
        raise _too_small(short, pool, nodes, default_page(proc))


def check_mount(size: int, page: int, source: str, *, proc: Path = PROC) -> None:
    """Check that a guest of ``size`` bytes can have its RAM on the mounted hugetlbfs that it names, if any.

    :raise HostError: if not, with how to fix it.
    """
    if source != MEMFD:
        _check_mount(Path(source), size, page, proc)


def find_shortage(size: int, page: int, nodes: tuple[int, ...] = (), *, sys: Path = SYS) -> Shortage | None:
    """What a guest's pool lacks now; None if it has room.

    :raise HostError: for a page size or a node that this host lacks.
    """
    pools = {pool.page: pool for pool in read_pools(sys)}
    if page not in pools:
        raise _unknown_page(page, pools)
    return shortage(size, pools[page], _bound(nodes, page, sys))


def _unknown_page(page: int, known: Iterable[int]) -> HostError:
    sizes = sizes_words(known)
    if not sizes:
        return HostError(
            "this kernel has no hugepages", hint="remove [memory.hugepages], or run a kernel with CONFIG_HUGETLBFS"
        )
    return HostError(f"this host has no hugepages of {size_words(page)}", hint=f"available sizes: {sizes}")


def _no_multiple(size: int, page: int) -> HostError:
    below, above = fitting(size, page)
    choices = " or ".join(format_size(choice) for choice in (below, above) if choice)
    return HostError(
        f"memory size {format_size(size)} is not a multiple of {size_words(page)} pages", hint=f"use {choices}"
    )


def _bound(nodes: tuple[int, ...], page: int, sys: Path) -> tuple[NodePool, ...]:
    """The shares of the nodes that a guest is bound to.

    :raise HostError: if there is no such node.
    """
    if not nodes:
        return ()
    found = {node.node: node for node in read_nodes(page, sys)}
    for node in nodes:
        if node not in found:
            there = _node_words(found) if found else "none at all"
            raise HostError(f"this host has no NUMA node {node} with {size_words(page)} pages", hint=f"it has {there}")
    return tuple(found[node] for node in dict.fromkeys(nodes))


def _too_small(short: Shortage, pool: HugepagePool, nodes: Sequence[int], default_page: int) -> HugepageShortage:
    where = f" on {_node_words(nodes)}" if nodes else ""
    reserved = f", {pool.reserved} free ones reserved" if pool.reserved else ""
    of = "" if nodes else f" of {pool.total}"
    words = size_words(short.page)
    missing = f"1 hugepage of {words} is" if short.missing == 1 else f"{short.missing} hugepages of {words} are"
    return HugepageShortage(
        f"{missing} missing{where}: the guest needs {short.needed}, {short.available}{of} available{reserved}",
        short,
        hint="\n".join(shortage_advice(short, default_page)),
    )


def _node_words(nodes: Iterable[int]) -> str:
    names = [str(node) for node in nodes]
    return f"node {names[0]}" if len(names) == 1 else f"nodes {', '.join(names[:-1])} and {names[-1]}"


def shortage_advice(short: Shortage, default_page: int) -> list[str]:
    """How to fix a shortage: first the command, then what to do if the kernel allocates fewer pages than requested."""
    name = POOL_NAME.format(short.page // KIB)
    if short.node is not None:
        command = f"echo {short.write} | sudo tee {SYS / NODES}/node{short.node}/hugepages/{name}/nr_hugepages"
    elif short.page == default_page:
        command = f"sudo sysctl vm.nr_hugepages={short.write}"
    else:
        command = f"echo {short.write} | sudo tee {SYS / POOLS / name}/nr_hugepages"
    if short.page >= GIB:
        size = format_size(short.page)
        return [
            command,
            f"if it allocates fewer, reserve them at boot: hugepagesz={size} hugepages={short.write} on the kernel command line",
        ]
    return [command, "if it allocates fewer, memory is fragmented: sudo sysctl vm.compact_memory=1, then try again"]


def _is_empty(path: Path) -> bool:
    """Whether it is an empty directory."""
    try:
        return not any(path.iterdir())
    except OSError:
        return False


def _check_mount(path: Path, size: int, page: int, proc: Path) -> None:
    """:raise HostError: if ``path`` is not a hugetlbfs of this page size that this user may fill."""
    fix = f"sudo mkdir -p {path} && sudo mount -t hugetlbfs -o pagesize={format_size(page)} none {path}"
    memfd = 'or set source = "memfd", which needs no mount'
    try:
        real = path.resolve(strict=True)
        found = os.statvfs(real)
    except OSError as error:
        raise HostError(f"hugepage source {path}: {error.strerror}", hint=f"{fix}\n{memfd}") from error
    if _filesystem(real, proc) != "hugetlbfs":
        if not _is_empty(real):
            fix = "a mount would hide its files: name an empty directory, or /dev/hugepages"
        raise HostError(f"hugepage source {path} is not a mounted hugetlbfs", hint=f"{fix}\n{memfd}")
    if found.f_bsize != page:  # Linux: fs/hugetlbfs/inode.c, hugetlbfs_statfs
        raise HostError(
            f"hugetlbfs at {path} has {size_words(found.f_bsize)} pages, but the guest needs {size_words(page)}",
            hint=f'set size = "{format_size(found.f_bsize)}", or mount with pagesize={format_size(page)}\n{memfd}',
        )
    if not os.access(real, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        raise HostError(
            f"no permission to create files in hugetlbfs at {path}", hint=f"sudo chown $USER {path}\n{memfd}"
        )
    limited = 0 < found.f_blocks < 1 << 60
    if limited and found.f_bavail < size // page:
        raise HostError(
            f"hugetlbfs at {path} has room for {found.f_bavail} pages, but the guest needs {size // page}",
            hint=f"raise the limit of the mount: sudo mount -o remount,size=… {path}\n{memfd}",
        )


def hugetlbfs_mounts(proc: Path = PROC) -> tuple[tuple[str, int, bool], ...]:
    """Each mounted hugetlbfs: its path, its page size in bytes, and whether this user may create files in it."""
    found = []
    try:
        lines = (proc / "self/mountinfo").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ()
    for line in lines:
        before, _, after = line.partition(" - ")
        if after.split(" ")[0] != "hugetlbfs":
            continue
        path = _unescape(before.split(" ")[4])
        with suppress(OSError):  # unmounted since, or hidden by another mount
            found.append((path, os.statvfs(path).f_bsize, os.access(path, os.W_OK | os.X_OK, effective_ids=True)))
    return tuple(found)


def _filesystem(path: Path, proc: Path) -> str:
    """The type of the file system that ``path`` is on (proc_pid_mountinfo(5)): the deepest, most recent mount."""
    best, kind = -1, ""
    for line in (proc / "self/mountinfo").read_text(errors="surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        mount = Path(_unescape(before.split(" ")[4]))
        if len(mount.parts) >= best and path.is_relative_to(mount):
            best, kind = len(mount.parts), after.split(" ")[0]
    return kind


def _unescape(text: str) -> str:
    """Undo the kernel's octal escapes of blanks and backslashes."""
    for code in ("\\040", "\\011", "\\012", "\\134"):
        text = text.replace(code, chr(int(code[1:], 8)))
    return text


def memory_available(proc: Path) -> int | None:
    """Bytes available without swapping (proc_meminfo(5): MemAvailable); None if the kernel does not report it."""
    for line in (proc / "meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * KIB
    return None


def default_page(proc: Path) -> int:
    """The page size of ``vm.nr_hugepages``, in bytes; 0 if the kernel does not report it."""
    for line in (proc / "meminfo").read_text().splitlines():
        if line.startswith("Hugepagesize:"):
            return int(line.split()[1]) * KIB
    return 0


def _pool_directories(path: Path) -> list[tuple[int, Path]]:
    try:
        names = [entry for entry in path.iterdir() if entry.name.startswith("hugepages-")]
    except OSError:
        return []
    sized = [(int(entry.name.removeprefix("hugepages-").removesuffix("kB")) * KIB, entry) for entry in names]
    return sorted(sized)


def _number(path: Path) -> int:
    """A number in a kernel file; 0 if there is no such file (older kernels, some pages)."""
    try:
        return int(path.read_text())
    except FileNotFoundError:
        return 0
