"""A guest as its profile describes it: the keys of the TOML file, their types, units and defaults.

Every default is the guest that most people want, so ``memory.size`` alone makes a profile. Sizes are bytes.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta
from msgspec.structs import force_setattr, replace

from workbench.domain.balloon.safety.protection import Safety
from workbench.domain.balloon.safety.ramp import parse_ramp
from workbench.domain.profile.boot import Boot, Firmware
from workbench.domain.profile.cpu import Cpu, Tcg
from workbench.domain.profile.devices.balloon import BALLOON_ID, Balloon
from workbench.domain.profile.devices.display import DISPLAY_ID, LOOPBACK, Display
from workbench.domain.profile.devices.net import EVERY_ADDRESS, Net, host_end
from workbench.domain.profile.devices.part import File, Part, Path, lone, words
from workbench.domain.profile.devices.rng import Rng
from workbench.domain.profile.devices.scsi import Disk, Scsi
from workbench.domain.profile.devices.serial import AGENT, PORTS_MAX, SERIAL_ID, SerialPort
from workbench.domain.profile.memory import VIRTIO_MEM, Memory
from workbench.domain.profile.slots import PORTS_SLOT, slot_clashes, slots_of

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_OPTION = re.compile(r"[a-z][a-z0-9-]{0,40}", re.ASCII)
TAKEN_OPTIONS = {
    "type": "machine",
    "accel": "accelerator",
    "memory-backend": "memory",
    "pflash0": "firmware",
    "pflash1": "firmware",
    "kernel": "boot.kernel",
    "initrd": "boot.initrd",
    "append": "boot.cmdline",
}
"""Options of ``-machine`` that have a key of their own in a profile."""
NAME_MAX = 48
"""Characters of a guest's name: it is a directory's name in the path of a socket, which can have 107 bytes in all."""


PORT_ID = "pcie-port"
"""The ids of the root ports begin so, and a number follows."""
DEFAULT_PORTS = 4
PORTS = 8
"""Functions of one PCI slot: the root ports share one."""
NO_APIC = frozenset({"base", "486"})
"""Processors that have no interrupt controller of their own."""


class Qemu(Part, frozen=True, kw_only=True):
    """``[qemu]``: what QEMU can do and a profile has no key for."""

    args: tuple[Annotated[str, Meta(max_length=65536), words("a text of at most 65,536 characters")], ...] = ()
    """Arguments that stand at the end of QEMU's command line as they are."""
    reserve: Annotated[int, Meta(ge=0, le=16)] = 0
    """PCI slots at the front of the root bus that are left free for devices of ``args``: QEMU gives those their slots
    before the profile's own have theirs."""

    @property
    def gives_memory(self) -> bool:
        """Whether an argument names what the RAM is; then the board has no memory of the profile's own: QEMU refuses both
        (hw/core/numa.c, parse_numa_node())."""
        keys = {"-numa": ",memdev=", "--numa": ",memdev=", "-machine": ",memory-backend=", "-M": ",memory-backend="}
        return any(
            keys[name] in f",{value}" for name, value in zip(self.args, self.args[1:], strict=False) if name in keys
        )

    def check(self) -> Iterator[tuple[Path, str]]:
        for index, arg in enumerate(self.args):
            if arg in ("-daemonize", "--daemonize"):
                yield ("args", index), "the workbench detaches QEMU itself, and its sandbox kills one that forks"
            elif arg in ("-pidfile", "--pidfile"):
                yield ("args", index), "the workbench finds its guests again by its own -pidfile"


