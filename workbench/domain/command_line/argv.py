"""From a guest to QEMU's argument vector.

Devices, network, memory and disks are written in QEMU's JSON syntax, where a value cannot become an option. What has
comma syntax only (``-chardev``, ``-mon``, ``-machine``) gets its commas doubled. ``-append``, ``-kernel`` and ``-initrd``
take their value as it is (QEMU: system/vl.c, qemu_init()).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from workbench.domain.profile.boot import CODE, CONSOLE, VARS
from workbench.domain.profile.devices import serial
from workbench.domain.profile.devices.part import comma, json_option, key_text, resolve
from workbench.domain.profile.guest import PORT_ID
from workbench.domain.profile.memory import RAM
from workbench.domain.profile.slots import PORTS_SLOT, slots_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from workbench.domain.profile.boot import Flash
    from workbench.domain.profile.devices.part import Option, Path
    from workbench.domain.profile.devices.serial import SerialPort
    from workbench.domain.profile.guest import GuestProfile

MONITORS = ("qmp", "qmp-cli", "qmp-events", "qmp-user")
"""A QMP socket serves one client at a time, so each of these has one of its own in the state directory, ``NAME.sock``:
the screen, the verbs, the verb ``events``, and the user's own tools."""

MONITOR_OBJECTS = (11, 1)
"""The first QEMU that warns of ``-mon`` and wants its monitors as objects."""

SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
SANDBOX_HELPER = "on,obsolete=deny,elevateprivileges=allow,spawn=allow,resourcecontrol=deny"
"""For a guest on a bridge: QEMU starts its helper, which is set-uid root (net/tap.c, net_bridge_run_helper())."""


def _below(table: str, *keys: str) -> tuple[Path, ...]:
    return tuple((table, key) for key in keys)


BACKEND = _below("memory", "hugepages", "nodes", "policy", "share")
"""What has a say in each object that holds RAM."""


class Launch(Struct, frozen=True):
    """What a start decides on this host and the profile leaves open."""

    binary: str
    """QEMU's program."""
    directory: str
    """The guest's state directory: sockets, logs, pid file."""
    accelerator: Literal["kvm", "tcg"]
    version: tuple[int, int] = (6, 2)
    """QEMU's version: what is spelled otherwise in later ones is spelled as that one wants it."""
    base: str = "/"
    """The profile's directory, absolute: relative paths begin there."""
    home: str = "/"
    """The user's home, for paths that begin with ``~/``."""
    kernel: str | None = None
    """Absolute; None: firmware only."""
    initrd: str | None = None
    cmdline: str = CONSOLE
    """The kernel's command line when the profile gives none."""
    flash: Flash | None = None
    """UEFI, where the profile asks for it."""

    def path(self, text: str) -> str:
        """The absolute path that a path of the profile means."""
        return resolve(text, base=self.base, home=self.home)


class ArgvPart(Struct, frozen=True):
    """One option of the command line and where it comes from."""

    options: Option
    """The option and its value, if it has one."""
    path: Path = ()
    """What of the profile made it, as ``("net", 0)``; empty when the workbench adds it to every guest."""
    more: tuple[Path, ...] = ()
    """Other keys that have a say in it."""

    def says(self, path: Path) -> bool:
        """Whether a key, or what stands around or below it, has a say in the option."""
        return any(one and (one[: len(path)] == path or path[: len(one)] == one) for one in (self.path, *self.more))

    @property
    def key(self) -> str:
        """The same as text: ``net[0]``."""
        return key_text(self.path)


def qemu_argv(profile: GuestProfile, launch: Launch) -> list[str]:
    """The whole command line, the program first."""
    return [launch.binary, *(word for part in argv_parts(profile, launch) for word in part.options)]


def argv_parts(profile: GuestProfile, launch: Launch) -> tuple[ArgvPart, ...]:
    """Every option in the order of the command line."""
    return (
        *_house(profile, launch),
        *_machine(profile, launch),
        *_boot(profile, launch),
        *_monitors(launch),
        *_console(launch),
        *_devices(profile, launch),
        *_extra(profile),
    )


