"""Import the disks of a libvirt domain: from virtio SCSI controllers as keys, from other buses as arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.domain.command_line.options import doubled
from workbench.domain.convert.libvirt.xml import Domain, number, root_slot
from workbench.domain.profile.devices.scsi import CACHES

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MODELS = (None, "virtio-scsi", "virtio-transitional", "virtio-non-transitional")
_BEHIND = 1000
"""A place in the boot order after all devices of a profile."""
DRIVERS = {("virtio", "disk"): "virtio-blk-pci", ("sata", "disk"): "ide-hd", ("sata", "cdrom"): "ide-cd"}


def disks(domain: Domain) -> None:
    """Import the controllers, each with its disks in the order of their units."""
    controllers: dict[int, dict[str, Any]] = {}
    foreign: set[int] = set()
    for element in domain.root.findall("devices/controller"):
        if element.get("type") != "scsi":
            continue
        index = number(element.get("index"))
        if element.get("model") in MODELS:
            controllers[index] = _controller(domain, element)
        else:
            foreign.add(index)
            domain.notes.append(f"not imported: devices/controller scsi {element.get('model')}, with its disks")
    for element in domain.root.findall("devices/disk"):
        address = element.find("address")
        index = number(address.get("controller")) if address is not None else 0
        entry = _entry(element)
        target = element.find("target")
        if entry is None or target is None:
            continue
        if target.get("bus") == "scsi" and index not in foreign:
            controllers.setdefault(index, {}).setdefault("disk", []).append(entry)
            domain.boots(element, "cdrom" if "media" in entry else "disk")
        elif not _argument(domain, element, target, entry):
            continue
        domain.tick(element, "target", "driver", "source", "readonly", "serial", "backingStore")
        domain.rest(target, f"disk {target.get('dev')}: target", "dev", "bus")
        driver = element.find("driver")
        if driver is not None:
            if driver.get("io") == "threads":  # the default for disks of a profile
                del driver.attrib["io"]
            domain.rest(driver, f"disk {target.get('dev')}: driver", "name", "type", "cache", "discard")
    if controllers:
        domain.document["scsi"] = [controllers[index] for index in sorted(controllers)]


def boot_order(domain: Domain) -> None:
    """Import the boot order of devices: as kinds for those of the profile, as ``bootindex`` for those in arguments.

    A profile numbers its devices from 1, so one argument can come before them, in place 0, and any number after them.
    """
    places = sorted(domain.places, key=lambda place: place[0])
    kinds = [kind for _, kind, argument in places if argument is None]
    if kinds:
        domain.table("boot")["order"] = list(dict.fromkeys(kinds))
    mixed = kinds != sorted(kinds, key=kinds.index)
    ours = False
    for number_, (_, _, argument) in enumerate(places):
        if argument is None:
            ours = True
        elif ours or not kinds or number_ == 0:
            domain.args[argument] += f",bootindex={_BEHIND + number_ if ours or not kinds else 0}"
            mixed = mixed or (any(other is None for _, _, other in places[number_ + 1 :]) and ours)
        else:
            mixed = True
            domain.args[argument] += f",bootindex={_BEHIND + number_}"
    if mixed:
        domain.notes.append("the boot order mixes devices of the profile and of qemu.args: it has changed")


def _controller(domain: Domain, element: Element) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    driver = element.find("driver")
    if driver is not None and set(driver.attrib) <= {"queues", "iothread"}:
        if driver.get("queues"):
            entry["queues"] = number(driver.get("queues"))
        if driver.get("iothread"):
            entry["iothread"] = True
        domain.tick(element, "driver")
    domain.tick(element)
    domain.note_slot(element, entry)
    return entry


def _entry(element: Element) -> dict[str, Any] | None:
    """The disk's table in a profile; None if it has no equivalent."""
    driver, source, serial = (element.find(name) for name in ("driver", "source", "serial"))
    kind, cdrom = element.get("device", "disk"), element.get("device") == "cdrom"
    given = driver.attrib if driver is not None else {}
    file = (source.get("file") or source.get("dev")) if source is not None else None
    shape, cache = given.get("type", "raw"), given.get("cache") or "writeback"
    if kind not in ("disk", "cdrom") or shape not in ("raw", "qcow2") or cache not in (*CACHES, "default"):
        return None
    if file is None and not cdrom:
        return None
    entry: dict[str, Any] = {"media": "cdrom"} if cdrom else {}
    if file is not None:
        entry |= {"file": file, "format": shape, "cache": "writeback" if cache == "default" else cache}
        entry["discard"] = "unmap" if given.get("discard") == "unmap" else "ignore"
    if element.find("readonly") is not None and not cdrom:
        entry["read-only"] = True
    if serial is not None and serial.text and not cdrom:
        entry["serial"] = serial.text.strip()
    return entry


def _argument(domain: Domain, element: Element, target: Element, entry: dict[str, Any]) -> bool:
    """Add a disk on a bus without a key in a profile as arguments; whether that is possible."""
    bus, name = target.get("bus"), target.get("dev") or ""
    driver = DRIVERS.get((str(bus), element.get("device", "disk")))
    if driver is None or not name.isalnum() or (bus == "sata" and "q35" not in domain.document.get("machine", "")):
        return False
    device = f"{driver},drive={name}"
    if bus == "sata":
        address = element.find("address")
        unit = number(address.get("unit")) if address is not None else domain.units
        domain.units = unit + 1
        device = f"{driver},bus=ide.{unit}" + (f",drive={name}" if "file" in entry else "")
    elif slot := root_slot(element):
        device += f",addr={slot:#x}"
        domain.named.add(slot)
    else:
        domain.slots += 1
    if "serial" in entry:
        device += f",serial={doubled(entry['serial'])}"
    if "file" in entry:
        words = f"if=none,id={name},file={doubled(entry['file'])},format={entry['format']},cache={entry['cache']}"
        words += f",discard={entry['discard']}"
        words += ",media=cdrom" if "media" in entry else ",readonly=on" if "read-only" in entry else ""
        domain.args += ["-drive", words]
    domain.args += ["-device", device]
    domain.boots(element, name, len(domain.args) - 1)
    domain.notes.append(f"{name}: a profile has no key for disks on {bus}: moved to qemu.args")
    return True
