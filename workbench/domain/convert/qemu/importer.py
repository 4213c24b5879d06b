"""Import a QEMU command line as a profile for an equivalent machine, without losing anything.

Options with keys in a profile are converted, and QEMU's defaults are written out where they differ from a profile's. All
other options stay unchanged and in order in ``[qemu] args``, with the reason; what is left out is reported.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from workbench.domain.command_line.options import split_options
from workbench.domain.convert.qemu.defaults import default_devices
from workbench.domain.convert.qemu.devices import devices, display, virtio_mem
from workbench.domain.convert.qemu.draft import Draft
from workbench.domain.convert.qemu.machine import COUNT, CPU, DEFAULT_CPU, boot, cpu, machine, pflash_drives
from workbench.domain.convert.qemu.memory import SIZE, memory, undone
from workbench.domain.convert.qemu.network import addresses
from workbench.domain.convert.qemu.own_options import leave_own_options
from workbench.domain.convert.qemu.paths import make_absolute, resolve
from workbench.domain.convert.qemu.placement import boot_order, booted_with_arguments, mixed
from workbench.domain.convert.qemu.positions import moved, reserve, set_slots, unset_slot
from workbench.domain.convert.qemu.readconfig import inlined
from workbench.domain.convert.qemu.references import give_names, named_by_arguments, rename_chardevs
from workbench.domain.profile.names import check_name
from workbench.domain.profile.text.parse import Parsed, parse
from workbench.domain.profile.text.write import arguments_toml, comment, to_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workbench.domain.profile.devices.part import Path


class Imported(Struct, frozen=True):
    """An imported profile."""

    name: str
    """The guest's name on the command line; empty if it is missing or not valid for a profile."""
    text: str
    """The profile's file."""
    notes: tuple[str, ...]
    """What was changed or left out; also in the text as comments."""


def import_qemu(
    argv: Sequence[str],
    notes: Sequence[str] = (),
    *,
    source: str = "a QEMU command line",
    directory: str | None = None,
    read: Callable[[str], str] | None = None,
) -> Imported:
    """
    :param argv: the QEMU executable and its arguments.
    :param directory: QEMU's working directory, for relative paths; if not known they stay relative.
    :param notes: earlier notes, such as about a redirection that was left out.
    :param read: returns the text of a ``-readconfig`` file; raises ValueError with the reason if it cannot.
    :param source: the origin, for the first line of the profile.
    """
    given = list(split_options(argv[1:]))
    names = {option.name for option in given}
    options, unread = inlined(given, read or _no_file)
    found = Draft(options, notes=[*_program(argv[0]), *unread])
    defaults = not any(option.name == "nodefaults" for option in found.options)
    devices_given = [option.keys.implied for option in found.options if option.name == "device"]
    leave_own_options(found)
    if (ours := _ACCELERATORS.get(posixpath.basename(argv[0]))) is not None:
        found.document["accelerator"] = ours
    machine(found)
    cpu(found)
    memory(found)
    boot(found)
    pflash_drives(found)
    devices(found)
    display(found)
    virtio_mem(found)
    extra = default_devices(found, devices_given, names) if defaults else []
    resolve(found, directory)
    parsed = _settled(found)
    if reserve(found, extra, parsed):
        parsed = _settled(found)
    if set_slots(found, extra, parsed):
        parsed = _settled(found)
    rename_chardevs(found)
    if directory is not None:
        make_absolute(found, directory)
    _warn(found)
    everything = [*notes, *(why for why in found.left.values() if why), *found.every_note(), *moved(found, parsed)]
    everything += [*addresses(found), *mixed(found)]
    name = "" if check_name(found.name) else found.name
    if found.name and not name:
        everything.append(f"the name {found.name!r} is not valid for a profile")
    unique = tuple(dict.fromkeys(" ".join(text.split()) for text in everything))
    return Imported(name, _text(found, extra, unique, source), unique)


BESIDE = {
    CPU: ("features", "hyperv"),
    COUNT: ("sockets", "cores", "threads"),
    SIZE: ("maximum", "slots"),
}
"""Paths of converted options, and the other keys that the same option sets."""
_ACCELERATORS = {"kvm": "kvm", "qemu-kvm": "auto"}
"""The default accelerator by executable: Debian's ``kvm`` is a script that adds -enable-kvm, and a QEMU whose name ends in
"kvm" tries KVM first (QEMU: system/vl.c, configure_accelerators())."""


