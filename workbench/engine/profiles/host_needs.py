"""Checks what a profile needs from this host other than files: interfaces, NUMA nodes, CPUs, UEFI, an accelerator."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.profile.cpu import host_cpus
from workbench.domain.units import size_words, sizes_words
from workbench.engine.host.firmware import find_uefi
from workbench.engine.host.hugepages import check_mount, read_pools
from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.host.accelerator import Accelerator
    from workbench.domain.profile.devices.part import Path as Place
    from workbench.domain.profile.guest import GuestProfile
    from workbench.domain.profile.problems import Problem
    from workbench.engine.profiles.store import LoadedProfile

NODES = Path("/sys/devices/system/node")
TUN = Path("/dev/net/tun")


def host_problems(loaded: LoadedProfile, accelerator: Accelerator | None = None) -> tuple[Problem, ...]:
    """What a profile needs and this host lacks, at its keys.

    :param accelerator: what "auto" selects here; None if unknown.
    """
    profile = loaded.partial
    if profile is None:
        return ()
    found = (
        *_interfaces(profile),
        *_nodes(profile),
        *_hugepages(profile),
        *_pins(profile),
        *_firmware(profile),
        *_hyperv(profile, accelerator),
    )
    return tuple(sorted(loaded.parsed.problem(loaded.file, place, message) for place, message in found))


def _interfaces(profile: GuestProfile) -> Iterator[tuple[Place, str]]:
    wanted = [(index, net) for index, net in enumerate(profile.net) if net.backend in ("tap", "bridge")]
    there = {name for _, name in socket.if_nameindex()} if wanted else set()
    if any(net.backend == "tap" for _, net in wanted) and not os.access(TUN, os.R_OK | os.W_OK):
        index = next(index for index, net in wanted if net.backend == "tap")
        make = "you have no permission to open it" if TUN.exists() else "is missing: sudo modprobe tun"
        yield ("net", index, "backend"), f"a tap needs {TUN}, which {make}"
    for index, net in wanted:
        name = net.interface or ("br0" if net.backend == "bridge" else None)
        if name is None or name in there:
            continue
        place = ("net", index, "interface" if net.interface else "backend")
        if net.backend == "bridge":
            yield place, f"this host has no bridge {name}: create it with sudo ip link add {name} type bridge"
        else:
            queues = " multi_queue" if net.queues > 1 else ""
            make = f"sudo ip tuntap add {name} mode tap user $USER{queues}"
            yield place, f"this host has no interface {name}: create it with {make}"


def _nodes(profile: GuestProfile) -> Iterator[tuple[Place, str]]:
    memory = profile.memory
    lists: list[tuple[Place, tuple[int, ...]]] = [(("memory", "nodes"), memory.nodes)]
    if memory.hugepages is not None:
        lists.append((("memory", "hugepages", "nodes"), memory.hugepages.nodes))
    for place, nodes in lists:
        for index, node in enumerate(nodes):
            if NODES.is_dir() and not (NODES / f"node{node}").is_dir():
                there = sorted(int(path.name.removeprefix("node")) for path in NODES.glob("node[0-9]*"))
                yield (*place, index), f"this host has no NUMA node {node}: it has {', '.join(map(str, there))}"


def _hugepages(profile: GuestProfile) -> Iterator[tuple[Place, str]]:
    """Problems that more pages in the pool would not fix."""
    pages = profile.memory.hugepages
    if pages is None:
        return
    there = [pool.page for pool in read_pools()]
    if pages.size not in there:
        has = f"it has {sizes_words(there)}" if there else "its kernel has none"
        yield ("memory", "hugepages", "size"), f"this host has no hugepages of {size_words(pages.size)}: {has}"
        return
    try:
        check_mount(0, pages.size, pages.source)  # free space is checked at the start
    except HostError as error:
        fix = str(error.hint).splitlines()[0]
        yield ("memory", "hugepages", "source"), f"{error.message}: {fix}"


def _pins(profile: GuestProfile) -> Iterator[tuple[Place, str]]:
    there = os.sched_getaffinity(0) if profile.cpu.pin else set()
    for index, text in enumerate(profile.cpu.pin):
        if not host_cpus(text) & there:
            words = ", ".join(map(str, sorted(there)))
            yield ("cpu", "pin", index), f'no CPU of "{text}" is available: this process may use {words}'


def _firmware(profile: GuestProfile) -> Iterator[tuple[Place, str]]:
    firmware = profile.firmware
    if firmware.type == "uefi" and firmware.code is None and find_uefi(profile.machine) is None:
        yield ("firmware", "type"), "this host has no UEFI: install it (Debian and Ubuntu: ovmf), or set code and vars"


def _hyperv(profile: GuestProfile, accelerator: Accelerator | None) -> Iterator[tuple[Place, str]]:
    if profile.cpu.hyperv and profile.accelerator == "auto" and accelerator is not None and accelerator.name == "tcg":
        why = f"TCG, used on this host, has no Hyper-V enlightenments: {accelerator.reason}"
        yield ("cpu", "hyperv"), why
