"""Finds the QEMU program on this host and its version."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from workbench.engine.storage.cache import Memo
from workbench.errors import HostError

PROGRAM = "qemu-system-x86_64"

INSTALL = {
    "debian": "sudo apt install qemu-system-x86",
    "ubuntu": "sudo apt install qemu-system-x86",
    "fedora": "sudo dnf install qemu-system-x86",
    "rhel": "sudo dnf install qemu-kvm",
    "arch": "sudo pacman -S qemu-base",
    "suse": "sudo zypper install qemu-x86",
    "alpine": "sudo apk add qemu-system-x86_64",
}
"""Commands that install QEMU, by ``ID`` or ``ID_LIKE`` of os-release(5)."""

_VERSION = re.compile(r"version (\d+)\.(\d+)(?:\.(\d+))?")


def qemu_binary() -> str:
    """The absolute path of QEMU: the program in WORKBENCH_QEMU, or the first on PATH.

    :raise HostError: if there is none.
    """
    named = os.environ.get("WORKBENCH_QEMU", "")
    found = shutil.which(named or PROGRAM)
    if found is not None:
        return os.path.abspath(found)
    if named:
        raise HostError(
            f"WORKBENCH_QEMU is set to {named}, which is not an executable program",
            hint="set it to the path of a qemu-system-x86_64, or unset it",
        )
    raise HostError(f"{PROGRAM} is not installed", hint=install_hint())


def install_hint() -> str:
    """The command that installs QEMU on this distribution; the usual ones if it is unknown."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    for name in (release.get("ID", ""), *release.get("ID_LIKE", "").split()):
        if name in INSTALL:
            return INSTALL[name]
    return "\n".join(f"{name}: {INSTALL[name]}" for name in ("debian", "fedora", "arch"))


def qemu_version(binary: str, cache: Path | None = None) -> tuple[int, int, int]:
    """The version of a QEMU program, read once for each program file and then cached.

    :param cache: the cache directory; by default the user's.
    :raise HostError: if it cannot be run or prints no version.
    """
    try:
        found = Path(binary).stat()
    except OSError as error:
        raise HostError(f"{binary}: {error.strerror}", hint=install_hint()) from error
    # The path too: a wrapper script at another path may run another QEMU from the same bytes.
    key = [binary, str(found.st_mtime_ns), str(found.st_size), str(found.st_ino)]
    memo = Memo("qemu-version", cache)
    kept = known.get(tuple(key)) or memo.recall(key)
    if kept is None:
        kept = _ask_version(binary)
        memo.keep(key, kept)
    known[tuple(key)] = kept
    major, minor, micro = map(int, kept)
    return major, minor, micro


known: dict[tuple[str, ...], list[str]] = {}
"""Versions that this process already knows, by the key of the program file."""


def _ask_version(binary: str) -> list[str]:
    try:
        # WORKBENCH_QEMU may name a wrapper that hangs; QEMU itself answers in some 20 ms.
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise HostError(f"cannot run {binary} --version: {error}", hint=install_hint()) from error
    match = _VERSION.search(done.stdout)
    if match is None:
        output = (done.stderr or done.stdout).strip() or f"exit status {done.returncode}"
        raise HostError(f"{binary} --version printed no version: {output}", hint=install_hint())
    return [part or "0" for part in match.groups()]
