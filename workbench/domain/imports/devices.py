"""The virtio devices of a command line, each with what stands behind it.

A device is taken into the profile when the profile can say all of it; what it cannot say stays an argument, whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from workbench.domain.devices.scsi import CACHES
from workbench.domain.devices.serial import AGENT
from workbench.domain.display import VNC_PORT, VNC_SOCKET
from workbench.domain.imports.options import Keys, is_on, keys_of, size_of
from workbench.domain.profile import PORT_ID
from workbench.domain.units import format_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.imports.gathered import Gathered

_ID = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,19}\Z")
_ROOT_BUS = (None, "pcie.0", "pci.0")


def devices(found: Gathered) -> None:
    """Every ``-device`` that a profile has a key for, and the short forms that make one."""
    found.document["balloon"] = False
    found.document["rng"] = False
    readers: dict[str, Callable[[Gathered, int, Keys], bool]] = {
        "virtio-net-pci": _card,
        "virtio-net": _card,
        "virtio-scsi-pci": _controller,
        "virtio-scsi": _controller,
        "virtio-balloon-pci": _balloon,
        "virtio-balloon": _balloon,
        "virtio-rng-pci": _rng,
        "virtio-rng": _rng,
        "virtio-serial-pci": _serial,
        "virtio-serial": _serial,
        "pcie-root-port": _root_port,
    }
    for index in found.named("device"):
        keys = found.options[index].keys
        reader = readers.get(keys.implied)
        if reader is not None:
            reader(found, index, keys)
    for index in found.named("balloon"):
        if keys_of(found.options[index].value or "").implied == "virtio" and found.document["balloon"] is False:
            found.document["balloon"] = _plain_balloon()
            found.say(("balloon",), index)
    for index in found.named("nic"):
        _nic(found, index)
    found.document.setdefault("net", False)


def _place(found: Gathered, keys: Keys, what: str) -> bool:
    """Take a device's PCI place out of its keys; whether a profile's own place can stand for it."""
    bus, addr = keys.take("bus"), keys.take("addr")
    if bus not in _ROOT_BUS:
        found.notes.append(f"{what}: it stands on {bus}, and now on the root bus")
    elif addr is not None:
        found.places.append((what, str(addr)))
    return True


def _name(found: Gathered, keys: Keys, entry: dict[str, Any], what: str) -> None:
    """The device's id, where a profile can have it."""
    name = keys.take("id")
    if isinstance(name, str) and _ID.match(name):
        entry["id"] = name
    elif name is not None:
        found.notes.append(f"{what}: the id {name} is none that a profile can have; it gets another one")


def _card(found: Gathered, index: int, keys: Keys) -> bool:
    entry: dict[str, Any] = {"backend": "none"}
    netdev = keys.take("netdev")
    indexes = [index]
    _name(found, keys, entry, "a network card")
    if netdev is not None:
        behind = found.backend("netdev", netdev)
        if behind is None or not _netdev(found.options[behind].keys, entry):
            return False
        indexes.append(behind)
    mac, queues = keys.take("mac"), keys.take("mq")
    if mac is not None:
        entry["mac"] = mac
    vectors = keys.take("vectors")
    if queues is not None and is_on(queues) != (entry.get("queues", 1) > 1):
        return False
    if vectors is not None and str(vectors) != str(2 * entry.get("queues", 1) + 2):
        return False
    if keys.take("romfile") not in (None, ""):
        return False
    boot = keys.take("bootindex")
    if not _place(found, keys, entry.get("id", "a network card")) or keys:
        return False
    found.append("net", entry, indexes)
    _boots(found, "net", boot)
    return True


