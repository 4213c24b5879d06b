"""Plans a guest's start on this host: its QEMU, accelerator and command line."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from workbench.domain.command_line.argv import Launch, argv_parts, port_socket
from workbench.domain.command_line.options import keys_of
from workbench.domain.host.hugepages import HugepageShortage
from workbench.domain.profile.boot import CONSOLE
from workbench.domain.profile.devices.part import resolve
from workbench.domain.profile.problems import ProfileError
from workbench.engine.host.accelerator import choose_accelerator, kvm_trouble
from workbench.engine.host.firmware import flash
from workbench.engine.host.hugepages import check_hugepages, hugepages_held, read_pools
from workbench.engine.host.qemu import install_hint, qemu_binary, qemu_version
from workbench.engine.profiles.checks import Checks
from workbench.engine.qmp.monitor import SUN_PATH_MAX
from workbench.engine.state.directory import StateDirectory
from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.command_line.argv import ArgvPart
    from workbench.domain.profile.guest import GuestProfile
    from workbench.domain.profile.problems import Problem
    from workbench.engine.profiles.store import LoadedProfile
    from workbench.settings import Settings

OLDEST = (6, 2)
"""The first QEMU whose ``-device`` takes JSON."""
BY_NAME = "set in the profile"
"""Reason for an accelerator that the profile names."""


class Plan(Struct, frozen=True, dict=True):
    """One guest, ready to start."""

    path: Path
    """The profile's file."""
    profile: GuestProfile
    launch: Launch
    accelerator_reason: str
    """Why this accelerator was chosen."""
    loaded: LoadedProfile
    accelerator_trouble: str = ""
    """Why the accelerator that the profile names probably cannot run this guest; empty if it can, or was chosen here."""

    @property
    def name(self) -> str:
        return self.profile.name

    @cached_property
    def parts(self) -> tuple[ArgvPart, ...]:
        """The command line's options, each with the key that made it."""
        return argv_parts(self.profile, self.launch)

    def device_lines(self) -> dict[str, str]:
        """For each device id the place in the profile that made it, such as ``demo.toml:14``."""
        lines: dict[str, str] = {}
        for part in self.parts:
            place = self.loaded.parsed.place(part.path)
            # [qemu] args may name a device in the comma syntax, or one without an id.
            name = keys_of(part.options[1]).get("id") if part.options[0] == "-device" and part.options[1:] else None
            if name is not None and place is not None and place.line:
                lines[str(name)] = f"{Path(place.file).name}:{place.line}"
        return lines

    @property
    def argv(self) -> list[str]:
        return [self.launch.binary, *(word for part in self.parts for word in part.options)]


async def plan(loaded: LoadedProfile, settings: Settings, *, check: bool = True, short: bool = False) -> Plan:
    """Plan the start of a profile.

    :param short: accept a pool of hugepages that is too small: the start grows it.
    :param check: also check this host and QEMU for what the profile needs.
    :raise ProfileError: with all problems of the profile, including those with this host and QEMU.
    :raise HostError: if QEMU, the demo guest or room in a hugepage pool is missing.
    """
    profile = loaded.profile
    if profile is None:
        raise _profile_error(loaded, Checks(settings).problems([loaded])[0] if check else loaded.problems)
    binary = qemu_binary()
    version = qemu_version(binary)
    if version[:2] < OLDEST:
        found, oldest = ".".join(map(str, version)), ".".join(map(str, OLDEST))
        raise HostError(
            f"{binary} is QEMU {found}, but version {oldest} or later is required",
            hint=f"{install_hint()}\nor set WORKBENCH_QEMU to a newer one",
        )
    if check and (problems := Checks(settings).problems([loaded])[0]):
        raise _profile_error(loaded, problems)
    accelerator, reason, trouble = await _accelerator(profile)
    _check_hyperv(profile, accelerator, reason)
    launch = launch_of(loaded, profile, settings, binary, version[:2], accelerator)
    if check:
        _check_host(profile, settings.state / profile.name, short=short)
    return Plan(loaded.path, profile, launch, reason, loaded, trouble)


