"""Export a profile as a libvirt domain (libvirt: docs/formatdomain.rst); what has no equivalent is listed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from msgspec import Struct, field

from workbench.domain.convert.libvirt.exporter_cpu import NO_HPET, clock, cpu, features
from workbench.domain.convert.libvirt.exporter_text import QEMU_NAMESPACE, add_address, add_text, clean
from workbench.domain.profile.board import root_ports
from workbench.domain.profile.devices.serial import AGENT
from workbench.domain.profile.slots import PORTS_SLOT, slots_of
from workbench.domain.units import KIB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.domain.command_line.argv import Launch
    from workbench.domain.profile.devices.net import Net
    from workbench.domain.profile.devices.part import Path
    from workbench.domain.profile.devices.scsi import Disk
    from workbench.domain.profile.devices.serial import SerialPort
    from workbench.domain.profile.guest import GuestProfile
    from workbench.domain.profile.memory import Memory

_SERIAL = re.compile(r"[A-Za-z0-9_.+ -]+")
"""A valid serial number of a disk in libvirt (libvirt: src/conf/schemas/domaincommon.rng, diskSerial)."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Exported(Struct):
    text: str
    notes: list[str] = field(default_factory=list)
    """What could not be exported."""


def export_libvirt(profile: GuestProfile, launch: Launch) -> Exported:
    """
    :param launch: the base of relative paths, and the kernel of a demo guest.
    """
    notes: list[str] = []
    domain = Element("domain", type=launch.accelerator if launch.accelerator == "kvm" else "qemu")
    add_text(domain, "name", profile.name)
    uuid, arguments = _uuid(profile.qemu.args)
    if uuid:
        add_text(domain, "uuid", uuid)
    if profile.description:
        add_text(domain, "description", profile.description)
    _memory(domain, profile, notes)
    threads = sum(scsi.iothread for scsi in profile.scsi)
    if threads:
        add_text(domain, "iothreads", str(threads))
    cpu(domain, profile, notes)
    _os(domain, profile, launch, notes)
    features(domain, profile, notes)
    clock(domain, profile)
    devices = SubElement(domain, "devices")
    add_text(devices, "emulator", launch.binary)
    slots = slots_of(profile)
    # libvirt would add a USB controller.
    SubElement(devices, "controller", type="usb", model="none")
    _disks(devices, profile, launch, notes)
    for index, net in enumerate(profile.net):
        element = _interface(devices, net, index, notes)
        if element is not None:
            if "net" not in profile.boot.order:
                SubElement(element, "rom", enabled="no")
            add_address(element, slots["net", index])
    _ports(devices, profile, launch, notes)
    _others(devices, profile, launch, notes)
    _virtio_mem(devices, profile.memory, slots)
    if arguments:
        domain.set("xmlns:qemu", QEMU_NAMESPACE)
        line = SubElement(domain, "qemu:commandline")
        for arg in arguments:
            SubElement(line, "qemu:arg", value=clean(arg))
    ElementTree.indent(domain)
    text = ElementTree.tostring(domain, encoding="unicode")
    return Exported(text + "\n", notes)


