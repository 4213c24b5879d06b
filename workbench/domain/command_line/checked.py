"""A profile that is being edited: its text as it stands on the disk, what is wrong with it, and the options that it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from workbench.domain.command_line.option_keys import made_by, place_of
from workbench.domain.profile.text.parse import Parsed

if TYPE_CHECKING:
    from workbench.domain.command_line.argv import ArgvPart
    from workbench.domain.profile.problems import Problem


class ProfileText(Struct, frozen=True):
    """One profile's file as it was read."""

    name: str
    """The guest's name."""
    path: str
    """Where it is saved: absolute, in the user's directory."""
    text: str
    stamp: tuple[int, ...] = ()
    """Another one when the file is another; empty when there is no file at ``path``."""
    sample: str = ""
    """The path of the shipped sample that the text comes from, when the user has no file of that name."""


class Checked(Struct, frozen=True):
    """What is known of a text at once, without asking QEMU or looking at files."""

    file: str
    """How problems name the file."""
    parsed: Parsed = field(default_factory=lambda: Parsed(None, ()))
    parts: tuple[ArgvPart, ...] = ()
    """The options that it gives; empty while there are problems."""
    binary: str = ""
    """QEMU's program."""
    why: str = ""
    """Why there are no options although the text has no problem; empty when there are."""
    bases: tuple[str, ...] = ()
    """The files that the text extends, and what they extend."""
    bases_stamp: tuple[int, ...] = ()
    """Another one when one of these is another."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self.parsed.problems

    def place(self, part: ArgvPart) -> tuple[str, int]:
        """The file's short name, empty for this one, and the line that made an option; 0 when no line did."""
        place = place_of(self.parsed, part)
        if place is None:
            return "", 0
        return ("" if place.file == self.file else place.file.rpartition("/")[2]), place.line

    def made_at(self, line: int) -> frozenset[int]:
        """The indices of the options that a line of this file made."""
        return made_by(self.parsed, self.file, line, self.parts)
