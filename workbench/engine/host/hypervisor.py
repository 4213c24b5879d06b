"""Identifies the hypervisor under this host by name. Containers are not hypervisors.

Checks files first, which costs nothing: Xen's, the clock sources that Linux offers only under one hypervisor, the names
in the firmware (DMI). Then programs that execute CPUID, the best source, which Python cannot execute.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from workbench.domain.host.accelerator import DOM0, UNNAMED
from workbench.engine.host.accelerator import read_processor

SYS = Path("/sys")
PROC = Path("/proc")

_CLOCKS = {"kvm-clock": "KVM", "hyperv_clocksource": "Hyper-V", "xen": "Xen"}
"""Clock sources that Linux registers only under one hypervisor, by name prefix."""

_FIRMWARE = {
    "Microsoft Corporation Virtual Machine": "Hyper-V",
    "VMware": "VMware",
    "innotek GmbH": "VirtualBox",
    "VirtualBox": "VirtualBox",
    "Parallels": "Parallels",
    "BHYVE": "bhyve",
    "Apple Inc. Apple Virtualization": "Apple Virtualization",
    "Xen": "Xen",
    "Amazon EC2": "KVM",
    "Google": "KVM",
    "DigitalOcean": "KVM",
    "Hetzner": "KVM",
    "Red Hat KVM": "KVM",
    "OpenStack": "KVM",
    "QEMU": "QEMU",
}
"""Prefixes of DMI's vendor and product under each hypervisor."""

NAMES = {
    "kvm": "KVM",
    "amazon": "KVM",
    "google": "KVM",
    "microsoft": "Hyper-V",
    "vmware": "VMware",
    "oracle": "VirtualBox",
    "xen": "Xen",
    "qemu": "QEMU",
    "parallels": "Parallels",
    "bhyve": "bhyve",
    "apple": "Apple Virtualization",
    "acrn": "ACRN",
    "qnx": "QNX",
}
"""Names used by systemd-detect-virt(1) and, in lower case, by lscpu(1)."""


@cache
def hypervisor_name() -> str:
    """Such as ``KVM`` or ``Hyper-V``; empty on bare metal. It does not change while the host runs."""
    return find_hypervisor(SYS, PROC, guest=read_processor().guest)


def find_hypervisor(sys: Path, proc: Path, *, guest: bool) -> str:
    """The hypervisor under the host whose /sys and /proc are given.

    :param guest: whether the CPU has the ``hypervisor`` flag. A Linux on Xen may lack it.
    """
    if _text(sys / "hypervisor/type") == "xen":
        host = "control_d" in _text(proc / "xen/capabilities")
        return DOM0 if host else "Xen"
    if not guest:
        return ""
    return _by_clock(sys) or _by_firmware(sys) or _by_program() or UNNAMED


def _by_clock(sys: Path) -> str:
    offered = _text(sys / "devices/system/clocksource/clocksource0/available_clocksource").split()
    return next((name for start, name in _CLOCKS.items() if any(clock.startswith(start) for clock in offered)), "")


def _by_firmware(sys: Path) -> str:
    dmi = sys / "class/dmi/id"
    vendor, product = _text(dmi / "sys_vendor"), _text(dmi / "product_name")
    for text in (f"{vendor} {product}", product):
        for start, name in _FIRMWARE.items():
            if text.startswith(start):
                return name
    return ""


def _by_program() -> str:
    """What systemd-detect-virt(1) or lscpu(1) read from CPUID; empty if neither is installed."""
    if shutil.which("systemd-detect-virt"):
        return NAMES.get(_output("systemd-detect-virt", "--vm"), "")
    for line in _output("lscpu").splitlines():
        key, _, value = line.partition(":")
        if key == "Hypervisor vendor":
            return NAMES.get(value.strip().lower(), value.strip())
    return ""


def _output(*argv: str) -> str:
    untranslated = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=5, check=False, env=untranslated)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
