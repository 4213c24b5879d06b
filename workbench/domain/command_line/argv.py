"""Build QEMU's argument vector from a profile.

Devices, network, memory and disks are written in QEMU's JSON syntax, in which a value cannot turn into an option. Options
that only have comma syntax (``-chardev``, ``-mon``, ``-machine``) get their commas doubled. ``-append``, ``-kernel`` and
``-initrd`` take their value literally (QEMU: system/vl.c, qemu_init()).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from workbench.domain.profile.board import root_ports
from workbench.domain.profile.boot import CODE, CONSOLE, VARS
from workbench.domain.profile.devices import serial
from workbench.domain.profile.devices.part import comma, json_option, key_text, resolve
from workbench.domain.profile.ids import PORT_ID
from workbench.domain.profile.memory import RAM
from workbench.domain.profile.slots import PORTS_SLOT, slots_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from workbench.domain.profile.boot import Flash
    from workbench.domain.profile.devices.part import Option, Path
    from workbench.domain.profile.devices.serial import SerialPort
    from workbench.domain.profile.guest import GuestProfile

MONITORS = ("qmp", "qmp-cli", "qmp-events", "qmp-user")
"""A QMP socket serves one client at a time, so there is one each, ``NAME.sock`` in the state directory, for the screen,
the verbs, the verb ``events``, and the user's own tools."""

MONITOR_OBJECTS = (11, 1)
"""The first QEMU that deprecates ``-mon`` in favour of monitor objects."""

SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
SANDBOX_HELPER = "on,obsolete=deny,elevateprivileges=allow,spawn=allow,resourcecontrol=deny"
"""For a guest on a bridge: QEMU runs its helper, which is setuid root (net/tap.c, net_bridge_run_helper())."""


def _below(table: str, *keys: str) -> tuple[Path, ...]:
    return tuple((table, key) for key in keys)


BACKEND = _below("memory", "hugepages", "nodes", "policy", "share")
"""The keys that affect every RAM backend."""


class Launch(Struct, frozen=True):
    """Settings of a start that depend on this host, not on the profile."""

    binary: str
    """The QEMU executable."""
    directory: str
    """The guest's state directory: sockets, logs, pid file."""
    accelerator: Literal["kvm", "tcg"]
    version: tuple[int, int] = (6, 2)
    """QEMU's version, which decides between old and new spellings of options."""
    base: str = "/"
    """The profile's absolute directory, for relative paths."""
    home: str = "/"
    """The user's home, for paths that begin with ``~/``."""
    kernel: str | None = None
    """Absolute; None: firmware only."""
    initrd: str | None = None
    cmdline: str = CONSOLE
    """The kernel command line if the profile has none."""
    flash: Flash | None = None
    """UEFI, if the profile selects it."""

    def path(self, text: str) -> str:
        """The absolute path for a path in the profile."""
        return resolve(text, base=self.base, home=self.home)


class ArgvPart(Struct, frozen=True):
    """One option of the command line and its origin."""

    options: Option
    """The option and its value, if it has one."""
    path: Path = ()
    """The part of the profile that it comes from, such as ``("net", 0)``; empty if every guest has it."""
    more: tuple[Path, ...] = ()
    """Other keys that affect it."""

    def says(self, path: Path) -> bool:
        """Whether a key, or one above or below it, affects the option."""
        return any(one and (one[: len(path)] == path or path[: len(one)] == one) for one in (self.path, *self.more))

    @property
    def key(self) -> str:
        """``path`` as text: ``net[0]``."""
        return key_text(self.path)


def qemu_argv(profile: GuestProfile, launch: Launch) -> list[str]:
    """The whole command line, starting with the executable."""
    return [launch.binary, *(word for part in argv_parts(profile, launch) for word in part.options)]


def argv_parts(profile: GuestProfile, launch: Launch) -> tuple[ArgvPart, ...]:
    """All options in the order of the command line."""
    return (
        *_common(profile, launch),
        *_machine(profile, launch),
        *_boot(profile, launch),
        *_monitors(launch),
        *_console(launch),
        *_devices(profile, launch),
        *_extra(profile),
    )


def port_socket(port: SerialPort) -> str:
    """The name of a port's socket in the state directory; the prefix keeps it apart from all other files."""
    return f"port-{port.id}.sock"