class GuestProfile(Part, frozen=True, kw_only=True):
    """A guest. Its name is the file's name without ``.toml``."""

    name: Annotated[str, Meta(extra={"hidden": "the guest's name is its file's name without .toml"})] = "guest"
    extends: File | None = None
    """Another profile that says what this one does not: tables are joined, lists and values replaced. A relative path
    begins at this file's directory."""
    description: Annotated[str, Meta(max_length=1000), words("a text of at most 1,000 characters")] = ""
    """For people, one line."""
    machine: Annotated[
        str,
        Meta(pattern=r"^(q35|pc|pc-(q35|i440fx)-[A-Za-z0-9.]{1,32})\Z"),
        words("a PC such as q35, pc or pc-q35-7.2"),
    ] = "q35"
    """QEMU's board: ``q35`` (PCI Express), ``pc`` (i440FX), or one of their versions."""
    machine_options: tuple[
        tuple[
            str, Annotated[str, Meta(max_length=200), words('a text of at most 200 characters such as "on" or "off"')]
        ],
        ...,
    ] = ()
    """Options of the board by QEMU's names, each a text: ``hpet = "off"``, ``smm = "on"``."""
    accelerator: Literal["auto", "kvm", "tcg"] = "auto"
    """``auto``: KVM where it can run a guest, else TCG."""
    cpu: Cpu = Cpu()
    tcg: Tcg = Tcg()
    memory: Memory = Memory()
    firmware: Firmware = Firmware()
    boot: Boot = Boot()
    net: tuple[Net, ...] = (Net(),)
    """One card on the user network when not given; ``net = false``: none."""
    scsi: tuple[Scsi, ...] = ()
    balloon: Balloon | None = Balloon()
    """``balloon = false``: none."""
    serial: Annotated[tuple[SerialPort, ...], Meta(max_length=PORTS_MAX)] = ()
    rng: Annotated[tuple[Rng, ...], lone()] = (Rng(),)
    """``rng = false``: none."""
    display: Display | None = None
    """None when the table is absent."""
    root_ports: Annotated[int | None, Meta(ge=0, le=PORTS)] = None
    """Empty PCI Express slots that devices can be plugged into while the guest runs; 4 on a ``q35`` when not given. A
    ``pc`` has none and needs none: its own bus takes devices at any time."""
    qemu: Qemu = Qemu()

    def __post_init__(self) -> None:
        """Name the devices that have no id of their own."""
        force_setattr(self, "net", tuple(replace(net, id=net.id or f"net{i}") for i, net in enumerate(self.net)))
        force_setattr(self, "serial", tuple(replace(p, id=p.id or f"port{i}") for i, p in enumerate(self.serial)))
        force_setattr(self, "rng", tuple(replace(rng, id=rng.id or f"rng{i}") for i, rng in enumerate(self.rng)))
        count = 0
        controllers = []
        for index, scsi in enumerate(self.scsi):
            disks: list[Disk] = []
            for disk in scsi.disk:
                disks.append(replace(disk, id=disk.id or f"disk{count}"))
                count += 1
            controllers.append(replace(scsi, id=scsi.id or f"scsi{index}", disk=tuple(disks)))
        force_setattr(self, "scsi", tuple(controllers))

    def ids(self) -> Iterator[tuple[str, Path]]:
        """Every device's id in QEMU, and where in the profile the device stands."""
        if self.balloon is not None:
            yield BALLOON_ID, ("balloon",)
        if self.serial:
            yield SERIAL_ID, ("serial",)
        if self.display is not None:
            yield DISPLAY_ID, ("display",)
        if self.memory.virtio_mem is not None:
            yield VIRTIO_MEM, ("memory", "virtio-mem")
        for number in range(self.ports):
            yield f"{PORT_ID}{number}", ("root-ports",)
        for index, net in enumerate(self.net):
            yield str(net.id), ("net", index, "id")
        for index, scsi in enumerate(self.scsi):
            yield str(scsi.id), ("scsi", index, "id")
            for number, disk in enumerate(scsi.disk):
                yield str(disk.id), ("scsi", index, "disk", number, "id")
        for index, port in enumerate(self.serial):
            yield str(port.id), ("serial", index, "id")
        for index, rng in enumerate(self.rng):
            yield str(rng.id), ("rng", index, "id")

    @property
    def ports(self) -> int:
        """How many empty root ports there are."""
        if self.root_ports is None:
            return DEFAULT_PORTS if "q35" in self.machine else 0
        return self.root_ports

    def slots(self) -> dict[Path, str]:
        """The PCI slot of each virtio device, in QEMU's ``SLOT.FUNCTION``, by its place in the profile."""
        return slots_of(self)

    def check(self) -> Iterator[tuple[Path, str]]:
        yield from self._same_ids()
        yield from slot_clashes(self)
        yield from self._same_addresses()
        yield from self._port_room()
        yield from self._same_names()
        yield from self._same_ports()
        if self.balloon is not None:
            yield from ((("balloon", *path), why) for path, why in self.balloon.check_ram(self.memory.size))
        for name, _ in self.machine_options:
            if _OPTION.fullmatch(name) is None:
                yield ("machine-options", name), "the name of a board's option has letters, digits and '-'"
            elif name in TAKEN_OPTIONS:
                yield ("machine-options", name), f"another key says that: {TAKEN_OPTIONS[name]}"
        if self.cpu.hyperv and self.accelerator == "tcg":
            why = "TCG has no Hyper-V enlightenments, and QEMU would leave them out without a word; KVM has them"
            yield ("cpu", "hyperv"), why
        if self.root_ports and "q35" not in self.machine:
            yield ("root-ports",), f"the board {self.machine} has no PCI Express; its own bus takes devices at any time"
        yield from self._port_interrupts()
        free = PORTS_SLOT - 1 - (0 if "q35" in self.machine else 1) - self.qemu.reserve
        free -= 1 if self.has_usb and self.display is not None else 0
        counts = {"net": len(self.net), "scsi": len(self.scsi), "rng": len(self.rng)}
        if sum(max(count - 1, 0) for count in counts.values()) + 5 > free:
            rngs = f" and {len(self.rng)} entropy sources" if len(self.rng) > 1 else ""
            words = f"{len(self.net)} cards and {len(self.scsi)} SCSI controllers{rngs}"
            yield (max(counts, key=counts.__getitem__),), f"{words}: the board has {free} slots"

    @property
    def has_usb(self) -> bool:
        """Whether the board's own USB controllers are there, in a slot that nothing else can have."""
        on = ("on", "true", "yes", "y")  # QEMU: qapi/string-input-visitor.c, parse_type_bool()
        return "q35" in self.machine and any(name == "usb" and value in on for name, value in self.machine_options)

    def _port_interrupts(self) -> Iterator[tuple[Path, str]]:
        """QEMU: hw/pci/msix.c, msix_init() without msi_nonbroken; hw/i386/x86.c makes an APIC for each of many."""
        if not self.ports or self.cpu.count > 1:
            return
        why = "which the interrupts of root ports need: write root-ports = 0"
        if "-apic" in self.cpu.features:
            yield ("cpu", "features", self.cpu.features.index("-apic")), f"this takes the APIC away, {why}"
        elif self.cpu.model in NO_APIC and "+apic" not in self.cpu.features:
            yield ("cpu", "model"), f"{self.cpu.model} has no APIC, {why}"

    def _same_ids(self) -> Iterator[tuple[Path, str]]:
        seen: set[str] = set()
        for name, path in self.ids():
            if name in seen:
                yield path, f'two devices have the id "{name}"'
            seen.add(name)

    def _same_addresses(self) -> Iterator[tuple[Path, str]]:
        macs: set[str] = set()
        for index, net in enumerate(self.net):
            if net.mac is not None:
                if net.mac.lower() in macs:
                    yield ("net", index, "mac"), f"two cards have the address {net.mac}"
                macs.add(net.mac.lower())

    def _port_room(self) -> Iterator[tuple[Path, str]]:
        """The controller's first place is a console's (QEMU: hw/char/virtio-serial-bus.c, find_free_port_id())."""
        others = [index for index, port in enumerate(self.serial) if port.kind != "console"]
        if len(others) >= PORTS_MAX:
            why = f"a controller has room for {PORTS_MAX - 1} ports and agents: its first place is a console's"
            yield ("serial", others[PORTS_MAX - 1], "kind"), why

    def _same_names(self) -> Iterator[tuple[Path, str]]:
        """QEMU: hw/char/virtio-serial-bus.c, virtser_port_device_realize()."""
        names: set[str] = set()
        for index, port in enumerate(self.serial):
            name = AGENT if port.kind == "agent" else port.name
            if name in names:
                key = "kind" if port.kind == "agent" else "name"
                yield ("serial", index, key), f'two ports have the name "{name}"'
            elif name is not None:
                names.add(name)

    def _same_ports(self) -> Iterator[tuple[Path, str]]:
        taken: dict[tuple[str, int], set[str]] = {}
        if self.display is not None and self.display.port is not None:
            taken["tcp", self.display.port] = {LOOPBACK}
        for index, net in enumerate(self.net):
            for number, text in enumerate(net.forward):
                protocol, address, port = host_end(text)
                held = taken.setdefault((protocol, port), set())
                # Who listens at every address leaves none to others.
                if address in held or (held and EVERY_ADDRESS in (address, *held)):
                    vnc = self.display is not None and port == self.display.port and protocol == "tcp"
                    why = "the display's: VNC listens there" if vnc else "forwarded twice"
                    yield ("net", index, "forward", number), f"{protocol} port {port} of the host is {why}"
                held.add(address)


def check_name(name: str) -> str | None:
    """What is wrong with a guest's name; None when nothing is."""
    if not name:
        return "a guest's name cannot be empty"
    if len(name) > NAME_MAX:
        return f"a guest's name has at most {NAME_MAX} characters, and this has {len(name)}"
    if not _NAME.fullmatch(name):
        return f"{name!r} is not a guest's name: letters, digits, '.', '_' and '-', the first no '.' or '-'"
    return None


def safety_of(profile: GuestProfile | None) -> Safety:
    """What a profile wishes; the defaults without a profile or a balloon."""
    balloon = profile.balloon if profile is not None else None
    if balloon is None:
        return Safety()
    ramp = parse_ramp(balloon.ramp) if balloon.ramp is not None else None
    return Safety(balloon.floor, ramp, balloon.guard, balloon.presets, balloon.statistics)
