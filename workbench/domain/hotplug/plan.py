"""Turn a typed description of a device into the QMP commands that plug it in.

The keys are those of the device in a profile (``mac``, ``file``, ``name``) and the properties that QEMU's
``device-list-properties`` lists for its type, so a plugged device can be saved to the profile.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from workbench.domain.devices.qom import Property
from workbench.domain.devices.qom_values import parse_value
from workbench.domain.hotplug.unplug import Kind, Plan, Step, steps_of
from workbench.domain.profile.devices.net import Net
from workbench.domain.profile.devices.part import Id, metas, resolve
from workbench.domain.profile.devices.part import extra as extra_of
from workbench.domain.profile.devices.rng import Rng
from workbench.domain.profile.devices.scsi import Disk
from workbench.domain.profile.devices.serial import SerialPort
from workbench.domain.profile.text.decode import Decoder
from workbench.domain.profile.text.shape import fields_of
from workbench.domain.qmp.values import BadValue

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from workbench.domain.devices.type_info import PropertyInfo
    from workbench.domain.hotplug.unplug import Plugged
    from workbench.domain.profile.devices.part import Option, Part
    from workbench.domain.profile.text.shape import Shape

PARTS: Mapping[Kind, type[Part]] = {Kind.NET: Net, Kind.DISK: Disk, Kind.SERIAL: SerialPort, Kind.RNG: Rng}
STEMS = {Kind.NET: "net", Kind.DISK: "disk", Kind.SERIAL: "port", Kind.RNG: "rng"}
"""The prefix of the ids of each kind, as in a profile."""
DRIVERS = {
    Kind.NET: ("virtio-net-pci",),
    Kind.DISK: ("scsi-hd", "scsi-cd"),
    Kind.SERIAL: ("virtconsole", "virtserialport"),
    Kind.RNG: ("virtio-rng-pci",),
}
MORE = {
    Kind.NET: "increase root-ports",
    Kind.RNG: "increase root-ports",
    Kind.DISK: "add [[scsi]]",
    Kind.SERIAL: "add [[serial]]",
}
"""How to make room in the profile."""
NO_SLOT = "no hot-pluggable slot is free"
ROOM = {
    Kind.NET: NO_SLOT,
    Kind.RNG: NO_SLOT,
    Kind.DISK: f"no SCSI controller has room, and {NO_SLOT}",
    Kind.SERIAL: f"no virtio serial controller has room, and {NO_SLOT}",
}
CONTROLLERS = {Kind.DISK: "virtio-scsi-pci", Kind.SERIAL: "virtio-serial-pci"}
"""The controller for devices of the kind; plugged in first if there is none."""
SLOT_OF_PORT = frozenset({"0", "00", "0.0", "00.0"})
OURS = frozenset({"id", "bus", "netdev", "chardev", "drive", "rng", "channel", "scsi-id"})
"""Properties that are derived from the rest."""


class PlanProblems(Exception):
    """Invalid input: every problem, by key."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {why}" if key else why for key, why in problems.items()))
        self.problems = problems


class FreeBus(Struct, frozen=True):
    """A bus with room for one more."""

    name: str
    words: str = ""
    """Details, such as ``(LUN 2)``."""
    lun: int = 0
    controller: str = ""
    """Id of the bus's controller if that must be plugged in first."""
    slot: str = ""
    """The PCI bus for the controller."""
    port: bool = False
    """Whether it is a root port, which only has slot 0: guests do not scan others."""


class Offer(Struct, frozen=True):
    """What a guest offers for another device of a kind."""

    kind: Kind
    id: str
    """The next free id."""
    buses: tuple[FreeBus, ...]
    """The first is the default; empty if there is no room."""
    properties: Mapping[str, Mapping[str, PropertyInfo]] = field(default_factory=dict)
    """Driver -> its properties, from a QEMU of the same build."""
    taken: Collection[str] = frozenset()
    """Ids in use."""
    left: Mapping[str, str] = field(default_factory=dict)
    """Id of a removed device -> its leftover backends, as text: a new device could not use their names."""
    directory: str = "/"
    """The guest's state directory, for sockets."""
    base: str = "/"
    """The directory for relative paths."""
    home: str = "/"

    @property
    def no_room(self) -> str:
        """Why nothing can be plugged in and what to do; empty if it can."""
        if self.buses:
            return ""
        return f"{ROOM[self.kind]}: {MORE[self.kind]} in the profile and restart the guest"


def driver_of(kind: Kind, values: Mapping[str, str]) -> str:
    """The device type for these values."""
    first, last = DRIVERS[kind][0], DRIVERS[kind][-1]
    if kind is Kind.DISK:
        return last if values.get("media") == "cdrom" else first
    if kind is Kind.SERIAL:
        return last if values.get("kind") in ("port", "agent") else first
    return first


