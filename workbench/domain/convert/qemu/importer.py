"""A QEMU command line to a profile that gives an equivalent machine, losing nothing.

What a profile has keys for goes there, written out where QEMU's default is another than a profile's. Every other option
stays as it is, in its order, in ``[qemu] args``, with the reason beside it; what is left out is told.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from workbench.domain.command_line.options import split_options
from workbench.domain.convert.qemu.defaults import default_devices
from workbench.domain.convert.qemu.devices import devices, display, virtio_mem
from workbench.domain.convert.qemu.draft import Gathered
from workbench.domain.convert.qemu.machine import COUNT, CPU, UNTOLD_CPU, boot, cpu, machine, pflash_drives
from workbench.domain.convert.qemu.memory import SIZE, memory, undone
from workbench.domain.convert.qemu.network import addresses
from workbench.domain.convert.qemu.own_options import house
from workbench.domain.convert.qemu.paths import make_absolute, resolve
from workbench.domain.convert.qemu.placement import boot_order, booted_with_arguments, mixed
from workbench.domain.convert.qemu.positions import moved, reserve, say_slots, unsay
from workbench.domain.convert.qemu.readconfig import inlined
from workbench.domain.convert.qemu.references import give_names, named_by_arguments, rename_chardevs
from workbench.domain.profile.guest import check_name
from workbench.domain.profile.text.parse import Parsed, parse
from workbench.domain.profile.text.write import arguments_toml, comment, to_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workbench.domain.profile.devices.part import Path


class Imported(Struct, frozen=True):
    """A profile that somebody's command line gives."""

    name: str
    """The guest's name in the command line; empty when it has none that a profile can have."""
    text: str
    """The profile's file."""
    notes: tuple[str, ...]
    """What was left out, or is not as it was; each stands in the text as a comment too."""


def import_qemu(
    argv: Sequence[str],
    notes: Sequence[str] = (),
    *,
    source: str = "a QEMU command line",
    directory: str | None = None,
    read: Callable[[str], str] | None = None,
) -> Imported:
    """
    :param argv: QEMU's program and its arguments.
    :param directory: where it was run: relative paths begin there. Where that is not known they stay relative.
    :param notes: what was found out before, such as a redirection that was left out.
    :param read: gives the text of a file that ``-readconfig`` names; raises ValueError with the reason when it cannot.
    :param source: where it came from, for the first line of the profile.
    """
    given = list(split_options(argv[1:]))
    names = {option.name for option in given}
    options, unread = inlined(given, read or _no_file)
    found = Gathered(options, notes=[*_program(argv[0]), *unread])
    defaults = not any(option.name == "nodefaults" for option in found.options)
    devices_given = [option.keys.implied for option in found.options if option.name == "device"]
    house(found)
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
    if say_slots(found, extra, parsed):
        parsed = _settled(found)
    rename_chardevs(found)
    if directory is not None:
        make_absolute(found, directory)
    _tell_trouble(found)
    told = [*notes, *(why for why in found.left.values() if why), *found.every_note(), *moved(found, parsed)]
    told += [*addresses(found), *mixed(found)]
    name = "" if check_name(found.name) else found.name
    if found.name and not name:
        told.append(f"the name {found.name!r} is none that a profile can have")
    unique = tuple(dict.fromkeys(" ".join(text.split()) for text in told))
    return Imported(name, _text(found, extra, unique, source), unique)


BESIDE = {
    CPU: ("features", "hyperv"),
    COUNT: ("sockets", "cores", "threads"),
    SIZE: ("maximum", "slots"),
}
"""Places that an option is taken to, and the keys beside each that the same option says."""
_ACCELERATORS = {"kvm": "kvm", "qemu-kvm": "auto"}
"""What a program takes that no option names one: Debian's ``kvm`` is a script that adds -enable-kvm, and a QEMU whose name
ends in "kvm" tries KVM first (QEMU: system/vl.c, configure_accelerators())."""


def _program(program: str) -> list[str]:
    """What is to be told of a program that is not the one that the workbench starts."""
    name = posixpath.basename(program)
    if name.startswith("qemu-system-") and name != "qemu-system-x86_64":
        return [f"{name}: the workbench starts qemu-system-x86_64, in its place"]
    if program.startswith("/") and posixpath.dirname(program) not in ("/usr/bin", "/bin", "/usr/local/bin"):
        return [f"{program}: the workbench starts the QEMU of your PATH, or the one that WORKBENCH_QEMU names"]
    return []