def _uuid(args: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The guest's UUID, which libvirt passes to QEMU itself, and the other arguments."""
    at = next((index for index, arg in enumerate(args[:-1]) if arg in ("-uuid", "--uuid")), None)
    if at is None or not _UUID.fullmatch(args[at + 1]):
        return "", args
    return args[at + 1], [*args[:at], *args[at + 2 :]]


def _memory(domain: Element, profile: GuestProfile, notes: list[str]) -> None:
    memory = profile.memory
    device = memory.virtio_mem
    if memory.grows_to is not None:
        slots = {} if device is not None and not memory.slots else {"slots": str(memory.slots or 1)}
        add_text(domain, "maxMemory", str(memory.grows_to // KIB), **slots, unit="KiB")
    # Including memory devices (libvirt: src/conf/domain_conf.c, virDomainDefGetMemoryTotal()).
    add_text(domain, "memory", str((memory.size + (device.size if device else 0)) // KIB), unit="KiB")
    backing = Element("memoryBacking")
    if memory.hugepages is not None:
        pages = SubElement(backing, "hugepages")
        SubElement(pages, "page", size=str(memory.hugepages.size // KIB), unit="KiB")
        if memory.hugepages.source != "memfd":
            notes.append("memory.hugepages.source: libvirt uses the mounts in its qemu.conf")
        else:
            SubElement(backing, "source", type="memfd")
        if memory.hugepages.prealloc:
            SubElement(backing, "allocation", mode="immediate")
    if memory.share:
        if memory.hugepages is None:
            SubElement(backing, "source", type="memfd")
        SubElement(backing, "access", mode="shared")
    if memory.lock:
        SubElement(backing, "locked")
    if len(backing):
        domain.append(backing)
    if memory.all_nodes:
        tune = SubElement(domain, "numatune")
        mode = {"bind": "strict", None: "strict"}.get(memory.policy, str(memory.policy))
        SubElement(tune, "memory", mode=mode, nodeset=",".join(map(str, memory.all_nodes)))


def _virtio_mem(devices: Element, memory: Memory, slots: Mapping[Path, str]) -> None:
    device = memory.virtio_mem
    if device is None:
        return
    element = SubElement(devices, "memory", model="virtio-mem")
    target = SubElement(element, "target")
    add_text(target, "size", str(device.size // KIB), unit="KiB")
    add_text(target, "node", "0")
    add_text(target, "block", str((device.block or memory.least_block) // KIB), unit="KiB")
    add_text(target, "requested", str(device.requested // KIB), unit="KiB")
    add_address(element, slots["memory", "virtio-mem"])


def _os(domain: Element, profile: GuestProfile, launch: Launch, notes: list[str]) -> None:
    element = SubElement(domain, "os")
    add_text(element, "type", "hvm", arch="x86_64", machine=profile.machine)
    if launch.flash is not None:
        add_text(element, "loader", launch.flash.code, readonly="yes", type="pflash")
        add_text(element, "nvram", launch.flash.vars)
    if launch.kernel is not None:
        add_text(element, "kernel", launch.kernel)
        if launch.initrd is not None:
            add_text(element, "initrd", launch.initrd)
        add_text(element, "cmdline", launch.cmdline if profile.boot.cmdline is None else profile.boot.cmdline)
    for kind in profile.boot.order:
        SubElement(element, "boot", dev={"disk": "hd", "cdrom": "cdrom", "net": "network"}[kind])
    notes.extend(f"machine-options.{name}" for name, value in profile.machine_options if (name, value) != NO_HPET)


def _disks(devices: Element, profile: GuestProfile, launch: Launch, notes: list[str]) -> None:
    letters = threads = 0
    for index, scsi in enumerate(profile.scsi):
        controller = SubElement(devices, "controller", type="scsi", index=str(index), model="virtio-scsi")
        driver = {"queues": str(scsi.queues)} if scsi.queues is not None else {}
        if scsi.iothread:
            threads += 1
            driver["iothread"] = str(threads)
        if driver:
            SubElement(controller, "driver", driver)
        add_address(controller, slots_of(profile)["scsi", index])
        for unit, disk in enumerate(scsi.disk):
            _disk(devices, disk, launch, f"sd{_letters(letters)}", (index, unit))
            if disk.serial is not None and not _SERIAL.fullmatch(disk.serial):
                notes.append(f"scsi[{index}].disk[{unit}].serial: libvirt only allows letters, digits, spaces and ._+-")
            letters += 1


def _letters(number: int) -> str:
    """a, b, …, z, aa, ab, …: Linux's disk letters."""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("a") + rest) + name
    return name


def _disk(devices: Element, disk: Disk, launch: Launch, name: str, place: tuple[int, int]) -> None:
    cdrom = disk.media == "cdrom"
    element = SubElement(devices, "disk", type="file", device="cdrom" if cdrom else "disk")
    driver = {"name": "qemu", "type": str(disk.image_format)}
    if disk.file is not None:
        driver |= {"cache": str(disk.cache), "discard": str(disk.discard)}
    SubElement(element, "driver", driver)
    if disk.file is not None:
        SubElement(element, "source", file=clean(launch.path(disk.file)))
    SubElement(element, "target", dev=name, bus="scsi")
    if disk.serial is not None and _SERIAL.fullmatch(disk.serial):
        add_text(element, "serial", disk.serial)
    if disk.read_only or cdrom:
        SubElement(element, "readonly")
    controller, unit = map(str, place)
    SubElement(element, "address", type="drive", controller=controller, bus="0", target="0", unit=unit)


def _interface(devices: Element, net: Net, index: int, notes: list[str]) -> Element | None:
    where = f"net[{index}]"
    match net.backend:
        case "user":
            element = SubElement(devices, "interface", type="user")
            if net.forward:
                notes.append(f"{where}.forward: libvirt only forwards ports with passt")
        case "bridge":
            element = SubElement(devices, "interface", type="bridge")
            SubElement(element, "source", bridge=net.interface or "br0")
        case "tap":
            element = SubElement(devices, "interface", type="ethernet")
            SubElement(element, "target", dev=str(net.interface), managed="no")
            if net.queues > 1:
                notes.append(f"{where}.queues")
        case _:
            notes.append(f'{where}: backend = "{net.backend}"')
            return None
    if net.mac is not None:
        SubElement(element, "mac", address=net.mac)
    SubElement(element, "model", type="virtio")
    return element


def _ports(devices: Element, profile: GuestProfile, launch: Launch, notes: list[str]) -> None:
    serial = SubElement(devices, "serial", type="pty")
    SubElement(serial, "target", type="isa-serial", port="0")
    if profile.serial:
        add_address(SubElement(devices, "controller", type="virtio-serial", index="0"), slots_of(profile)["serial",])
    for index, port in enumerate(profile.serial):
        _port(devices, port, launch, f"serial[{index}]", notes)


def _port(devices: Element, port: SerialPort, launch: Launch, where: str, notes: list[str]) -> None:
    kind = {"socket": "unix", "file": "file", "pty": "pty", "null": "null"}[port.backend]
    console = port.kind == "console"
    element = SubElement(devices, "console" if console else "channel", type=kind)
    if port.path is not None:
        source = SubElement(element, "source", path=clean(launch.path(port.path)))
        if kind == "unix":
            source.set("mode", "bind")
    elif kind == "unix":
        if console:
            element.set("type", "pty")
            notes.append(f"{where}: its socket is in the workbench's state directory: replaced with a pseudo-terminal")
        else:
            SubElement(element, "source", mode="bind")
    target = SubElement(element, "target", type="virtio")
    if not console:
        target.set("name", clean(AGENT if port.kind == "agent" else str(port.name)))


def _others(devices: Element, profile: GuestProfile, launch: Launch, notes: list[str]) -> None:
    balloon, slots = profile.balloon, slots_of(profile)
    element = SubElement(devices, "memballoon", model="none" if balloon is None else "virtio")
    if balloon is not None:
        reporting = balloon.free_page_reporting
        on = profile.memory.takes_reports if reporting is None else reporting
        element.set("autodeflate", "on" if balloon.deflate_on_oom else "off")
        element.set("freePageReporting", "on" if on else "off")
        if balloon.statistics:
            SubElement(element, "stats", period=str(balloon.statistics))
        add_address(element, slots["balloon",])
        knobs = {"page-poison": balloon.page_poison is False, "free-page-hint": balloon.free_page_hint}
        # QEMU's defaults: page-poison is on, free-page-hint off (hw/virtio/virtio-balloon.c).
        notes += [f"balloon.{name}" for name, value in knobs.items() if value]
        own = {"floor": balloon.floor, "ramp": balloon.ramp, "guard": balloon.guard, "presets": balloon.presets}
        notes += [f"balloon.{name}: only for the workbench" for name, value in own.items() if value]
    for index, one in enumerate(profile.rng):
        rng = SubElement(devices, "rng", model="virtio")
        if one.max_bytes is not None:
            SubElement(rng, "rate", bytes=str(one.max_bytes), period=str(one.period or 65536))
        add_text(rng, "backend", launch.path(one.source), model="random")
        add_address(rng, slots["rng", index])
    if profile.display is not None:
        graphics = SubElement(devices, "graphics", type="vnc")
        if profile.display.vnc == "loopback":
            graphics.set("port", str(profile.display.port))
            SubElement(graphics, "listen", type="address", address="127.0.0.1")
        else:
            SubElement(graphics, "listen", type="socket")
        video = SubElement(devices, "video")
        SubElement(video, "model", type={"std": "vga", "virtio": "virtio"}[profile.display.card])
        add_address(video, slots["display",])
    for number in range(root_ports(profile)):
        port = SubElement(devices, "controller", type="pci", index=str(number + 1), model="pcie-root-port")
        SubElement(port, "target", chassis=str(number + 1), port=str(number))
        add_address(port, f"{PORTS_SLOT:02x}.{number}", more=number == 0)
