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
from workbench.domain.profile.devices.display import DISPLAY_ID, Display
from workbench.domain.profile.devices.net import Net
from workbench.domain.profile.devices.part import File, Part, Path, lone, words
from workbench.domain.profile.devices.rng import Rng
from workbench.domain.profile.devices.scsi import Disk, Scsi
from workbench.domain.profile.devices.serial import PORTS_MAX, SERIAL_ID, SerialPort
from workbench.domain.profile.memory import VIRTIO_MEM, Memory

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
NAME_MAX = 48
"""Characters of a guest's name: it is a directory's name in the path of a socket, which can have 107 bytes in all."""


PORT_ID = "pcie-port"
"""The ids of the root ports begin so, and a number follows."""
DEFAULT_PORTS = 4
PORTS = 8
"""Functions of one PCI slot: the root ports share one."""


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

    @property
    def has_usb(self) -> bool:
        """Whether the board's own USB controllers are there, in a slot that nothing else can have."""
        on = ("on", "true", "yes", "y")  # QEMU: qapi/string-input-visitor.c, parse_type_bool()
        return "q35" in self.machine and any(name == "usb" and value in on for name, value in self.machine_options)


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
