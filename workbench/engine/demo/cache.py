"""The demo guest in the user's cache: complete, or not there.

::

    CACHE/demo-guest/lock               held by whoever builds
    CACHE/demo-guest/RECIPE/            one guest for each recipe: scripts, modules and format of the initramfs
        vmlinuz  initrd.img  guest.json   the last names the first two with their sizes
    CACHE/demo-guest/.building-…/       gone when the build ends, however it ends; a killed one is swept by the next

A guest is made beside its place and moved there in one step, so what is there is whole.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from contextlib import asynccontextmanager
from functools import cache as memo
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.engine.demo import modules
from workbench.engine.demo.host import host_parts
from workbench.engine.demo.initramfs import SCRIPTS, initramfs
from workbench.engine.demo.packages import has_packages, package_parts
from workbench.engine.storage.files import write_atomic
from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from workbench.engine.demo.parts import Parts

FORMAT = 1
"""Raised when the initramfs or the cache changes in a way that the scripts and the list of modules do not show."""

_UNUSED = 30 * 24 * 3600
"""Seconds after which a guest of another recipe is removed."""


class DemoGuest(Struct, frozen=True):
    """A kernel and an initramfs that boot to a shell."""

    kernel: Path
    initrd: Path
    version: str
    """The kernel's release, such as ``6.1.0-13-cloud-amd64``."""
    origin: str
    """Where its parts are from, for people."""


def find(cache: Path) -> DemoGuest | None:
    """The cached demo guest, if it is there and complete. Reads one small file.

    :param cache: the workbench's cache directory (``Settings.cache``).
    """
    place = cache / "demo-guest" / _recipe()
    try:
        facts = json.loads((place / "guest.json").read_text())
        guest = DemoGuest(place / "vmlinuz", place / "initrd.img", str(facts["version"]), str(facts["origin"]))
        whole = guest.kernel.stat().st_size == facts["kernel"] and guest.initrd.stat().st_size == facts["initrd"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return guest if whole else None


async def build(cache: Path, progress: Callable[[str], None]) -> DemoGuest:
    """The cached demo guest; built first when it is absent or not of this program's recipe.

    :param progress: called with one short line for each step.
    :raise HostError: when it cannot be built; nothing is left behind.
    """
    home = cache / "demo-guest"
    try:
        home.mkdir(parents=True, exist_ok=True)
        async with _lock(home / "lock", progress):
            guest = find(cache)
            if guest is None:
                _sweep(home)
                await _build(home, progress)
                guest = find(cache)
    except OSError as error:
        raise HostError(
            f"the demo guest cannot be built in {home}: {error.strerror or error}",
            hint="make room or give access there, or name another place with XDG_CACHE_HOME",
        ) from error
    assert guest is not None
    return guest


async def _build(home: Path, progress: Callable[[str], None]) -> None:
    if os.uname().machine != "x86_64":
        raise HostError(
            f"the demo guest is for x86-64, and this host is {os.uname().machine}",
            hint="name a kernel and an initramfs for x86-64 in a profile: [boot] kernel = ... and initrd = ...",
        )
    work = Path(tempfile.mkdtemp(dir=home, prefix=".building-"))
    try:
        parts = await package_parts(work, progress) if has_packages() else host_parts()
        progress(f"making the initramfs for Linux {parts.release}")
        guest = work / "guest"
        await asyncio.to_thread(_write_guest, guest, parts)
        place = home / _recipe()
        shutil.rmtree(place, ignore_errors=True)  # incomplete, or find() would have given it
        guest.rename(place)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    progress(f"built from {parts.origin}")


def _write_guest(guest: Path, parts: Parts) -> None:
    guest.mkdir()
    archive = initramfs(parts.busybox.read_bytes(), modules.ordered_modules(parts.tree))
    kernel = parts.kernel.read_bytes()
    facts = {"version": parts.release, "origin": parts.origin, "kernel": len(kernel), "initrd": len(archive)}
    for name, data in (
        ("vmlinuz", kernel),
        ("initrd.img", archive),
        ("guest.json", json.dumps(facts, indent=2).encode()),
    ):
        write_atomic(guest / name, data, mode=0o644)


def _sweep(home: Path) -> None:
    """Remove what killed builders left, and guests of recipes that nobody used for long. Only under the lock."""
    for path in home.iterdir():
        old = path.is_dir() and time.time() - path.stat().st_mtime > _UNUSED
        if path.name.startswith(".building-") or old:
            shutil.rmtree(path, ignore_errors=True)


@asynccontextmanager
async def _lock(path: Path, progress: Callable[[str], None]) -> AsyncIterator[None]:
    """Hold a file's lock; the kernel lets go of it when this process ends, however it ends."""
    waiting = False
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    progress("another workbench builds the demo guest: waiting for it")
                    waiting = True
                await asyncio.sleep(0.1)
        yield


@memo
def _recipe() -> str:
    """A name for everything that decides what the initramfs is, except the packages."""
    digest = hashlib.sha256(repr((FORMAT, modules.WANTED)).encode())
    for path in sorted(SCRIPTS.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
