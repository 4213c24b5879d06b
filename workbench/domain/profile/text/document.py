"""A profile's TOML document: merged with the files that it extends, its ``${…}`` expanded.

``extends = "base.toml"`` takes every key that this file does not set from another one; tables are merged, lists and
values replaced. ``${dir}`` is the directory of the file that contains it and ``${env:NAME}`` an environment variable;
``$${`` is a literal ``${``. Nothing else is expanded.
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
"""The longest chain of files that extend each other."""

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")
_FILLED = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_NAME = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)


class Place(NamedTuple):
    """Where a key or list element is."""

    file: str
    """Its name in problems."""
    line: int
    column: int


class Source(Struct, frozen=True):
    """The text of one file and where it is from."""

    text: str
    file: str
    """Its name in problems."""
    directory: str
    """Absolute: the value of ``${dir}``."""
    identity: str = ""
    """Its real path, the same for all names of a file."""


class Document(Struct):
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[tuple[Place | None, Path, str]] = field(default_factory=list)
    """Place (None: the whole file), key and message; with a syntax error ``values`` is empty."""
    plain: bool = True
    """Whether the text is complete by itself: it extends nothing and has nothing to expand."""
    broken: bool = False
    """Whether a file is not valid TOML."""


def read_document(source: Source, read: Callable[[Source, str], Source], environment: Mapping[str, str]) -> Document:
    """Read a document and the files that it extends.

    :param read: returns the file that a source extends; raises OSError if there is none.
    :param environment: the variables for ``${env:NAME}``.
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
        return own  # reported by the decoder
    try:
        base_source = read(source, name)
    except OSError as error:
        own.problems.append((place, (EXTENDS,), f"{name}: {error.strerror or error}"))
        return own
    identity = base_source.identity or base_source.file
    if identity in chain:
        own.problems.append((place, (EXTENDS,), f"{name} extends itself"))
        return own
    if len(chain) >= DEPTH:
        own.problems.append((place, (EXTENDS,), f"more than {DEPTH} files extend each other"))
        return own
    return _joined(_read(base_source, read, environment, (*chain, identity)), own)


def _load(source: Source) -> Document:
    """The values and places of one file."""
    # A byte order mark is not valid TOML, but editors that write one do not show it.
    text = source.text.removeprefix(MARK)
    try:
        values = tomllib.loads(text)
        found = {path: Place(source.file, *place) for path, place in locate(text).items()}
    except tomllib.TOMLDecodeError as error:
        return _broken(source, *_syntax(str(error), text))
    except RecursionError:
        return _broken(source, 0, 0, "lists or tables are nested too deeply")
    except ValueError as error:
        # int() rejects numbers of more than 4,300 digits (sys.set_int_max_str_digits).
        why = str(error).partition(":")[0]
        return _broken(source, 0, 0, f"cannot read this TOML: {why[:1].lower()}{why[1:]}")
    return Document(values, found)


def _broken(source: Source, line: int, column: int, message: str) -> Document:
    return Document(problems=[(Place(source.file, line, column), (), message)], broken=True)


def _syntax(message: str, text: str) -> tuple[int, int, str]:
    """Line, column and text of tomllib's message."""
    match = _PLACE.search(message)
    if match is None:
        return 0, 0, message
    words = message[: match.start()]
    lines = text.splitlines() or [""]
    line, column = (int(match[1]), int(match[2])) if match[1] else (len(lines), len(lines[-1]) + 1)
    return line, column, f"not valid TOML: {words[:1].lower()}{words[1:]}"


def _fill(document: Document, source: Source, environment: Mapping[str, str]) -> None:
    """Expand each ``${…}``; one that is not defined is a problem at its key."""

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
    """:raise ValueError: if it is not defined, with a message for the user."""
    if not whole.endswith("}"):
        raise ValueError("${ without }: write $${ for a literal ${")
    if name == "dir":
        return directory
    variable = _NAME.fullmatch(name)
    if variable is None:
        raise ValueError(f"{whole} is neither ${{dir}} nor ${{env:NAME}}; write $${{ for a literal ${{")
    value = environment.get(variable[1])
    if value is None:
        raise ValueError(f"{whole}: {variable[1]} is not set in the environment")
    return value


def _joined(base: Document, own: Document) -> Document:
    """``own`` merged over ``base``."""
    if base.broken:
        return Document(own.values, own.places, [*base.problems, *own.problems], plain=False, broken=True)
    base.values.pop(EXTENDS, None)  # already merged
    values, replaced = _merge(base.values, own.values, ())
    places = {path: place for path, place in base.places.items() if path and not _within(path, replaced)}
    places |= own.places
    kept = [problem for problem in base.problems if not _within(problem[1], replaced)]
    return Document(values, places, [*kept, *own.problems], plain=False)


def _merge(base: dict[str, Any], own: dict[str, Any], path: Path) -> tuple[dict[str, Any], set[Path]]:
    """Both tables merged, and the paths at which the base's value was replaced."""
    result, replaced = dict(base), set[Path]()
    for key, value in own.items():
        before = base.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            result[key], below = _merge(before, value, (*path, key))
            replaced |= below
        else:
            if key in base:
                replaced.add((*path, key))
            result[key] = value
    return result, replaced


def _within(path: Path, above: set[Path]) -> bool:
    return any(path[: len(one)] == one for one in above)


def problem_of(place: Place | None, file: str, key: str, message: str) -> Problem:
    """A problem at its place, or for the whole file without one."""
    return Problem(place.file, place.line, place.column, key, message) if place else Problem(file, 0, 0, key, message)