def plan(offer: Offer, values: Mapping[str, str]) -> Plan:
    """The commands to send.

    :param values: what was typed, by key; an empty string counts as not set.
    :raise PlanProblems: if it is invalid.
    """
    given = {key: text for key, text in values.items() if text.strip()}
    if offer.no_room:
        raise PlanProblems({"": offer.no_room})
    part_type = PARTS[offer.kind]
    fields = fields_of(part_type)
    infos = offer.properties.get(driver_of(offer.kind, given), {})
    problems: dict[str, str] = {}
    document: dict[str, object] = {}
    extra: dict[str, object] = {}
    for key, text in given.items():
        if key in fields:
            document[key] = _document_value(fields[key].shape, text)
        elif key in infos and key not in OURS:
            try:
                extra[key] = _property_value(infos[key], text)
            except BadValue as error:
                problems[key] = str(error)
        elif key not in ("id", "bus"):
            problems[key] = _unknown(key, [*fields, *infos])
    name, bus = given.get("id", offer.id), _bus(offer, given.get("bus", ""), problems)
    if trouble := _id_trouble(offer, name):
        problems["id"] = trouble
    if bus is not None and bus.port and str(extra.get("addr", "0")) not in SLOT_OF_PORT:
        problems["addr"] = f"{bus.name} is a root port, which only has slot 0"
    part = _part(part_type, document, problems)
    if "id" in fields:
        document = {"id": name, **document}
        part = _part(part_type, document, problems)
    if problems or part is None or bus is None:
        raise PlanProblems(problems)
    steps = tuple(_steps(offer, part, name, bus, extra))
    return Plan(offer.kind, name, bus.name, steps, part, document, tuple(extra), controller=bus.controller)


def part_of(one: Plugged) -> Part | None:
    """The device as a profile would have it; None if its keys are not valid."""
    return _part(PARTS[one.kind], one.document, {})


def _steps(offer: Offer, part: Part, name: str, bus: FreeBus, extra: Mapping[str, object]) -> Any:
    def path(text: str) -> str:
        return resolve(text, base=offer.base, home=offer.home)

    options: list[Option]
    chardev: Mapping[str, object] | None = None
    match part:
        case Net():
            options = list(part.options("", path(part.path) if part.path else ""))
        case Disk():
            options = list(part.options(bus.name, bus.lun, path(part.file) if part.file else None))
        case SerialPort():
            place = path(part.path) if part.path else f"{offer.directory}/port-{name}.sock"
            options, chardev = list(part.options(place)), _chardev(part, place)
        case Rng():
            options = list(part.options("", path(part.source)))
        case _:
            raise TypeError(part)
    *first, last = steps_of(options, chardev, **{"bus": bus.name, **extra})
    if bus.controller:  # after the backend, which is likelier to fail: only the guest can release a controller
        arguments = {"driver": CONTROLLERS[offer.kind], "id": bus.controller, "bus": bus.slot}
        first.append(Step("device_add", arguments, "device_del", {"id": bus.controller}))
    return [*first, last]


def _id_trouble(offer: Offer, name: str) -> str:
    """Why a new device cannot have an id; empty if it can."""
    if name in offer.taken:
        return f"{name} already exists"
    if name in offer.left:
        return f"{offer.left[name]} already exists, but {name} does not: unplug {name} again to remove it"
    _, (meta, *_) = metas(Id)
    return "" if re.match(meta.pattern or "", name) else f'"{name}" is not {extra_of(Id, "words")}'


def _chardev(port: SerialPort, path: str) -> Mapping[str, object]:
    """The ``backend`` of a ``chardev-add`` (qapi/char.json, ChardevBackend)."""
    data: dict[str, object] = {}
    if port.backend == "socket":
        data = {"addr": {"type": "unix", "data": {"path": path}}, "server": True, "wait": False}
    elif port.backend == "file":
        data = {"out": path, "append": True}
    return {"type": port.backend, "data": data}


def _part(part: type[Part], document: Mapping[str, object], problems: dict[str, str]) -> Part | None:
    decoder = Decoder()
    found = decoder.table(part, dict(document))
    for place, why in decoder.problems:
        problems.setdefault(str(place[0]) if place else "", why)
    return found


def _bus(offer: Offer, name: str, problems: dict[str, str]) -> FreeBus | None:
    if not name:
        return offer.buses[0]
    for bus in offer.buses:
        if bus.name == name:
            return bus
    problems["bus"] = f"{name} has no room; free: {', '.join(bus.name for bus in offer.buses)}"
    return None


def _document_value(shape: Shape, text: str) -> object:
    """A value as from TOML; the decoder reports invalid ones."""
    word = text.strip()
    if shape.kind == "list":
        return [one.strip() for one in word.split(",") if one.strip()]
    if shape.bare is bool:
        return {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}.get(
            word.lower(), word
        )
    if shape.bare is int and shape.kind == "value":
        try:
            return int(word)
        except ValueError:
            return word
    return word


def _property_value(info: PropertyInfo, text: str) -> object:
    """A value for ``device_add``.

    A slot is always a string: a number means a slot in 7.2 and a devfn in 10.0 (hw/core/qdev-properties-system.c).
    """
    return text.strip() if info.name == "addr" else parse_value(text, Property(info.name, info.type, info.default))


def _unknown(key: str, known: Collection[str]) -> str:
    near = get_close_matches(key, known, 1)
    return f"no such key or property{f': did you mean {near[0]}?' if near else ''}"
