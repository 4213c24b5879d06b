"""Import the devices of a libvirt domain that a profile has keys for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.domain.convert.libvirt.disks import boot_order, disks
from workbench.domain.convert.libvirt.xml import Domain, number, root_slot
from workbench.domain.profile.devices.serial import AGENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element


_OWN = ("/var/lib/libvirt/", "/run/libvirt/", "/var/run/libvirt/")


def devices(domain: Domain) -> None:
    domain.find("devices")
    readers: dict[str, Callable[[Domain, Element], None]] = {
        "interface": _interface,
        "memballoon": _balloon,
        "rng": _rng,
        "channel": _channel,
        "console": _console,
        "serial": _serial,
        "graphics": _graphics,
        "video": _video,
    }
    for element in domain.root.findall("devices/*"):
        reader = readers.get(str(element.tag))
        if reader is not None:
            reader(domain, element)
    disks(domain)
    boot_order(domain)


def _model(element: Element) -> str:
    model = element.find("model")
    return "" if model is None else model.get("type", "")


def _interface(domain: Domain, element: Element) -> None:
    if not _model(element).startswith("virtio"):
        return
    source = element.find("source")
    bridge = (source.get("bridge") or source.get("network")) if source is not None else None
    entry: dict[str, Any]
    match element.get("type"):
        case "user":
            entry = {"backend": "user"}
        case "bridge":
            entry = {"backend": "bridge", "interface": bridge}
        case "network":
            entry = {"backend": "bridge", "interface": "virbr0"}
            domain.notes.append(f"network {bridge}: its bridge is assumed to be virbr0")
        case _:
            return
    mac = element.find("mac")
    if mac is not None and mac.get("address"):
        entry["mac"] = mac.get("address")
    domain.boots(element, "net")
    rom = element.find("rom")
    if rom is not None and rom.get("enabled") == "no":
        domain.tick(rom)  # the default for a profile that does not boot from the network
    domain.note_slot(element, entry)
    address = element.find("address")
    if address is not None and address.get("type") == "pci" and not root_slot(element):
        domain.notes.append(
            f"a network card moved from bus {address.get('bus')} to the root bus: the guest may rename it"
        )
    cards = domain.document["net"] or []
    domain.document["net"] = [*cards, entry]
    domain.tick(element, "mac", "source", "model", "target")


def _balloon(domain: Domain, element: Element) -> None:
    if not str(element.get("model")).startswith("virtio"):
        domain.tick(element)
        return
    stats = element.find("stats")
    period = stats.get("period", "0") if stats is not None else "0"
    domain.document["balloon"] = {
        "deflate-on-oom": element.get("autodeflate") == "on",
        "free-page-reporting": element.get("freePageReporting") == "on",
        "statistics": number(period),
    }
    domain.note_slot(element, domain.document["balloon"])
    domain.tick(element)


def _rng(domain: Domain, element: Element) -> None:
    backend, rate = element.find("backend"), element.find("rate")
    if backend is None or backend.get("model") != "random":
        return
    entry: dict[str, Any] = {"source": (backend.text or "").strip() or "/dev/urandom"}
    if rate is not None:
        entry["max-bytes"] = number(rate.get("bytes"))
        if rate.get("period"):
            entry["period"] = number(rate.get("period"))
    domain.note_slot(element, entry)
    domain.document["rng"] = [*(domain.document["rng"] or []), entry]
    domain.tick(element, "backend", "rate")


def _channel(domain: Domain, element: Element) -> None:
    target = element.find("target")
    name = target.get("name") if target is not None else None
    if target is None or target.get("type") != "virtio" or not name:
        return
    _port(domain, element, {"kind": "agent"} if name == AGENT else {"kind": "port", "name": name})


def _console(domain: Domain, element: Element) -> None:
    target = element.find("target")
    if target is not None and target.get("type") == "virtio":
        _port(domain, element, {"kind": "console"})
    elif target is None or target.get("type") in (None, "serial"):
        domain.tick(element, "target", "source", "log")  # an alias of the serial port


def _port(domain: Domain, element: Element, entry: dict[str, Any]) -> None:
    """Add a port with a socket that QEMU listens on, a pseudo-terminal, a file that it appends to, or nothing."""
    source = element.find("source")
    given = source.attrib if source is not None else {}
    path = given.get("path")
    kind = {"unix": "socket", "pty": "pty", "null": "null", "file": "file"}.get(str(element.get("type")))
    if kind is None or (kind == "socket" and path and given.get("mode") == "connect"):
        return
    if kind == "file" and (not path or given.get("append") == "off"):
        return
    if kind != "socket":
        entry["backend"] = kind
    # A socket in libvirt's directories moves to the guest's state directory.
    if path and (kind == "file" or (kind == "socket" and not path.startswith(_OWN))):
        entry["path"] = path
    domain.document.setdefault("serial", []).append(entry)
    domain.tick(element, "target", "source")


def _serial(domain: Domain, element: Element) -> None:
    """The first port is the workbench's console."""
    if element is domain.root.findall("devices/serial")[0]:
        domain.tick(element, "target", "source", "log")


def _graphics(domain: Domain, element: Element) -> None:
    if element.get("type") != "vnc" or "display" in domain.document:
        return
    domain.table("display")["vnc"] = "socket"
    domain.notes.append("VNC listens on vnc.sock in the guest's state directory")
    domain.tick(element, "listen")


def _video(domain: Domain, element: Element) -> None:
    kind = _model(element)
    if kind in ("vga", "virtio"):
        domain.table("display")["card"] = "std" if kind == "vga" else "virtio"
        domain.tick(element, "model")
