"""A profile's text to a guest, with every problem at its line and column."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.decode import Decoder, key_text
from workbench.domain.problems import Problem
from workbench.domain.profile import GuestProfile, check_name
from workbench.domain.shape import dotted_keys
from workbench.domain.toml_lines import locate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.devices.part import Path

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")


@dataclass(frozen=True)
class Parsed:
    """What a profile's text says."""

    profile: GuestProfile | None
    """None when there are problems."""
    problems: tuple[Problem, ...]
    """All of them, in the order of the text."""
    places: Mapping[Path, tuple[int, int]] = field(default_factory=dict)
    """Line and column of each key and list element of the text."""

    def place(self, path: Path) -> tuple[int, int]:
        """Where a key stands, or else the nearest table around it that does; (0, 0) when none of them does."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (0, 0))

    def problem(self, file: str, path: Path, message: str) -> Problem:
        line, column = self.place(path)
        return Problem(file, line, column, key_text(path), message)


def parse(text: str, *, name: str, file: str) -> Parsed:
    """Read a profile.

    :param name: the guest's name, which is the file's name without ``.toml``.
    :param file: how the problems name the file.
    """
    try:
        # A byte order mark is no TOML, and editors that write one show none.
        document = tomllib.loads(text.removeprefix("\ufeff"))
        places = locate(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        return Parsed(None, (_syntax_problem(str(error), text, file),))
    except RecursionError:
        return Parsed(None, (Problem(file, 0, 0, "", "lists or tables stand too deep in one another"),))
    except ValueError as error:
        # int() refuses a number of more than 4,300 digits (sys.set_int_max_str_digits).
        why = str(error).partition(":")[0]
        return Parsed(None, (Problem(file, 0, 0, "", f"not TOML that can be read: {why[:1].lower()}{why[1:]}"),))
    decoder = Decoder(dotted_keys(GuestProfile))
    bad_name = check_name(name)
    profile = decoder.table(GuestProfile, document)
    found = Parsed(profile, (), places)
    problems = sorted(found.problem(file, path, message) for path, message in decoder.problems)
    if bad_name:
        problems.insert(0, Problem(file, 0, 0, "", bad_name))
    if problems or profile is None:
        return Parsed(None, tuple(problems), places)
    return Parsed(replace(profile, name=name), (), places)


def parse_profile(text: str, *, name: str, file: str) -> tuple[GuestProfile | None, tuple[Problem, ...]]:
    """The guest, or None and every problem of its profile."""
    parsed = parse(text, name=name, file=file)
    return parsed.profile, parsed.problems


def _syntax_problem(message: str, text: str, file: str) -> Problem:
    """tomllib's message with its place taken out of the words."""
    match = _PLACE.search(message)
    if match is None:
        return Problem(file, 0, 0, "", message)
    words = message[: match.start()]
    lines = text.splitlines() or [""]
    line, column = (int(match[1]), int(match[2])) if match[1] else (len(lines), len(lines[-1]) + 1)
    return Problem(file, line, column, "", f"not TOML: {words[:1].lower()}{words[1:]}")
