"""The rows of the form for plugging in a device: the profile's keys, then QEMU's properties of its type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.hotplug.plan import OURS, PARTS, driver_of
from workbench.domain.hotplug.unplug import Kind
from workbench.domain.profile.text.shape import fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.hotplug.plan import Offer
    from workbench.domain.profile.devices.part import Part

USUAL = {
    Kind.NET: ("backend", "mac", "forward"),
    Kind.DISK: ("file", "format", "size", "read-only"),
    Kind.SERIAL: ("kind", "name", "backend", "path"),
    Kind.RNG: ("source", "max-bytes", "period"),
}


class Row(Struct, frozen=True):
    """One row of the form."""

    key: str
    type: str
    """What its value must be, for the user."""
    default: str
    """The value if nothing is typed."""
    description: str
    usual: bool
    choices: tuple[str, ...] = ()
    switch: bool = False
    """Whether it is on or off."""


def rows(offer: Offer, values: Mapping[str, str]) -> tuple[Row, ...]:
    """The rows of the form: the profile's keys, then the device's properties by name."""
    part, found = PARTS[offer.kind], []
    fields = fields_of(part)
    infos = offer.properties.get(driver_of(offer.kind, values), {})
    found.append(Row("id", "an id", offer.id, "The device's id in QEMU.", usual=True))
    buses = tuple(bus.name for bus in offer.buses)
    words = ", ".join(f"{bus.name} {bus.words}".strip() for bus in offer.buses)
    room = "on a new controller" if offer.buses and offer.buses[0].controller else "a bus with room"
    found.append(Row("bus", room, buses[0] if buses else "", f"Free: {words}.", usual=True, choices=buses))
    for key in sorted(fields, key=lambda key: (key not in USUAL[offer.kind], list(fields).index(key))):
        if key == "id":
            continue
        shape, info = fields[key].shape, infos.get(key)
        default = _default(part, fields[key].name)
        about = info.description if info is not None else ""
        found.append(Row(key, shape.words, default, about, key in USUAL[offer.kind], shape.choices, shape.bare is bool))
    for name, info in sorted(infos.items()):
        if name not in fields and name not in OURS:
            default = "" if not info.has_default else _text(info.default)
            found.append(Row(name, info.type, default, info.description, usual=False, switch=info.type == "bool"))
    return tuple(found)


def _default(part: type[Part], name: str) -> str:
    import msgspec

    default = next(one.default for one in msgspec.structs.fields(part) if one.name == name)
    return "" if default in (None, (), msgspec.NODEFAULT) else _text(default)


def _text(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
