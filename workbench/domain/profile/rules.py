"""Rules between the keys of a profile: conflicts between keys that are each valid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workbench.domain.profile.board import has_usb, root_ports
from workbench.domain.profile.devices.display import LOOPBACK
from workbench.domain.profile.devices.net import EVERY_ADDRESS, host_end
from workbench.domain.profile.devices.part import key_text
from workbench.domain.profile.devices.serial import AGENT, PORTS_MAX
from workbench.domain.profile.ids import ids_of
from workbench.domain.profile.slots import DISPLAY_SLOT, PORTS_SLOT, own_slots, slots_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.profile.devices.part import Path
    from workbench.domain.profile.guest import GuestProfile

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
"""Options of ``-machine`` that are set by other keys of a profile."""
NO_APIC = frozenset({"base", "486"})
"""CPU models without a local APIC."""


def broken_rules(profile: GuestProfile) -> Iterator[tuple[Path, str]]:
    """Conflicts between the keys of a whole profile: the path of each, and why."""
    yield from _same_ids(profile)
    yield from _slot_clashes(profile)
    yield from _same_addresses(profile)
    yield from _port_room(profile)
    yield from _same_names(profile)
    yield from _same_ports(profile)
    if profile.balloon is not None:
        yield from ((("balloon", *path), why) for path, why in profile.balloon.check_ram(profile.memory.size))
    for name, _ in profile.machine_options:
        if _OPTION.fullmatch(name) is None:
            yield ("machine-options", name), "not a machine option: its name has lower-case letters, digits and '-'"
        elif name in TAKEN_OPTIONS:
            yield ("machine-options", name), f"set by another key: {TAKEN_OPTIONS[name]}"
    if profile.cpu.hyperv and profile.accelerator == "tcg":
        why = "TCG has no Hyper-V enlightenments, and QEMU would ignore them silently: use KVM or remove them"
        yield ("cpu", "hyperv"), why
    if profile.root_ports and "q35" not in profile.machine:
        yield (
            ("root-ports",),
            f"{profile.machine} has no PCI Express, and its PCI bus is hot-pluggable without root ports",
        )
    yield from _port_interrupts(profile)
    free = PORTS_SLOT - 1 - (0 if "q35" in profile.machine else 1) - profile.qemu.reserve
    free -= 1 if has_usb(profile) and profile.display is not None else 0
    counts = {"net": len(profile.net), "scsi": len(profile.scsi), "rng": len(profile.rng)}
    if sum(max(count - 1, 0) for count in counts.values()) + 5 > free:
        rngs = f" and {len(profile.rng)} entropy sources" if len(profile.rng) > 1 else ""
        words = f"{len(profile.net)} cards and {len(profile.scsi)} SCSI controllers{rngs}"
        yield (max(counts, key=counts.__getitem__),), f"{words}: the board has only {free} slots"


def _slot_clashes(profile: GuestProfile) -> Iterator[tuple[Path, str]]:
    """Slots set in the profile that are already in use."""
    own = own_slots(profile)
    taken = {0x1F if "q35" in profile.machine else 0x01: "the board's own"}
    if has_usb(profile):
        taken[DISPLAY_SLOT] = "the board's own"
    if root_ports(profile):
        taken[PORTS_SLOT] = "the root ports'"
    for path, text in slots_of(profile).items():
        if path not in own and _is_there(profile, path):
            taken[int(text.partition(".")[0], 16)] = f"{key_text(path)}'s"
    for path, slot in own.items():
        if slot in taken:
            yield (*path, "slot"), f"slot {slot:02x} is {taken[slot]}"
        taken.setdefault(slot, f"{key_text(path)}'s")


def _is_there(profile: GuestProfile, path: Path) -> bool:
    """Whether the device exists: the first slot of each kind is reserved even if it does not."""
    match path:
        case (("net" | "scsi" | "rng") as kind, int(index)):
            return index < len({"net": profile.net, "scsi": profile.scsi, "rng": profile.rng}[kind])
        case ("memory", _):
            return profile.memory.virtio_mem is not None
        case ("serial",):
            return bool(profile.serial)
        case ("display",):
            return profile.display is not None
    return profile.balloon is not None


def _port_interrupts(profile: GuestProfile) -> Iterator[tuple[Path, str]]:
    """QEMU: hw/pci/msix.c, msix_init() without msi_nonbroken; hw/i386/x86.c adds APICs if there are several CPUs."""
    if not root_ports(profile) or profile.cpu.count > 1:
        return
    why = "which root ports need for their interrupts: set root-ports = 0"
    if "-apic" in profile.cpu.features:
        yield ("cpu", "features", profile.cpu.features.index("-apic")), f"this removes the APIC, {why}"
    elif profile.cpu.model in NO_APIC and "+apic" not in profile.cpu.features:
        yield ("cpu", "model"), f"{profile.cpu.model} has no APIC, {why}"


def _same_ids(profile: GuestProfile) -> Iterator[tuple[Path, str]]:
    seen: set[str] = set()
    for name, path in ids_of(profile):
        if name in seen:
            yield path, f'two devices have the id "{name}"'
        seen.add(name)


def _same_addresses(profile: GuestProfile) -> Iterator[tuple[Path, str]]:
    macs: set[str] = set()
    for index, net in enumerate(profile.net):
        if net.mac is not None:
            if net.mac.lower() in macs:
                yield ("net", index, "mac"), f"two cards have the address {net.mac}"
            macs.add(net.mac.lower())


def _port_room(profile: GuestProfile) -> Iterator[tuple[Path, str]]:
    """The controller's first port must be a console (QEMU: hw/char/virtio-serial-bus.c, find_free_port_id())."""
    others = [index for index, port in enumerate(profile.serial) if port.kind != "console"]
    if len(others) >= PORTS_MAX:
        why = f"at most {PORTS_MAX - 1} ports and agents: the controller's first port must be a console"
        yield ("serial", others[PORTS_MAX - 1], "kind"), why


def _same_names(profile: GuestProfile) -> Iterator[tuple[Path, str]]:
    """QEMU: hw/char/virtio-serial-bus.c, virtser_port_device_realize()."""
    names: set[str] = set()
    for index, port in enumerate(profile.serial):
        name = AGENT if port.kind == "agent" else port.name
        if name in names:
            key = "kind" if port.kind == "agent" else "name"
            yield ("serial", index, key), f'two ports have the name "{name}"'
        elif name is not None:
            names.add(name)


def _same_ports(profile: GuestProfile) -> Iterator[tuple[Path, str]]:
    taken: dict[tuple[str, int], set[str]] = {}
    if profile.display is not None and profile.display.port is not None:
        taken["tcp", profile.display.port] = {LOOPBACK}
    for index, net in enumerate(profile.net):
        for number, text in enumerate(net.forward):
            protocol, address, port = host_end(text)
            held = taken.setdefault((protocol, port), set())
            # Listening on every address excludes any other listener.
            if address in held or (held and EVERY_ADDRESS in (address, *held)):
                vnc = profile.display is not None and port == profile.display.port and protocol == "tcp"
                why = "the display's VNC port" if vnc else "forwarded twice"
                yield ("net", index, "forward", number), f"{protocol} port {port} of the host is {why}"
            held.add(address)
