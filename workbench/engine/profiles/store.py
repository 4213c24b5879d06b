"""The directory of profiles: what is in it, read with every problem, written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

import workbench
from workbench.domain.profile.devices.part import resolve
from workbench.domain.profile.guest import check_name
from workbench.domain.profile.problems import Problem
from workbench.domain.profile.text.document import Source
from workbench.domain.profile.text.parse import Parsed, parse
from workbench.engine.storage.files import shown, write_atomic
from workbench.errors import HostError, NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.profile.guest import GuestProfile

SUFFIX = ".toml"
SIZE_MAX = 1 << 20
"""Bytes of a profile: far beyond what a person writes, far below what would keep a screen waiting."""


class Entry(Struct, frozen=True):
    """A file of the directory that means to be a profile."""

    name: str
    """The file's name without ``.toml``, as far as it can be shown."""
    path: Path


class LoadedProfile(Struct, frozen=True):
    """One profile as it was read."""

    name: str
    path: Path
    """Absolute; relative paths in the profile begin at its directory."""
    file: str
    """How its problems name the file."""
    text: str
    """Empty when it could not be read; ``problems`` say why."""
    parsed: Parsed
    bases: tuple[Path, ...] = ()
    """The files that it extends, as far as they were looked for."""

    @property
    def profile(self) -> GuestProfile | None:
        """None when there are problems."""
        return self.parsed.profile

    @property
    def partial(self) -> GuestProfile | None:
        """The same with what is wrong in it left at its default; None when it is no TOML, or was not read."""
        return self.parsed.partial

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self.parsed.problems


