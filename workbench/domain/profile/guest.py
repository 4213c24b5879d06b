"""The model of a profile: the keys of the TOML file, their types, units and defaults.

Every key has a default that suits most guests, so ``memory.size`` alone makes a profile. Sizes are bytes. What follows from
the keys is beside the model: ``rules``, ``ids``, ``slots``, ``board``, ``cautions``, ``safety``.
"""

from typing import Annotated, Literal

from msgspec import Meta

from workbench.domain.profile.boot import Boot, Firmware
from workbench.domain.profile.cpu import Cpu, Tcg
from workbench.domain.profile.devices.balloon import Balloon
from workbench.domain.profile.devices.display import Display
from workbench.domain.profile.devices.net import Net
from workbench.domain.profile.devices.part import File, Part, lone, words
from workbench.domain.profile.devices.rng import Rng
from workbench.domain.profile.devices.scsi import Scsi
from workbench.domain.profile.devices.serial import PORTS_MAX, SerialPort
from workbench.domain.profile.memory import Memory
from workbench.domain.profile.qemu import Qemu

PORTS = 8
"""At most the functions of one PCI slot, which the root ports share."""


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
