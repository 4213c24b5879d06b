"""Checks this host's setup: one finding for each topic, with how to fix it. Changes nothing."""

from __future__ import annotations

import os
import stat
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.host.accelerator import UNNAMED, hypervisor_words
from workbench.domain.host.hugepages import TRANSPARENT, Shortage
from workbench.domain.units import GIB, MIB, gib_of, mib, size_words
from workbench.engine.demo import find
from workbench.engine.demo.host import host_parts
from workbench.engine.demo.packages import has_packages
from workbench.engine.host.host import read_host
from workbench.engine.host.hugepages import PROC, default_page, hugetlbfs_mounts, shortage_advice
from workbench.engine.host.qemu import install_hint, qemu_binary, qemu_version
from workbench.engine.profiles.checks import Checks
from workbench.engine.profiles.store import ProfileStore
from workbench.engine.qmp.monitor import SUN_PATH_MAX
from workbench.engine.start.plan import OLDEST
from workbench.engine.state.directory import LONGEST_SOCKET, check_socket_path
from workbench.engine.storage.files import shown
from workbench.errors import HostError

if TYPE_CHECKING:
    from workbench.domain.host.hugepages import HugepagePool
    from workbench.domain.host.snapshot import HostSnapshot
    from workbench.settings import Settings

DEMO_MEMORY = 512 * MIB
"""The demo guest's RAM."""