def _common(profile: GuestProfile, launch: Launch) -> Iterator[ArgvPart]:
    """Options of every guest: no default devices, the sandbox, and logs and pid file in its directory."""
    yield ArgvPart(("-name", f"guest={comma(profile.name)}"))
    yield ArgvPart(("-no-user-config",))
    yield ArgvPart(("-nodefaults",))
    yield ArgvPart(("-display", "none"))
    bridged = any(net.backend == "bridge" for net in profile.net)
    yield ArgvPart(("-sandbox", SANDBOX_HELPER if bridged else SANDBOX))
    yield ArgvPart(("-msg", "timestamp=on"))
    # QEMU expands %d to its pid and rejects any other % (util/log.c, valid_filename_template()).
    if "%" not in launch.directory:
        yield ArgvPart(("-D", f"{launch.directory}/trace.log"))
    yield ArgvPart(("-pidfile", f"{launch.directory}/pid"))


def _machine(profile: GuestProfile, launch: Launch) -> Iterator[ArgvPart]:
    flash = f",pflash0={CODE},pflash1={VARS}" if launch.flash else ""
    more = "".join(f",{name}={comma(value)}" for name, value in profile.machine_options)
    own = not profile.qemu.gives_memory
    memory = f",memory-backend={RAM}" if own else ""
    board = f"{profile.machine}{memory}{flash}{more}"
    yield ArgvPart(("-machine", board), ("machine",), (("machine-options",), ("firmware",)))
    emulated = launch.accelerator == "tcg"
    accelerator = profile.tcg.options() if emulated else launch.accelerator
    yield ArgvPart(("-accel", accelerator), ("accelerator",), (("tcg",),) if emulated else ())
    model = profile.cpu.options({"kvm": "host", "tcg": "max"}[launch.accelerator])
    yield ArgvPart(("-cpu", model), ("cpu", "model"), _below("cpu", "features", "hyperv"))
    yield ArgvPart(("-smp", profile.cpu.smp()), ("cpu", "count"), _below("cpu", "sockets", "cores", "threads"))
    size = ("memory", "size")
    grows = (*_below("memory", "maximum", "slots"), ("memory", "virtio-mem", "size"))
    yield ArgvPart(("-m", profile.memory.size_option()), size, grows)
    if own:
        yield ArgvPart(profile.memory.backend(), size, BACKEND)
    if profile.memory.lock:
        yield ArgvPart(("-overcommit", "mem-lock=on"), ("memory", "lock"))


def _boot(profile: GuestProfile, launch: Launch) -> Iterator[ArgvPart]:
    if launch.flash is not None:
        yield from _parts(launch.flash.options(), ("firmware",))
    if launch.kernel is None:
        return
    embedded = profile.boot.guest is not None
    yield ArgvPart(("-kernel", launch.kernel), ("boot", "guest" if embedded else "kernel"))
    if launch.initrd is not None:
        yield ArgvPart(("-initrd", launch.initrd), ("boot", "guest" if embedded else "initrd"))
    cmdline = launch.cmdline if profile.boot.cmdline is None else profile.boot.cmdline
    yield ArgvPart(("-append", cmdline), ("boot", "cmdline"))


def _monitors(launch: Launch) -> Iterator[ArgvPart]:
    for name in MONITORS:
        path = comma(f"{launch.directory}/{name}.sock")
        yield ArgvPart(("-chardev", f"socket,id={name},path={path},server=on,wait=off"))
        if launch.version >= MONITOR_OBJECTS:
            monitor = {"qom-type": "monitor-qmp", "id": f"{name}-monitor", "chardev": name}
            yield ArgvPart(json_option("-object", monitor))
        else:
            yield ArgvPart(("-mon", f"chardev={name},mode=control"))


def _console(launch: Launch) -> Iterator[ArgvPart]:
    """The machine's serial port: a socket for one client, and a log that is always written."""
    path, log = comma(f"{launch.directory}/serial.sock"), comma(f"{launch.directory}/serial.log")
    chardev = f"socket,id=serial0,path={path},server=on,wait=off,logfile={log},logappend=on"
    yield ArgvPart(("-chardev", chardev))
    yield ArgvPart(("-serial", "chardev:serial0"))


