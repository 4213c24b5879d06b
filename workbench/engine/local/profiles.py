"""Profile files for the editor: reads, checks and saves them, and detects changes by other programs."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.command_line.argv import argv_parts
from workbench.domain.command_line.checked import Checked, ProfileText
from workbench.domain.compare.keys import compare_profiles
from workbench.domain.compare.running_profile import as_it_runs, of_others
from workbench.domain.profile.names import check_name
from workbench.domain.profile.problems import ProfileChanged, ProfileError
from workbench.engine.host.accelerator import choose_accelerator
from workbench.engine.host.qemu import qemu_binary, qemu_version
from workbench.engine.hotplug.plugged import plugged
from workbench.engine.profiles.checks import Checks
from workbench.engine.profiles.store import SUFFIX, file_states, parse_text, read_text, samples_directory
from workbench.engine.start.plan import launch_of
from workbench.engine.storage.files import shown
from workbench.errors import HostError, NotFound, UsageError, WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from workbench.domain.command_line.argv import ArgvPart
    from workbench.domain.compare.drift import Live
    from workbench.domain.compare.keys import Comparison
    from workbench.domain.host.accelerator import Accelerator
    from workbench.domain.profile.guest import GuestProfile
    from workbench.domain.profile.problems import Problem
    from workbench.engine.profiles.store import LoadedProfile, ProfileStore
    from workbench.settings import Settings

TRASH = ".trash"
"""The directory for deleted profiles, below the profiles' directory."""
EMPTY = """\
# All keys and their defaults: see the editor's form (f2) or docs/profiles.md.

[memory]
size = "512M"
"""


