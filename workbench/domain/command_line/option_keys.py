"""Which key of a profile affects which option, and which keys affect none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.command_line.argv import ArgvPart
    from workbench.domain.profile.devices.part import Path
    from workbench.domain.profile.text.document import Place
    from workbench.domain.profile.text.parse import Parsed

NO_OPTION: tuple[tuple[str, ...], ...] = (
    ("description",),
    ("cpu", "pin"),
    ("balloon", "floor"),
    ("balloon", "ramp"),
    ("balloon", "guard"),
    ("balloon", "presets"),
    ("scsi", "disk", "size"),
)
"""Keys, without list indices, that are not passed to QEMU: the workbench acts on them itself."""


def makes_no_option(path: Path) -> bool:
    names = tuple(step for step in path if isinstance(step, str))
    return any(names[: len(one)] == one for one in NO_OPTION)


def place_of(parsed: Parsed, part: ArgvPart) -> Place | None:
    """Where the text, or a file that it extends, has the key of an option or another key that affects it.

    None if there is no such key: the option is from a default, or every guest has it.
    """
    for path in (part.path, *part.more):
        if path and (place := parsed.places.get(path)) is not None:
            return place
    return None


def paths_at(parsed: Parsed, file: str, line: int) -> tuple[Path, ...]:
    """The keys and elements on a line, without those that contain another one of them."""
    here = [path for path, place in parsed.places.items() if place.line == line and place.file == file]
    return tuple(path for path in here if not any(other != path and other[: len(path)] == path for other in here))


def path_before(parsed: Parsed, file: str, line: int) -> Path:
    """The path on a line, or on the nearest line above that has one; empty if none has."""
    lines = [place.line for place in parsed.places.values() if place.file == file and place.line <= line]
    return paths_at(parsed, file, max(lines))[0] if lines else ()


def made_by(parsed: Parsed, file: str, line: int, parts: Sequence[ArgvPart]) -> frozenset[int]:
    """The indices of the options that a line affects; for ``extends``, of those from the other files."""
    paths = [path for path in paths_at(parsed, file, line) if not makes_no_option(path)]
    found = {index for index, part in enumerate(parts) if any(part.says(path) for path in paths)}
    if ("extends",) in paths:
        places = ((index, place_of(parsed, part)) for index, part in enumerate(parts))
        found |= {index for index, place in places if place is not None and place.file != file}
    return frozenset(found)