def _devices(profile: GuestProfile, launch: Launch) -> Iterator[ArgvPart]:
    """The virtio devices, each in its slot."""
    slots = slots_of(profile)
    yield from _cards(profile, launch, slots)
    yield from _disks(profile, launch, slots)
    if profile.balloon is not None:
        reporting = profile.memory.takes_reports
        yield from _parts(profile.balloon.options(slots["balloon",], reporting=reporting), ("balloon",))
    if profile.serial:
        yield ArgvPart(serial.controller(slots["serial",]), ("serial",))
    for index, port in enumerate(profile.serial):
        path = f"{launch.directory}/{port_socket(port)}" if port.path is None else launch.path(port.path)
        yield from _parts(port.options(path), ("serial", index))
    for index, rng in enumerate(profile.rng):
        # A single one may be a table or a list of one; a path without an index covers both.
        place: Path = ("rng", index) if len(profile.rng) > 1 else ("rng",)
        yield from _parts(rng.options(slots["rng", index], launch.path(rng.source)), place)
    if profile.display is not None:
        yield from _parts(profile.display.options(slots["display",], launch.directory), ("display",))
    virtio_mem = ("memory", "virtio-mem")
    for option in profile.memory.virtio_mem_options(slots[virtio_mem]):
        yield ArgvPart(option, virtio_mem, BACKEND if option[0] == "-object" else ())
    for number in range(root_ports(profile)):
        yield ArgvPart(_root_port(number), ("root-ports",))


def _cards(profile: GuestProfile, launch: Launch, slots: Mapping[Path, str]) -> Iterator[ArgvPart]:
    boots = _boot_places(profile)
    for index, net in enumerate(profile.net):
        place = ("net", index)
        boot = boots.get(place)
        path = launch.path(net.path) if net.path is not None else ""
        yield from _parts(net.options(slots[place], path, rom=boot is not None, boot=boot), place, _ordered(boot))


def _disks(profile: GuestProfile, launch: Launch, slots: Mapping[Path, str]) -> Iterator[ArgvPart]:
    boots = _boot_places(profile)
    for index, scsi in enumerate(profile.scsi):
        yield from _parts(scsi.options(slots["scsi", index]), ("scsi", index))
        for lun, disk in enumerate(scsi.disk):
            place = ("scsi", index, "disk", lun)
            file = launch.path(disk.file) if disk.file is not None else None
            boot = boots.get(place)
            more = (("scsi", index, "id"), *_ordered(boot))
            yield from _parts(disk.options(f"{scsi.id}.0", lun, file, boot=boot), place, more)


def _ordered(boot: int | None) -> tuple[Path, ...]:
    """The key that gave a device its place in the boot order."""
    return () if boot is None else (("boot", "order"),)


def _boot_places(profile: GuestProfile) -> dict[Path, int]:
    """The place of each device in the boot order, from 1."""
    kinds: dict[str, list[Path]] = {"disk": [], "cdrom": [], "net": [("net", i) for i in range(len(profile.net))]}
    for index, scsi in enumerate(profile.scsi):
        for lun, disk in enumerate(scsi.disk):
            kinds[disk.media].append(("scsi", index, "disk", lun))
    paths = [path for kind in profile.boot.order for path in kinds[kind]]
    return {path: number for number, path in enumerate(paths, 1)}


def _root_port(number: int) -> Option:
    """An empty root port; all of them are functions of one slot on the root bus."""
    values = {"driver": "pcie-root-port", "id": f"{PORT_ID}{number}", "addr": f"{PORTS_SLOT:02x}.{number}"}
    more = {"multifunction": True} if number == 0 else {}
    return json_option("-device", {**values, "chassis": number + 1, "port": number, **more})


def _extra(profile: GuestProfile) -> Iterator[ArgvPart]:
    """The profile's raw arguments; the words between two options count as the first one's values."""
    args = profile.qemu.args
    starts = [index for index, arg in enumerate(args) if index == 0 or arg.startswith("-")]
    for begin, end in zip(starts, [*starts, len(args)][1:], strict=True):
        values = tuple(("qemu", "args", index) for index in range(begin + 1, end))
        yield ArgvPart(args[begin:end], ("qemu", "args", begin), values)


def _parts(options: Iterable[Option], path: Path, more: tuple[Path, ...] = ()) -> Iterator[ArgvPart]:
    """
    :param more: other keys that affect the device but not its backend.
    """
    for option in options:
        yield ArgvPart(option, path, more if option[0] == "-device" else ())