class ProfileFiles:
    """See :class:`workbench.engine.base.Profiles`."""

    def __init__(
        self, store: ProfileStore, settings: Settings, look: Callable[[str], Awaitable[Live]] | None = None
    ) -> None:
        """:param look: returns the live objects of a guest's QEMU; without it, plugged and unplugged devices are unknown."""
        self._look = look
        self._store = store
        self._settings = settings
        self._qemu: tuple[str, tuple[int, int]] | None = None
        self._chosen: Accelerator | None = None
        """What ``auto`` selects; None while unknown."""
        self._no_qemu = ""
        """Why there is no command line."""

    async def read(self, name: str) -> ProfileText:
        await self._look_at_host()
        return await asyncio.to_thread(self._read, name)

    def _read(self, name: str) -> ProfileText:
        loaded = self._store.load(name)
        path = self._path(name)
        try:
            stamp = file_states(loaded.path)
            text = read_text(loaded.path)
        except OSError as error:
            raise HostError(f"cannot read {shown(loaded.path)}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise HostError(f"cannot edit {shown(loaded.path)}: {loaded.problems[0].message}") from error
        if loaded.path != path:
            return ProfileText(name, str(path), text, sample=str(loaded.path))
        return ProfileText(name, str(path), text, stamp)

    async def disk(self, known: ProfileText) -> ProfileText:
        return await asyncio.to_thread(self._disk, known)

    def _disk(self, known: ProfileText) -> ProfileText:
        path = Path(known.path)
        stamp = file_states(path)
        if stamp == known.stamp or not stamp:
            return known if stamp == known.stamp else ProfileText(known.name, known.path, "")
        try:
            return ProfileText(known.name, known.path, read_text(path), stamp)
        except UnicodeDecodeError as error:
            raise HostError(f"{shown(path.name)} is no longer valid UTF-8") from error
        except OSError as error:
            raise HostError(f"cannot read {shown(path.name)} any more: {error.strerror}") from error

    async def save(self, known: ProfileText, text: str, *, anyway: bool = False) -> ProfileText:
        return await asyncio.to_thread(self._save, known, text, anyway)

    def _save(self, known: ProfileText, text: str, anyway: bool) -> ProfileText:
        path = Path(known.path)
        if not anyway:
            try:
                now = self._disk(known)
            except HostError as error:
                if isinstance(
                    error.__cause__, UnicodeDecodeError
                ):  # another program wrote it, and it can be overwritten
                    raise ProfileChanged(error.message) from error
                raise
            if now.stamp != known.stamp and now.text != known.text:
                gone = not now.stamp
                raise ProfileChanged(
                    f"{shown(path)} was {'deleted' if gone else 'changed by another program'} since it was read",
                    hint="save anyway, or reload it",
                )
        self._store.write(known.name, text)
        return ProfileText(known.name, known.path, text, file_states(path))

    def comparable(self, name: str) -> tuple[str, ...]:
        names = tuple(entry.name for entry in self._store.entries() if entry.name != name)
        return ("", *names) if self._started(name).exists() else names

    async def compare(self, known: ProfileText, text: str, other: str) -> Comparison:
        await self._look_at_host()
        mine = self._side(known, text)
        if not other:
            return await self._compare_running(known, mine)
        theirs = await self.read(other)
        # Both under this text's name: the name is not a difference.
        return compare_profiles(self._side(replace(theirs, name=known.name), theirs.text), mine)

    async def _compare_running(self, known: ProfileText, mine: tuple[GuestProfile, tuple[ArgvPart, ...]]) -> Comparison:
        """Compare with the guest's current devices, including those plugged and unplugged since its start."""
        # Its paths are relative to the profile's directory: the copy is only stored elsewhere.
        text = await asyncio.to_thread(read_text, self._started(known.name))
        started = self._side(known, text)
        if self._look is None:
            return compare_profiles(started, mine)
        try:
            live = await self._look(known.name)
        except WorkbenchError as error:
            return replace(compare_profiles(started, mine), unknown=error.message)
        now = as_it_runs(started[0], plugged(self._settings.state / known.name), live.devices)
        parts = now.parts(started[1], self._parts(self._loaded(known, text), now.whole)[0])
        return replace(compare_profiles((now.profile, parts), mine), others=of_others(live, parts))

    def _started(self, name: str) -> Path:
        """The profile that the running guest was started with."""
        return self._settings.state / name / "profile.toml"

    def _side(self, known: ProfileText, text: str) -> tuple[GuestProfile, tuple[ArgvPart, ...]]:
        """One side of a comparison.

        :raise ProfileError: if the text has problems.
        :raise HostError: if there is no QEMU, or this host lacks something that the profile needs.
        """
        checked = self.check(known, text)
        if checked.parsed.profile is None:
            raise ProfileError(f"{checked.file} has problems", checked.problems)
        if checked.why:
            raise HostError(checked.why)
        return checked.parsed.profile, checked.parts

    def check(self, known: ProfileText, text: str) -> Checked:
        loaded = self._loaded(known, text)
        bases = tuple(map(str, loaded.bases))
        seen = Checked(loaded.file, loaded.parsed, bases=bases, bases_stamp=file_states(*loaded.bases))
        if loaded.profile is None:
            return seen
        try:
            parts, binary = self._parts(loaded, loaded.profile)
        except HostError as error:
            return replace(seen, why=error.message)
        return replace(seen, parts=parts, binary=binary)

    def _parts(self, loaded: LoadedProfile, profile: GuestProfile) -> tuple[tuple[ArgvPart, ...], str]:
        """The options for this text's profile or a running guest's, and QEMU's program.

        :raise HostError: if there is no QEMU, or this host lacks something that the profile needs.
        """
        if self._qemu is None:
            raise HostError(self._no_qemu)
        chosen = profile.accelerator
        if chosen == "auto":
            chosen = "kvm" if self._chosen is not None and self._chosen.name == "kvm" else "tcg"
        launch = launch_of(loaded, profile, self._settings, *self._qemu, chosen)
        return argv_parts(profile, launch), launch.binary

    async def bases_changed(self, checked: Checked) -> bool:
        if not checked.bases:
            return False
        return await asyncio.to_thread(file_states, *map(Path, checked.bases)) != checked.bases_stamp

    @property
    def uses_samples(self) -> bool:
        return not self._store.directory.exists()

    def templates(self) -> Mapping[str, str]:
        found = {"empty": EMPTY}
        for path in sorted(samples_directory().glob(f"*{SUFFIX}")):
            found[path.name.removesuffix(SUFFIX)] = read_text(path)
        return found

    def name_trouble(self, name: str) -> str:
        trouble = check_name(name)
        if trouble:
            return trouble
        return f"a profile named {name} already exists" if os.path.lexists(self._path(name)) else ""

    async def create(self, name: str, text: str) -> ProfileText:
        self._refuse(name)
        await self._look_at_host()
        await asyncio.to_thread(self._store.write, name, text)
        return await asyncio.to_thread(self._read, name)

    async def rename(self, name: str, new: str) -> ProfileText:
        self._refuse(new)
        old, path = self._own(name), self._path(new)
        variables = self._settings.data / "uefi" / f"{name}.fd"
        moves = [(old, path)]
        if variables.exists():
            moves.append((variables, variables.with_name(f"{new}.fd")))
        try:
            for _, target in moves:
                if os.path.lexists(target):
                    raise HostError(f"{shown(target)} already exists")
            for source, target in moves:
                os.rename(source, target)
        except OSError as error:
            if source != old:
                os.rename(path, old)  # do not leave a renamed profile without its variables
            raise HostError(f"cannot rename {shown(source)}: {error.strerror}") from error
        return await self.read(new)

    async def trash(self, name: str) -> Path:
        path = self._own(name)
        trash = self._store.directory / TRASH
        stem = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
        target, number = trash / f"{stem}{SUFFIX}", 2
        try:
            trash.mkdir(exist_ok=True)
            while os.path.lexists(target):
                target, number = trash / f"{stem}-{number}{SUFFIX}", number + 1
            os.rename(path, target)
        except OSError as error:
            raise HostError(f"cannot move {shown(path)} to the trash: {error.strerror}") from error
        return target

    async def extended_by(self, name: str) -> tuple[str, ...]:
        return await asyncio.to_thread(self._extended_by, self._path(name))

    def _extended_by(self, path: Path) -> tuple[str, ...]:
        """Names in the order of the list."""
        real = os.path.realpath(path)
        loaded = [self._store.load(entry.name) for entry in self._store.entries()]
        return tuple(one.name for one in loaded if real in map(os.path.realpath, one.bases))

    def _own(self, name: str) -> Path:
        """:raise NotFound: if the user has no profile of that name."""
        path = self._path(name)
        if not os.path.lexists(path):
            raise NotFound(
                f"{name} is a sample that comes with the workbench, not a file of yours",
                hint="duplicate it under another name: D",
            )
        return path

    def _refuse(self, name: str) -> None:
        """:raise UsageError: if a new profile cannot have this name."""
        trouble = self.name_trouble(name)
        if trouble:
            raise UsageError(trouble)

    async def check_host(self, known: ProfileText, text: str) -> tuple[Problem, ...]:
        return await asyncio.to_thread(self._check_host, known, text)

    def _check_host(self, known: ProfileText, text: str) -> tuple[Problem, ...]:
        loaded = self._loaded(known, text)
        (problems,) = Checks(self._settings, self._chosen).problems([loaded])
        return tuple(problem for problem in problems if problem not in loaded.problems)

    def _loaded(self, known: ProfileText, text: str) -> LoadedProfile:
        """Parse the text as if read from its file."""
        path = Path(known.sample or known.path)
        return parse_text(path, text, name=known.name, file=path.name)

    def _path(self, name: str) -> Path:
        """:raise UsageError: for an invalid name."""
        trouble = check_name(name)
        if trouble:
            raise UsageError(trouble)
        return self._store.directory / f"{name}{SUFFIX}"

    async def _look_at_host(self) -> None:
        """Find the QEMU and accelerator that a start would use now; a missing QEMU does not prevent editing."""
        try:
            binary = qemu_binary()
            version = await asyncio.to_thread(qemu_version, binary, self._settings.cache)
            self._chosen = await choose_accelerator(self._settings.cache)
        except WorkbenchError as error:
            self._qemu, self._no_qemu = None, error.message
        else:
            self._qemu, self._no_qemu = (binary, version[:2]), ""
