"""Keeping what was plugged in: the device's table goes into the guest's profile, and nothing else there changes.

Whatever the edit did is checked by reading the result: it must be the same guest with this one device more.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.devices.net import Net
from workbench.domain.devices.rng import Rng
from workbench.domain.devices.scsi import Disk
from workbench.domain.devices.serial import SerialPort
from workbench.domain.hotplug import Keeping
from workbench.domain.plugging import part_of
from workbench.domain.toml_edit import append_table, remove_key, table_text
from workbench.engine.profiles import ProfileStore, parse_text, read_profile
from workbench.errors import NotFound, ProfileChanged, ProfileError, WorkbenchError

if TYPE_CHECKING:
    from workbench.domain.hotplug import Plugged
    from workbench.domain.profile import GuestProfile
    from workbench.engine.profiles import LoadedProfile
    from workbench.engine.state import Running
    from workbench.settings import Settings


STANDING = "# The card that a guest has without any [[net]]."
"""Above the table of that card, which has to be written as soon as there is another one."""


def keeping(settings: Settings, running: Running, one: Plugged) -> Keeping:
    """What would be written.

    :raise WorkbenchError: when it cannot be kept, with the table to be written by hand.
    """
    path = Path(running.facts.profile)
    if not running.facts.profile or not path.exists():
        raise NotFound(f"{running.name} has no profile to keep it in")
    if path.parent.resolve() != settings.profiles.resolve():
        raise WorkbenchError(
            f"{path} is a sample that comes with the workbench: nothing is written there",
            hint=f"copy it to {settings.profiles / path.name} and start the guest from that",
        )
    loaded = read_profile(path, name=running.name)
    profile = loaded.profile
    if profile is None:
        raise ProfileError(f"the profile {running.name} has problems", loaded.problems)
    where, many, wanted = _place(profile, one)
    table = table_text(where, one.document, many=many)
    after = _edited(loaded, where, table)
    if after is None or parse_text(path, after, name=running.name, file=loaded.file).profile != wanted:
        raise WorkbenchError(
            f"{path} is written in a way that the device cannot be added to by itself",
            hint=f"write it there by hand:\n{table}",
        )
    return Keeping(running.name, str(path), loaded.text, after, table, tuple(one.extra))


def keep_plan(settings: Settings, change: Keeping) -> str:
    """Write it, and give the place: file and line.

    :raise ProfileChanged: when the file was changed meanwhile; nothing is written then.
    :raise HostError: when the disk refuses; the old file stands.
    """
    now = read_profile(Path(change.path), name=change.name)
    if now.text != change.before:
        raise ProfileChanged(f"{change.path} was changed meanwhile: nothing was written", hint="keep it again")
    ProfileStore(settings.profiles).write(change.name, change.after)
    line = change.after[: change.after.replace("\r\n", "\n").find(change.table)].count("\n") + 1
    return f"{change.path}:{line}"


def _place(profile: GuestProfile, one: Plugged) -> tuple[tuple[str | int, ...], bool, GuestProfile]:
    """Where the table goes, whether it is one of many, and the guest with it."""
    part = part_of(one)
    if isinstance(part, Net):
        return ("net",), True, replace(profile, net=(*profile.net, part))
    if isinstance(part, SerialPort):
        return ("serial",), True, replace(profile, serial=(*profile.serial, part))
    if isinstance(part, Disk):
        owner = one.bus.removesuffix(".0")
        for index, scsi in enumerate(profile.scsi):
            if scsi.id == owner:
                more = replace(scsi, disk=(*scsi.disk, part))
                return (
                    ("scsi", index, "disk"),
                    True,
                    replace(profile, scsi=(*profile.scsi[:index], more, *profile.scsi[index + 1 :])),
                )
        raise WorkbenchError(f"the profile {profile.name} has no SCSI controller {owner}")
    if profile.rng is not None:
        raise WorkbenchError(
            f"the profile {profile.name} has its rng already, and can have one",
            hint="a second one stays until the guest ends",
        )
    assert isinstance(part, Rng)
    return ("rng",), False, replace(profile, rng=part)


def _edited(loaded: LoadedProfile, where: tuple[str | int, ...], table: str) -> str | None:
    """The profile's text with the table; None when the text cannot take one."""
    text, key, document = loaded.text, str(where[0]), loaded.parsed.document
    if document.get(key) is False:
        text = remove_key(text, key)
    elif key == "net" and key not in document:
        table = f"{STANDING}\n[[net]]\n\n{table}"
    try:
        return append_table(text, where, table)
    except ValueError:  # it was no TOML any more after the first of the two changes
        return None