class ProfileStore:
    """The profiles of one directory. Where that does not exist, the shipped samples stand in for it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._loaded: dict[Path, tuple[tuple[int, ...], LoadedProfile]] = {}

    def entries(self) -> list[Entry]:
        """Every file that ends in ``.toml``, by name, also one whose name no guest can have; no hidden ones.

        :raise HostError: when the directory cannot be read.
        """
        try:
            return _entries(self.directory)
        except FileNotFoundError:
            return _entries(samples_directory())
        except OSError as error:
            raise HostError(
                f"the profiles in {shown(self.directory)} cannot be read: {error.strerror}",
                hint="name another directory with --profiles DIR or WORKBENCH_PROFILES",
            ) from error

    def load(self, name: str) -> LoadedProfile:
        """The profile of a guest: the directory's, else the shipped sample of that name.

        A file is read again only when it has changed.

        :raise NotFound: when there is none, with the nearest name as a hint.
        """
        for directory in (self.directory, samples_directory()):
            path = directory / f"{name}{SUFFIX}"
            if check_name(name) is None and os.path.lexists(path):
                return self._read(name, path)
        entries = self.entries()
        for entry in entries:
            if entry.name == name:
                return self._read(name, entry.path)
        trouble = check_name(name)
        if trouble:
            raise NotFound(trouble)
        near = get_close_matches(name, [entry.name for entry in entries], 1)
        raise NotFound(
            f"no profile {name!r} in {shown(self.directory)}",
            hint=f"did you mean {near[0]}?" if near else "what there is: workbench list",
        )

    def write(self, name: str, text: str) -> Path:
        """Write a profile, whole or not at all, and give its path. A link is followed, and the file's mode is kept.

        :raise UsageError: for a name that no guest can have.
        :raise HostError: when the directory or the disk refuses; the old file stands.
        """
        trouble = check_name(name)
        if trouble:
            raise UsageError(trouble)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            path = (self.directory / f"{name}{SUFFIX}").resolve()
            there = path.exists()
            if there and not os.access(path, os.W_OK, effective_ids=True):
                # Another file in its place would go round the lock that its owner put on it.
                raise HostError(f"{name}{SUFFIX} cannot be written: it is read-only", hint=f"chmod u+w {shown(path)}")
            mode = stat.S_IMODE(path.stat().st_mode) if there else 0o644
            write_atomic(path, text, mode=mode)
        except OSError as error:
            raise HostError(f"{name}{SUFFIX} cannot be written: {error.strerror}") from error
        return self.directory / f"{name}{SUFFIX}"

    def _read(self, name: str, path: Path) -> LoadedProfile:
        kept = self._loaded.get(path)
        if kept is not None and (state := file_states(path, *kept[1].bases)) and kept[0] == state:
            return kept[1]
        loaded = read_profile(path, name=name)
        self._loaded[path] = (file_states(path, *loaded.bases), loaded)
        return loaded


def file_states(*paths: Path) -> tuple[int, ...]:
    """What changes when one of the files does; empty while the first one cannot be looked at, and for none."""
    state: list[int] = []
    for path in paths:
        try:
            found = path.stat()
        except OSError:  # a broken link, say: read_profile tells
            if path is paths[0]:
                return ()
            state.append(0)
        else:
            state += (found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode)
    return tuple(state)


def read_profile(path: Path, *, name: str | None = None, file: str | None = None) -> LoadedProfile:
    """Read and check one file. That it cannot be read is one of its problems.

    :param file: how the problems name the file; its path when not given.
    """
    name = shown(Path(path.name.removesuffix(SUFFIX))) if name is None else name
    file = shown(path) if file is None else file
    path = path.absolute()
    try:
        raw = _read_bytes(path)
        text = raw.decode()
    except UnicodeDecodeError as error:
        return LoadedProfile(name, path, file, "", Parsed(None, (_encoding_problem(file, error),)))
    except OSError as error:
        why = Problem(file, 0, 0, "", f"cannot be read: {error.strerror}")
        return LoadedProfile(name, path, file, "", Parsed(None, (why,)))
    return parse_text(path, text, name=name, file=file)


def parse_text(path: Path, text: str, *, name: str, file: str) -> LoadedProfile:
    """Check a text as the profile that would stand at an absolute path; only what it extends is read."""
    bases: list[Path] = []

    def read(source: Source, base: str) -> Source:
        where = Path(resolve(base, base=source.directory, home=str(Path.home())))
        bases.append(where)
        return _base_source(where)

    parsed = parse(
        text,
        name=name,
        file=file,
        directory=str(path.parent),
        identity=os.path.realpath(path),
        read=read,
        environment=_Environment(),
    )
    return LoadedProfile(name, path, file, text, parsed, tuple(bases))


def _base_source(path: Path) -> Source:
    """A file that another one extends.

    :raise OSError: when it cannot be read.
    """
    try:
        text = _read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise OSError(0, _encoding_problem(shown(path), error).message) from error
    return Source(text, shown(path), str(path.parent), os.path.realpath(path))


class _Environment(Mapping[str, str]):
    """The variables that are text: what is not UTF-8 cannot stand in a profile. None is looked at before it is named."""

    def __getitem__(self, key: str) -> str:
        value = os.environ[key]
        try:
            return value.encode().decode()
        except UnicodeEncodeError as error:
            raise KeyError(key) from error

    def __iter__(self) -> Iterator[str]:
        return iter(os.environ)

    def __len__(self) -> int:
        return len(os.environ)


def started_profile(directory: Path) -> GuestProfile | None:
    """The profile of a guest that runs in this directory, as it was started: the profile may be another by now.

    None where there is no such file, or where it was written by a workbench that knew other keys.
    """
    return read_profile(directory / "profile.toml", name=directory.name).profile


def samples_directory() -> Path:
    """Where the shipped samples are: in the package, or beside it in a checkout."""
    package = Path(workbench.__file__).parent
    shipped = package / "samples"
    return shipped if shipped.is_dir() else package.parent / "profiles"


def _entries(directory: Path) -> list[Entry]:
    with os.scandir(directory) as found:
        names = sorted(entry.name for entry in found if entry.name.endswith(SUFFIX) and not entry.name.startswith("."))
    return [Entry(shown(name.removesuffix(SUFFIX)), directory / name) for name in names]


def read_text(path: Path) -> str:
    """The text of a profile's file.

    :raise OSError: when it cannot be read.
    :raise UnicodeDecodeError: when it is no text.
    """
    return _read_bytes(path).decode()


def _read_bytes(path: Path) -> bytes:
    """The content of a regular file of a profile's size.

    :raise OSError: for anything else.
    """
    # O_NONBLOCK: to open a pipe that nobody writes to would wait for ever.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(0, "it is no regular file")
        if found.st_size > SIZE_MAX:
            raise OSError(0, f"it has {found.st_size:,} bytes, and a profile has at most {SIZE_MAX:,}")
        return file.read(SIZE_MAX + 1)


def _encoding_problem(file: str, error: UnicodeDecodeError) -> Problem:
    before = error.object[: error.start]
    line = before.count(b"\n") + 1
    column = len(before.rpartition(b"\n")[2].decode()) + 1
    return Problem(file, line, column, "", f"not UTF-8: byte 0x{error.object[error.start]:02x}")
