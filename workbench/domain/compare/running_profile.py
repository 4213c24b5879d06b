"""The profile of a running guest: as started, plus plugged devices, minus unplugged ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from workbench.domain.compare.drift import Kind, Said, drift
from workbench.domain.hotplug.plan import part_of
from workbench.domain.profile.devices.net import Net
from workbench.domain.profile.devices.part import json_option
from workbench.domain.profile.devices.rng import Rng
from workbench.domain.profile.devices.scsi import Disk, Scsi
from workbench.domain.profile.devices.serial import SerialPort
from workbench.domain.profile.ids import ids_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from workbench.domain.command_line.argv import ArgvPart
    from workbench.domain.compare.drift import Difference, Live
    from workbench.domain.hotplug.unplug import Plugged
    from workbench.domain.profile.devices.part import Part, Path
    from workbench.domain.profile.guest import GuestProfile


class AsItRuns(Struct, frozen=True):
    """What a running guest has now, as a profile."""

    profile: GuestProfile
    whole: GuestProfile
    """The same, with unplugged devices still in it."""
    gone: tuple[Path, ...]
    """The paths in ``whole`` of unplugged devices; those from the start have the same path in that profile."""
    came: Mapping[Path, str]
    """The path in ``whole`` of each plugged device -> its bus."""

    def parts(self, started: Iterable[ArgvPart], whole: Iterable[ArgvPart]) -> tuple[ArgvPart, ...]:
        """The options of the current devices.

        :param started: the options that the guest was started with.
        :param whole: the options of ``whole``, in which plugged devices have other slots.
        """
        return (
            *(part for part in started if not _within(part, (*self.gone, *self.came))),
            *(_plugged(part, self.came) for part in whole if _within(part, self.came) and not _within(part, self.gone)),
        )


def as_it_runs(started: GuestProfile, plugged: Mapping[str, Plugged], live: Collection[str]) -> AsItRuns:
    """
    :param started: the profile that the guest was started with.
    :param plugged: the devices that the workbench plugged in since, by id.
    :param live: the ids of the guest's current devices.
    """
    whole = started
    for one in plugged.values():
        part = part_of(one)
        if part is not None:
            whole = with_device(whole, one, part)
    then = dict(ids_of(started))
    places = {name: path[:-1] if path[-1] == "id" else path for name, path in ids_of(whole) if path != ("root-ports",)}
    gone = tuple(path for name, path in places.items() if name not in live)
    came = {
        path: plugged[name].bus if name in plugged else ""
        for name, path in places.items()
        if name in plugged or name not in then
    }
    return AsItRuns(_without(whole, gone), whole, gone, came)


def _within(part: ArgvPart, paths: Iterable[Path]) -> bool:
    return any(part.path[: len(path)] == path for path in paths)


def _plugged(part: ArgvPart, came: Mapping[Path, str]) -> ArgvPart:
    """The option with the bus that the device was plugged into, not the slot that it would get at a start."""
    option, *value = part.options
    if option != "-device" or '"addr"' not in value[0]:
        return part
    settings = json.loads(value[0])
    del settings["addr"]
    bus = came.get(part.path)
    return replace(part, options=json_option("-device", {**settings, "bus": bus} if bus else settings))


def with_device(profile: GuestProfile, one: Plugged, part: Part) -> GuestProfile:
    """A profile with a device added, or replaced if one has its id."""
    part = replace(part, id=one.id)
    if isinstance(part, Net):
        return replace(profile, net=_put(profile.net, part))
    if isinstance(part, SerialPort):
        return replace(profile, serial=_put(profile.serial, part))
    if isinstance(part, Rng):
        return replace(profile, rng=_put(profile.rng, part))
    assert isinstance(part, Disk)
    owner, controllers = one.bus.removesuffix(".0"), profile.scsi
    if all(scsi.id != owner for scsi in controllers):
        controllers = (*controllers, Scsi(id=owner))
    return replace(
        profile,
        scsi=tuple(replace(scsi, disk=_put(scsi.disk, part)) if scsi.id == owner else scsi for scsi in controllers),
    )


def _put(parts: Sequence[Any], part: Any) -> tuple[Any, ...]:
    ids = [one.id for one in parts]
    if part.id in ids:
        return tuple(part if one.id == part.id else one for one in parts)
    return (*parts, part)


def _without(profile: GuestProfile, gone: Collection[Path]) -> GuestProfile:
    def left(key: str, parts: Sequence[Any]) -> tuple[Any, ...]:
        return () if (key,) in gone else tuple(one for i, one in enumerate(parts) if (key, i) not in gone)

    disks = [
        replace(scsi, disk=tuple(disk for j, disk in enumerate(scsi.disk) if ("scsi", i, "disk", j) not in gone))
        for i, scsi in enumerate(profile.scsi)
    ]
    return replace(
        profile,
        net=left("net", profile.net),
        scsi=left("scsi", disks),
        serial=left("serial", profile.serial),
        rng=left("rng", profile.rng),
        balloon=None if ("balloon",) in gone else profile.balloon,
        display=None if ("display",) in gone else profile.display,
    )


def of_others(live: Live, parts: Sequence[ArgvPart]) -> tuple[Difference, ...]:
    """Devices and objects that were added or removed outside the workbench, without a record of it.

    :param parts: the options of the devices that the guest is known to have.
    """
    words = [word for part in parts for word in part.options]
    found = drift(live, words, [Said(part.options, part.key) for part in parts])
    return tuple(one for one in found if one.kind is not Kind.CHANGED)
