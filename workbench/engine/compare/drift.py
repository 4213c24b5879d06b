"""Finding out how a running guest differs from its profile: its command line, the profile on disk, and what lives in QEMU."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.compare.drift import Live, Said, device_places, drift
from workbench.domain.hotplug.leftovers import Backends
from workbench.engine.hotplug.backends import read_backends
from workbench.engine.profiles.store import read_profile
from workbench.engine.start.plan import plan
from workbench.errors import CommandFailed, HostError, NotFound

if TYPE_CHECKING:
    from workbench.domain.compare.drift import Difference
    from workbench.engine.devices.qom import QomReader
    from workbench.engine.devices.virtio_pci import Execute
    from workbench.engine.profiles.store import LoadedProfile
    from workbench.engine.state.directory import Running
    from workbench.settings import Settings

SELDOM = 30.0
"""Seconds until a netdev, chardev or block node is seen at the latest that came without a device."""
ABOVE = ("/machine/peripheral", "/machine/peripheral-anon", "/objects")


class DriftReader:
    """Compares one running guest with its profile, again and again; the profile is read when its file has changed."""

    def __init__(self, running: Running, settings: Settings) -> None:
        self._running = running
        self._settings = settings
        self._argv = started_argv(running.pid)
        self._backends = Backends()
        self._made: tuple[frozenset[str], ...] = ()
        """The devices and objects that there were when those were asked for."""
        self._due = 0.0
        self._said: tuple[tuple[object, ...], tuple[Said, ...]] = ((), ())

    async def read(self, qom: QomReader, execute: Execute) -> tuple[Difference, ...]:
        """Every difference now.

        :raise workbench.errors.NotFound: when the profile's file is gone.
        :raise workbench.domain.profile.problems.ProfileError: when it has problems.
        :raise workbench.errors.HostError: when this host lacks something that the profile needs.
        :raise workbench.errors.MonitorError: when QEMU does not answer.
        """
        live = await read_live(qom)
        backends = await self._standing(live, execute)
        return drift(replace(live, backends=backends), self._argv, await self._now())

    async def places(self) -> dict[str, str]:
        """Id -> the line that makes the device in the profile as it is now; raises as :meth:`read` does."""
        return device_places(await self._now())

    async def _standing(self, live: Live, execute: Execute) -> Backends:
        """What there is for devices to stand on: asked again when devices came or went, or left something, else seldom."""
        made, now = (frozenset(live.devices), frozenset(live.objects)), time.monotonic()
        if made != self._made or self._backends.leftovers(live.devices, ()) or now >= self._due:
            self._backends = await read_backends(execute)
            self._made, self._due = made, now + SELDOM
        return self._backends

    async def _now(self) -> tuple[Said, ...]:
        """What the profile would give now."""
        if not self._running.facts.profile:
            raise NotFound(f"{self._running.name} was not started from a profile")
        path = Path(self._running.facts.profile)
        if not path.exists():
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


async def read_live(qom: QomReader) -> Live:
    """The devices and objects that somebody made in QEMU."""

    async def types(path: str) -> dict[str, str]:
        try:
            return {child.name: child.type for child in await qom.children(path)}
        except CommandFailed:
            return {}  # a machine without such a place

    devices, anonymous, objects = await asyncio.gather(*(types(path) for path in ABOVE))
    return Live(devices, {f"{ABOVE[1]}/{name}": kind for name, kind in anonymous.items()}, objects)


def _stamp(loaded: LoadedProfile) -> tuple[object, ...]:
    """Another one when the plan may be another."""
    return loaded.text, loaded.parsed.document, loaded.problems


def _place(loaded: LoadedProfile, path: tuple[str | int, ...]) -> str:
    place = loaded.parsed.place(path)
    return f"{Path(place.file).name}:{place.line}" if place is not None and place.line else ""


def started_argv(pid: int) -> tuple[str, ...]:
    """The arguments that a QEMU was started with, its program left out (proc(5)).

    :raise HostError: when they cannot be read: it ended, or belongs to another user.
    """
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError as error:
        raise HostError(f"the command line of QEMU, pid {pid}, cannot be read: {error.strerror}") from error
    return tuple(word.decode(errors="surrogateescape") for word in raw.split(b"\0")[1:-1])
