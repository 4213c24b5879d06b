"""What the screen shows of this host: frozen, made again for each change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from workbench.domain.host.hugepages import HugepageHolder, HugepagePool


class HostSnapshot(Struct, frozen=True):
    accelerator: str
    """``kvm`` or ``tcg``: what "auto" gives on this host."""
    accelerator_reason: str
    """In a few words, such as ``no vmx or svm here``."""
    hypervisor: str
    """The hypervisor under this host, such as ``KVM`` or ``Hyper-V``; empty on bare metal."""
    qemu: str
    """Version of the installed QEMU, empty when there is none."""
    memory_total: int
    memory_available: int
    pools: tuple[HugepagePool, ...]
    cpus: int
    accelerator_advice: str = ""
    """What would give KVM, one sentence; empty when there is nothing to say."""
    holders: tuple[HugepageHolder, ...] = ()
    """Which guests have hugepages, and how much."""
    transparent: str = ""
    """The kernel's setting of transparent hugepages: ``always``, ``madvise`` or ``never``; empty when it has none."""
