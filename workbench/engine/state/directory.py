"""The state directory: keeps running guests, and finds them again.

Each guest has a directory ``NAME/`` with its QEMU's sockets, logs and pid file. A guest is alive as long as there is a
process whose pid is in ``NAME/pid`` and whose command line names that file after ``-pidfile``: the pid alone may have been
reused. A process that starts a guest or cleans up after one holds a lock (flock(2)) on the directory.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, field

from workbench.domain.guest.lifecycle import exit_cause
from workbench.engine.host.pool_growth import give_back
from workbench.engine.qmp.monitor import SUN_PATH_MAX
from workbench.engine.state.liveness import is_over, live_pid
from workbench.engine.storage.files import write_atomic
from workbench.errors import HostError, NotFound, StartError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST_SOCKET = "qmp-events.sock"
ENDS = ".ended"
"""The directory, next to the guests' own, that keeps how each guest's last run ended."""
LOGS = ("serial.log", "qemu.log", "history", "history.minute", "history.half-hour", "marks")
"""Logs of a guest, its QEMU and its balloon, kept as ``NAME.serial.log`` and so on until the next start."""


ANOTHER = "name another directory with --state DIR or WORKBENCH_STATE"


class GuestFacts(Struct, frozen=True):
    """Facts from a guest's start, kept in ``guest.json``."""

    name: str
    memory: int
    """RAM in bytes."""
    accelerator: str
    """``kvm`` or ``tcg``."""
    accelerator_reason: str
    qemu: str
    """The QEMU program's path."""
    started: float
    """Unix time."""
    backing: str = ""
    """``2M pages`` for hugepages; empty for ordinary memory."""
    reporting: bool = False
    """Whether the profile lets the guest report free pages."""
    prealloc: bool = True
    """Whether all hugepages were allocated at the start."""
    profile: str = ""
    """The profile's file."""
    device_lines: dict[str, str] = field(default_factory=dict)
    """For each device id the place in the profile that made it, such as ``demo.toml:14``."""


class Running(Struct, frozen=True):
    """A guest whose QEMU process is alive."""

    path: Path
    """Its directory."""
    pid: int
    facts: GuestFacts

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def alive(self) -> bool:
        return live_pid(self.path) == self.pid


class Ended(Struct, frozen=True):
    """How a guest's QEMU ended."""

    code: int | None
    """Exit status as a shell reports it: 128 + signal number for a signal. None if unknown."""
    output: str
    """The last lines of QEMU's standard error."""
    started: float = 0.0
    """Unix time at which the run was started; 0 if unknown."""
    cause: str = ""
    """Why it died and what to do, if known."""


