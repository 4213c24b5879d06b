"""The state directory: where running guests live, and how they are found again.

Each guest has a directory ``NAME/`` that its QEMU's sockets, logs and pid file stand in. A guest lives exactly as long as
a process whose pid stands in ``NAME/pid`` and whose command line names that very file after ``-pidfile``: a number alone
may belong to another program by now. Whoever starts a guest or cleans up after one holds a lock (flock(2)) on the directory.
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
"""The directory beside the guests' own that keeps how each one's last run ended."""
LOGS = ("serial.log", "qemu.log", "history", "history.minute", "history.half-hour", "marks")
"""What a guest and its QEMU said and what became of its balloon: kept whole as ``NAME.serial.log`` and so on until the next
start."""


ANOTHER = "name another one with --state DIR or WORKBENCH_STATE"


class GuestFacts(Struct, frozen=True):
    """What the start of a guest decided, kept in ``guest.json`` for whoever finds it again."""

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
    """Whether all hugepages were taken at the start."""
    profile: str = ""
    """The profile's file."""
    device_lines: dict[str, str] = field(default_factory=dict)
    """For each device's id the place in the profile that made it, such as ``demo.toml:14``."""


class Running(Struct, frozen=True):
    """A guest whose QEMU process lives."""

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
    """What a guest left behind when its QEMU ended."""

    code: int | None
    """Exit status as a shell reports it: 128 + the signal's number for a signal. None if nobody saw it."""
    output: str
    """The last lines of QEMU's standard error."""
    started: float = 0.0
    """Unix time when the run that ended was started; 0 if not known."""
    cause: str = ""
    """Why it died and what to do, as far as that is known."""


