"""Import the virtio devices of a command line with their backends.

A device becomes part of the profile if the profile has keys for all of it; otherwise it stays an argument.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from workbench.domain.command_line.options import Keys, is_on, keys_of, size_of, whole
from workbench.domain.convert.qemu.disks import controller
from workbench.domain.convert.qemu.network import card, nic
from workbench.domain.convert.qemu.placement import name_of, place
from workbench.domain.convert.qemu.serial_ports import serial
from workbench.domain.profile.devices.display import VNC_PORT, VNC_SOCKET
from workbench.domain.profile.ids import PORT_ID
from workbench.domain.units import format_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.convert.qemu.draft import Draft


def devices(found: Draft) -> None:
    """Import every ``-device`` that a profile has keys for, and the short forms for one."""
    found.document["balloon"] = False
    readers: dict[str, Callable[[Draft, int, Keys], bool]] = {
        "virtio-net-pci": card,
        "virtio-net": card,
        "virtio-scsi-pci": controller,
        "virtio-scsi": controller,
        "virtio-balloon-pci": _balloon,
        "virtio-balloon": _balloon,
        "virtio-rng-pci": _rng,
        "virtio-rng": _rng,
        "virtio-serial-pci": serial,
        "virtio-serial": serial,
        "pcie-root-port": _root_port,
    }
    for index in found.named("device"):
        keys = found.options[index].keys
        reader = readers.get(keys.implied)
        if reader is not None:
            since = len(found.notes)
            reader(found, index, keys)
            found.attach_notes(index, since)
    for index in found.named("balloon"):
        if keys_of(found.options[index].value or "").implied == "virtio" and found.document["balloon"] is False:
            found.document["balloon"] = _plain_balloon()
            found.record(("balloon",), index)
    for index in found.named("nic"):
        since = len(found.notes)
        nic(found, index)
        found.attach_notes(index, since)
    found.document.setdefault("net", False)
    found.document.setdefault("rng", False)


def _plain_balloon() -> dict[str, Any]:
    """A balloon with QEMU's defaults."""
    return {"deflate-on-oom": False, "free-page-reporting": False, "statistics": 0}


def _balloon(found: Draft, index: int, keys: Keys) -> bool:
    entry = _plain_balloon()
    keys.take("id")
    for name in ("deflate-on-oom", "free-page-reporting"):
        value = keys.take(name)
        if value is not None:
            entry[name] = bool(is_on(value))
    poison = keys.take("page-poison")
    if poison is not None:
        entry["page-poison"] = bool(is_on(poison))
    indexes = [index]
    if is_on(keys.get("free-page-hint")):
        thread = found.backend("object", keys.take("iothread"))
        if thread is None or found.options[thread].keys.implied != "iothread":
            return False
        keys.take("free-page-hint")
        entry["free-page-hint"] = True
        indexes.append(thread)
    interval = keys.take("guest-stats-polling-interval")
    if interval is not None:
        entry["statistics"] = whole(interval)
    if (
        entry["statistics"] is None
        or not place(found, keys, "the balloon", entry)
        or keys
        or found.document["balloon"] is not False
    ):
        return False
    found.document["balloon"] = entry
    found.record(("balloon",), *indexes)
    return True


def _rng(found: Draft, index: int, keys: Keys) -> bool:
    entry: dict[str, Any] = {}
    name_of(found, keys, entry, "the entropy source")
    behind = found.backend("object", keys.take("rng"))
    if behind is None:
        return False
    source = found.options[behind].keys
    source.take("id")
    entry["source"] = source.take("filename") or "/dev/random"
    if source or source.implied != "rng-random":
        return False
    most, period = keys.take("max-bytes"), keys.take("period")
    if most is not None:
        entry["max-bytes"] = whole(most)
    if period is not None:
        entry["period"] = whole(period)
    if None in entry.values() or not place(found, keys, entry.get("id", "the entropy source"), entry) or keys:
        return False
    found.append("rng", entry, [index, behind])
    return True


def _root_port(found: Draft, index: int, keys: Keys) -> bool:
    """Import a spare port of the workbench; others stay arguments, since devices may use them."""
    number = found.document["root-ports"]
    name = keys.take("id")
    expected = {"chassis": str(number + 1), "port": str(number), "addr": f"1c.{number}"}
    given = {key: str(keys.take(key)) for key in expected}
    first = is_on(keys.take("multifunction") or "off")
    if name != f"{PORT_ID}{number}" or given != expected or keys or first != (number == 0):
        return False
    found.document["root-ports"] = number + 1
    found.record(("root-ports",), index)
    return True


def display(found: Draft) -> None:
    """Import a graphics card with VNC that only this host can reach; any other display stays an argument."""
    vnc = found.named("vnc")
    cards = [index for index in found.named("device") if found.options[index].keys.implied in ("VGA", "virtio-vga")]
    if len(vnc) != 1 or len(cards) != 1:
        return
    value = (found.options[vnc[0]].value or "").removeprefix("vnc=")
    keys = found.options[cards[0]].keys
    entry: dict[str, Any] = {"card": "virtio" if keys.implied == "virtio-vga" else "std"}
    loopback = re.fullmatch(r"127\.0\.0\.1:(\d{1,5})", value, re.ASCII)
    if loopback:
        entry |= {"vnc": "loopback", "port": VNC_PORT + int(loopback[1])}
    elif value.startswith("unix:") and value.endswith(f"/{VNC_SOCKET}") and found.own_directory(value[5:]):
        entry["vnc"] = "socket"
    else:
        return
    keys.take("id")
    place(found, keys, "the graphics card")
    if not keys:
        found.document["display"] = entry
        found.record(("display",), vnc[0], cards[0])


def virtio_mem(found: Draft) -> None:
    """Import the one virtio-mem that a profile can have, if its memory has the same backing as the RAM."""
    for index in found.named("device"):
        keys = found.options[index].keys
        behind = found.backend("object", keys.get("memdev")) if keys.implied == "virtio-mem-pci" else None
        if behind is None:
            continue
        memory = found.options[behind].keys
        size = size_of(memory.get("size"))
        entry: dict[str, Any] = {"size": format_size(size or 0)}
        for name in ("id", "memdev"):
            keys.take(name)
        for name, key in (("requested-size", "requested"), ("block-size", "block")):
            value = size_of(keys.take(name))
            if value is not None:
                entry[key] = format_size(value)
        table = found.table("memory")
        if size is None or keys.take("addr") is None or keys or "virtio-mem" in table:
            continue
        table["virtio-mem"] = entry
        found.record(("memory", "virtio-mem"), index, behind)