def port_socket(port: SerialPort) -> str:
    """The name in the state directory of a port's socket. Its first word keeps it apart from every other file there."""
    return f"port-{port.id}.sock"


def _house(profile: GuestProfile, launch: Launch) -> Iterator[ArgvPart]:
    """A machine with nothing that the profile did not ask for, in a sandbox, with its logs and pid in its directory."""
    yield ArgvPart(("-name", f"guest={comma(profile.name)}"))
    yield ArgvPart(("-no-user-config",))
    yield ArgvPart(("-nodefaults",))
    yield ArgvPart(("-display", "none"))
    bridged = any(net.backend == "bridge" for net in profile.net)
    yield ArgvPart(("-sandbox", SANDBOX_HELPER if bridged else SANDBOX))
    yield ArgvPart(("-msg", "timestamp=on"))
    # QEMU puts its pid for a %d there and refuses any other % (util/log.c, valid_filename_template()).
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
    """The machine's serial port: a socket for one reader, and a log that is written with or without one."""
    path, log = comma(f"{launch.directory}/serial.sock"), comma(f"{launch.directory}/serial.log")
    chardev = f"socket,id=serial0,path={path},server=on,wait=off,logfile={log},logappend=on"
    yield ArgvPart(("-chardev", chardev))
    yield ArgvPart(("-serial", "chardev:serial0"))


def _devices(profile: GuestProfile, launch: Launch) -> Iterator[ArgvPart]:
    """The virtio devices, each at its slot."""
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
        # One alone may be a table or a list of one: its place has no number, which stands for both.
        place: Path = ("rng", index) if len(profile.rng) > 1 else ("rng",)
        yield from _parts(rng.options(slots["rng", index], launch.path(rng.source)), place)
    if profile.display is not None:
        yield from _parts(profile.display.options(slots["display",], launch.directory), ("display",))
    virtio_mem = ("memory", "virtio-mem")
    for option in profile.memory.virtio_mem_options(slots[virtio_mem]):
        yield ArgvPart(option, virtio_mem, BACKEND if option[0] == "-object" else ())
    for number in range(profile.ports):
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
    """What gave a device its place in the order of booting."""
    return () if boot is None else (("boot", "order"),)


def _boot_places(profile: GuestProfile) -> dict[Path, int]:
    """The place in the order of booting of each device that has one, from 1."""
    kinds: dict[str, list[Path]] = {"disk": [], "cdrom": [], "net": [("net", i) for i in range(len(profile.net))]}
    for index, scsi in enumerate(profile.scsi):
        for lun, disk in enumerate(scsi.disk):
            kinds[disk.media].append(("scsi", index, "disk", lun))
    paths = [path for kind in profile.boot.order for path in kinds[kind]]
    return {path: number for number, path in enumerate(paths, 1)}


def _root_port(number: int) -> Option:
    """An empty slot; all of them are functions of one slot of the root bus."""
    values = {"driver": "pcie-root-port", "id": f"{PORT_ID}{number}", "addr": f"{PORTS_SLOT:02x}.{number}"}
    more = {"multifunction": True} if number == 0 else {}
    return json_option("-device", {**values, "chassis": number + 1, "port": number, **more})


def _extra(profile: GuestProfile) -> Iterator[ArgvPart]:
    """The profile's own arguments as they are; what follows an option up to the next one is taken for its value."""
    args = profile.qemu.args
    starts = [index for index, arg in enumerate(args) if index == 0 or arg.startswith("-")]
    for begin, end in zip(starts, [*starts, len(args)][1:], strict=True):
        values = tuple(("qemu", "args", index) for index in range(begin + 1, end))
        yield ArgvPart(args[begin:end], ("qemu", "args", begin), values)


def _parts(options: Iterable[Option], path: Path, more: tuple[Path, ...] = ()) -> Iterator[ArgvPart]:
    """
    :param more: other keys that have a say in the device, not in what is behind it.
    """
    for option in options:
        yield ArgvPart(option, path, more if option[0] == "-device" else ())
