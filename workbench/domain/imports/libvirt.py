"""A libvirt domain to a profile (libvirt: docs/formatdomain.rst). What cannot be carried is listed, never dropped silently.

Each element that the profile says is ticked off; whatever is left at the end is told by its path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from workbench.domain.cpu import HYPERV, SPINLOCK_RETRIES
from workbench.domain.devices.scsi import CACHES
from workbench.domain.devices.serial import AGENT
from workbench.domain.imports.qemu import Imported
from workbench.domain.imports.writer import to_toml
from workbench.domain.parse import parse
from workbench.domain.profile import check_name
from workbench.domain.units import MIB, format_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from xml.etree.ElementTree import Element

UNITS = {
    "b": 1, "bytes": 1, "KB": 1000, "k": 1024, "KiB": 1024, "MB": 10**6, "M": MIB, "MiB": MIB,
    "GB": 10**9, "G": 1 << 30, "GiB": 1 << 30, "TB": 10**12, "T": 1 << 40, "TiB": 1 << 40,
}  # fmt: skip
"""libvirt: src/util/virutil.c, virScaleInteger()."""

SILENT = frozenset(
    """
    alias address uuid emulator currentMemory on_poweroff on_reboot on_crash clock pm resource seclabel
    features/acpi features/apic features/pae os/bootmenu devices/controller devices/input devices/hub
    devices/memballoon/stats devices/graphics/listen
    """.split()  # noqa: SIM905
)
"""What every domain has and a profile's guest has in its own way, or not at all, to no difference that is worth a word."""


class LibvirtError(ValueError):
    """The text is no domain of libvirt's."""


@dataclass(slots=True)
class _Domain:
    root: Element
    document: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    done: set[int] = field(default_factory=set)

    def find(self, path: str) -> Element | None:
        """The element at a path, ticked off with those above it."""
        element = self.root
        for step in path.split("/"):
            found = element.find(step)
            if found is None:
                return None
            self.done.add(id(found))
            element = found
        return element

    def tick(self, element: Element, *below: str) -> None:
        """This element is said, and these below it with all that is in them."""
        self.done.add(id(element))
        for name in below:
            for one in element.findall(name):
                self.done |= {id(inner) for inner in one.iter()}

    def table(self, *path: str) -> dict[str, Any]:
        table = self.document
        for step in path:
            table = table.setdefault(step, {})
        return table

    def text(self, path: str) -> str | None:
        element = self.find(path)
        return None if element is None else (element.text or "").strip()


def import_libvirt(text: str) -> Imported:
    """
    :raise LibvirtError: when the text is no domain.
    """
    # Entities could name files or grow without bound, and no domain of libvirt's has any.
    if re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise LibvirtError("a domain has no DOCTYPE")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise LibvirtError(f"not XML: {error}") from error
    if root.tag == "domstatus" and root.find("domain") is not None:
        root = root.find("domain")  # type: ignore[assignment]
    if root.tag != "domain":
        raise LibvirtError(f"<{root.tag}> is no <domain>")
    domain = _Domain(root)
    domain.document.update({"balloon": False, "rng": False, "net": False, "root-ports": 0})
    for part in (_general, _memory, _cpu, _hyperv, _boot, _devices):
        part(domain)
    return _finished(domain)


def _finished(domain: _Domain) -> Imported:
    name = domain.text("name") or ""
    parsed = parse(to_toml(domain.document), name="imported", file="profile")
    for problem in parsed.problems:
        _drop(domain.document, problem.key)
        domain.notes.append(f"{problem.key}: {problem.message}: left out")
    notes = [*domain.notes, *(f"not carried: {path}" for path in _left(domain))]
    unique = tuple(dict.fromkeys(" ".join(note.split()) for note in notes))
    lines = ["# From a libvirt domain, by workbench import."]
    if unique:
        lines += ["#", "# Not as it was, or left out:", *(f"# - {_plain(note)}" for note in unique)]
    good = name if name and check_name(name) is None else ""
    return Imported(good, "\n".join(lines) + "\n\n" + to_toml(domain.document), unique)


