"""Chooses the accelerator for "auto" on this host: KVM only if it can run a guest, else TCG with the reason.

Checks the cheapest evidence first: the CPU's flags, /dev/kvm, whether this user may open it, and a test guest.
"""

from __future__ import annotations

import grp
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.host.accelerator import Accelerator, Processor, read_cpuinfo, tcg_by_cpu
from workbench.engine.host.kvm_probe import HUNG, ProbeHung, run_probe
from workbench.engine.host.qemu import qemu_binary, qemu_version
from workbench.engine.storage.cache import Memo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KVM = Path("/dev/kvm")
CPUINFO = Path("/proc/cpuinfo")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_FIRST_CPU = 16384
"""Bytes of /proc/cpuinfo that are sure to hold the first CPU; the whole file takes milliseconds per hundred CPUs."""


def read_processor(path: Path = CPUINFO) -> Processor:
    """The first CPU's flags."""
    with path.open("rb", buffering=0) as file:
        return read_cpuinfo(file.read(_FIRST_CPU).decode(errors="replace"))


async def choose_accelerator(cache: Path | None = None) -> Accelerator:
    """What "auto" selects on this host, and why. Takes microseconds after the first call in a boot.

    :param cache: the cache directory; by default the user's.
    :raise workbench.errors.HostError: if KVM would have to be tried and there is no QEMU.
    """
    processor = read_processor()
    ruled_out = tcg_by_cpu(processor, platform.machine()) or cannot_open(KVM, processor)
    return ruled_out or await by_probe(qemu_binary(), KVM, run_probe, cache)


async def kvm_trouble(cache: Path | None = None) -> str:
    """A warning for a profile that names KVM: why it probably will not work here; empty if it will."""
    return kvm_warning(await choose_accelerator(cache))


def kvm_warning(chosen: Accelerator) -> str:
    """The same, from what "auto" selects here."""
    if chosen.name == "kvm":
        return ""
    return f"KVM probably cannot run this guest: {chosen.reason}" + (f"; {chosen.advice}" if chosen.advice else "")


def cannot_open(device: Path, processor: Processor) -> Accelerator | None:
    """TCG with the reason if KVM's device is missing or refuses this user."""
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError:
        module = "kvm_intel" if "vmx" in processor.flags else "kvm_amd"
        return Accelerator("tcg", f"no {device}", f"load the KVM module: sudo modprobe {module}")
    except PermissionError:
        return Accelerator("tcg", f"no permission to open {device}", _join_group(device))
    except OSError as error:
        return Accelerator("tcg", f"cannot open {device}: {error.strerror}")
    return None


def _join_group(device: Path) -> str:
    """How to let this user open the device: join its group if that may write, else change its mode."""
    found = device.stat()
    if not found.st_mode & 0o020 or found.st_gid == 0:
        return f"give a group access: sudo chgrp kvm {device} && sudo chmod 660 {device}"
    try:
        group = grp.getgrgid(found.st_gid).gr_name
    except KeyError:
        return f"join the group with GID {found.st_gid}, which has no name on this host"
    return f"join its group and log in again: sudo usermod -aG {group} $USER"


async def by_probe(
    binary: str, device: Path, probe: Callable[[str], Awaitable[str]], cache: Path | None = None
) -> Accelerator:
    """KVM if a guest runs on it; tried once for each boot, device and QEMU."""
    memo = Memo("kvm-probe", cache)
    key = _probe_key(binary, device, cache)
    answer = known.get(tuple(key)) or memo.recall(key)
    if answer is None:
        try:
            answer = [await probe(binary)]
            memo.keep(key, answer)
        except ProbeHung:  # on a busy host the next try may be in time: remembered for this process only
            answer = [HUNG]
    known[tuple(key)] = answer
    if not answer[0]:
        return Accelerator("kvm", "a test guest ran on it")
    return Accelerator("tcg", f"KVM cannot run a guest: {answer[0]}")


def _probe_key(binary: str, device: Path, cache: Path | None) -> list[str]:
    """What a probe's answer is valid for: this boot, this device, this QEMU."""
    found = device.stat()
    version = ".".join(map(str, qemu_version(binary, cache)))
    return [BOOT_ID.read_text().strip(), f"{found.st_rdev:x}", f"{found.st_ino}", binary, version]


known: dict[tuple[str, ...], list[str]] = {}
"""Answers that this process already has, by the probe's key."""