def _netdev(keys: Keys, entry: dict[str, Any]) -> bool:
    """What is behind a card, into its entry; whether a profile can say all of it."""
    keys.take("id")
    kind = keys.take("type") or keys.implied
    match kind:
        case "user":
            forwards = keys.lists.get("hostfwd", []) or keys.get("hostfwd") or []
            keys.take("hostfwd")
            entry["backend"] = "user"
            texts = [one["str"] if isinstance(one, dict) else str(one) for one in forwards]
            if texts:
                entry["forward"] = texts
        case "tap":
            scripts = (keys.take("script"), keys.take("downscript"))
            if scripts != ("no", "no"):
                return False
            entry |= {"backend": "tap", "interface": keys.take("ifname")}
            if queues := keys.take("queues"):
                entry["queues"] = int(queues)
        case "bridge":
            entry |= {"backend": "bridge", "interface": keys.take("br") or "br0"}
        case "stream":
            address = keys.take("addr") or {"type": keys.take("addr.type"), "path": keys.take("addr.path")}
            if not isinstance(address, dict) or address.get("type") != "unix" or set(address) != {"type", "path"}:
                return False
            entry |= {"backend": "socket", "path": address["path"], "listen": bool(is_on(keys.take("server")))}
        case _:
            return False
    return not keys


def _nic(found: Gathered, index: int) -> None:
    """``-nic``, which is a card and what is behind it in one."""
    keys = found.options[index].keys
    if keys.implied == "none" and not keys:
        found.say(("net",), index)
        return
    if keys.take("model") not in ("virtio-net-pci", "virtio"):
        return
    entry: dict[str, Any] = {}
    mac = keys.take("mac")
    if mac is not None:
        entry["mac"] = mac
    _name(found, keys, entry, "a network card")
    if _netdev(keys, entry):
        found.append("net", entry, [index])


def _controller(found: Gathered, index: int, keys: Keys) -> bool:
    entry: dict[str, Any] = {}
    indexes = [index]
    bus = keys.get("id")
    _name(found, keys, entry, "a SCSI controller")
    thread = keys.take("iothread")
    if thread is not None:
        behind = found.backend("object", thread)
        object_keys = found.options[behind].keys if behind is not None else Keys()
        object_keys.take("id")
        if behind is None or object_keys or object_keys.implied != "iothread":
            return False
        entry["iothread"] = True
        indexes.append(behind)
    queues = keys.take("num_queues")
    if queues is not None:
        entry["queues"] = int(queues)
    if not _place(found, keys, entry.get("id", "a SCSI controller")) or keys:
        return False
    disks, disk_indexes = _disks(found, bus)
    if disks:
        entry["disk"] = disks
    found.append("scsi", entry, [*indexes, *disk_indexes])
    return True


def _disks(found: Gathered, controller: object) -> tuple[list[dict[str, Any]], list[int]]:
    """The disks that stand on a controller in the order of their LUNs, as long as a profile can say them."""
    disks: list[dict[str, Any]] = []
    indexes: list[int] = []
    for index in found.named("device"):
        keys = found.options[index].keys
        if keys.implied not in ("scsi-hd", "scsi-cd"):
            continue
        bus = keys.take("bus")
        if bus is not None and bus != f"{controller}.0":
            continue
        made = _disk(found, keys, len(disks))
        if made is None:
            continue
        entry, behind = made
        disks.append(entry)
        indexes += [index, *behind]
    return disks, indexes


def _disk(found: Gathered, keys: Keys, lun: int) -> tuple[dict[str, Any], list[int]] | None:
    """One disk and the options behind it; None when a profile cannot say it."""
    cdrom = keys.implied == "scsi-cd"
    entry: dict[str, Any] = {"media": "cdrom"} if cdrom else {}
    _name(found, keys, entry, "a disk")
    places = [keys.take("channel"), keys.take("scsi-id"), keys.take("lun")]
    if any(place is not None and int(place) != wanted for place, wanted in zip(places, (0, 0, lun), strict=True)):
        return None
    write_cache = keys.take("write-cache")
    node = keys.take("drive")
    indexes: list[int] = []
    if node is not None:
        behind = found.backend("blockdev", node)
        image = _blockdev(found.options[behind].keys, write_cache, cdrom) if behind is not None else None
        if behind is None:
            behind = found.backend("drive", node)
            image = _drive(found.options[behind].keys, write_cache) if behind is not None else None
        if behind is None or image is None:
            return None
        entry |= image
        indexes.append(behind)
    elif not cdrom:
        return None
    serial, boot = keys.take("serial"), keys.take("bootindex")
    if serial is not None:
        entry["serial"] = serial
    if keys:
        return None
    _boots(found, "cdrom" if cdrom else "disk", boot)
    return entry, indexes