def _no_file(path: str) -> str:
    raise ValueError("it is not looked at")


def _settled(found: Gathered) -> Parsed:
    """Make arguments again of whatever the profile's own checks refuse, and what arguments need as it was."""
    while True:
        boot_order(found)
        document = _document(found)
        parsed = parse(to_toml(document), name="imported", file="profile")
        # Found out before anything is undone: an undone device changes the numbers of those behind it.
        refused: dict[Path, str] = {}
        unsaid = [problem for problem in parsed.problems if unsay(found, problem.key)]
        for problem in parsed.problems:
            path = None if problem in unsaid else _blamed(found, problem.key)
            if path is not None:
                refused.setdefault(path, f"a profile refuses it: {problem.message}")
        refused |= dict(named_by_arguments(found))
        refused |= dict.fromkeys(
            booted_with_arguments(found), "its place in the order of booting is among others' below"
        )
        before = to_toml(document)
        refused |= dict.fromkeys(give_names(found, parsed), "an argument has the id that a profile gives it")
        if not refused:
            if to_toml(_document(found)) == before and not unsaid:
                return parsed
            continue
        for path, message in refused.items():
            back = found.undo(path)
            for index in back:
                found.keep(index, message)
            _put_default(found, path)
            if path in (SIZE, ("memory",)):
                undone(found, path, back)


def _tell_trouble(found: Gathered) -> None:
    """Arguments with which a start fails or does something else than one may think: QEMU would start another program, has
    no such file open, or waits."""
    for index, option in found.kept():
        keys = option.keys
        if option.name == "S":
            found.why[index] = "the guest waits at its start, until workbench resume"
        if option.name in ("netdev", "net", "nic", "chardev") and {"fd", "fds"} & set(keys):
            found.why[index] = "its fd was open in the program that started QEMU: a start of the workbench's fails"
        tap = option.name in ("netdev", "net", "nic") and (keys.get("type") or keys.implied) == "tap"
        starts = tap and any(keys.get(name) != "no" for name in ("script", "downscript")) and "fd" not in keys
        if starts or (option.name in ("netdev", "net", "nic") and ("smb" in keys or "helper" in keys)):
            found.why[index] = "QEMU starts a program for this, which the workbench's sandbox forbids: the start fails"


def _put_default(found: Gathered, path: Path) -> None:
    """What was taken out of the document goes on meaning nothing there, where a profile's default would mean something."""
    if path == ("balloon",):
        found.document["balloon"] = False
    if path == CPU:
        found.table("cpu")["model"] = UNTOLD_CPU
    for name in next((names for place, names in BESIDE.items() if place == path), ()):
        found.table(str(path[0])).pop(name, None)
    if path == ("machine",):
        found.document["machine"] = "pc"
    if path == ("root-ports",):
        found.document["root-ports"] = 0


def _blamed(found: Gathered, key: str) -> Path | None:
    """The longest place that an option was taken to, at or above a problem's key, numbers as in the document."""
    steps: list[str | int] = []
    for part in key.split("."):
        name, *numbers = part.replace("]", "").split("[")
        steps += [name, *map(int, numbers)]
    places = set(found.taken.values())
    for path, names in BESIDE.items():
        if path in places and steps[0] == path[0] and steps[1:2] and steps[1] in names:
            return path
    numbered = found.gathered(tuple(steps))
    for end in range(len(numbered), 0, -1):
        if numbered[:end] in places:
            return numbered[:end]
    return None


def _document(found: Gathered) -> dict[str, Any]:
    """The document without what was undone."""
    document: dict[str, Any] = {}
    for key, value in found.document.items():
        left = [one for one in value if one is not None] if isinstance(value, list) else value
        if left == [] and key in ("net", "rng"):
            left = False
        if left not in ({}, []):
            document[key] = left
    return document


def _text(found: Gathered, extra: Sequence[tuple[tuple[str, ...], str]], notes: Sequence[str], source: str) -> str:
    lines = [f"# From {source}, by workbench import."]
    if notes:
        lines += ["#", "# Not as it was, or left out:", *(f"# - {comment(note)}" for note in notes)]
    document = _document(found)
    reserve = document.pop("qemu", {}).get("reserve")
    kept = [
        *found.more,
        *((found.words.get(index, option.words), found.why.get(index, "")) for index, option in found.kept()),
    ]
    return "\n".join(lines) + "\n\n" + to_toml(document) + arguments_toml(int(reserve or 0), [*kept, *extra])