def _drop(document: dict[str, Any], key: str) -> None:
    """Take the value at a problem's key out, or the nearest table of a list around it."""
    steps = re.findall(r"[^.\[\]]+|\[\d+\]", key)
    table: Any = document
    for step in steps[:-1]:
        table = table[int(step[1:-1])] if step.startswith("[") else table[step]
    last = steps[-1]
    if last.startswith("["):
        del table[int(last[1:-1])]
    else:
        table.pop(last, None)


def _left(domain: _Domain) -> Iterator[str]:
    """The paths of the elements that nothing was made of; not those below one that is told."""

    def walk(element: Element, path: str) -> Iterator[str]:
        for child in element:
            where = f"{path}/{child.tag}" if path else str(child.tag)
            if child.tag in SILENT or where in SILENT:
                continue
            if id(child) not in domain.done:
                attributes = "".join(f' {key}="{value}"' for key, value in child.attrib.items())
                words = (child.text or "").strip()
                yield f"{where}{attributes}" + (f" ({words})" if words else "")
            else:
                yield from walk(child, where)

    yield from walk(domain.root, "")


def _general(domain: _Domain) -> None:
    kind = domain.root.get("type")
    domain.document["accelerator"] = {"kvm": "kvm", "qemu": "tcg"}.get(str(kind), "auto")
    words = domain.text("description") or domain.text("title")
    if words:
        domain.document["description"] = " ".join(words.split())[:1000]
    board = domain.find("os/type")
    if board is not None:
        machine = board.get("machine") or "pc"
        if board.get("arch") not in (None, "x86_64"):
            domain.notes.append(f"the processor is {board.get('arch')}, and a profile's guest is x86_64")
        domain.document["machine"] = machine
    for name, option in (("hpet", "hpet"),):
        timer = next((one for one in domain.root.findall("clock/timer") if one.get("name") == name), None)
        if timer is not None and timer.get("present") == "no":
            domain.table("machine-options")[option] = "off"


