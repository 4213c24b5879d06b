"""Keep a plugged device: add its table to the guest's profile and change nothing else there.

The edit is verified by parsing the result, which must be the same guest plus this one device.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.compare.running_profile import with_device
from workbench.domain.hotplug.plan import part_of
from workbench.domain.hotplug.unplug import Keeping
from workbench.domain.profile.devices.scsi import Disk
from workbench.domain.profile.ids import ids_of
from workbench.domain.profile.problems import ProfileChanged, ProfileError
from workbench.domain.profile.text.edit import add_table
from workbench.domain.profile.text.form import ORDER
from workbench.domain.profile.text.layout import MARK, EditError
from workbench.domain.profile.text.places import locate
from workbench.domain.profile.text.write import pairs_text
from workbench.engine.profiles.store import ProfileStore, parse_text, read_profile
from workbench.errors import NotFound, WorkbenchError

if TYPE_CHECKING:
    from workbench.domain.hotplug.unplug import Plugged
    from workbench.domain.profile.guest import GuestProfile
    from workbench.domain.profile.text import places as toml_lines
    from workbench.engine.profiles.store import LoadedProfile
    from workbench.engine.state.directory import Running
    from workbench.settings import Settings


DEFAULTS = {
    "net": "# The default network card.",
    "rng": "# The default entropy source.",
}
"""Contents of the table of a default device, which becomes necessary when a second one is added."""


def keeping(settings: Settings, running: Running, one: Plugged) -> Keeping:
    """The change to the profile that keeps a device.

    :raise WorkbenchError: when it cannot be kept automatically, with the table to add by hand.
    """
    path = Path(running.facts.profile)
    if not running.facts.profile or not path.exists():
        raise NotFound(f"{running.name} has no profile to add the device to")
    if path.parent.resolve() != settings.profiles.resolve():
        raise WorkbenchError(
            f"{path} is a bundled sample and cannot be changed",
            hint=f"copy it to {settings.profiles / path.name} and start the guest from the copy",
        )
    loaded = read_profile(path, name=running.name)
    profile = loaded.profile
    if profile is None:
        raise ProfileError(f"the profile {running.name} has problems", loaded.problems)
    where, wanted = _place(profile, one)
    after = _edited(loaded, profile, where, one)
    if after is None or parse_text(path, after, name=running.name, file=loaded.file).profile != wanted:
        raise _by_hand(loaded, where, one)
    added, removed = _changed(loaded.text, after)
    line = locate(after.removeprefix(MARK))[where][0]
    return Keeping(running.name, one.id, str(path), loaded.text, after, added, removed, line, tuple(one.extra))


def keep_plan(settings: Settings, change: Keeping) -> str:
    """Write the change, and return its place: file and line.

    :raise ProfileChanged: when the file has changed since it was read; nothing is written.
    :raise HostError: when the file cannot be written; the old one is kept.
    """
    now = read_profile(Path(change.path), name=change.name)
    if now.text != change.before:
        raise ProfileChanged(f"{change.path} has changed since it was read; nothing was written", hint="try again")
    ProfileStore(settings.profiles).write(change.name, change.after)
    return f"{change.path}:{change.line}"


def _place(profile: GuestProfile, one: Plugged) -> tuple[toml_lines.Path, GuestProfile]:
    """The path of the device's table in the document, and the guest with the device and, if needed, its controller."""
    part = part_of(one)
    assert part is not None
    owner = one.bus.removesuffix(".0")
    if isinstance(part, Disk) and not one.controller and all(scsi.id != owner for scsi in profile.scsi):
        raise WorkbenchError(f"the profile {profile.name} has no SCSI controller {owner}")
    wanted = with_device(profile, one, part)
    return dict(ids_of(wanted))[one.id][:-1], wanted


def _edited(loaded: LoadedProfile, profile: GuestProfile, where: toml_lines.Path, one: Plugged) -> str | None:
    """The profile's text with the table added; None when it cannot be added."""
    text, document = loaded.text, loaded.parsed.document
    key, body = str(where[0]), pairs_text(one.document)
    try:
        if key in DEFAULTS and key not in document:
            text = add_table(text, (key, 0), DEFAULTS[key], order=ORDER)
        elif key == "scsi" and where[1] == len(profile.scsi):
            text = add_table(text, where[:2], pairs_text({"id": one.bus.removesuffix(".0")}), order=ORDER)
        return add_table(text, where, body, order=ORDER)
    except EditError:
        return None


def _by_hand(loaded: LoadedProfile, where: toml_lines.Path, one: Plugged) -> WorkbenchError:
    """The error when the table cannot be added automatically, with the table to add by hand."""
    steps = [str(step) for step in where if isinstance(step, str)]
    many = isinstance(where[-1], int)
    header = f"[[{'.'.join(steps)}]]" if many else f"[{steps[0]}]"
    place = loaded.parsed.place((steps[0],))
    elsewhere = Path(place.file).name if place is not None and place.file != loaded.file else ""
    file = f"{loaded.path.parent / elsewhere}" if elsewhere else f"{loaded.path}"
    why = (
        f"{steps[0]} comes from {elsewhere}, which {loaded.path} extends: an entry here would replace all entries there"
        if elsewhere
        else f"cannot add the device to {loaded.path} automatically"
    )
    return WorkbenchError(why, hint=f"add it by hand to {file}:\n{header}\n{pairs_text(one.document)}")


def _changed(before: str, after: str) -> tuple[str, str]:
    """The lines added to a text, and those removed from it."""
    old, new = before.splitlines(), after.splitlines()
    added: list[str] = []
    removed: list[str] = []
    for tag, i, j, m, n in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            removed += old[i:j]
            added += new[m:n]
    return "\n".join(added).strip("\n") + "\n", "\n".join(removed).strip("\n")
