"""The guest's RAM: how much it has, and what its host holds of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from workbench.domain.balloon.plugged_memory import modules_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.balloon.backing import Backing
    from workbench.engine.balloon.device.queries import Queries
    from workbench.engine.balloon.host_look import HostLook
    from workbench.engine.balloon.host_memory import RamHeld


class Ram:
    """One guest's RAM, as its balloon counts it: what it started with, and the modules plugged in since."""

    def __init__(self, queries: Queries, host: HostLook, size: int) -> None:
        """:param size: bytes that the guest started with, as far as is known before QEMU is asked."""
        self._queries = queries
        self._host = host
        self._base = size
        self.size = size
        """Bytes."""

    async def open(self) -> None:
        """Read all of it."""
        summary = cast("Mapping[str, int]", await self._queries.execute("query-memory-size-summary"))
        self._base = summary["base-memory"]
        await self.look()

    async def look(self) -> None:
        """Read which modules are plugged in."""
        modules = modules_of(await self._queries.execute("query-memory-devices"))
        self._host.know_modules(modules)
        self.size = self._base + sum(module.size for module in modules if module.counted)

    @property
    def asking(self) -> bool:
        """Whether QEMU has to be asked where and how the host holds it."""
        return self._host.asking

    async def ask(self) -> None:
        """Ask the next of that: one command."""
        await self._host.ask(self._queries.execute)

    def look_at_devices(self, pci: object) -> None:
        """Ask again if there are other devices now, some of which pin it.

        :param pci: the reply of ``query-pci``.
        """
        self._host.look_at_devices(pci)

    def look_at_host(self, *, newer_than: float = 0.0, moving: bool = False) -> RamHeld | None:
        """What the host holds of it now; None if that cannot be determined.

        :param newer_than: Unix time before which a figure is of no use.
        :param moving: whether the balloon moves.
        """
        return self._host.look(self._base, self.size, newer_than=newer_than, moving=moving)

    @property
    def held(self) -> RamHeld | None:
        """The same at the last look."""
        return self._host.held

    @property
    def unknown(self) -> str:
        """Why what the host holds cannot be determined; empty if it can, or the reason is not known."""
        return self._host.unknown

    def backing(self, *, reporting: bool | None) -> Backing | None:
        """What backs it; None if that cannot be determined.

        :param reporting: whether free page reporting is on; None if unknown.
        """
        return self._host.backing(reporting=reporting)