class Status(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Works, but could be better."""
    MISSING = "missing"
    """The demo guest cannot run without it."""


class Finding(Struct, frozen=True):
    topic: str
    status: Status
    text: str
    advice: str = ""
    """What to do, one or more lines; empty if nothing."""


async def examine(settings: Settings) -> tuple[HostSnapshot, list[Finding]]:
    """Read the host and check its setup."""
    host = await read_host(settings.cache)
    return host, [
        check_qemu(settings),
        check_accelerator(host),
        check_hypervisor(host.hypervisor),
        check_memory(host),
        *(check_pool(pool) for pool in host.pools),
        *check_transparent(host),
        *check_mounts(),
        check_profiles(settings),
        check_state(settings),
        check_demo(settings),
    ]


def check_qemu(settings: Settings) -> Finding:
    """The QEMU program: installed, and recent enough."""
    try:
        binary = qemu_binary()
        version = qemu_version(binary, settings.cache)
    except HostError as error:
        return Finding("QEMU", Status.MISSING, error.message, error.hint)
    text = f"{'.'.join(map(str, version))}, {binary}"
    if version[:2] < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return Finding("QEMU", Status.MISSING, f"{text}: {oldest} or later is required", install_hint())
    return Finding("QEMU", Status.OK, text)


def check_accelerator(host: HostSnapshot) -> Finding:
    """What "auto" selects, and why; TCG is slow."""
    status = Status.OK if host.accelerator == "kvm" else Status.NOTE
    text = f"{host.accelerator.upper()}: {host.accelerator_reason}"
    return Finding("accelerator", status, text, host.accelerator_advice)


def check_hypervisor(name: str) -> Finding:
    """The hypervisor under this host; empty is bare metal."""
    words = "none: bare metal"
    if name:
        words = hypervisor_words(name) if name == UNNAMED else f"{name}: this host is {hypervisor_words(name)}"
    return Finding("hypervisor", Status.OK, words)


def check_memory(host: HostSnapshot) -> Finding:
    """Available memory: enough for the demo guest."""
    text = f"{gib_of(host.memory_available, host.memory_total)} available"
    if host.memory_available < DEMO_MEMORY:
        return Finding("memory", Status.NOTE, text, f"the demo guest can use up to {mib(DEMO_MEMORY)}")
    return Finding("memory", Status.OK, text)


def check_pool(pool: HugepagePool) -> Finding:
    """A pool is only needed by profiles that use hugepages."""
    topic = f"{size_words(pool.page)} pages"
    if pool.total:
        reserved = f", {pool.reserved} reserved" if pool.reserved else ""
        return Finding(topic, Status.OK, f"{pool.available:,} of {pool.total:,} available{reserved}")
    wanted = max(1, DEMO_MEMORY // pool.page)
    command = shortage_advice(Shortage(pool.page, wanted, 0, 0), default_page(PROC))[0]
    size = mib(wanted * pool.page) if pool.page < GIB else size_words(wanted * pool.page)
    return Finding(topic, Status.OK, "none", f"for a guest with {size} of them: {command}")


def check_transparent(host: HostSnapshot) -> list[Finding]:
    """What they mean for a guest on ordinary memory; they are separate from the pools."""
    if not host.transparent:
        return []
    words = TRANSPARENT.get(host.transparent, host.transparent)
    return [
        Finding(
            "transparent hugepages", Status.OK, f"{host.transparent}: {words}; a balloon returns them like other pages"
        )
    ]


def check_mounts() -> list[Finding]:
    """Mounts that a guest can take hugepages from; the default source, memfd, needs none."""
    return [
        Finding("hugetlbfs", Status.OK, f"{path}: {size_words(page)} pages" + ("" if writable else ", not writable"))
        for path, page, writable in hugetlbfs_mounts()
    ]


def check_profiles(settings: Settings) -> Finding:
    """The profiles, and which of them have problems."""
    store = ProfileStore(settings.profiles)
    try:
        loaded = [store.load(entry.name) for entry in store.entries()]
    except HostError as error:
        return Finding("profiles", Status.MISSING, error.message, error.hint)
    found = Checks(settings).problems(loaded)
    faulty = [profile.name for profile, problems in zip(loaded, found, strict=True) if problems]
    where = shown(settings.profiles)
    text = f"{len(loaded)} in {where}" if settings.profiles.is_dir() else f"none in {where}, using the samples"
    if faulty:
        return Finding(
            "profiles", Status.NOTE, f"{text}, {len(faulty)} with problems", f"workbench check {' '.join(faulty)}"
        )
    return Finding("profiles", Status.OK, text)


def check_state(settings: Settings) -> Finding:
    """The state directory: owned by us, writable, and short enough for a socket's path."""
    root = settings.state
    other = "name another directory with --state DIR or WORKBENCH_STATE"
    try:
        check_socket_path(root / "demo")
    except HostError as error:
        return Finding("state", Status.MISSING, error.message, error.hint)
    room = SUN_PATH_MAX - len(os.fsencode(root)) - len(LONGEST_SOCKET) - 2
    names = f"guest names of up to {room} bytes"
    try:
        found = root.lstat()
    except FileNotFoundError:
        parent = next(path for path in root.parents if path.exists())
        if os.access(parent, os.W_OK | os.X_OK, effective_ids=True):
            return Finding("state", Status.OK, f"{root}, created at the first start; {names}")
        return Finding("state", Status.MISSING, f"cannot create {root}: no permission in {parent}", other)
    except OSError as error:
        return Finding("state", Status.MISSING, f"{root}: {error.strerror}", other)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        return Finding("state", Status.MISSING, f"{root} is not a directory owned by you", other)
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        return Finding("state", Status.MISSING, f"{root}: no write permission", f"chmod 700 {root}")
    mode = stat.S_IMODE(found.st_mode)
    text = f"{root}, mode {mode:04o}; {names}"
    if mode & 0o077:
        return Finding("state", Status.NOTE, f"{text}: other users could reach your guests", f"chmod 700 {root}")
    return Finding("state", Status.OK, text)


def check_demo(settings: Settings) -> Finding:
    """The demo guest: built, or possible to build here."""
    try:
        guest = find(settings.cache)
        if guest is not None:
            return Finding("demo guest", Status.OK, f"Linux {guest.version}, from {guest.origin}")
        if not has_packages():
            host_parts()
    except HostError as error:
        return Finding("demo guest", Status.MISSING, error.message, error.hint)
    except OSError as error:
        where = shown(Path(error.filename)) if error.filename else shown(settings.cache)
        return Finding("demo guest", Status.MISSING, f"{where}: {error.strerror}", "fix the permissions")
    return Finding("demo guest", Status.NOTE, "not built yet", "to build and start it: workbench demo")
