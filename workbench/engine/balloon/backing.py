"""What decides whether a balloon gives the host anything: asked of QEMU, seen in /proc, and read in QEMU's log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from workbench.domain.balloon.backing import Backing
from workbench.engine.balloon.host_memory import RamMeter
from workbench.engine.devices.virtio_pci import pci_devices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from workbench.domain.balloon.plugged_memory import Module
    from workbench.engine.balloon.host_memory import RamHeld
    from workbench.engine.devices.virtio_pci import Execute

PINNING = ("vfio-", "vhost-vdpa-")
"""How the names of devices begin that make QEMU leave out every discard."""
REFUSAL = "Failed to discard range"
"""What QEMU logs of each discard that fails (system/physmem.c, ``ram_block_discard_range``)."""
TAIL = 4096
"""Bytes of the log's end that are looked at: a guest whose memory is locked makes one line for each page."""

PERIPHERALS = ("/machine/peripheral", "/machine/peripheral-anon")
"""Where QEMU keeps the devices that its command line or ``device_add`` made, with and without an id."""
NETWORKS = "info network"
QUESTIONS = (*PERIPHERALS, NETWORKS)
"""What tells which devices pin memory."""
PLACE = "gpa2hva"
"""Where in QEMU a byte of the guest's RAM is (QEMU: monitor/hmp-cmds-target.c, ``hmp_gpa2hva``); an address follows."""

_CHILD = re.compile(r"child<(.+)>")
_NETWORK = re.compile(r"^[ \\]*([^:\s]+): index=\d+,type=(vhost-vdpa)\b", re.MULTILINE)
_ADDRESS = re.compile(r"^Host virtual address for 0x[0-9a-f]+ \(.*\) is 0x([0-9a-f]+)\s*$")
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z ")


def pinning_children(children: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """The devices that pin all RAM, each as ``TYPE ID``, in a reply of ``qom-list``."""
    for child in children:
        kind = _CHILD.fullmatch(child["type"])
        if kind is not None and kind[1].startswith(PINNING):
            yield f"{kind[1]} {child['name']}"


def pinning_networks(text: str) -> Iterator[str]:
    """The same of network backends, in what HMP ``info network`` prints (net/net.c, ``print_net_client``)."""
    for match in _NETWORK.finditer(text):
        yield f"{match[2]} {match[1]}"


class RefusalLog:
    """Watches QEMU's log for discards that failed, and reads no more of it than its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = 0
        self._last = ""

    def look(self) -> str:
        """The last line that says so, without its time; empty when there was none. A log that did not grow costs one stat(2)."""
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
    """One guest's memory from the host's side: what is held of it, and on what it stands."""

    def __init__(self, pid: int, ram: int, log: Path) -> None:
        """:param log: QEMU's own; there may be no such file."""
        self._pid = pid
        self._meter = RamMeter(pid, ram)
        """Of what the guest began with, at its address 0."""
        self._modules: dict[Module, RamMeter | None] = {}
        """Of each module that was plugged in, which lies elsewhere; None until QEMU has told where."""
        self._log = RefusalLog(log)
        self._population: object = None
        """The guest's PCI devices when they were last looked at."""
        self._questions = [f"{PLACE} 0x0", *QUESTIONS]
        """What has to be asked."""
        self._pinning: dict[str, tuple[str, ...]] = {}
        """The answers."""
        self.held: RamHeld | None = None
        """What the host held at the last look."""

    def look(self, base: int, ram: int) -> RamHeld | None:
        """What the host holds of ``ram`` bytes of RAM now; None when that cannot be seen.

        :param base: what of it the guest began with; the rest are the modules.
        """
        self.held = self._meter.look(base)
        for module, meter in self._modules.items():
            part = None if meter is None else meter.look(module.size)
            if part is None or self.held is None:
                self.held = None
                break
            self.held = replace(self.held, resident=self.held.resident + part.resident)
            ram -= module.size
        if ram != base:
            self.held = None  # something was plugged in since
        return self.held

    def know_modules(self, modules: Iterable[Module]) -> None:
        """What is plugged in now."""
        before, self._modules = self._modules, {}
        for module in modules:
            self._modules[module] = before.get(module)
            if module not in before:
                self._questions.insert(0, f"{PLACE} {module.address:#x}")

    def look_at_devices(self, pci: object) -> None:
        """When the guest got or lost a PCI device, all has to be asked again.

        :param pci: the reply of ``query-pci``.
        """
        population = [(device.get("bus"), device.get("slot"), device.get("qdev_id")) for device in pci_devices(pci)]
        if self._population is not None and population != self._population:
            places = [question for question in self._questions if question.startswith(PLACE)]
            self._questions = [*places, *QUESTIONS]
        self._population = population

    @property
    def asking(self) -> bool:
        """Whether something is still to be asked."""
        return bool(self._questions)

    async def ask(self, execute: Execute) -> None:
        """Ask QEMU the next question: one command."""
        question = self._questions[0]
        if question.startswith(PLACE):
            await self._ask_place(question, execute)
            self._questions.remove(question)
            return
        if question == NETWORKS:
            text = await execute("human-monitor-command", {"command-line": NETWORKS})
            found: Iterable[str] = pinning_networks(str(text))
        else:
            children = await execute("qom-list", {"path": question})
            found = pinning_children(cast("list[Mapping[str, str]]", children))
        self._pinning[question] = tuple(found)
        self._questions.pop(0)

    async def _ask_place(self, question: str, execute: Execute) -> None:
        text = await execute("human-monitor-command", {"command-line": question})
        match, address = _ADDRESS.match(str(text)), int(question.split()[1], 16)
        if match is None:
            return
        if address == 0:
            self._meter.know_start(int(match[1], 16))
        for module in self._modules:
            if module.address == address:
                meter = self._modules[module] = RamMeter(self._pid, module.size)
                meter.know_start(int(match[1], 16))

    def backing(self, *, reporting: bool | None) -> Backing | None:
        """What the guest's RAM stands on; None when that cannot be seen.

        :param reporting: whether free page reporting is on, as far as it is known.
        """
        held = self.held
        if held is None:
            return None
        pinned = tuple(device for devices in self._pinning.values() for device in devices)
        return Backing(held.page, held.locked, pinned, reporting, self._log.look())
