"""KVM or TCG: what the CPU says about running guests with KVM, before trying it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

X86 = frozenset({"x86_64", "i386", "i686", "amd64"})
"""Machines, as named by uname(2), whose KVM can run x86 guests."""

DOM0 = "Xen dom0"
"""The hypervisor's name if the host is Xen's dom0. Part of the JSON output: do not change it."""
UNNAMED = "unnamed"
"""The hypervisor's name if the CPU reports one that cannot be identified. Also part of the JSON output."""


class Accelerator(Struct, frozen=True):
    name: Literal["kvm", "tcg"]
    """As for QEMU's ``-accel``."""
    reason: str
    """Why "auto" chose it, in a few words: ``no vmx or svm here``."""
    advice: str = ""
    """How to get KVM, one sentence; empty if there is nothing to do."""


class Processor(Struct, frozen=True):
    """The first CPU in /proc/cpuinfo, as far as virtualization is concerned."""

    flags: frozenset[str]

    @property
    def virtualizes(self) -> bool:
        """Whether the CPU has VT-x or SVM. The kernel hides ``vmx`` if the firmware has disabled it."""
        return not self.flags.isdisjoint({"vmx", "svm"})

    @property
    def guest(self) -> bool:
        """Whether the CPU is virtual (CPUID leaf 1, ECX bit 31)."""
        return "hypervisor" in self.flags


def read_cpuinfo(text: str) -> Processor:
    """Parse the first CPU of /proc/cpuinfo; no flags without a ``flags`` line, as on non-x86 machines."""
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() == "flags":
            return Processor(frozenset(value.split()))
    return Processor(frozenset())


def tcg_by_cpu(processor: Processor, machine: str) -> Accelerator | None:
    """TCG with the reason, if the CPU alone rules KVM out; else None.

    :param machine: as named by uname(2).
    """
    if machine not in X86:
        return Accelerator("tcg", f"KVM on {machine} cannot run x86 guests")
    if processor.virtualizes:
        return None
    if processor.guest:
        return Accelerator(
            "tcg",
            "no vmx or svm here",
            "this host is a virtual machine: enable nested virtualization in its hypervisor",
        )
    return Accelerator(
        "tcg", "no vmx or svm here", "the CPU has no VT-x or AMD-V, or it is disabled in the firmware setup"
    )


def hypervisor_words(name: str) -> str:
    """What the host is, by the name of its hypervisor: ``a KVM guest``; ``bare metal`` without one."""
    if not name:
        return "bare metal"
    if name == DOM0:
        return "Xen dom0"
    if name == UNNAMED:
        return "a virtual machine"
    article = "an" if name[0] in "AEIOU" else "a"
    return f"{article} {name} guest"
