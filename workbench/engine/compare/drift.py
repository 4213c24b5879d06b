"""Compare a running guest with its profile: its command line, the profile on disk, and the devices in QEMU."""

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

BACKENDS_EVERY = 30.0
"""Seconds between two reads of the backends while no device changes: new ones without a device are noticed that late."""
ABOVE = ("/machine/peripheral", "/machine/peripheral-anon", "/objects")


class DriftReader:
    """Compares one running guest with its profile repeatedly; the profile is only planned again when it has changed."""

    def __init__(self, running: Running, settings: Settings) -> None:
        self._running = running
        self._settings = settings
        self._argv = started_argv(running.pid)
        self._backends = Backends()
        self._made: tuple[frozenset[str], ...] = ()
        """The devices and objects when the backends were read."""
        self._due = 0.0
        self._planned: tuple[tuple[object, ...], tuple[Said, ...]] = ((), ())

    async def read(self, qom: QomReader, execute: Execute) -> tuple[Difference, ...]:
        """All current differences.

        :raise workbench.errors.NotFound: when the profile's file is gone.
        :raise workbench.domain.profile.problems.ProfileError: when it has problems.
        :raise workbench.errors.HostError: when this host lacks something that the profile needs.
        :raise workbench.errors.MonitorError: when QEMU does not reply.
        """
        live = await read_live(qom)
        backends = await self._read_backends(live, execute)
        return drift(replace(live, backends=backends), self._argv, await self._now())

    async def places(self) -> dict[str, str]:
        """Id -> the line in the current profile that defines the device. Raises the same errors as :meth:`read`."""
        return device_places(await self._now())

    async def _read_backends(self, live: Live, execute: Execute) -> Backends:
        """The backends, read again when devices changed or left some behind, otherwise every :data:`BACKENDS_EVERY`."""
        made, now = (frozenset(live.devices), frozenset(live.objects)), time.monotonic()
        if made != self._made or self._backends.leftovers(live.devices, ()) or now >= self._due:
            self._backends = await read_backends(execute)
            self._made, self._due = made, now + BACKENDS_EVERY
        return self._backends

    async def _now(self) -> tuple[Said, ...]:
        """The options that the current profile results in."""
        if not self._running.facts.profile:
            raise NotFound(f"{self._running.name} was not started from a profile")
        path = Path(self._running.facts.profile)
        if not path.exists():
            raise NotFound(
                f"the profile of {self._running.name} is gone: {path} does not exist",
                hint=f"copy from when the guest was started: {self._running.path / 'profile.toml'}",
            )
        loaded = await asyncio.to_thread(read_profile, path, name=self._running.name)
        stamp = _stamp(loaded)
        if stamp != self._planned[0]:
            planned = await plan(loaded, self._settings, check=False)
            options = tuple(Said(part.options, part.key, _place(loaded, part.path)) for part in planned.parts)
            self._planned = stamp, options
        return self._planned[1]


async def read_live(qom: QomReader) -> Live:
    """The devices and objects that were added to QEMU."""

    async def types(path: str) -> dict[str, str]:
        try:
            return {child.name: child.type for child in await qom.children(path)}
        except CommandFailed:
            return {}  # this machine has no such container

    devices, anonymous, objects = await asyncio.gather(*(types(path) for path in ABOVE))
    return Live(devices, {f"{ABOVE[1]}/{name}": kind for name, kind in anonymous.items()}, objects)


def _stamp(loaded: LoadedProfile) -> tuple[object, ...]:
    """Changes whenever the plan may change."""
    return loaded.text, loaded.parsed.document, loaded.problems


def _place(loaded: LoadedProfile, path: tuple[str | int, ...]) -> str:
    place = loaded.parsed.place(path)
    return f"{Path(place.file).name}:{place.line}" if place is not None and place.line else ""


def started_argv(pid: int) -> tuple[str, ...]:
    """The arguments that a QEMU was started with, without its program (proc(5)).

    :raise HostError: when they cannot be read, because it exited or belongs to another user.
    """
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError as error:
        raise HostError(f"cannot read the command line of QEMU (pid {pid}): {error.strerror}") from error
    return tuple(word.decode(errors="surrogateescape") for word in raw.split(b"\0")[1:-1])
