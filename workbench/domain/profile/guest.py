"""The model of a profile: the keys of the TOML file, their types, units and defaults.

Every key has a default that suits most guests, so ``memory.size`` alone makes a profile. Sizes are bytes.
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
"""Characters of a guest's name: it names a directory in the path of a socket, which is limited to 107 bytes."""


PORT_ID = "pcie-port"
"""The prefix of the root ports' ids; a number follows."""
DEFAULT_PORTS = 4
PORTS = 8
"""At most the functions of one PCI slot, which the root ports share."""


class Qemu(Part, frozen=True, kw_only=True):
    """``[qemu]``: QEMU options that have no key in a profile."""

    args: tuple[Annotated[str, Meta(max_length=65536), words("a string of at most 65,536 characters")], ...] = ()
    """Arguments to append to QEMU's command line unchanged."""
    reserve: Annotated[int, Meta(ge=0, le=16)] = 0
    """PCI slots to leave free at the start of the root bus for devices in ``args``, to which QEMU assigns the first free
    slots."""

    @property
    def gives_memory(self) -> bool:
        """Whether an argument sets the memory backend. The board then gets none from the profile, since QEMU refuses two
        (hw/core/numa.c, parse_numa_node())."""
        keys = {"-numa": ",memdev=", "--numa": ",memdev=", "-machine": ",memory-backend=", "-M": ",memory-backend="}
        return any(
            keys[name] in f",{value}" for name, value in zip(self.args, self.args[1:], strict=False) if name in keys
        )

    def check(self) -> Iterator[tuple[Path, str]]:
        for index, arg in enumerate(self.args):
            if arg in ("-daemonize", "--daemonize"):
                yield (
                    ("args", index),
                    "not allowed: the workbench detaches QEMU itself, and its sandbox kills a QEMU that forks",
                )
            elif arg in ("-pidfile", "--pidfile"):
                yield ("args", index), "not allowed: the workbench sets -pidfile itself, to find its guests"


class GuestProfile(Part, frozen=True, kw_only=True):
    """A guest. It is named after its file, without ``.toml``."""

    name: Annotated[str, Meta(extra={"hidden": "a guest is named after its file, without .toml"})] = "guest"
    extends: File | None = None
    """Another profile, for the keys that this one does not set: tables are merged, lists and values replaced. Relative to
    this file's directory."""
    description: Annotated[str, Meta(max_length=1000), words("a string of at most 1,000 characters")] = ""
    """One line that describes the guest."""
    machine: Annotated[
        str,
        Meta(pattern=r"^(q35|pc|pc-(q35|i440fx)-[A-Za-z0-9.]{1,32})\Z"),
        words("a PC machine type such as q35, pc or pc-q35-7.2"),
    ] = "q35"
    """QEMU's machine type: ``q35`` (PCI Express), ``pc`` (i440FX), or a version of one of them."""
    machine_options: tuple[
        tuple[
            str, Annotated[str, Meta(max_length=200), words('a string of at most 200 characters such as "on" or "off"')]
        ],
        ...,
    ] = ()
    """Machine options by QEMU's names, each a string: ``hpet = "off"``, ``smm = "on"``."""
    accelerator: Literal["auto", "kvm", "tcg"] = "auto"
    """``auto``: KVM if this host can run a guest on it, otherwise TCG."""
    cpu: Cpu = Cpu()
    tcg: Tcg = Tcg()
    memory: Memory = Memory()
    firmware: Firmware = Firmware()
    boot: Boot = Boot()
    net: tuple[Net, ...] = (Net(),)
    """Default: one card on the user network. ``net = false``: none."""
    scsi: tuple[Scsi, ...] = ()
    balloon: Balloon | None = Balloon()
    """``balloon = false``: none."""
    serial: Annotated[tuple[SerialPort, ...], Meta(max_length=PORTS_MAX)] = ()
    rng: Annotated[tuple[Rng, ...], lone()] = (Rng(),)
    """``rng = false``: none."""
    display: Display | None = None
    """Default: none."""
    root_ports: Annotated[int | None, Meta(ge=0, le=PORTS)] = None
    """Empty PCI Express root ports for devices plugged in while the guest runs. Default: 4 on a ``q35``. A ``pc`` has none
    and needs none: its PCI bus is hot-pluggable."""
    qemu: Qemu = Qemu()

    def __post_init__(self) -> None:
        """Give an id to each device that has none."""
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
        """Every device's id in QEMU and its path in the profile."""
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
        """The number of empty root ports."""
        if self.root_ports is None:
            return DEFAULT_PORTS if "q35" in self.machine else 0
        return self.root_ports

    @property
    def has_usb(self) -> bool:
        """Whether the board has its USB controllers, which occupy a slot."""
        on = ("on", "true", "yes", "y")  # QEMU: qapi/string-input-visitor.c, parse_type_bool()
        return "q35" in self.machine and any(name == "usb" and value in on for name, value in self.machine_options)


def check_name(name: str) -> str | None:
    """What is wrong with a guest's name; None if nothing."""
    if not name:
        return "a guest's name cannot be empty"
    if len(name) > NAME_MAX:
        return f"a guest's name has at most {NAME_MAX} characters; this one has {len(name)}"
    if not _NAME.fullmatch(name):
        return f"{name!r} is not a valid guest name: use letters, digits, '.', '_' and '-', not '.' or '-' first"
    return None


def safety_of(profile: GuestProfile | None) -> Safety:
    """The safety settings of a profile; the defaults without a profile or a balloon."""
    balloon = profile.balloon if profile is not None else None
    if balloon is None:
        return Safety()
    ramp = parse_ramp(balloon.ramp) if balloon.ramp is not None else None
    return Safety(balloon.floor, ramp, balloon.guard, balloon.presets, balloon.statistics)
