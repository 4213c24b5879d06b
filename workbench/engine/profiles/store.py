"""The directory of profiles: lists, reads and checks them, and writes them atomically."""

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
from workbench.domain.profile.names import check_name
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
"""Maximum bytes of a profile: far more than a person writes, far less than would delay a screen."""


class Entry(Struct, frozen=True):
    """A file in the directory with a profile's suffix."""

    name: str
    """The file's name without ``.toml``, in printable form."""
    path: Path


class LoadedProfile(Struct, frozen=True):
    """One profile as it was read."""

    name: str
    path: Path
    """Absolute; relative paths in the profile are relative to its directory."""
    file: str
    """The file's name in its problems."""
    text: str
    """Empty if it could not be read; see ``problems``."""
    parsed: Parsed
    bases: tuple[Path, ...] = ()
    """The files that it extends, as far as they were resolved."""

    @property
    def profile(self) -> GuestProfile | None:
        """None if there are problems."""
        return self.parsed.profile

    @property
    def partial(self) -> GuestProfile | None:
        """The profile with invalid values left at their defaults; None if it is not valid TOML or was not read."""
        return self.parsed.partial

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self.parsed.problems


class ProfileStore:
    """The profiles of one directory. If that does not exist, the shipped samples are used."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._loaded: dict[Path, tuple[tuple[int, ...], LoadedProfile]] = {}

    def entries(self) -> list[Entry]:
        """Every file that ends in ``.toml``, by name, including invalid guest names; no hidden files.

        :raise HostError: if the directory cannot be read.
        """
        try:
            return _entries(self.directory)
        except FileNotFoundError:
            return _entries(samples_directory())
        except OSError as error:
            raise HostError(
                f"cannot read the profiles in {shown(self.directory)}: {error.strerror}",
                hint="name another directory with --profiles DIR or WORKBENCH_PROFILES",
            ) from error

    def load(self, name: str) -> LoadedProfile:
        """The profile of a guest: from the directory, else the shipped sample of that name.

        A file is read again only if it has changed.

        :raise NotFound: if there is none, with the closest name as a hint.
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
            f"no profile named {name!r} in {shown(self.directory)}",
            hint=f"did you mean {near[0]}?" if near else "to list the profiles: workbench list",
        )

    def write(self, name: str, text: str) -> Path:
        """Write a profile atomically and return its path. Follows a link, and keeps the file's mode.

        :raise UsageError: for an invalid name.
        :raise HostError: if it cannot be written; the old file is kept.
        """
        trouble = check_name(name)
        if trouble:
            raise UsageError(trouble)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            path = (self.directory / f"{name}{SUFFIX}").resolve()
            there = path.exists()
            if there and not os.access(path, os.W_OK, effective_ids=True):
                # Replacing the file would bypass its owner's write protection.
                raise HostError(f"cannot write {name}{SUFFIX}: it is read-only", hint=f"chmod u+w {shown(path)}")
            mode = stat.S_IMODE(path.stat().st_mode) if there else 0o644
            write_atomic(path, text, mode=mode)
        except OSError as error:
            raise HostError(f"cannot write {name}{SUFFIX}: {error.strerror}") from error
        return self.directory / f"{name}{SUFFIX}"

    def _read(self, name: str, path: Path) -> LoadedProfile:
        kept = self._loaded.get(path)
        if kept is not None and (state := file_states(path, *kept[1].bases)) and kept[0] == state:
            return kept[1]
        loaded = read_profile(path, name=name)
        self._loaded[path] = (file_states(path, *loaded.bases), loaded)
        return loaded


def file_states(*paths: Path) -> tuple[int, ...]:
    """A stamp that changes when any of the files does; empty if the first one cannot be read, and for no files."""
    state: list[int] = []
    for path in paths:
        try:
            found = path.stat()
        except OSError:  # such as a broken link, which read_profile reports
            if path is paths[0]:
                return ()
            state.append(0)
        else:
            state += (found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode)
    return tuple(state)


def read_profile(path: Path, *, name: str | None = None, file: str | None = None) -> LoadedProfile:
    """Read and check one file. A read error becomes one of its problems.

    :param file: the file's name in the problems; its path if not given.
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
    """Check a text as the profile at an absolute path; reads only the files that it extends."""
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
    """Read a file that another one extends.

    :raise OSError: if it cannot be read.
    """
    try:
        text = _read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise OSError(0, _encoding_problem(shown(path), error).message) from error
    return Source(text, shown(path), str(path.parent), os.path.realpath(path))


class _Environment(Mapping[str, str]):
    """Environment variables that are valid UTF-8, read only when named: others cannot be used in a profile."""

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
    """The profile that the guest running in this directory was started with; the profile may have changed since.

    None if there is no such file, or it was written by a workbench with other keys.
    """
    return read_profile(directory / "profile.toml", name=directory.name).profile


def samples_directory() -> Path:
    """The directory of the shipped samples: in the package, or next to it in a checkout."""
    package = Path(workbench.__file__).parent
    shipped = package / "samples"
    return shipped if shipped.is_dir() else package.parent / "profiles"


def _entries(directory: Path) -> list[Entry]:
    with os.scandir(directory) as found:
        names = sorted(entry.name for entry in found if entry.name.endswith(SUFFIX) and not entry.name.startswith("."))
    return [Entry(shown(name.removesuffix(SUFFIX)), directory / name) for name in names]


def read_text(path: Path) -> str:
    """The text of a profile's file.

    :raise OSError: if it cannot be read.
    :raise UnicodeDecodeError: if it is not valid UTF-8.
    """
    return _read_bytes(path).decode()


def _read_bytes(path: Path) -> bytes:
    """The content of a regular file of at most :data:`SIZE_MAX` bytes.

    :raise OSError: for anything else.
    """
    # O_NONBLOCK: opening a pipe without a writer would block forever.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(0, "not a regular file")
        if found.st_size > SIZE_MAX:
            raise OSError(0, f"too large: {found.st_size:,} bytes, at most {SIZE_MAX:,} are allowed")
        return file.read(SIZE_MAX + 1)


def _encoding_problem(file: str, error: UnicodeDecodeError) -> Problem:
    before = error.object[: error.start]
    line = before.count(b"\n") + 1
    column = len(before.rpartition(b"\n")[2].decode()) + 1
    return Problem(file, line, column, "", f"not UTF-8: byte 0x{error.object[error.start]:02x}")
