"""The draft of an imported profile: its document, the remaining arguments, and the notes."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from workbench.domain.command_line.options import Given
    from workbench.domain.profile.devices.part import Path


ID_KEYS = {"netdev": "id", "chardev": "id", "object": "id", "blockdev": "node-name", "drive": "id"}
"""The key with the id of the backend that an option creates."""


class Draft(Struct):
    """The state of an import; filled while it goes through the options."""

    options: list[Given]
    document: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    """The guest's name, if the command line has one."""
    converted: dict[int, Path] = field(default_factory=dict)
    """Index of each option that is in the document -> its path there."""
    left: dict[int, str] = field(default_factory=dict)
    """Index of each option left out on purpose -> why; empty if there is nothing to report."""
    why: dict[int, str] = field(default_factory=dict)
    """Index of an option that stays an argument -> why, if not simply because no key exists for it."""
    notes: list[str] = field(default_factory=list)
    option_notes: dict[int, list[str]] = field(default_factory=dict)
    """Index of an option -> notes that apply while it is in the document."""
    places: list[tuple[str, str, dict[str, Any] | None]] = field(default_factory=list)
    """Devices with a given slot on the root bus: name, slot, and their table if that can have a slot."""
    boots: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Index of the option of each device in the boot order -> its place and kind."""
    words: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Index of each changed argument -> its words."""
    more: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    """Arguments for parts of options, placed before all others, each with its reason."""
    foreign_board: str = ""
    """A machine type that is not valid in a profile."""
    backends: dict[tuple[str, str], int] = field(default_factory=dict)
    """Kind and id of each netdev, chardev, object, block node and drive -> its index."""

    def __post_init__(self) -> None:
        for index, option in enumerate(self.options):
            kind = ID_KEYS.get(option.name)
            if kind is not None:
                name = option.keys.get(kind)
                if isinstance(name, str):
                    self.backends[option.name, name] = index

    def backend(self, kind: str, name: object) -> int | None:
        """The index of the option that creates a backend, if it is not used yet."""
        index = self.backends.get((kind, name)) if isinstance(name, str) else None
        return index if index is not None and index not in self.converted and index not in self.left else None

    def free(self, index: int) -> bool:
        """Whether an option is not handled yet."""
        return index not in self.converted and index not in self.left and index not in self.why

    def own_directory(self, path: str) -> bool:
        """Whether a file is in the guest's state directory, which is that of the pid file."""
        pid = next((option.value for option in self.options if option.name == "pidfile"), None)
        return pid is not None and posixpath.dirname(pid) == posixpath.dirname(path)

    def attach_notes(self, index: int, since: int) -> None:
        """Attach the notes from ``since`` on to one option: they apply only while it is in the document."""
        if index in self.converted:
            self.option_notes.setdefault(index, []).extend(self.notes[since:])
        del self.notes[since:]

    def every_note(self) -> list[str]:
        return [
            *self.notes,
            *(note for index, notes in self.option_notes.items() if index in self.converted for note in notes),
        ]

    def kept(self) -> Iterator[tuple[int, Given]]:
        """The options that stay arguments, with their indexes."""
        for index, option in enumerate(self.options):
            if index not in self.converted and index not in self.left:
                yield index, option

    def draft_path(self, path: Path) -> Path:
        """The path in this document, which still has places for undone devices, of a path in the finished one."""
        if len(path) < 2 or not isinstance(path[1], int):
            return path
        there = [index for index, one in enumerate(self.document.get(str(path[0])) or ()) if one is not None]
        return (path[0], there[path[1]], *path[2:]) if path[1] < len(there) else path

    def named(self, *names: str) -> list[int]:
        """The indexes of the options with these names that are not handled yet."""
        return [index for index, option in enumerate(self.options) if option.name in names and self.free(index)]

    def record(self, path: Path, *indexes: int) -> None:
        """Record that these options are in the document at ``path``."""
        for index in indexes:
            self.converted[index] = path

    def leave(self, why: str, *indexes: int) -> None:
        """Leave out these options."""
        for index in indexes:
            self.left[index] = why

    def keep(self, index: int, why: str) -> None:
        """Keep an option as an argument."""
        self.why[index] = why

    def table(self, *path: str) -> dict[str, Any]:
        table = self.document
        for step in path:
            table = table.setdefault(step, {})
        return table

    def append(self, key: str, value: dict[str, Any], indexes: Iterable[int]) -> None:
        """Add a device to a list of devices."""
        devices: list[dict[str, Any]] = self.document.setdefault(key, [])
        devices.append(value)
        self.record((key, len(devices) - 1), *indexes)

    def undo(self, path: Path) -> Sequence[int]:
        """Remove a part of the document and return its options, which stay arguments."""
        back = [index for index, where in self.converted.items() if where[: len(path)] == path]
        for index in back:
            del self.converted[index]
        table: Any = self.document
        for step in path[:-1]:
            table = table[step]
        last = path[-1]
        if isinstance(last, int):
            # The others keep their indexes; empty places are removed at the end.
            table[last] = None
        else:
            table.pop(last, None)
        return back
