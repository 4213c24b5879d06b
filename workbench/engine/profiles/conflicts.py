"""Finds what a profile needs but another process uses: host ports and interfaces, images, sockets."""

from __future__ import annotations

import errno
import os
import socket
import stat
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.profile.devices.display import LOOPBACK
from workbench.domain.profile.devices.net import host_end
from workbench.domain.profile.devices.part import resolve
from workbench.engine.host.images import user_of
from workbench.engine.profiles.store import started_profile
from workbench.engine.state.directory import StateDirectory
from workbench.engine.storage.files import shown
from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.profile.devices.part import Path as Place
    from workbench.domain.profile.guest import GuestProfile
    from workbench.domain.profile.problems import Problem
    from workbench.engine.profiles.store import LoadedProfile

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


class Conflicts:
    """Reads the running guests once, then checks any number of profiles."""

    def __init__(self, state: Path) -> None:
        self._home = str(Path.home())
        self._running: dict[str, GuestProfile] = {}
        self._files: dict[str, list[tuple[str, bool]]] = {}
        """By real path: each running guest that uses the file, and whether it writes to it."""
        directory = StateDirectory(state)
        try:
            names = directory.names()
        except HostError:  # reported elsewhere: none of our guests is running there
            names = []
        for name in names:
            found = directory.find(name)
            profile = started_profile(found.path) if found is not None else None
            if found is None or profile is None:
                continue
            self._running[name] = profile
            base = str(Path(found.facts.profile).parent) if found.facts.profile else "/"
            for _, path, writes in self._files_of(profile, base):
                self._files.setdefault(path, []).append((name, writes))

    def problems(self, loaded: LoadedProfile) -> tuple[Problem, ...]:
        """What a profile needs that is in use; none for a profile whose guest is running, which uses it itself."""
        profile = loaded.partial
        if profile is None or loaded.name in self._running:
            return ()
        base = str(loaded.path.parent)
        found = [
            *self._ports(profile),
            *self._interfaces(profile),
            *self._images(profile, base),
            *self._sockets(profile, base),
        ]
        return tuple(sorted(loaded.parsed.problem(loaded.file, place, message) for place, message in found))

    def _ports(self, profile: GuestProfile) -> Iterator[tuple[Place, str]]:
        for place, protocol, address, port in host_ports(profile):
            trouble = _port_trouble(protocol, address, port)
            if trouble:
                yield place, f"{protocol} port {port} of the host {trouble}{self._holder(protocol, port)}"

    def _holder(self, protocol: str, port: int) -> str:
        """The running guest that uses the port, if it is one of ours."""
        for name, profile in self._running.items():
            if any((kind, other) == (protocol, port) for _, kind, _, other in host_ports(profile)):
                return f" by {name}"
        return ""

    def _interfaces(self, profile: GuestProfile) -> Iterator[tuple[Place, str]]:
        for place, name in taps(profile):
            for guest, other in self._running.items():
                if any(name == theirs for _, theirs in taps(other)):
                    yield place, f"{name} is in use by the running guest {guest}"

    def _images(self, profile: GuestProfile, base: str) -> Iterator[tuple[Place, str]]:
        """Two guests on one image, one of them writing, destroy it; QEMU's lock reports that only at the start."""
        for place, path, writes in self._files_of(profile, base):
            guest = next((name for name, theirs in self._files.get(path, ()) if writes or theirs), "")
            try:
                user = f"the running guest {guest}" if guest else user_of(Path(path), writes=writes)
            except OSError:  # missing or unreadable: reported elsewhere
                continue
            if user:
                yield place, f"{shown(path)} is in use by {user}"

    def _files_of(self, profile: GuestProfile, base: str) -> Iterator[tuple[Place, str, bool]]:
        """Each image and variable store: its place, its real path, and whether the guest writes to it."""
        for place, file, writes in images(profile):
            yield place, self._real(file, base), writes

    def _sockets(self, profile: GuestProfile, base: str) -> Iterator[tuple[Place, str]]:
        """QEMU replaces a socket that another process listens on, which then gets no more connections."""
        ports = ((("serial", index), port.path, port.backend == "socket") for index, port in enumerate(profile.serial))
        cards = ((("net", index), net.path, net.listen) for index, net in enumerate(profile.net))
        for table, file, listens in (*ports, *cards):
            if file is None:
                continue
            place = (*table, "path")
            path = self._real(file, base)
            heard = path in self._listening
            if heard and listens:
                yield place, f"another process already listens on {shown(path)}: QEMU would replace the socket"
            elif not heard and not listens and stat.S_ISSOCK(_mode(path)):
                yield place, f"nothing listens on {shown(path)}: start the other guest first"

    @cached_property
    def _listening(self) -> frozenset[str]:
        """Real paths of all listening unix sockets (proc(5): the flag __SO_ACCEPTCON)."""
        try:
            lines = os.fsdecode(Path("/proc/net/unix").read_bytes()).splitlines()
        except OSError:
            return frozenset()
        words = (line.split(maxsplit=7) for line in lines)
        return frozenset(os.path.realpath(one[7]) for one in words if len(one) == 8 and one[3] == "00010000")

    def _real(self, file: str, base: str) -> str:
        return os.path.realpath(resolve(file, base=base, home=self._home))


def host_ports(profile: GuestProfile) -> Iterator[tuple[Place, str, str, int]]:
    """Place, protocol, address and port for each host port that a guest listens on."""
    for index, net in enumerate(profile.net):
        for number, text in enumerate(net.forward):
            yield ("net", index, "forward", number), *host_end(text)
    if profile.display is not None and profile.display.port is not None:
        yield ("display", "port"), "tcp", LOOPBACK, profile.display.port


def taps(profile: GuestProfile) -> Iterator[tuple[Place, str]]:
    for index, net in enumerate(profile.net):
        if net.backend == "tap" and net.interface is not None:
            yield ("net", index, "interface"), net.interface


def images(profile: GuestProfile) -> Iterator[tuple[Place, str, bool]]:
    """Each image and variable store: its place, its path as written, and whether the guest writes to it."""
    for index, scsi in enumerate(profile.scsi):
        for lun, disk in enumerate(scsi.disk):
            if disk.file is not None:
                yield ("scsi", index, "disk", lun, "file"), disk.file, disk.writes
    if profile.firmware.vars is not None:
        yield ("firmware", "vars"), profile.firmware.vars, True


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode
    except OSError:
        return 0


def _port_trouble(protocol: str, address: str, port: int) -> str:
    """Why QEMU cannot listen there now; empty if it can."""
    with socket.socket(socket.AF_INET, KINDS[protocol]) as probe:
        if protocol == "tcp":
            # As QEMU does (net/slirp.c, slirp_hostfwd()): a lingering old connection does not matter.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            match error.errno:
                case errno.EADDRINUSE:
                    return "is in use"
                case errno.EACCES:
                    return "needs root: it is below 1024"
                case errno.EADDRNOTAVAIL:
                    return f"is unavailable: this host does not have the address {address}"
            return f"is unavailable: {error.strerror}"
    return ""
