"""Finds profiles that cannot run at the same time, since they need the same port, interface or image."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.profile.devices.net import EVERY_ADDRESS
from workbench.domain.profile.devices.part import resolve
from workbench.engine.profiles.conflicts import host_ports, images, taps
from workbench.engine.storage.files import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workbench.domain.profile.devices.part import Path as Place
    from workbench.domain.profile.problems import Problem
    from workbench.engine.profiles.store import LoadedProfile

Want = tuple[str, str, bool]
"""What is needed, at which address of the host (empty: none), and whether exclusively; readers share an image."""


def both_want(profiles: Sequence[LoadedProfile]) -> Iterator[Problem]:
    """Each thing that a profile shares with an earlier one, at its place in the later one."""
    held: dict[str, list[tuple[str, str, bool]]] = {}
    for loaded in profiles:
        own: dict[str, list[tuple[str, str, bool]]] = {}
        for place, (what, address, alone) in _wants(loaded):
            for name, theirs, theirs_alone in held.get(what, ()):
                meet = theirs == address or EVERY_ADDRESS in (theirs, address)
                if meet and (alone or theirs_alone):
                    why = f"{name} also uses {what}: the two cannot run at the same time"
                    yield loaded.parsed.problem(loaded.file, place, why)
                    break
            own.setdefault(what, []).append((loaded.name, address, alone))
        for what, wants in own.items():
            held.setdefault(what, []).extend(wants)


def _wants(loaded: LoadedProfile) -> Iterator[tuple[Place, Want]]:
    profile = loaded.partial
    if profile is None:
        return
    for place, protocol, address, port in host_ports(profile):
        yield place, (f"{protocol} port {port} of the host", address, True)
    for place, name in taps(profile):
        yield place, (f"the interface {name}", "", True)
    base, home = str(loaded.path.parent), str(Path.home())
    for place, file, writes in images(profile):
        path = os.path.realpath(resolve(file, base=base, home=home))
        yield place, (shown(Path(path)), "", writes)
