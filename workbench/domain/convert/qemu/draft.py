"""What an import has found so far: the profile's document, what stays an argument, and what is to be told."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from workbench.domain.command_line.options import Given
    from workbench.domain.profile.devices.part import Path


ID_KEYS = {"netdev": "id", "chardev": "id", "object": "id", "blockdev": "node-name", "drive": "id"}
"""The key that names what an option makes behind a device."""


class Gathered(Struct):
    """Grows while the options are gone through."""

    options: list[Given]
    document: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    """The guest's name, where the command line has one."""
    taken: dict[int, Path] = field(default_factory=dict)
    """The options that the document says, by their index: and where."""
    left: dict[int, str] = field(default_factory=dict)
    """The options that are left out on purpose, and why; empty where there is nothing to say."""
    why: dict[int, str] = field(default_factory=dict)
    """Of options that stay arguments: why, where more is to be said than that no key is for them."""
    notes: list[str] = field(default_factory=list)
    told_of: dict[int, list[str]] = field(default_factory=dict)
    """What is to be told of an option, as long as the document says it."""
    places: list[tuple[str, str, dict[str, Any] | None]] = field(default_factory=list)
    """Devices that named their slot on the root bus, which, and what the document has of each that can say its slot."""
    boots: dict[int, tuple[int, str]] = field(default_factory=dict)
    """The devices that had a place in the order of booting, by their option: that place, and their kind."""
    words: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Arguments that stand there otherwise than they were given."""
    more: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    """Arguments that say what a part of an option said, in front of all others, each with its reason."""
    foreign_board: str = ""
    """A board that a profile cannot have."""
    backends: dict[tuple[str, str], int] = field(default_factory=dict)
    """The index of each netdev, chardev, object, block node and drive by its kind and id."""

    def __post_init__(self) -> None:
        for index, option in enumerate(self.options):
            kind = ID_KEYS.get(option.name)
            if kind is not None:
                name = option.keys.get(kind)
                if isinstance(name, str):
                    self.backends[option.name, name] = index

    def backend(self, kind: str, name: object) -> int | None:
        """The index of the option that makes a backend, if nobody has it yet."""
        index = self.backends.get((kind, name)) if isinstance(name, str) else None
        return index if index is not None and index not in self.taken and index not in self.left else None

    def free(self, index: int) -> bool:
        """Whether nothing was decided of an option yet."""
        return index not in self.taken and index not in self.left and index not in self.why

    def own_directory(self, path: str) -> bool:
        """Whether a file stands in the guest's state directory, which the pid file tells."""
        pid = next((option.value for option in self.options if option.name == "pidfile"), None)
        return pid is not None and posixpath.dirname(pid) == posixpath.dirname(path)

    def tell(self, index: int, since: int) -> None:
        """What was noted since there were so many notes is told of one option only: and only as long as it is taken."""
        if index in self.taken:
            self.told_of.setdefault(index, []).extend(self.notes[since:])
        del self.notes[since:]

    def every_note(self) -> list[str]:
        return [*self.notes, *(note for index, notes in self.told_of.items() if index in self.taken for note in notes)]

    def kept(self) -> Iterator[tuple[int, Given]]:
        """The options that stay arguments, with their indexes."""
        for index, option in enumerate(self.options):
            if index not in self.taken and index not in self.left:
                yield index, option

    def gathered(self, path: Path) -> Path:
        """A path in the finished document as this one has it, where undone devices still have their places."""
        if len(path) < 2 or not isinstance(path[1], int):
            return path
        there = [index for index, one in enumerate(self.document.get(str(path[0])) or ()) if one is not None]
        return (path[0], there[path[1]], *path[2:]) if path[1] < len(there) else path

    def named(self, *names: str) -> list[int]:
        """The indexes of the options of these names of which nothing was decided yet."""
        return [index for index, option in enumerate(self.options) if option.name in names and self.free(index)]

    def say(self, path: Path, *indexes: int) -> None:
        """The document says these options at ``path``."""
        for index in indexes:
            self.taken[index] = path

    def leave(self, why: str, *indexes: int) -> None:
        """These options are left out."""
        for index in indexes:
            self.left[index] = why

    def keep(self, index: int, why: str) -> None:
        """This option stays an argument."""
        self.why[index] = why

    def table(self, *path: str) -> dict[str, Any]:
        table = self.document
        for step in path:
            table = table.setdefault(step, {})
        return table

    def append(self, key: str, value: dict[str, Any], indexes: Iterable[int]) -> None:
        """One more device of a kind that there can be many of."""
        devices: list[dict[str, Any]] = self.document.setdefault(key, [])
        devices.append(value)
        self.say((key, len(devices) - 1), *indexes)

    def undo(self, path: Path) -> Sequence[int]:
        """Take a part of the document back, and give the options that it stood for: they stay arguments."""
        back = [index for index, where in self.taken.items() if where[: len(path)] == path]
        for index in back:
            del self.taken[index]
        table: Any = self.document
        for step in path[:-1]:
            table = table[step]
        last = path[-1]
        if isinstance(last, int):
            # The others keep their numbers: an empty place is taken out when all is done.
            table[last] = None
        else:
            table.pop(last, None)
        return back
