"""A profile being edited: its text on disk, its problems, and the QEMU options that it generates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from workbench.domain.command_line.option_keys import made_by, place_of
from workbench.domain.profile.text.parse import Parsed

if TYPE_CHECKING:
    from workbench.domain.command_line.argv import ArgvPart
    from workbench.domain.profile.problems import Problem


class ProfileText(Struct, frozen=True):
    """A profile's file as it was read."""

    name: str
    """The guest's name."""
    path: str
    """The absolute path to save it to, in the user's directory."""
    text: str
    stamp: tuple[int, ...] = ()
    """Changes with the file; empty if there is no file at ``path``."""
    sample: str = ""
    """The path of the sample that the text is from, if the user has no file of that name."""


class Checked(Struct, frozen=True):
    """The result of checking a text without asking QEMU or opening other files."""

    file: str
    """The file's name in problems."""
    parsed: Parsed = field(default_factory=lambda: Parsed(None, ()))
    parts: tuple[ArgvPart, ...] = ()
    """The options that it generates; empty while there are problems."""
    binary: str = ""
    """The QEMU executable."""
    why: str = ""
    """Why there are no options although the text has no problems; otherwise empty."""
    bases: tuple[str, ...] = ()
    """The files that the text extends, directly or indirectly."""
    bases_stamp: tuple[int, ...] = ()
    """Changes with any of these files."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self.parsed.problems

    def place(self, part: ArgvPart) -> tuple[str, int]:
        """The short name of the file, empty for this one, and the line that an option is from; 0 if none."""
        place = place_of(self.parsed, part)
        if place is None:
            return "", 0
        return ("" if place.file == self.file else place.file.rpartition("/")[2]), place.line

    def made_at(self, line: int) -> frozenset[int]:
        """The indices of the options that a line of this file affects."""
        return made_by(self.parsed, self.file, line, self.parts)
