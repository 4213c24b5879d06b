"""An immutable snapshot of the host for the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from workbench.domain.host.hugepages import HugepageHolder, HugepagePool


class HostSnapshot(Struct, frozen=True):
    accelerator: str
    """``kvm`` or ``tcg``: the choice of "auto" on this host."""
    accelerator_reason: str
    """In a few words, such as ``no vmx or svm here``."""
    hypervisor: str
    """The hypervisor under this host, such as ``KVM`` or ``Hyper-V``; empty on bare metal."""
    qemu: str
    """Version of the installed QEMU; empty if there is none."""
    memory_total: int
    memory_available: int
    pools: tuple[HugepagePool, ...]
    cpus: int
    accelerator_advice: str = ""
    """How to get KVM, one sentence; empty if there is nothing to do."""
    holders: tuple[HugepageHolder, ...] = ()
    """Guests that use hugepages, with their sizes."""
    transparent: str = ""
    """The kernel's transparent hugepage setting: ``always``, ``madvise`` or ``never``; empty if unsupported."""