def launch_of(
    loaded: LoadedProfile,
    profile: GuestProfile,
    settings: Settings,
    binary: str,
    version: tuple[int, int],
    accelerator: Literal["kvm", "tcg"],
) -> Launch:
    """The part of a start that does not come from the profile, for this QEMU and accelerator.

    :raise HostError: if the demo guest or UEFI firmware is missing.
    """
    kernel, initrd, cmdline = _boot(loaded, profile, settings)
    base, home = str(loaded.path.parent), str(Path.home())
    return Launch(
        binary=binary,
        directory=str(settings.state / profile.name),
        accelerator=accelerator,
        version=version,
        base=base,
        home=home,
        kernel=kernel,
        initrd=initrd,
        cmdline=cmdline,
        flash=flash(profile, base=base, home=home, data=settings.data),
    )


def _profile_error(loaded: LoadedProfile, problems: Sequence[Problem]) -> ProfileError:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return ProfileError(f"profile {loaded.name} has {count}", tuple(problems))


def _check_hyperv(profile: GuestProfile, accelerator: str, reason: str) -> None:
    """:raise HostError: if the profile needs enlightenments and the accelerator has none."""
    if profile.cpu.hyperv and accelerator == "tcg":
        raise HostError(
            f"{profile.name} needs Hyper-V enlightenments, which TCG does not have: {reason}",
            hint="start it on a host with KVM, or remove cpu.hyperv from its profile",
        )


async def _accelerator(profile: GuestProfile) -> tuple[Literal["kvm", "tcg"], str, str]:
    """The accelerator, the reason for it, and why one that the profile names probably cannot run the guest."""
    if profile.accelerator != "auto":
        trouble = await kvm_trouble() if profile.accelerator == "kvm" else ""
        return profile.accelerator, "; ".join(filter(None, [BY_NAME, trouble])), trouble
    chosen = await choose_accelerator()
    return chosen.name, chosen.reason, ""


def _boot(loaded: LoadedProfile, profile: GuestProfile, settings: Settings) -> tuple[str | None, str | None, str]:
    """Kernel and initrd as absolute paths, and the kernel command line if the profile has none."""
    boot = profile.boot
    if boot.guest == "demo":
        from workbench.engine.demo import CMDLINE, find

        guest = find(settings.cache)
        if guest is None:
            raise HostError(
                f"{profile.name} boots the demo guest, which is not built yet",
                hint="to build it: workbench demo --no-screen",
            )
        return str(guest.kernel), str(guest.initrd), CMDLINE
    base, home = str(loaded.path.parent), str(Path.home())
    kernel = resolve(boot.kernel, base=base, home=home) if boot.kernel is not None else None
    initrd = resolve(boot.initrd, base=base, home=home) if boot.initrd is not None else None
    return kernel, initrd, CONSOLE


def _with_holders(error: HugepageShortage, state: Path, page: int) -> HugepageShortage:
    """Add the guests and other processes that hold such pages to the error's hint."""
    directory = StateDirectory(state)
    running = [found for name in directory.names() if (found := directory.find(name)) is not None]
    held = {found.name: hugepages_held(found.pid).get(page, 0) // page for found in running}
    words = [f"guest {name} holds {pages:,}" for name, pages in held.items() if pages]
    pool = next((pool for pool in read_pools() if pool.page == page), None)
    others = pool.total - pool.free - sum(held.values()) if pool is not None else 0
    if others > 0:
        words.append(f"other processes {others:,}")
    if not words:
        return error
    holders = f"of {pool.total:,} pages, {', '.join(words)}" if pool is not None else ", ".join(words)
    return HugepageShortage(error.message, error.shortage, hint=f"{error.hint}\n{holders}")


def _check_host(profile: GuestProfile, directory: Path, *, short: bool) -> None:
    """:raise HostError: if hugepages are missing, or the path of a port's socket is too long."""
    memory = profile.memory
    if memory.hugepages is not None:
        pages = memory.hugepages
        try:
            check_hugepages(memory.size, pages.size, memory.all_nodes, pages.source)
        except HugepageShortage as error:
            if not short:
                raise _with_holders(error, directory.parent, pages.size) from error
    for port in profile.serial:
        path = directory / port_socket(port)
        if port.backend == "socket" and port.path is None and len(os.fsencode(path)) > SUN_PATH_MAX:
            raise HostError(
                f"the socket path of {port.id} has {len(os.fsencode(path))} bytes, more than the maximum of "
                f"{SUN_PATH_MAX}: {path}",
                hint="use a shorter id, or a shorter state directory with --state DIR or WORKBENCH_STATE",
            )