def _int(text: str | None, otherwise: int = 0) -> int:
    """A number; ``otherwise`` for what is none."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else otherwise


def _size(element: Element | None) -> int | None:
    if element is None or not (element.text or "").strip().isdigit():
        return None
    scale = UNITS.get(element.get("unit", "KiB"))
    return int(str(element.text)) * scale if scale else None


def _memory(domain: _Domain) -> None:
    size, most = _size(domain.find("memory")), domain.find("maxMemory")
    memory = domain.table("memory")
    memory["size"] = format_size(((size or 512 * MIB) + MIB - 1) // MIB * MIB)
    if most is not None:
        memory["maximum"] = format_size(_size(most) or 0)
        memory["slots"] = _int(most.get("slots"))
    if domain.find("memoryBacking/locked") is not None:
        memory["lock"] = True
    if domain.find("memoryBacking/hugepages") is not None:
        page = domain.find("memoryBacking/hugepages/page")
        found = _size_of(page) if page is not None else 2 * MIB
        memory["hugepages"] = {"size": format_size(found)}
    access = domain.find("memoryBacking/access")
    source = domain.find("memoryBacking/source")
    if access is not None and access.get("mode") == "shared" and (source is None or source.get("type") == "memfd"):
        memory["share"] = True


def _size_of(page: Element) -> int:
    return _int(page.get("size"), 2048) * UNITS.get(page.get("unit", "KiB"), 1024)


def _cpu(domain: _Domain) -> None:
    cpu = domain.table("cpu")
    count = domain.text("vcpu")
    cpu["count"] = _int(count, 1)
    element = domain.find("cpu")
    if element is None:
        cpu["model"] = "qemu64"
        return
    mode = element.get("mode")
    model = element.find("model")
    if mode in ("host-passthrough", "host-model", "maximum"):
        cpu["model"] = "max" if mode == "maximum" or domain.document["accelerator"] == "tcg" else "host"
        if mode == "host-model":
            domain.notes.append(f"cpu mode host-model: the model {cpu['model']}, which has all that the host's has")
    elif model is not None and model.text:
        cpu["model"] = model.text.strip()
    else:
        cpu["model"] = "qemu64"
    domain.tick(element, "model")
    features = []
    for feature in element.findall("feature"):
        sign = {"force": "+", "require": "+", "disable": "-", "forbid": "-"}.get(feature.get("policy", "require"))
        if sign:
            features.append(f"{sign}{feature.get('name')}")
            domain.tick(feature)
    if features:
        cpu["features"] = features
    topology = element.find("topology")
    if topology is not None:
        for name in ("sockets", "cores", "threads"):
            value = topology.get(name)
            if _int(value):
                cpu[name] = _int(value)
        if all(topology.get(name, "1") == "1" for name in ("dies", "clusters")):
            domain.tick(topology)
    pins = {_int(pin.get("vcpu")): pin for pin in domain.root.findall("cputune/vcpupin")}
    if pins and set(pins) == set(range(cpu["count"])):
        cpu["pin"] = [pins[index].get("cpuset", "") for index in range(cpu["count"])]
        domain.find("cputune")
        for pin in pins.values():
            domain.tick(pin)


def _hyperv(domain: _Domain) -> None:
    element = domain.find("features/hyperv")
    if element is None:
        return
    names = []
    for one in element:
        on = one.get("state") == "on"
        retries = one.get("retries")
        if one.tag in HYPERV and on and (retries is None or _int(retries) == SPINLOCK_RETRIES):
            names.append(one.tag)
            domain.tick(one)
        elif not on:
            domain.tick(one)
    if names:
        domain.table("cpu")["hyperv"] = names


def _boot(domain: _Domain) -> None:
    for path, key in (("os/kernel", "kernel"), ("os/initrd", "initrd"), ("os/cmdline", "cmdline")):
        text = domain.text(path)
        if text is not None:
            domain.table("boot")[key] = text
    order = []
    for boot in domain.root.findall("os/boot"):
        kind = {"hd": "disk", "cdrom": "cdrom", "network": "net"}.get(boot.get("dev", ""))
        if kind:
            order.append(kind)
            domain.tick(boot)
    if order:
        domain.table("boot")["order"] = order
    loader, variables = domain.root.find("os/loader"), domain.root.find("os/nvram")
    os_element = domain.root.find("os")
    uefi = os_element is not None and os_element.get("firmware") == "efi"
    if loader is not None and loader.get("type") == "pflash" and (loader.text or "").strip():
        domain.document["firmware"] = {"type": "uefi", "code": str(loader.text).strip()}
        domain.tick(loader)
        if variables is not None and (variables.text or "").strip():
            domain.document["firmware"]["vars"] = str(variables.text).strip()
            domain.tick(variables)
    elif uefi:
        domain.document["firmware"] = {"type": "uefi"}
        for element in (loader, variables):
            if element is not None and not (element.text or "").strip():
                domain.tick(element)


def _devices(domain: _Domain) -> None:
    domain.find("devices")
    readers: dict[str, Callable[[_Domain, Element], None]] = {
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
    _disks(domain)


def _model(element: Element) -> str:
    model = element.find("model")
    return "" if model is None else model.get("type", "")


def _interface(domain: _Domain, element: Element) -> None:
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
            domain.notes.append(f"the network {bridge}: its bridge is taken to be virbr0")
        case _:
            return
    mac = element.find("mac")
    if mac is not None and mac.get("address"):
        entry["mac"] = mac.get("address")
    cards = domain.document["net"] or []
    domain.document["net"] = [*cards, entry]
    domain.tick(element, "mac", "source", "model", "target")


def _disks(domain: _Domain) -> None:
    """Disks on the SCSI bus; those on another bus cannot be carried."""
    disks = []
    for element in domain.root.findall("devices/disk"):
        target, driver, source = (element.find(name) for name in ("target", "driver", "source"))
        if target is None or target.get("bus") != "scsi" or element.get("device", "disk") not in ("disk", "cdrom"):
            continue
        file = source.get("file") if source is not None else None
        shape = driver.get("type", "raw") if driver is not None else "raw"
        cache = (driver.get("cache") or "writeback") if driver is not None else "writeback"
        cdrom = element.get("device") == "cdrom"
        if shape not in ("raw", "qcow2") or cache not in (*CACHES, "default") or (file is None and not cdrom):
            continue
        entry: dict[str, Any] = {"media": "cdrom"} if cdrom else {}
        if file is not None:
            entry |= {"file": file, "format": shape, "cache": "writeback" if cache == "default" else cache}
            entry["discard"] = "unmap" if driver is not None and driver.get("discard") == "unmap" else "ignore"
        if element.find("readonly") is not None and not cdrom:
            entry["read-only"] = True
        serial = element.find("serial")
        if serial is not None and serial.text and not cdrom:
            entry["serial"] = serial.text.strip()
        disks.append(entry)
        domain.tick(element, "target", "driver", "source", "readonly", "serial", "backingStore")
    scsi = any(one.get("type") == "scsi" for one in domain.root.findall("devices/controller"))
    if disks or scsi:
        domain.document["scsi"] = [{"disk": disks} if disks else {}]


def _balloon(domain: _Domain, element: Element) -> None:
    if not str(element.get("model")).startswith("virtio"):
        domain.tick(element)
        return
    stats = element.find("stats")
    period = stats.get("period", "0") if stats is not None else "0"
    domain.document["balloon"] = {
        "deflate-on-oom": element.get("autodeflate") == "on",
        "free-page-reporting": element.get("freePageReporting") == "on",
        "statistics": _int(period),
    }
    domain.tick(element)


def _rng(domain: _Domain, element: Element) -> None:
    backend, rate = element.find("backend"), element.find("rate")
    if backend is None or backend.get("model") != "random" or domain.document["rng"]:
        return
    entry: dict[str, Any] = {"source": (backend.text or "").strip() or "/dev/urandom"}
    if rate is not None:
        entry["max-bytes"] = _int(rate.get("bytes"))
        if rate.get("period"):
            entry["period"] = _int(rate.get("period"))
    domain.document["rng"] = entry
    domain.tick(element, "backend", "rate")


def _channel(domain: _Domain, element: Element) -> None:
    target = element.find("target")
    if target is None or target.get("type") != "virtio" or element.get("type") not in ("unix", "pty", "null"):
        return
    name = target.get("name")
    entry: dict[str, Any] = {"kind": "agent"} if name == AGENT else {"kind": "port", "name": name}
    if element.get("type") != "unix":
        entry["backend"] = element.get("type")
    domain.document.setdefault("serial", []).append(entry)
    domain.tick(element, "target", "source")


def _console(domain: _Domain, element: Element) -> None:
    target = element.find("target")
    if target is not None and target.get("type") == "virtio":
        domain.document.setdefault("serial", []).append({"kind": "console"})
        domain.tick(element, "target", "source")
    elif target is None or target.get("type") in (None, "serial"):
        domain.tick(element, "target", "source", "log")  # the same port as the serial one


def _serial(domain: _Domain, element: Element) -> None:
    """The first one is the workbench's console."""
    if element is domain.root.findall("devices/serial")[0]:
        domain.tick(element, "target", "source", "log")


def _graphics(domain: _Domain, element: Element) -> None:
    if element.get("type") != "vnc" or "display" in domain.document:
        return
    domain.table("display")["vnc"] = "socket"
    domain.notes.append("VNC: it listens on vnc.sock in the guest's state directory")
    domain.tick(element, "listen")


def _video(domain: _Domain, element: Element) -> None:
    kind = _model(element)
    if kind in ("vga", "virtio"):
        domain.table("display")["card"] = "std" if kind == "vga" else "virtio"
        domain.tick(element, "model")


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