def _program(program: str) -> list[str]:
    """A note about an executable that is not the one that the workbench starts."""
    name = posixpath.basename(program)
    if name.startswith("qemu-system-") and name != "qemu-system-x86_64":
        return [f"{name}: the workbench starts qemu-system-x86_64 instead"]
    if program.startswith("/") and posixpath.dirname(program) not in ("/usr/bin", "/bin", "/usr/local/bin"):
        return [f"{program}: the workbench starts the QEMU in your PATH, or the one set in WORKBENCH_QEMU"]
    return []


def _no_file(path: str) -> str:
    raise ValueError("files are not read here")


def _settled(found: Draft) -> Parsed:
    """Turn parts of the document back into arguments that a profile rejects or that other arguments depend on."""
    while True:
        boot_order(found)
        document = _document(found)
        parsed = parse(to_toml(document), name="imported", file="profile")
        # Collected before anything is undone: undoing a device changes the indexes of those after it.
        refused: dict[Path, str] = {}
        unset = [problem for problem in parsed.problems if unset_slot(found, problem.key)]
        for problem in parsed.problems:
            path = None if problem in unset else _blamed(found, problem.key)
            if path is not None:
                refused.setdefault(path, f"not valid in a profile: {problem.message}")
        refused |= dict(named_by_arguments(found))
        refused |= dict.fromkeys(
            booted_with_arguments(found), "its place in the boot order is mixed with those of arguments below"
        )
        before = to_toml(document)
        refused |= dict.fromkeys(give_names(found, parsed), "an argument uses the id that a profile gives it")
        if not refused:
            if to_toml(_document(found)) == before and not unset:
                return parsed
            continue
        for path, message in refused.items():
            back = found.undo(path)
            for index in back:
                found.keep(index, message)
            _put_default(found, path)
            if path in (SIZE, ("memory",)):
                undone(found, path, back)


def _warn(found: Draft) -> None:
    """Note arguments with which a start fails or does something unexpected: QEMU would start another program, lacks an open
    file, or waits."""
    for index, option in found.kept():
        keys = option.keys
        if option.name == "S":
            found.why[index] = "the guest waits at its start until workbench resume"
        if option.name in ("netdev", "net", "nic", "chardev") and {"fd", "fds"} & set(keys):
            found.why[index] = "its fd was open in the program that started QEMU: the start fails"
        tap = option.name in ("netdev", "net", "nic") and (keys.get("type") or keys.implied) == "tap"
        starts = tap and any(keys.get(name) != "no" for name in ("script", "downscript")) and "fd" not in keys
        if starts or (option.name in ("netdev", "net", "nic") and ("smb" in keys or "helper" in keys)):
            found.why[index] = "QEMU starts a program for this, and the workbench's sandbox forbids it: the start fails"


def _put_default(found: Draft, path: Path) -> None:
    """Keep an undone part absent where a profile's default would add something."""
    if path == ("balloon",):
        found.document["balloon"] = False
    if path == CPU:
        found.table("cpu")["model"] = DEFAULT_CPU
    for name in next((names for place, names in BESIDE.items() if place == path), ()):
        found.table(str(path[0])).pop(name, None)
    if path == ("machine",):
        found.document["machine"] = "pc"
    if path == ("root-ports",):
        found.document["root-ports"] = 0


def _blamed(found: Draft, key: str) -> Path | None:
    """The longest path of a converted option at or above a problem's key, with the indexes of the document."""
    steps: list[str | int] = []
    for part in key.split("."):
        name, *numbers = part.replace("]", "").split("[")
        steps += [name, *map(int, numbers)]
    places = set(found.converted.values())
    for path, names in BESIDE.items():
        if path in places and steps[0] == path[0] and steps[1:2] and steps[1] in names:
            return path
    numbered = found.draft_path(tuple(steps))
    for end in range(len(numbered), 0, -1):
        if numbered[:end] in places:
            return numbered[:end]
    return None


def _document(found: Draft) -> dict[str, Any]:
    """The document without its undone parts."""
    document: dict[str, Any] = {}
    for key, value in found.document.items():
        left = [one for one in value if one is not None] if isinstance(value, list) else value
        if left == [] and key in ("net", "rng"):
            left = False
        if left not in ({}, []):
            document[key] = left
    return document


def _text(found: Draft, extra: Sequence[tuple[tuple[str, ...], str]], notes: Sequence[str], source: str) -> str:
    lines = [f"# Imported from {source} by workbench import."]
    if notes:
        lines += ["#", "# Changed or left out:", *(f"# - {comment(note)}" for note in notes)]
    document = _document(found)
    reserve = document.pop("qemu", {}).get("reserve")
    kept = [
        *found.more,
        *((found.words.get(index, option.words), found.why.get(index, "")) for index, option in found.kept()),
    ]
    return "\n".join(lines) + "\n\n" + to_toml(document) + arguments_toml(int(reserve or 0), [*kept, *extra])