class StateDirectory:
    """The directory below which every running guest has its own."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        """Make the directory, for this user only.

        :raise HostError: when it cannot be made, or belongs to somebody else.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise HostError(f"no state directory at {self.root}: {error.strerror}", hint=ANOTHER) from error
        self._check_owner()
        if stat.S_IMODE(self.root.stat().st_mode) & 0o077:
            self.root.chmod(0o700)

    def _check_owner(self) -> None:
        """A directory of somebody else, or a link that somebody else laid: its guests' monitors are not to be trusted.

        :raise FileNotFoundError: when there is none.
        """
        link, found = self.root.lstat(), self.root.stat()
        if not stat.S_ISDIR(found.st_mode) or {link.st_uid, found.st_uid} != {os.getuid()}:
            raise HostError(
                f"{self.root} is not a directory of yours: whoever owns it could take your guests over", hint=ANOTHER
            )

    def path(self, name: str) -> Path:
        return self.root / name

    def names(self) -> list[str]:
        """Every guest directory, whether its guest lives or not.

        :raise HostError: when the state directory is somebody else's, or cannot be read.
        """
        try:
            self._check_owner()
            return sorted(entry.name for entry in self.root.iterdir() if entry.is_dir() and entry.name[0] != ".")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise HostError(
                f"the state directory {self.root} cannot be read: {error.strerror}", hint=ANOTHER
            ) from error

    def find(self, name: str) -> Running | None:
        """The running guest of that name, if its process lives."""
        if name not in self.names():  # a name such as ../other/demo leads elsewhere
            return None
        path = self.path(name)
        pid = live_pid(path)
        return None if pid is None else Running(path, pid, read_facts(path))

    def running(self, name: str) -> Running:
        """:raise NotFound: when no guest of that name runs."""
        found = self.find(name)
        if found is None:
            others = [other for other in self.names() if self.find(other)]
            running = f"running: {', '.join(others)}" if others else "no guest runs"
            hint = f"{running}; to start it: workbench start {name}"
            raise NotFound(f"no guest {name!r} runs", hint=hint)
        return found

    def clean(self, name: str) -> Ended | None:
        """Remove a directory whose guest has ended, and tell how it ended. A live or starting guest's is left alone."""
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
        """Whether somebody starts this guest, or cleans up after it, at this moment."""
        with try_lock(self.path(name)) as locked:
            return not locked and self.path(name).exists()

    def last_end(self, name: str) -> Ended | None:
        """How the last run of a guest ended; None while a later one starts, runs, or was not cleaned up after."""
        return None if self.path(name).exists() else self._kept_end(name)

    def end_of(self, running: Running) -> Ended | None:
        """How this very run ended, whoever cleaned up after it; None while that is still being done.

        Its directory may be gone, or belong to a later run already.
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
        # Without it the next screen says "stopped" and not how; nothing else is lost, also on a full disk.
        with suppress(OSError):
            ends.mkdir(mode=0o700, exist_ok=True)
            write_atomic(ends / name, msgspec.json.encode(ended))

    def kept_log(self, name: str, log: str) -> Path:
        """Where one of :data:`LOGS` of the last run is kept, if there is one."""
        return self.root / ENDS / f"{name}.{log}"

    def _keep_logs(self, name: str) -> None:
        for log in LOGS:
            kept = self.kept_log(name, log)
            # As with the end: a log that cannot be kept must not keep the directory from being cleaned.
            with suppress(OSError):
                kept.unlink(missing_ok=True)
                (self.path(name) / log).rename(kept)

    def _drop_logs(self, name: str) -> None:
        for log in LOGS:
            with suppress(OSError):  # one that stays is replaced at the next end
                self.kept_log(name, log).unlink(missing_ok=True)

    @contextmanager
    def claim(self, name: str) -> Iterator[Path]:
        """The directory of a guest that is about to start, made anew, locked until the start is over.

        When the body raises, the directory is gone again.

        :raise StartError: when that guest runs already, or somebody else is starting it at this moment.
        :raise HostError: when a socket's path would be too long, or the directory cannot be made.
        """
        path = self.path(name)
        check_socket_path(path)
        self.prepare()
        try:
            path.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise HostError(f"no directory for {name} in {self.root}: {error.strerror}", hint=ANOTHER) from error
        with try_lock(path) as locked:
            if not locked:
                raise StartError(
                    f"{name} is being started by somebody else at this moment",
                    hint="workbench list shows it when it runs",
                )
            pid = live_pid(path)
            if pid is not None:
                raise StartError(f"{name} runs already, pid {pid}", hint=f"to end it: workbench stop {name}")
            if not is_over(path):
                raise StartError(f"{name} starts or ends at this moment", hint="workbench list shows it when it runs")
            try:
                path.chmod(0o700)
                if any(path.iterdir()):  # nobody cleaned up after the last run: whoever watches it still wants its end
                    self._keep_end(name, read_end(path))
                    self._keep_logs(name)
                    give_back(path)
                _empty(path)
                yield path
                self._drop_logs(name)  # not before: a start that fails leaves the last words of the run before it
            except BaseException:
                give_back(path)
                shutil.rmtree(path, ignore_errors=True)
                raise


def check_socket_path(directory: Path) -> None:
    """:raise HostError: when the longest of a guest's sockets would pass what the kernel takes (unix(7))."""
    longest = len(os.fsencode(directory / LONGEST_SOCKET))
    if longest > SUN_PATH_MAX:
        raise HostError(
            f"the state directory is too deep: {directory / LONGEST_SOCKET} has {longest} bytes, "
            f"and a socket's path can have {SUN_PATH_MAX}",
            hint="name a shorter one with --state DIR or WORKBENCH_STATE",
        )


def write_facts(path: Path, facts: GuestFacts) -> None:
    write_atomic(path / "guest.json", msgspec.json.format(msgspec.json.encode(facts)))


def read_facts(path: Path) -> GuestFacts:
    """The facts of a guest; where the file is missing or damaged, those that can be known without it."""
    try:
        return msgspec.json.decode((path / "guest.json").read_bytes(), type=GuestFacts)
    except (OSError, ValueError):
        return GuestFacts(path.name, 0, "", "", "", 0.0)


def read_end(path: Path) -> Ended:
    """How the guest ended: the status that its shell wrote, and the last of its log."""
    try:
        code = int((path / "exit").read_text())
    except (OSError, ValueError):
        code = None
    facts = read_facts(path)
    cause = exit_cause(code, hugepages=bool(facts.backing), reporting=facts.reporting, prealloc=facts.prealloc)
    return Ended(code, read_tail(path / "qemu.log"), facts.started, cause)


def read_tail(path: Path, size: int = 8192) -> str:
    """The last bytes of a log as text; empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - size))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold the lock of a guest directory, if it is free and the directory still is the one that was opened."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it before us may have removed the directory and made another of the same name.
            same = os.path.samestat(os.fstat(handle), path.lstat())
        except OSError:
            same = False
        yield same
    finally:
        os.close(handle)


def _empty(path: Path) -> None:
    """Remove what a guest that ended has left in its directory."""
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
