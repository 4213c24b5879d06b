"""Downloads and unpacks Debian's and Ubuntu's packages, without root and without installing anything."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from workbench.engine.demo.parts import Parts, is_static_x86
from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable

KERNELS = ("linux-image-cloud-amd64", "linux-image-virtual", "linux-image-generic", "linux-image-amd64")
"""Packages that depend on the newest kernel, best first: Debian's cloud kernel, Ubuntu's for guests, then any."""
BUSYBOX = "busybox-static"

_DEPENDS = re.compile(r"^ [ |]Depends: (linux-(?:image|modules|binary|base)-\d\S*)$", re.MULTILINE)
"""Ubuntu has the modules in a separate package; Debian since 14 also the image and the list of built-in modules."""
_PERCENT = re.compile(r"dlstatus:\d+:(\d+)")
"""apt's progress (its doc/progress-reporting.md)."""


def has_packages(os_release: Path = Path("/etc/os-release")) -> bool:
    """Whether this is Debian, Ubuntu, or a derivative (os-release(5): ID, ID_LIKE)."""
    try:
        lines = os_release.read_text().splitlines()
    except OSError:
        return False
    values = [
        value.strip("'\"") for key, _, value in (line.partition("=") for line in lines) if key in ("ID", "ID_LIKE")
    ]
    return not {"debian", "ubuntu"}.isdisjoint(" ".join(values).split()) and shutil.which("apt-get") is not None


async def package_parts(directory: Path, progress: Callable[[str], None]) -> Parts:
    """Download kernel, modules and busybox into ``directory`` and unpack them there.

    :raise HostError: if apt does not know the packages, or the download or unpacking fails.
    """
    packages = [*await _kernel_packages(), BUSYBOX]
    progress(f"downloading {', '.join(packages)}")
    archives = await _download(directory, packages, progress)
    root = directory / "root"
    for archive in archives:
        progress(f"unpacking {archive.name.partition('_')[0]}")
        await _run("dpkg-deb", "-x", str(archive), str(root), what=f"unpacking {archive.name}")
    return _find_parts(root, ", ".join(" ".join(unquote(a.name).split("_")[:2]) for a in archives))


async def _kernel_packages() -> list[str]:
    """Packages with the newest kernel and its modules."""
    for name in KERNELS:
        found: list[str] = []
        pending = [name]
        while pending:
            listing = await _run("apt-cache", "depends", pending.pop(), check=False)
            new = [package for package in _DEPENDS.findall(listing) if package not in found]
            found += new
            pending += new
        if found:
            return found
    raise HostError(
        f"apt has no kernel package: {', '.join(KERNELS)}",
        hint="update apt's package lists: sudo apt-get update",
    )


async def _download(directory: Path, packages: list[str], progress: Callable[[str], None]) -> list[Path]:
    last = -1

    def report(line: str) -> None:
        nonlocal last
        match = _PERCENT.match(line)
        # In steps of five: each may be a line in a log.
        if match and (step := int(match[1]) // 5 * 5) > last:
            last = step
            progress(f"downloaded {step} %")

    # Sandbox::User: as root, apt would warn that its own user cannot write here; no effect for other users.
    options = ["-qq", "-o", "APT::Status-Fd=1", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=2"]
    await _run("apt-get", "download", *options, *packages, cwd=directory, report=report, what="the download")
    return _archives(directory, len(packages))


def _archives(directory: Path, expected: int) -> list[Path]:
    archives = sorted(directory.glob("*.deb"))
    if len(archives) < expected:
        raise HostError("the download is incomplete", hint="run sudo apt-get update, then try again")
    return archives


def _find_parts(root: Path, origin: str) -> Parts:
    # With a merged /usr, packages ship usr/lib and usr/bin; older ones lib and bin.
    tree = next((path for top in ("usr/lib", "lib") for path in root.glob(f"{top}/modules/*") if path.is_dir()), None)
    if tree is None:
        raise HostError(f"no kernel modules in {origin}")
    kernels = [root / "boot" / f"vmlinuz-{tree.name}", tree / "vmlinuz"]
    kernel = next((path for path in kernels if path.is_file()), None)
    busybox = next((path for top in ("usr/bin", "bin") if (path := root / top / "busybox").is_file()), None)
    if kernel is None or busybox is None:
        raise HostError(f"no {'busybox' if kernel else 'kernel'} in {origin}")
    if not is_static_x86(busybox.read_bytes()):
        raise HostError(f"busybox in {origin} is not a static program for x86-64")
    return Parts(kernel, tree, busybox, origin)


async def _run(
    *argv: str,
    cwd: Path | None = None,
    report: Callable[[str], None] | None = None,
    check: bool = True,
    what: str = "",
) -> str:
    """Run a tool and return its output; cancelling the caller ends the tool.

    :param report: called with each line of output as it comes.
    :raise HostError: if the tool is missing, or fails and ``check`` is true.
    """
    pipe = asyncio.subprocess.PIPE
    # apt's and dpkg's output is parsed, so it must be in English.
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, cwd=cwd, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
    except FileNotFoundError as error:
        raise HostError(
            f"{argv[0]} is not installed", hint=f"sudo apt-get install {argv[0].partition('-')[0]}"
        ) from error
    assert process.stdout is not None
    assert process.stderr is not None
    errors = asyncio.ensure_future(process.stderr.read())
    lines = []
    try:
        async for raw in process.stdout:
            lines.append(raw.decode(errors="replace"))
            if report is not None:
                report(lines[-1])
        complaint = (await errors).decode(errors="replace").strip()
        status = await process.wait()
    finally:
        errors.cancel()
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if status and check:
        raise HostError(f"{what or argv[0]} failed: {complaint or f'exit status {status}'}", hint=_hint(complaint))
    return "".join(lines)


def _hint(complaint: str) -> str:
    """What to do about an error of apt or dpkg, by its text in the C locale: the exit status carries no detail."""
    if "No space left" in complaint or "enough free space" in complaint:
        return "free some space on the disk with the cache (XDG_CACHE_HOME), then try again"
    return "if the package lists are outdated, run sudo apt-get update, then try again"
