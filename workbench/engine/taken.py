"""What a profile wants and somebody else has: ports of the host, and images that another running guest writes to."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.argv import resolve
from workbench.domain.devices.net import host_end
from workbench.engine.profiles import shown, started_profile
from workbench.engine.state import StateDirectory
from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.devices.part import Path as Place
    from workbench.domain.problems import Problem
    from workbench.domain.profile import GuestProfile
    from workbench.engine.profiles import LoadedProfile

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


class Taken:
    """Looks once at the running guests, and then at as many profiles as there are."""

    def __init__(self, state: Path) -> None:
        self._home = str(Path.home())
        self._running: dict[str, GuestProfile] = {}
        self._images: list[tuple[str, str, bool]] = []
        """Guest, real path and whether it writes, of each image of a running guest."""
        directory = StateDirectory(state)
        try:
            names = directory.names()
        except HostError:  # told elsewhere: nothing runs there that is ours
            names = []
        for name in names:
            found = directory.find(name)
            profile = started_profile(found.path) if found is not None else None
            if found is None or profile is None:
                continue
            self._running[name] = profile
            base = str(Path(found.facts.profile).parent) if found.facts.profile else "/"
            self._images += [(name, path, writes) for _, path, writes in self._images_of(profile, base)]

    def problems(self, loaded: LoadedProfile) -> tuple[Problem, ...]:
        """What of a profile is taken; nothing for one whose guest runs: it has it itself."""
        profile = loaded.profile
        if profile is None or loaded.name in self._running:
            return ()
        found = [*self._ports(profile), *self._disks(loaded, profile)]
        return tuple(sorted(loaded.parsed.problem(loaded.file, place, message) for place, message in found))

    def _ports(self, profile: GuestProfile) -> Iterator[tuple[Place, str]]:
        for index, net in enumerate(profile.net):
            for number, text in enumerate(net.forward):
                protocol, address, port = host_end(text)
                trouble = _port_trouble(protocol, address, port)
                if trouble:
                    holder = self._holder(protocol, port)
                    yield ("net", index, "forward", number), f"{protocol} port {port} of the host {trouble}{holder}"

    def _holder(self, protocol: str, port: int) -> str:
        """Which running guest has the port, where it is one of ours."""
        for name, profile in self._running.items():
            ends = (host_end(text) for net in profile.net for text in net.forward)
            if any((kind, other) == (protocol, port) for kind, _, other in ends):
                return f": {name} has it"
        return ""

    def _disks(self, loaded: LoadedProfile, profile: GuestProfile) -> Iterator[tuple[Place, str]]:
        """Two guests on one image, of which one writes, destroy it; QEMU's own lock says so only when it starts."""
        for place, path, writes in self._images_of(profile, str(loaded.path.parent)):
            for guest, other, other_writes in self._images:
                if path == other and (writes or other_writes):
                    yield place, f"{shown(path)} is in use by the running guest {guest}"
                    break

    def _images_of(self, profile: GuestProfile, base: str) -> Iterator[tuple[Place, str, bool]]:
        for index, scsi in enumerate(profile.scsi):
            for lun, disk in enumerate(scsi.disk):
                if disk.file is not None:
                    path = os.path.realpath(resolve(disk.file, base=base, home=self._home))
                    writes = not disk.read_only and disk.media == "disk"
                    yield ("scsi", index, "disk", lun, "file"), path, writes


def _port_trouble(protocol: str, address: str, port: int) -> str:
    """Why nothing can listen there now; empty when something can."""
    with socket.socket(socket.AF_INET, KINDS[protocol]) as probe:
        if protocol == "tcp":
            # As QEMU does (net/slirp.c, slirp_hostfwd()): an old connection that lingers is in nobody's way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            match error.errno:
                case errno.EADDRINUSE:
                    return "is taken"
                case errno.EACCES:
                    return "is not yours to listen on: those below 1024 are root's"
                case errno.EADDRNOTAVAIL:
                    return f"is at an address that this host has not: {address}"
            return f"cannot be had: {error.strerror}"
    return ""