def _blockdev(keys: Keys, write_cache: object, cdrom: bool) -> dict[str, Any] | None:
    keys.take("node-name")
    inner = keys.take("file")
    if not isinstance(inner, dict) or inner.get("driver") != "file" or keys.implied not in ("qcow2", "raw"):
        return None
    cache = keys.take("cache") or {}
    if set(inner) - {"driver", "filename", "cache", "aio"} or inner.get("aio", "threads") != "threads":
        return None
    if inner.get("cache", cache) != cache:
        return None
    read_only = bool(is_on(keys.take("read-only")))
    discard = keys.take("discard") or "ignore"
    keys.take("auto-read-only")
    mode = _cache_mode(write_cache, cache.get("direct", False), cache.get("no-flush", False))
    if keys or mode is None or (cdrom and not read_only):
        return None
    entry = {"file": inner["filename"], "format": keys.implied, "cache": mode, "discard": discard}
    return entry | ({"read-only": True} if read_only and not cdrom else {})


def _cache_mode(write_cache: object, direct: bool, no_flush: bool) -> str | None:
    """The usual name of these three; None when they have none. Without a word a device's write cache is on."""
    on = True if write_cache in (None, "auto") else is_on(write_cache)
    return next((name for name, state in CACHES.items() if state == (on, direct, no_flush)), None)


def _drive(keys: Keys, write_cache: object) -> dict[str, Any] | None:
    """``-drive if=none``: an image and how it is opened, in one."""
    if keys.take("if") != "none":
        return None
    file, shape, mode = keys.take("file"), keys.take("format"), keys.take("cache") or "writeback"
    keys.take("id")
    discard = {"on": "unmap", "unmap": "unmap", "off": "ignore", "ignore": "ignore"}.get(
        keys.take("discard") or "ignore"
    )
    read_only, media = is_on(keys.take("readonly", "read-only") or "off"), keys.take("media")
    if keys or not file or shape not in ("qcow2", "raw") or mode not in CACHES or discard is None:
        return None
    if media not in (None, "disk") or write_cache is not None:
        return None
    entry = {"file": file, "format": shape, "cache": mode, "discard": discard}
    return entry | ({"read-only": True} if read_only else {})


def _plain_balloon() -> dict[str, Any]:
    """A balloon as QEMU makes one that is told nothing."""
    return {"deflate-on-oom": False, "free-page-reporting": False, "statistics": 0}


def _balloon(found: Gathered, index: int, keys: Keys) -> bool:
    entry = _plain_balloon()
    keys.take("id")
    for name in ("deflate-on-oom", "free-page-reporting"):
        value = keys.take(name)
        if value is not None:
            entry[name] = bool(is_on(value))
    interval = keys.take("guest-stats-polling-interval")
    if interval is not None:
        entry["statistics"] = int(interval)
    if not _place(found, keys, "the balloon") or keys or found.document["balloon"] is not False:
        return False
    found.document["balloon"] = entry
    found.say(("balloon",), index)
    return True


