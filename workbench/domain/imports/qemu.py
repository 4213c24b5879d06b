"""A QEMU command line to a profile that gives an equivalent machine, losing nothing.

What a profile has keys for goes there, written out where QEMU's default is another than a profile's. Every other option
stays as it is, in its order, in ``[qemu] args``, with the reason beside it; what is left out is told.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.domain.imports.devices import devices, display, virtio_mem
from workbench.domain.imports.gathered import Gathered
from workbench.domain.imports.house import house
from workbench.domain.imports.machine import boot, cpu, machine, memory, pflash_drives
from workbench.domain.imports.options import split_options
from workbench.domain.imports.writer import to_toml, toml_value
from workbench.domain.parse import Parsed, parse
from workbench.domain.profile import check_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.devices.part import Path
    from workbench.domain.imports.options import Given

GRAPHICS = (
    "VGA",
    "virtio-vga",
    "virtio-gpu-pci",
    "qxl-vga",
    "qxl",
    "cirrus-vga",
    "vmware-svga",
    "bochs-display",
    "ramfb",
)
RESERVE_MAX = 16
NETWORK = ("net", "nic", "netdev")


@dataclass(frozen=True, slots=True)
class Imported:
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
) -> Imported:
    """
    :param argv: QEMU's program and its arguments.
    :param directory: where it was run: relative paths begin there. Where that is not known they stay relative.
    :param notes: what was found out before, such as a redirection that was left out.
    :param source: where it came from, for the first line of the profile.
    """
    found = Gathered(list(split_options(argv[1:])))
    defaults = not any(option.name == "nodefaults" for option in found.options)
    devices_given = [option.keys.implied for option in found.options if option.name == "device"]
    house(found)
    machine(found)
    cpu(found)
    memory(found)
    boot(found)
    pflash_drives(found)
    devices(found)
    display(found)
    virtio_mem(found)
    _boot_order(found)
    extra = _default_devices(found, devices_given) if defaults else []
    _resolve(found, directory)
    parsed = _settled(found)
    if _reserve(found, extra, parsed):
        parsed = _settled(found)
    told = [*notes, *(why for why in found.left.values() if why), *found.notes, *_moved(found, parsed)]
    name = "" if check_name(found.name) else found.name
    if found.name and not name:
        told.append(f"the name {found.name!r} is none that a profile can have")
    unique = tuple(dict.fromkeys(" ".join(text.split()) for text in told))
    return Imported(name, _text(found, extra, unique, source), unique)


def _settled(found: Gathered) -> Parsed:
    """Make arguments again of whatever the profile's own checks refuse."""
    while True:
        document = _document(found)
        parsed = parse(to_toml(document), name="imported", file="profile")
        # Found out before anything is undone: an undone device changes the numbers of those behind it.
        refused: dict[Path, str] = {}
        for problem in parsed.problems:
            path = _blamed(found, problem.key)
            if path is not None:
                refused.setdefault(path, problem.message)
        if not refused:
            return parsed
        for path, message in refused.items():
            for index in found.undo(path):
                found.keep(index, f"a profile refuses it: {message}")
            _put_default(found, path)


def _put_default(found: Gathered, path: Path) -> None:
    """What was taken out of the document goes on meaning nothing there, where a profile's default would mean something."""
    if path in (("balloon",), ("rng",)):
        found.document[str(path[0])] = False
    if path == ("machine",):
        found.document["machine"] = "pc"


def _blamed(found: Gathered, key: str) -> Path | None:
    """The longest place that an option was taken to, at or above a problem's key, numbers as in the document."""
    steps: list[str | int] = []
    for part in key.split("."):
        name, *numbers = part.replace("]", "").split("[")
        steps += [name, *map(int, numbers)]
    numbered = _renumbered(found, tuple(steps))
    places = set(found.taken.values())
    for end in range(len(numbered), 0, -1):
        if numbered[:end] in places:
            return numbered[:end]
    return None


def _renumbered(found: Gathered, path: Path) -> Path:
    """A path in the finished document as the gathered one has it, where undone devices still have their places."""
    if len(path) < 2 or not isinstance(path[1], int):
        return path
    there = [index for index, one in enumerate(found.document.get(str(path[0]), ())) if one is not None]
    return (path[0], there[path[1]], *path[2:]) if path[1] < len(there) else path


def _resolve(found: Gathered, directory: str | None) -> None:
    """Make the paths of the document absolute where it is known where they begin."""
    tables = [
        (found.document.get("boot"), ("kernel", "initrd")),
        (found.document.get("firmware"), ("code", "vars")),
        (found.document.get("rng"), ("source",)),
        *((one, ("path",)) for key in ("net", "serial") for one in found.document.get(key) or ()),
        *((disk, ("file",)) for one in found.document.get("scsi") or () for disk in one.get("disk", ())),
    ]
    relative = False
    for table, keys in tables:
        for key in keys:
            path = table.get(key) if isinstance(table, dict) else None
            if isinstance(path, str) and not path.startswith("/"):
                relative = True
                if directory is not None:
                    table[key] = posixpath.join(directory, path)
    if relative and directory is None:
        found.notes.append("relative paths begin at the profile's directory now")


def _document(found: Gathered) -> dict[str, Any]:
    """The document without what was undone."""
    document: dict[str, Any] = {}
    for key, value in found.document.items():
        left = [one for one in value if one is not None] if isinstance(value, list) else value
        if left == [] and key == "net":
            left = False
        if left not in ({}, []):
            document[key] = left
    return document


