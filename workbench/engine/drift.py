"""Finding out how a running guest differs from its profile: its command line, the profile on disk, and what lives in QEMU."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.drift import Live, Said, drift
from workbench.engine.backends import read_backends
from workbench.engine.plan import plan
from workbench.engine.profiles import read_profile
from workbench.errors import CommandFailed, HostError, NotFound

if TYPE_CHECKING:
    from workbench.domain.drift import Difference
    from workbench.engine.profiles import LoadedProfile
    from workbench.engine.qom import QomReader
    from workbench.engine.state import Running
    from workbench.engine.virtio_pci import Execute
    from workbench.settings import Settings

ABOVE = ("/machine/peripheral", "/machine/peripheral-anon", "/objects")


class DriftReader:
    """Compares one running guest with its profile, again and again; the profile is read when its file has changed."""

    def __init__(self, running: Running, settings: Settings) -> None:
        self._running = running
        self._settings = settings
        self._argv = _started_argv(running.pid)
        self._said: tuple[tuple[object, ...], tuple[Said, ...]] = ((), ())

    async def read(self, qom: QomReader, execute: Execute) -> tuple[Difference, ...]:
        """Every difference now.

        :raise workbench.errors.NotFound: when the profile's file is gone.
        :raise workbench.errors.ProfileError: when it has problems.
        :raise workbench.errors.HostError: when this host lacks something that the profile needs.
        :raise workbench.errors.MonitorError: when QEMU does not answer.
        """
        live = await read_live(qom, execute)
        return drift(live, self._argv, await self._now())

    async def _now(self) -> tuple[Said, ...]:
        """What the profile would give now."""
        path = Path(self._running.facts.profile)
        if not self._running.facts.profile or not path.exists():
            raise NotFound(
                f"{self._running.name} has no profile any more: there is no {path}",
                hint=f"as it was at the start: {self._running.path / 'profile.toml'}",
            )
        loaded = await asyncio.to_thread(read_profile, path, name=self._running.name)
        stamp = _stamp(loaded)
        if stamp != self._said[0]:
            planned = await plan(loaded, self._settings, check=False)
            self._said = stamp, tuple(Said(part.options, part.key, _place(loaded, part.path)) for part in planned.parts)
        return self._said[1]


async def read_live(qom: QomReader, execute: Execute) -> Live:
    """What somebody made in QEMU."""

    async def types(path: str) -> dict[str, str]:
        try:
            return {child.name: child.type for child in await qom.children(path)}
        except CommandFailed:
            return {}  # a machine without such a place

    listings = asyncio.gather(*(types(path) for path in ABOVE))
    (devices, anonymous, objects), backends = await asyncio.gather(listings, read_backends(execute))
    return Live(devices, {f"{ABOVE[1]}/{name}": kind for name, kind in anonymous.items()}, objects, backends)


def _stamp(loaded: LoadedProfile) -> tuple[object, ...]:
    """Another one when the plan may be another."""
    return loaded.text, loaded.parsed.document, loaded.problems


def _place(loaded: LoadedProfile, path: tuple[str | int, ...]) -> str:
    place = loaded.parsed.place(path)
    return f"{Path(place.file).name}:{place.line}" if place is not None and place.line else ""


def _started_argv(pid: int) -> tuple[str, ...]:
    """The arguments that a QEMU was started with, its program left out (proc(5)).

    :raise HostError: when they cannot be read: it ended, or belongs to another user.
    """
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError as error:
        raise HostError(f"the command line of QEMU, pid {pid}, cannot be read: {error.strerror}") from error
    return tuple(word.decode(errors="surrogateescape") for word in raw.split(b"\0")[1:-1])