def _rng(found: Gathered, index: int, keys: Keys) -> bool:
    keys.take("id")
    behind = found.backend("object", keys.take("rng"))
    if behind is None or found.document["rng"] is not False:
        return False
    source = found.options[behind].keys
    source.take("id")
    entry: dict[str, Any] = {"source": source.take("filename") or "/dev/random"}
    if source or source.implied != "rng-random":
        return False
    most, period = keys.take("max-bytes"), keys.take("period")
    if most is not None:
        entry["max-bytes"] = int(most)
    if period is not None:
        entry["period"] = int(period)
    if not _place(found, keys, "the entropy source") or keys:
        return False
    found.document["rng"] = entry
    found.say(("rng",), index, behind)
    return True


def _serial(found: Gathered, index: int, keys: Keys) -> bool:
    """The controller with all its ports: they are taken together or not at all."""
    bus = keys.take("id")
    controllers = [
        one
        for one in found.named("device")
        if found.options[one].keys.implied in ("virtio-serial-pci", "virtio-serial")
    ]
    if len(controllers) != 1 or not _place(found, keys, "the serial controller") or keys:
        return False
    ports: list[dict[str, Any]] = []
    indexes = [index]
    for device in found.named("device"):
        port = found.options[device].keys
        if port.implied not in ("virtserialport", "virtconsole"):
            continue
        made = _port(found, port, bus)
        if made is None:
            return False
        ports.append(made[0])
        indexes += [device, made[1]]
    if not ports:
        return False
    found.document["serial"] = ports
    found.say(("serial",), *indexes)
    return True


def _port(found: Gathered, keys: Keys, bus: object) -> tuple[dict[str, Any], int] | None:
    behind = found.backend("chardev", keys.take("chardev"))
    if behind is None or keys.take("bus") not in (None, f"{bus}.0"):
        return None
    entry: dict[str, Any] = {"kind": "port" if keys.implied == "virtserialport" else "console"}
    _name(found, keys, entry, "a serial port")
    name = keys.take("name")
    if name == AGENT and entry["kind"] == "port":
        entry["kind"] = "agent"
    elif name is not None:
        entry["name"] = name
    chardev = found.options[behind].keys
    chardev.take("id")
    entry["backend"] = chardev.implied
    path = chardev.take("path")
    if chardev.implied == "socket":
        if not is_on(chardev.take("server") or "off") or is_on(chardev.take("wait") or "on"):
            return None
    elif chardev.implied == "file":
        if not is_on(chardev.take("append") or "off"):
            return None
    elif chardev.implied not in ("pty", "null"):
        return None
    if keys or chardev:
        return None
    if path is not None:
        entry["path"] = path
    return entry, behind


def _root_port(found: Gathered, index: int, keys: Keys) -> bool:
    """The workbench's own spare ports; another's stay as they are, since devices may stand on them."""
    number = found.document["root-ports"]
    name = keys.take("id")
    expected = {"chassis": str(number + 1), "port": str(number), "addr": f"1c.{number}"}
    told = {key: str(keys.take(key)) for key in expected}
    first = is_on(keys.take("multifunction") or "off")
    if name != f"{PORT_ID}{number}" or told != expected or keys or first != (number == 0):
        return False
    found.document["root-ports"] = number + 1
    found.say(("root-ports",), index)
    return True


def _boots(found: Gathered, kind: str, place: object) -> None:
    if place is not None:
        found.boots.append((int(str(place)), kind))


def display(found: Gathered) -> None:
    """A graphics card with VNC that only this host can reach; any other display stays as it is."""
    vnc = found.named("vnc")
    cards = [index for index in found.named("device") if found.options[index].keys.implied in ("VGA", "virtio-vga")]
    if len(vnc) != 1 or len(cards) != 1:
        return
    value = found.options[vnc[0]].value or ""
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
    _place(found, keys, "the graphics card")
    if not keys:
        found.document["display"] = entry
        found.say(("display",), vnc[0], cards[0])


def virtio_mem(found: Gathered) -> None:
    """The one virtio-mem device that a profile can have, where its memory is as the rest of the RAM."""
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
        found.say(("memory", "virtio-mem"), index, behind)
