"""Whether a balloon can give the host memory back, from QEMU's answers, /proc and QEMU's log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from workbench.domain.balloon.backing import Backing
from workbench.engine.balloon.ram_blocks import RamBlocks
from workbench.engine.devices.virtio_pci import pci_devices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from workbench.domain.balloon.plugged_memory import Module
    from workbench.engine.balloon.host_memory import RamHeld
    from workbench.engine.devices.virtio_pci import Execute

PINNING = ("vfio-", "vhost-vdpa-")
"""Name prefixes of the devices for which QEMU skips every discard."""
REFUSAL = "Failed to discard range"
"""Logged by QEMU for each failed discard (system/physmem.c, ``ram_block_discard_range``)."""
TAIL = 4096
"""Bytes read from the log's end: a guest with locked memory logs one line for each page."""

PERIPHERALS = ("/machine/peripheral", "/machine/peripheral-anon")
"""Where QEMU keeps devices from its command line and ``device_add``, with and without an id."""
NETWORKS = "info network"
QUESTIONS = (*PERIPHERALS, NETWORKS)
"""Questions that show which devices pin memory."""
_CHILD = re.compile(r"child<(.+)>")
_NETWORK = re.compile(r"^[ \\]*([^:\s]+): index=\d+,type=(vhost-vdpa)\b", re.MULTILINE)
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z ")


def pinning_children(children: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """Devices in a reply of ``qom-list`` that pin all RAM, each as ``TYPE ID``."""
    for child in children:
        kind = _CHILD.fullmatch(child["type"])
        if kind is not None and kind[1].startswith(PINNING):
            yield f"{kind[1]} {child['name']}"


def pinning_networks(text: str) -> Iterator[str]:
    """The same for network backends, from the output of HMP ``info network`` (net/net.c, ``print_net_client``)."""
    for match in _NETWORK.finditer(text):
        yield f"{match[2]} {match[1]}"


class RefusalLog:
    """Watches the end of QEMU's log for failed discards."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen = 0
        self._last = ""

    def look(self) -> str:
        """The last such line, without its time; empty if there is none. A log that did not grow costs one stat(2)."""
        if self._path is None:
            return ""
        try:
            size = self._path.stat().st_size
            if size <= self._seen:
                return self._last
            with self._path.open("rb") as file:
                file.seek(max(self._seen, size - TAIL))
                lines = file.read(size - file.tell()).decode(errors="replace").splitlines()
        except OSError:
            return self._last
        self._seen = size
        self._last = next((_STAMP.sub("", line) for line in reversed(lines) if REFUSAL in line), self._last)
        return self._last


class HostSide:
    """One guest's memory from the host's side: how much the host holds, and what backs it."""

    def __init__(self, pid: int, ram: int, log: Path | None) -> None:
        """:param log: QEMU's log; the file may not exist."""
        self._ram = RamBlocks(pid, ram)
        self._log = RefusalLog(log)
        self._population: object = None
        """The guest's PCI devices when last read."""
        self._questions = [*QUESTIONS]
        """Questions still to be asked, besides those of the blocks."""
        self._pinning: dict[str, tuple[str, ...]] = {}
        """The answers."""
        self.held: RamHeld | None = None
        """What the host held when last read."""

    def look(self, base: int, ram: int, *, newer_than: float = 0.0, moving: bool = False) -> RamHeld | None:
        """What the host now holds of ``ram`` bytes of RAM; None if that cannot be determined.

        :param base: bytes that the guest started with; the rest are modules.
        :param newer_than: Unix time before which a figure is of no use.
        :param moving: whether the balloon moves.
        """
        self.held = self._ram.look(base, ram, newer_than=newer_than, moving=moving)
        return self.held

    @property
    def unknown(self) -> str:
        """Why that cannot be determined, if known."""
        return self._ram.unknown

    def know_modules(self, modules: Iterable[Module]) -> None:
        """Update the plugged modules."""
        self._ram.know_modules(modules)

    def look_at_devices(self, pci: object) -> None:
        """Ask everything again when a PCI device was added or removed.

        :param pci: the reply of ``query-pci``.
        """
        population = [(device.get("bus"), device.get("slot"), device.get("qdev_id")) for device in pci_devices(pci)]
        if self._population is not None and population != self._population:
            self._questions = [*QUESTIONS]
        self._population = population

    @property
    def asking(self) -> bool:
        """Whether questions are left."""
        return bool(self._ram.questions or self._questions)

    async def ask(self, execute: Execute) -> None:
        """Ask QEMU the next question: one command."""
        if self._ram.questions:
            await self._ram.ask(execute)
            return
        question = self._questions[0]
        if question == NETWORKS:
            text = await execute("human-monitor-command", {"command-line": NETWORKS})
            found: Iterable[str] = pinning_networks(str(text))
        else:
            children = await execute("qom-list", {"path": question})
            found = pinning_children(cast("list[Mapping[str, str]]", children))
        self._pinning[question] = tuple(found)
        self._questions.pop(0)

    def backing(self, *, reporting: bool | None) -> Backing | None:
        """What backs the guest's RAM; None if that cannot be determined.

        :param reporting: whether free page reporting is on; None if unknown.
        """
        held = self.held
        if held is None:
            return None
        pinned = tuple(device for devices in self._pinning.values() for device in devices)
        return Backing(held.page, held.locked, pinned, reporting, self._log.look())
