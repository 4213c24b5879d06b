"""What a guest's balloon asks of the host it runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.domain.balloon.backing import Backing
    from workbench.domain.balloon.plugged_memory import Module
    from workbench.engine.balloon.host_memory import RamHeld
    from workbench.engine.devices.virtio_pci import Execute


class HostLook(Protocol):
    """What the host holds of one guest's RAM; :class:`workbench.engine.balloon.backing.HostSide` for a QEMU on this host."""

    @property
    def held(self) -> RamHeld | None:
        """What the host held at the last look; None if that cannot be determined."""

    @property
    def unknown(self) -> str:
        """Why that cannot be determined; empty if it can, or the reason is not known."""

    def look(self, base: int, ram: int, *, newer_than: float = 0.0, moving: bool = False) -> RamHeld | None:
        """Look again. It may take a while: see :meth:`workbench.engine.balloon.host_memory.RamMeter.look`.

        :param base: bytes of RAM that the guest started with; the rest of ``ram`` are modules.
        """

    def backing(self, *, reporting: bool | None) -> Backing | None:
        """What backs the RAM; None if that cannot be determined.

        :param reporting: whether free page reporting is on; None if unknown.
        """

    def look_at_devices(self, pci: object) -> None:
        """Learn the guest's PCI devices.

        :param pci: the reply of ``query-pci``.
        """

    def know_modules(self, modules: Iterable[Module]) -> None:
        """Learn the plugged modules."""

    @property
    def asking(self) -> bool:
        """Whether questions for QEMU are left."""

    async def ask(self, execute: Execute) -> None:
        """Ask QEMU the next one: one command."""
