"""What runs a guest's instructions: KVM, or QEMU's own translator TCG; and what rules KVM out without a try."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

X86 = frozenset({"x86_64", "i386", "i686", "amd64"})
"""Machines, as uname(2) names them, whose KVM can run an x86 guest."""

DOM0 = "Xen dom0"
"""The hypervisor's name where the host is Xen's own first domain. It is a code in JSON: it stays as it is."""
UNNAMED = "unnamed"
"""The hypervisor's name where the CPU says that there is one and nothing says which. It is a code in JSON too."""


class Accelerator(Struct, frozen=True):
    name: Literal["kvm", "tcg"]
    """A name that QEMU's ``-accel`` takes."""
    reason: str
    """Why "auto" chose it, in a few words: ``no vmx or svm here``."""
    advice: str = ""
    """What to do to get KVM, one sentence; empty when there is nothing to do."""


class Processor(Struct, frozen=True):
    """What /proc/cpuinfo says of the first CPU, as far as virtualization is concerned."""

    flags: frozenset[str]

    @property
    def virtualizes(self) -> bool:
        """Whether the CPU shows Intel's VT-x or AMD's SVM. The kernel hides ``vmx`` when the firmware locked it off."""
        return not self.flags.isdisjoint({"vmx", "svm"})

    @property
    def guest(self) -> bool:
        """Whether a hypervisor runs under this CPU (CPUID leaf 1, ECX bit 31)."""
        return "hypervisor" in self.flags


def read_cpuinfo(text: str) -> Processor:
    """The first CPU of /proc/cpuinfo; no flags when it has no ``flags`` line, as on other machines than x86."""
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() == "flags":
            return Processor(frozenset(value.split()))
    return Processor(frozenset())


def tcg_by_cpu(processor: Processor, machine: str) -> Accelerator | None:
    """TCG with the reason, when the CPU alone rules KVM out; None when it does not.

    :param machine: as uname(2) gives it.
    """
    if machine not in X86:
        return Accelerator("tcg", f"an x86 guest on {machine}: every instruction is translated")
    if processor.virtualizes:
        return None
    if processor.guest:
        return Accelerator(
            "tcg",
            "no vmx or svm here",
            "this host is itself a guest: VT-x or AMD-V is hidden unless nesting is on in the hypervisor under it",
        )
    return Accelerator(
        "tcg", "no vmx or svm here", "the CPU has no VT-x or AMD-V, or the firmware's set-up has it switched off"
    )


def hypervisor_words(name: str) -> str:
    """What a hypervisor under the host means for it: ``a KVM guest itself``; ``bare metal`` where there is none."""
    if not name:
        return "bare metal"
    if name == DOM0:
        return "Xen's first domain (dom0)"
    if name == UNNAMED:
        return "a guest itself"
    article = "an" if name[0] in "AEIOU" else "a"
    return f"{article} {name} guest itself"