def _boot_order(found: Gathered) -> None:
    """The kinds of devices in the order of their first places."""
    if not found.boots:
        return
    kinds = [kind for _, kind in sorted(found.boots)]
    order = list(dict.fromkeys(kinds))
    if kinds != sorted(kinds, key=order.index):
        found.notes.append("the order of booting mixes kinds of devices: now all of one kind come before the next")
    found.table("boot")["order"] = order


def _default_devices(found: Gathered, given: Sequence[str]) -> list[tuple[tuple[str, ...], str]]:
    """What QEMU adds by itself to a command line without ``-nodefaults`` (system/vl.c, default_list), as arguments."""
    names = {option.name for option in found.options}
    board = str(found.document.get("machine"))
    extra: list[tuple[tuple[str, ...], str]] = []
    if "vga" not in names and not any(device in GRAPHICS for device in given):
        extra.append((("-vga", "std"), "QEMU adds this graphics card by itself"))
    if not names & set(NETWORK):
        model = "e1000e" if "q35" in board else "e1000"
        extra.append((("-nic", f"user,model={model}"), "QEMU adds this network card by itself"))
    if "cdrom" not in names and not any(device in ("ide-cd", "scsi-cd") for device in given):
        extra.append((("-drive", "if=ide,index=2,media=cdrom"), "QEMU adds this CD drive by itself"))
    if not names & {"display", "nographic", "vnc", "spice", "curses", "sdl"}:
        found.notes.append("QEMU would open a window: a profile's guest has none; [display] gives it VNC")
    found.notes.append("QEMU's default floppy drive and parallel port are left out")
    return extra


def _reserve(found: Gathered, extra: Sequence[tuple[tuple[str, ...], str]], parsed: Parsed) -> bool:
    """Leave as many slots free as were, or as many as the arguments may take; whether any."""
    kept = [
        option for index, option in enumerate(found.options) if index not in found.taken and index not in found.left
    ]
    kept += [option for words, _ in extra for option in split_options(words)]
    now = _slots_now(parsed)
    shifts = {_slot(before)[0] - _slot(now[what])[0] for what, before in found.places if what in now}
    shift = shifts.pop() if len(shifts) == 1 else 0
    count = shift if 0 < shift <= RESERVE_MAX else min(sum(map(_takes_slot, kept)), RESERVE_MAX)
    if count:
        found.table("qemu")["reserve"] = count
    return bool(count)


def _slots_now(parsed: Parsed) -> dict[str, str]:
    """The slot that each device has in the profile, by what the import calls it."""
    if parsed.profile is None:
        return {}
    slots = parsed.profile.slots()
    named = {"the balloon": ("balloon",), "the entropy source": ("rng",), "the serial controller": ("serial",)}
    now = {what: slots[path] for what, path in named.items()}
    now |= {str(card.id): slots["net", index] for index, card in enumerate(parsed.profile.net)}
    return now | {str(card.id): slots["scsi", index] for index, card in enumerate(parsed.profile.scsi)}


def _takes_slot(option: Given) -> bool:
    """Whether an argument may make a PCI device that has no slot of its own."""
    keys = option.keys
    match option.name:
        case "device":
            return "addr" not in keys and keys.get("bus") in (None, "pcie.0", "pci.0")
        case "drive":
            return keys.get("if") in ("virtio", "scsi")
        case "vga" | "nic" | "balloon":
            return keys.implied != "none"
        case "net":
            return keys.implied == "nic"
        case "usb" | "soundhw" | "audio" | "virtfs" | "watchdog" | "usbdevice":
            return True
    return False


def _moved(found: Gathered, parsed: Parsed) -> list[str]:
    """The devices whose slot is another one now."""
    now = _slots_now(parsed)
    words = []
    for what, before in found.places:
        after = now.get(what)
        if after is not None and _slot(before) != _slot(after):
            words.append(f"{what}: it stood in slot {before}, and now in {after}")
    return words


def _slot(text: str) -> tuple[int, int]:
    slot, _, function = text.partition(".")
    try:
        return int(slot, 16), int(function or "0", 16)
    except ValueError:
        return -1, -1


def _text(found: Gathered, extra: Sequence[tuple[tuple[str, ...], str]], notes: Sequence[str], source: str) -> str:
    lines = [f"# From {source}, by workbench import."]
    if notes:
        lines += ["#", "# Not as it was, or left out:", *(f"# - {_comment(note)}" for note in notes)]
    document = _document(found)
    reserve = document.pop("qemu", {}).get("reserve")
    text = "\n".join(lines) + "\n\n" + to_toml(document)
    kept = [
        (option.words, found.why.get(index, ""))
        for index, option in enumerate(found.options)
        if index not in found.taken and index not in found.left
    ]
    if not kept and not extra and not reserve:
        return text
    text += "\n[qemu]\n"
    if reserve:
        text += f"# PCI slots for the devices of args.\nreserve = {reserve}\n"
    if not kept and not extra:
        return text
    text += "# What a profile has no key for, as it was and in its order.\nargs = [\n"
    for words, why in (*kept, *extra):
        if why:
            text += f"    # {_comment(why)}\n"
        text += "    " + " ".join(f"{toml_value(word)}," for word in words) + "\n"
    return text + "]\n"


def _comment(text: str) -> str:
    """A text that cannot end a comment."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
