"""A profile's document before it is a guest: put together from the files that it extends, its ``${…}`` filled in.

``extends = "base.toml"`` takes what another file says for every key that this one does not have; tables are joined,
lists and values replaced. ``${dir}`` is the directory of the file in which it stands and ``${env:NAME}`` a variable of
the user's environment; ``$${`` is ``${`` itself. Nothing else is filled in.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct, field

from workbench.domain.profile.devices.part import Path
from workbench.domain.profile.problems import Problem
from workbench.domain.profile.text.layout import MARK
from workbench.domain.profile.text.places import locate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EXTENDS = "extends"
DEPTH = 8
"""How many files can stand on one another: beyond what anybody keeps in mind."""

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")
_FILLED = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_NAME = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)


class Place(NamedTuple):
    """Where a key or a list element stands."""

    file: str
    """As problems name it."""
    line: int
    column: int


class Source(Struct, frozen=True):
    """One file's text, and what is known of where it came from."""

    text: str
    file: str
    """How problems name it."""
    directory: str
    """Absolute: what ``${dir}`` means in it."""
    identity: str = ""
    """Its real path: two names of one file are one file."""


class Document(Struct):
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[tuple[Place | None, Path, str]] = field(default_factory=list)
    """Place (None: the whole file), key and message; a syntax error leaves ``values`` empty."""
    plain: bool = True
    """Whether the text alone says all of it: nothing extended, nothing filled in."""
    broken: bool = False
    """Whether a file could not be read as TOML at all."""


def read_document(source: Source, read: Callable[[Source, str], Source], environment: Mapping[str, str]) -> Document:
    """The whole document.

    :param read: gives the file that a source extends; raises OSError when there is none.
    :param environment: what ``${env:NAME}`` takes its values from.
    """
    return _read(source, read, environment, (source.identity or source.file,))


def _read(
    source: Source,
    read: Callable[[Source, str], Source],
    environment: Mapping[str, str],
    chain: tuple[str, ...],
) -> Document:
    own = _load(source)
    if own.broken:
        return own
    _fill(own, source, environment)
    if EXTENDS not in own.values:
        return own
    own.plain = False
    name = own.values[EXTENDS]
    place = own.places.get((EXTENDS,))
    if not isinstance(name, str) or not name:
        return own  # the decoder tells what it must be
    try:
        base_source = read(source, name)
    except OSError as error:
        own.problems.append((place, (EXTENDS,), f"{name}: {error.strerror or error}"))
        return own
    identity = base_source.identity or base_source.file
    if identity in chain:
        own.problems.append((place, (EXTENDS,), f"{name} is extended by itself"))
        return own
    if len(chain) >= DEPTH:
        own.problems.append((place, (EXTENDS,), f"more than {DEPTH} files stand on one another"))
        return own
    return _joined(_read(base_source, read, environment, (*chain, identity)), own)


def _load(source: Source) -> Document:
    """One file's values and places."""
    # A byte order mark is no TOML, and editors that write one show none.
    text = source.text.removeprefix(MARK)
    try:
        values = tomllib.loads(text)
        found = {path: Place(source.file, *place) for path, place in locate(text).items()}
    except tomllib.TOMLDecodeError as error:
        return _broken(source, *_syntax(str(error), text))
    except RecursionError:
        return _broken(source, 0, 0, "lists or tables stand too deep in one another")
    except ValueError as error:
        # int() refuses a number of more than 4,300 digits (sys.set_int_max_str_digits).
        why = str(error).partition(":")[0]
        return _broken(source, 0, 0, f"not TOML that can be read: {why[:1].lower()}{why[1:]}")
    return Document(values, found)


def _broken(source: Source, line: int, column: int, message: str) -> Document:
    return Document(problems=[(Place(source.file, line, column), (), message)], broken=True)


def _syntax(message: str, text: str) -> tuple[int, int, str]:
    """Line, column and words of tomllib's message."""
    match = _PLACE.search(message)
    if match is None:
        return 0, 0, message
    words = message[: match.start()]
    lines = text.splitlines() or [""]
    line, column = (int(match[1]), int(match[2])) if match[1] else (len(lines), len(lines[-1]) + 1)
    return line, column, f"not TOML: {words[:1].lower()}{words[1:]}"


def _fill(document: Document, source: Source, environment: Mapping[str, str]) -> None:
    """Put in what each ``${…}`` stands for; one that stands for nothing is a problem at its key."""

    def filled(value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {key: filled(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [filled(inner, (*path, index)) for index, inner in enumerate(value)]
        return text(value, path) if isinstance(value, str) and "${" in value else value

    def text(value: str, path: Path) -> str:
        document.plain = False

        def replacement(match: re.Match[str]) -> str:
            if match[1] is None:
                return "${"
            try:
                return _meaning(match[0], match[1], source.directory, environment)
            except ValueError as error:
                document.problems.append((document.places.get(path), path, str(error)))
                return match[0]

        return _FILLED.sub(replacement, value)

    document.values = filled(document.values, ())


def _meaning(whole: str, name: str, directory: str, environment: Mapping[str, str]) -> str:
    """:raise ValueError: when it stands for nothing, in words."""
    if not whole.endswith("}"):
        raise ValueError("a ${ without its }: write $${ for the two characters themselves")
    if name == "dir":
        return directory
    variable = _NAME.fullmatch(name)
    if variable is None:
        raise ValueError(f"{whole} is neither ${{dir}} nor ${{env:NAME}}; write $${{ for the two characters themselves")
    value = environment.get(variable[1])
    if value is None:
        raise ValueError(f"{whole}: the environment has no {variable[1]}")
    return value


def _joined(base: Document, own: Document) -> Document:
    """What ``own`` says, and what ``base`` says beside it."""
    if base.broken:
        return Document(own.values, own.places, [*base.problems, *own.problems], plain=False, broken=True)
    base.values.pop(EXTENDS, None)  # that is done
    values, taken = _merge(base.values, own.values, ())
    places = {path: place for path, place in base.places.items() if path and not _within(path, taken)}
    places |= own.places
    kept = [problem for problem in base.problems if not _within(problem[1], taken)]
    return Document(values, places, [*kept, *own.problems], plain=False)


def _merge(base: dict[str, Any], own: dict[str, Any], path: Path) -> tuple[dict[str, Any], set[Path]]:
    """Both tables in one, and the paths at which the base's value was replaced."""
    result, taken = dict(base), set[Path]()
    for key, value in own.items():
        before = base.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            result[key], below = _merge(before, value, (*path, key))
            taken |= below
        else:
            if key in base:
                taken.add((*path, key))
            result[key] = value
    return result, taken


def _within(path: Path, taken: set[Path]) -> bool:
    return any(path[: len(one)] == one for one in taken)


def problem_of(place: Place | None, file: str, key: str, message: str) -> Problem:
    """A problem at its place; of the whole file where there is none."""
    return Problem(place.file, place.line, place.column, key, message) if place else Problem(file, 0, 0, key, message)