class StateDirectory:
    """The directory that holds the directories of running guests."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        """Create the directory, for this user only.

        :raise HostError: if it cannot be created, or belongs to another user.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise HostError(f"cannot create the state directory {self.root}: {error.strerror}", hint=ANOTHER) from error
        self._check_owner()
        if stat.S_IMODE(self.root.stat().st_mode) & 0o077:
            self.root.chmod(0o700)

    def _check_owner(self) -> None:
        """Reject a directory or link of another user: the monitors of its guests cannot be trusted.

        :raise FileNotFoundError: if there is none.
        """
        link, found = self.root.lstat(), self.root.stat()
        if not stat.S_ISDIR(found.st_mode) or {link.st_uid, found.st_uid} != {os.getuid()}:
            raise HostError(
                f"{self.root} is not a directory owned by you: its owner could control your guests", hint=ANOTHER
            )

    def path(self, name: str) -> Path:
        return self.root / name

    def names(self) -> list[str]:
        """Every guest directory, whether or not its guest is alive.

        :raise HostError: if the state directory belongs to another user, or cannot be read.
        """
        try:
            self._check_owner()
            return sorted(entry.name for entry in self.root.iterdir() if entry.is_dir() and entry.name[0] != ".")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise HostError(f"cannot read the state directory {self.root}: {error.strerror}", hint=ANOTHER) from error

    def find(self, name: str) -> Running | None:
        """The running guest of that name, if its process is alive."""
        if name not in self.names():  # a name such as ../other/demo leads elsewhere
            return None
        path = self.path(name)
        pid = live_pid(path)
        return None if pid is None else Running(path, pid, read_facts(path))

    def running(self, name: str) -> Running:
        """:raise NotFound: if no guest of that name is running."""
        found = self.find(name)
        if found is None:
            raise self.not_running(name)
        return found

    def not_running(self, name: str) -> NotFound:
        """The error for a guest that is not running, with those that are."""
        others = [other for other in self.names() if self.find(other)]
        running = f"running: {', '.join(others)}" if others else "no guest is running"
        return NotFound(f"no running guest named {name!r}", hint=f"{running}; to start it: workbench start {name}")

    def clean(self, name: str) -> Ended | None:
        """Remove the directory of an ended guest and return how it ended. Skips a guest that is alive or starting."""
        path = self.path(name)
        with try_lock(path) as locked:
            if not locked or not is_over(path):
                return None
            ended = read_end(path)
            self._keep_end(name, ended)
            self._keep_logs(name)
            give_back(path)
            shutil.rmtree(path, ignore_errors=True)
            return ended

    def is_locked(self, name: str) -> bool:
        """Whether a process is starting this guest or cleaning up after it."""
        with try_lock(self.path(name)) as locked:
            return not locked and self.path(name).exists()

    def last_end(self, name: str) -> Ended | None:
        """How the last run of a guest ended; None while a later one is starting, running, or not cleaned up."""
        return None if self.path(name).exists() else self._kept_end(name)

    def end_of(self, running: Running) -> Ended | None:
        """How this run ended; None while another process is still cleaning up after it.

        Its directory may be gone, or already belong to a later run.
        """
        for ended in (self.clean(running.name), self._kept_end(running.name)):
            if ended is not None and ended.started == running.facts.started:
                return ended
        return None

    def _kept_end(self, name: str) -> Ended | None:
        try:
            return msgspec.json.decode((self.root / ENDS / name).read_bytes(), type=Ended)
        except (OSError, ValueError):
            return None

    def _keep_end(self, name: str, ended: Ended) -> None:
        ends = self.root / ENDS
        # Without it the next screen only shows "stopped"; nothing else is lost, even on a full disk.
        with suppress(OSError):
            ends.mkdir(mode=0o700, exist_ok=True)
            write_atomic(ends / name, msgspec.json.encode(ended))

    def kept_log(self, name: str, log: str) -> Path:
        """Where one of :data:`LOGS` of the last run is kept, if there is one."""
        return self.root / ENDS / f"{name}.{log}"

    def _keep_logs(self, name: str) -> None:
        for log in LOGS:
            kept = self.kept_log(name, log)
            # A log that cannot be kept must not prevent the cleanup.
            with suppress(OSError):
                kept.unlink(missing_ok=True)
                (self.path(name) / log).rename(kept)

    def _drop_logs(self, name: str) -> None:
        for log in LOGS:
            with suppress(OSError):  # one that stays is replaced at the next end
                self.kept_log(name, log).unlink(missing_ok=True)

    @contextmanager
    def claim(self, name: str) -> Iterator[Path]:
        """Create the empty directory of a guest that is about to start, locked until the start is over.

        If the body raises, the directory is removed.

        :raise StartError: if the guest is already running, or another process is starting it.
        :raise HostError: if a socket's path would be too long, or the directory cannot be created.
        """
        path = self.path(name)
        check_socket_path(path)
        self.prepare()
        try:
            path.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise HostError(
                f"cannot create a directory for {name} in {self.root}: {error.strerror}", hint=ANOTHER
            ) from error
        with try_lock(path) as locked:
            if not locked:
                raise StartError(
                    f"{name} is already being started",
                    hint="workbench list shows it once it is running",
                )
            pid = live_pid(path)
            if pid is not None:
                raise StartError(f"{name} is already running, pid {pid}", hint=f"to stop it: workbench stop {name}")
            if not is_over(path):
                raise StartError(
                    f"{name} is just starting or ending", hint="workbench list shows it once it is running"
                )
            try:
                path.chmod(0o700)
                if any(path.iterdir()):  # the last run was not cleaned up: its watchers still need its end
                    self._keep_end(name, read_end(path))
                    self._keep_logs(name)
                    give_back(path)
                _empty(path)
                yield path
                self._drop_logs(name)  # not earlier: a failed start keeps the logs of the previous run
            except BaseException:
                give_back(path)
                shutil.rmtree(path, ignore_errors=True)
                raise


def check_socket_path(directory: Path) -> None:
    """:raise HostError: if a guest's longest socket path exceeds the kernel's limit (unix(7))."""
    longest = len(os.fsencode(directory / LONGEST_SOCKET))
    if longest > SUN_PATH_MAX:
        raise HostError(
            f"the state directory is too deep: {directory / LONGEST_SOCKET} has {longest} bytes, "
            f"a socket's path can have at most {SUN_PATH_MAX}",
            hint="name a shorter directory with --state DIR or WORKBENCH_STATE",
        )


def write_facts(path: Path, facts: GuestFacts) -> None:
    write_atomic(path / "guest.json", msgspec.json.format(msgspec.json.encode(facts)))


def read_facts(path: Path) -> GuestFacts:
    """The facts of a guest; without a valid file, only those known without it."""
    try:
        return msgspec.json.decode((path / "guest.json").read_bytes(), type=GuestFacts)
    except (OSError, ValueError):
        return GuestFacts(path.name, 0, "", "", "", 0.0)


def read_end(path: Path) -> Ended:
    """How the guest ended: the exit status written by its keeper, and the end of its log."""
    try:
        code = int((path / "exit").read_text())
    except (OSError, ValueError):
        code = None
    facts = read_facts(path)
    cause = exit_cause(code, hugepages=bool(facts.backing), reporting=facts.reporting, prealloc=facts.prealloc)
    return Ended(code, read_tail(path / "qemu.log"), facts.started, cause)


def read_tail(path: Path, size: int = 8192) -> str:
    """The last bytes of a log as text; empty if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - size))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold the lock of a guest directory, if it is free and the directory is still the one that was opened."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The previous holder may have removed the directory, and another of the same name may exist.
            same = os.path.samestat(os.fstat(handle), path.lstat())
        except OSError:
            same = False
        yield same
    finally:
        os.close(handle)


def _empty(path: Path) -> None:
    """Remove what an ended guest left in its directory."""
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
