"""Parse a profile's text, with every problem at its line and column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from workbench.domain.profile.devices.part import key_text
from workbench.domain.profile.guest import GuestProfile
from workbench.domain.profile.ids import with_ids
from workbench.domain.profile.names import check_name
from workbench.domain.profile.problems import Problem
from workbench.domain.profile.rules import broken_rules
from workbench.domain.profile.text.decode import Decoder, in_text
from workbench.domain.profile.text.document import Place, Source, problem_of, read_document
from workbench.domain.profile.text.shape import dotted_keys, fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workbench.domain.profile.devices.part import Path


class Parsed(Struct, frozen=True):
    """The result of parsing a profile's text."""

    profile: GuestProfile | None
    """None if there are problems."""
    problems: tuple[Problem, ...]
    """In the order of the text; those of the files that it extends come first."""
    places: Mapping[Path, Place] = field(default_factory=dict)
    """File, line and column of each key and list element of the text and of the files that it extends."""
    document: Mapping[str, Any] = field(default_factory=dict)
    """The TOML values, merged and expanded."""
    plain: bool = True
    """Whether the text is complete by itself: it extends nothing and has nothing to expand."""
    partial: GuestProfile | None = None
    """The guest with invalid values left at their defaults; None if it cannot be decoded at all."""
    kept: Mapping[Path, tuple[int, ...]] = field(default_factory=dict)
    """For lists in ``partial`` without their invalid elements: the indices in the text of the remaining ones."""

    def place(self, path: Path) -> Place | None:
        """The place of a key, or of the nearest table around it that is in the text, or None."""
        path = self._written(path)
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path)

    def problem(self, file: str, path: Path, message: str) -> Problem:
        return problem_of(self.place(path), file, key_text(self._written(path)), message)

    def _written(self, path: Path) -> Path:
        """The path as in the text: a table in place of a list of one has no index."""
        path = in_text(path, self.kept)
        if path[1:2] != (0,) or isinstance(self.document.get(str(path[0])), list):
            return path
        field = fields_of(GuestProfile).get(str(path[0]))
        return (path[0], *path[2:]) if field is not None and field.shape.lone else path


def no_base(_source: Source, _name: str) -> Source:
    """For a text that is not a file."""
    raise OSError(0, "only a file can extend another file")


def parse(
    text: str,
    *,
    name: str,
    file: str,
    directory: str = "/",
    identity: str = "",
    read: Callable[[Source, str], Source] = no_base,
    environment: Mapping[str, str] | None = None,
) -> Parsed:
    """Read a profile.

    :param name: the guest's name: the file's name without ``.toml``.
    :param file: the file's name in problems.
    :param directory: the value of ``${dir}``.
    :param identity: the file's real path, to detect files that extend each other in a cycle.
    :param read: returns the file that one extends; raises OSError if there is none.
    :param environment: the variables for ``${env:NAME}``.
    """
    document = read_document(Source(text, file, directory, identity), read, environment or {})
    problems = [problem_of(place, file, key_text(path), message) for place, path, message in document.problems]
    if document.broken:
        return Parsed(None, tuple(problems), document.places)
    decoder = Decoder(dotted_keys(GuestProfile))
    bad_name = check_name(name)
    profile = decoder.table(GuestProfile, document.values)
    if profile is not None:
        profile = with_ids(profile)
        decoder.rules(broken_rules(profile))
    found = Parsed(profile, (), document.places, document.values, document.plain)
    # The decoder's problems already have the indices of the text.
    problems += [found.problem(file, path, message) for path, message in decoder.problems]
    problems.sort(key=lambda problem: (problem.file == file, problem))
    if bad_name:
        problems.insert(0, Problem(file, 0, 0, "", bad_name))
    if problems or profile is None:
        return Parsed(None, tuple(problems), document.places, document.values, document.plain, profile, decoder.kept)
    guest = replace(profile, name=name)
    return Parsed(guest, (), document.places, document.values, document.plain, guest)


def parse_profile(text: str, *, name: str, file: str) -> tuple[GuestProfile | None, tuple[Problem, ...]]:
    """The guest, or None, and every problem of its profile."""
    parsed = parse(text, name=name, file=file)
    return parsed.profile, parsed.problems
