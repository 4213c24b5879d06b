"""The demo guest in the user's cache: complete or absent.

::

    CACHE/demo-guest/lock               held by the process that builds
    CACHE/demo-guest/RECIPE/            one guest for each recipe: scripts, modules and format of the initramfs
        vmlinuz  initrd.img  guest.json   the last names the first two with their sizes
    CACHE/demo-guest/.building-…/       removed when the build ends; the next build removes that of a killed one

A guest is built in a temporary directory and renamed in one step, so an existing one is complete.
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
"""Increased when the initramfs or the cache changes other than by the scripts or the list of modules."""

_UNUSED = 30 * 24 * 3600
"""Seconds after which a guest of another recipe is removed."""


class DemoGuest(Struct, frozen=True):
    """A kernel and an initramfs that boot to a shell."""

    kernel: Path
    initrd: Path
    version: str
    """The kernel's release, such as ``6.1.0-13-cloud-amd64``."""
    origin: str
    """Where its parts come from, for people."""


def find(cache: Path) -> DemoGuest | None:
    """The cached demo guest, if it is complete. Reads one small file.

    :param cache: the workbench's cache directory (``Settings.cache``).
    """
    place = cache / "demo-guest" / recipe()
    try:
        facts = json.loads((place / "guest.json").read_text())
        guest = DemoGuest(place / "vmlinuz", place / "initrd.img", str(facts["version"]), str(facts["origin"]))
        whole = guest.kernel.stat().st_size == facts["kernel"] and guest.initrd.stat().st_size == facts["initrd"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return guest if whole else None


async def build(cache: Path, progress: Callable[[str], None]) -> DemoGuest:
    """The cached demo guest; built first if it is absent or of another recipe.

    :param progress: called with a short line for each step.
    :raise HostError: if it cannot be built; nothing is left behind.
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
            f"cannot build the demo guest in {home}: {error.strerror or error}",
            hint="free some space or fix the permissions, or name another directory with XDG_CACHE_HOME",
        ) from error
    assert guest is not None
    return guest


async def _build(home: Path, progress: Callable[[str], None]) -> None:
    if os.uname().machine != "x86_64":
        raise HostError(
            f"the demo guest is for x86-64, but this host is {os.uname().machine}",
            hint="set a kernel and an initramfs for x86-64 in a profile: [boot] kernel = ... and initrd = ...",
        )
    work = Path(tempfile.mkdtemp(dir=home, prefix=".building-"))
    try:
        parts = await package_parts(work, progress) if has_packages() else host_parts()
        progress(f"building the initramfs for Linux {parts.release}")
        guest = work / "guest"
        await asyncio.to_thread(_write_guest, guest, parts)
        place = home / recipe()
        shutil.rmtree(place, ignore_errors=True)  # incomplete, or find() would have returned it
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
    """Remove leftovers of killed builds, and guests of recipes unused for long. Call only under the lock."""
    for path in home.iterdir():
        old = path.is_dir() and time.time() - path.stat().st_mtime > _UNUSED
        if path.name.startswith(".building-") or old:
            shutil.rmtree(path, ignore_errors=True)


@asynccontextmanager
async def _lock(path: Path, progress: Callable[[str], None]) -> AsyncIterator[None]:
    """Hold a file's lock; the kernel releases it when this process ends."""
    waiting = False
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    progress("waiting for another workbench that is building the demo guest")
                    waiting = True
                await asyncio.sleep(0.1)
        yield


@memo
def recipe() -> str:
    """A hash of everything that determines the initramfs, except the packages."""
    digest = hashlib.sha256(repr((FORMAT, modules.WANTED)).encode())
    for path in sorted(SCRIPTS.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
