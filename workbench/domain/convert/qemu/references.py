"""References by id from the remaining arguments: their targets must exist, and ids must be unique."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from workbench.domain.command_line.argv import MONITORS
from workbench.domain.convert.qemu.draft import ID_KEYS
from workbench.domain.profile.ids import ids_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.command_line.options import Given
    from workbench.domain.convert.qemu.draft import Draft
    from workbench.domain.profile.devices.part import Path
    from workbench.domain.profile.text.parse import Parsed

OURS = (*MONITORS, "serial0")
"""The chardevs of every guest of the workbench."""
_KINDS = {**ID_KEYS, "device": "id"}
_BUS = re.compile(r"(.+)\.\d+\Z")
_AUTOMATIC = {"net": "net", "scsi": "scsi", "disk": "disk", "serial": "port", "rng": "rng"}
"""The prefixes of the ids that a profile assigns."""


def named_by_arguments(found: Draft) -> list[tuple[Path, str]]:
    """The parts of the document that arguments refer to, and why they have to stay arguments too."""
    taken: dict[str, list[tuple[Path, Given]]] = {}
    for index, path in found.converted.items():
        option = found.options[index]
        name = option.keys.get(_KINDS.get(option.name, ""))
        if isinstance(name, str):
            taken.setdefault(name, []).append((_whole(path), option))
    needed = []
    for _, option in found.kept():
        for name in set(_names(option)):
            for path, behind in taken.get(name, ()):
                # QEMU creates devices in comma syntax first, when those of the profile do not exist yet.
                if behind.name != "device" or option.name == "set" or not (option.value or "").startswith("{"):
                    needed.append(
                        (path, f"-{option.name} below refers to {name}, which would get another id in a profile")
                    )
    return list(dict.fromkeys(needed))


def _whole(path: Path) -> Path:
    """The path of the device that a path belongs to."""
    return path[:2] if len(path) > 1 and isinstance(path[1], int) else path


def _names(option: Given) -> Iterator[str]:
    """Every value in an option that may be the id of something."""
    own = _KINDS.get(option.name)
    if option.name == "set":
        _, _, rest = (option.value or "").partition(".")
        yield rest.partition("=")[0].rpartition(".")[0]
        return
    for key, value in option.keys.items():
        if key == own:
            continue
        for text in _texts(value):
            yield text
            if bus := _BUS.match(text):
                yield bus[1]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def give_names(found: Draft, parsed: Parsed) -> list[Path]:
    """Give the document's devices without an id one that no argument uses; returns those that cannot have another one."""
    if parsed.profile is None:
        return []
    others = {str(option.keys["id"]) for _, option in found.kept() if option.name == "device" and "id" in option.keys}
    ours = dict(ids_of(parsed.profile))
    stuck: list[Path] = []
    for name, path in ours.items():
        if name not in others:
            continue
        kind = next((str(step) for step in reversed(path[:-1]) if isinstance(step, str)), "")
        if path[-1] != "id" or kind not in _AUTOMATIC:
            stuck.append(path[:1])
            continue
        table: Any = found.document
        for step in found.draft_path(path[:-1]):
            table = table[step]
        number = next(n for n in range(1000) if f"{_AUTOMATIC[kind]}{n}" not in (*others, *ours))
        table["id"] = f"{_AUTOMATIC[kind]}{number}"
        others.add(table["id"])
    return stuck


def rename_chardevs(found: Draft) -> None:
    """Rename chardevs in arguments that have the id of one of the workbench's."""
    kept = dict(found.kept())
    used = {str(option.keys.get("id")) for option in kept.values() if option.name == "chardev"} | set(OURS)
    for option in list(kept.values()):
        name = option.keys.get("id")
        if option.name != "chardev" or name not in OURS:
            continue
        new = next(f"{name}-{number}" for number in range(1, 1000) if f"{name}-{number}" not in used)
        used.add(new)
        found.notes.append(f"the chardev {name} was renamed to {new}: the workbench uses that id")
        for index, other in kept.items():
            found.words[index] = tuple(
                _renamed(word, str(name), new, own=other.name == "chardev")
                for word in found.words.get(index, other.words)
            )


def _renamed(word: str, name: str, new: str, *, own: bool) -> str:
    key = "id" if own else "chardev"
    if word.startswith("{"):
        return re.sub(rf'("{key}"\s*:\s*)"{re.escape(name)}"', rf'\1"{new}"', word)
    if word == f"chardev:{name}":
        return f"chardev:{new}"
    return re.sub(rf"(?<=,){key}={re.escape(name)}(?=,|\Z)|\A{key}={re.escape(name)}(?=,|\Z)", f"{key}={new}", word)
