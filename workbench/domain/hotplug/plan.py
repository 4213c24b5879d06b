"""From what a user types of a device to the QMP commands that plug it in.

Keys are those that the device has in a profile (``mac``, ``file``, ``name``), then the properties that QEMU's
``device-list-properties`` tells of its type. So what was plugged in can be kept in the profile as it is.
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
"""How the ids of each kind begin: as a profile names them."""
DRIVERS = {
    Kind.NET: ("virtio-net-pci",),
    Kind.DISK: ("scsi-hd", "scsi-cd"),
    Kind.SERIAL: ("virtconsole", "virtserialport"),
    Kind.RNG: ("virtio-rng-pci",),
}
MORE = {
    Kind.NET: "root-ports",
    Kind.RNG: "root-ports",
    Kind.DISK: "[[scsi]]",
    Kind.SERIAL: "[[serial]]",
}
"""The key of a profile that gives more room."""
NO_SLOT = "no slot is free that takes devices while the guest runs"
ROOM = {
    Kind.NET: NO_SLOT,
    Kind.RNG: NO_SLOT,
    Kind.DISK: f"there is no SCSI controller with room, and {NO_SLOT}",
    Kind.SERIAL: f"there is no virtio serial controller with room, and {NO_SLOT}",
}
CONTROLLERS = {Kind.DISK: "virtio-scsi-pci", Kind.SERIAL: "virtio-serial-pci"}
"""What a device of the kind stands on; plugged in first where there is none."""
SLOT_OF_PORT = frozenset({"0", "00", "0.0", "00.0"})
OURS = frozenset({"id", "bus", "netdev", "chardev", "drive", "rng", "channel", "scsi-id"})
"""Properties that follow from the rest."""


class PlanProblems(Exception):
    """What was typed cannot be meant: every reason, by key."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {why}" if key else why for key, why in problems.items()))
        self.problems = problems


class FreeBus(Struct, frozen=True):
    """A bus with room for one more."""

    name: str
    words: str = ""
    """Such as ``slot of its own`` or ``LUN 2``."""
    lun: int = 0
    controller: str = ""
    """Id of the controller that brings the bus, when that has to be plugged in first."""
    slot: str = ""
    """The PCI bus that the controller goes onto."""
    port: bool = False
    """Whether it is a root port's, whose one slot is 0: no guest looks for devices in another."""


class Offer(Struct, frozen=True):
    """What a guest has for one more device of a kind."""

    kind: Kind
    id: str
    """The next one that is free."""
    buses: tuple[FreeBus, ...]
    """The first is taken when none is named; empty when there is no room."""
    properties: Mapping[str, Mapping[str, PropertyInfo]] = field(default_factory=dict)
    """Driver -> its properties, as a QEMU of the same build tells them."""
    taken: Collection[str] = frozenset()
    """Ids that something has already."""
    left: Mapping[str, str] = field(default_factory=dict)
    """Ids of devices that are gone -> what they left behind them, in words: it has the names that a new one would need."""
    directory: str = "/"
    """The guest's state directory, for sockets."""
    base: str = "/"
    """Where relative paths begin."""
    home: str = "/"

    @property
    def no_room(self) -> str:
        """Why nothing can be plugged in, and what would help; empty when it can."""
        if self.buses:
            return ""
        return f"{ROOM[self.kind]}: {MORE[self.kind]} in the profile gives more, from the next start on"


def driver_of(kind: Kind, values: Mapping[str, str]) -> str:
    """The type of device that these values make."""
    first, last = DRIVERS[kind][0], DRIVERS[kind][-1]
    if kind is Kind.DISK:
        return last if values.get("media") == "cdrom" else first
    if kind is Kind.SERIAL:
        return last if values.get("kind") in ("port", "agent") else first
    return first


def plan(offer: Offer, values: Mapping[str, str]) -> Plan:
    """What would be sent.

    :param values: what was typed, by key; an empty text is as if nothing was.
    :raise PlanProblems: when it cannot be meant.
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
        problems["addr"] = f"{bus.name} is a root port, which has slot 0 alone"
    part = _part(part_type, document, problems)
    if "id" in fields:
        document = {"id": name, **document}
        part = _part(part_type, document, problems)
    if problems or part is None or bus is None:
        raise PlanProblems(problems)
    steps = tuple(_steps(offer, part, name, bus, extra))
    return Plan(offer.kind, name, bus.name, steps, part, document, tuple(extra), controller=bus.controller)


def part_of(one: Plugged) -> Part | None:
    """The device as a profile would have it; None when its keys are not known here."""
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
    if bus.controller:  # behind the backend, which may well be refused: a controller goes only when the guest lets it
        arguments = {"driver": CONTROLLERS[offer.kind], "id": bus.controller, "bus": bus.slot}
        first.append(Step("device_add", arguments, "device_del", {"id": bus.controller}))
    return [*first, last]


def _id_trouble(offer: Offer, name: str) -> str:
    """Why a new device cannot have an id; empty when it can."""
    if name in offer.taken:
        return f"{name} is there already"
    if name in offer.left:
        owner = f"a {name} that the guest does not have"
        return f"{offer.left[name]} is there already, named after {owner}: unplug {name} again to remove it"
    _, (meta, *_) = metas(Id)
    return "" if re.match(meta.pattern or "", name) else f'"{name}" is not {extra_of(Id, "words")}'


def _chardev(port: SerialPort, path: str) -> Mapping[str, object]:
    """What a ``chardev-add`` takes (qapi/char.json, ChardevBackend)."""
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
    """A value as TOML would have it; what it cannot be is said by the decoder."""
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

    A slot is always a text: as a number 7.2 reads it as slot and 10.0 as devfn (hw/core/qdev-properties-system.c).
    """
    return text.strip() if info.name == "addr" else parse_value(text, Property(info.name, info.type, info.default))


def _unknown(key: str, known: Collection[str]) -> str:
    near = get_close_matches(key, known, 1)
    return f"no such key or property{f': did you mean {near[0]}?' if near else ''}"
