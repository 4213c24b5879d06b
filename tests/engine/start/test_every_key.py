"""Each key of a profile has its effect: QEMU reports the key's value, and a different one for a profile without it."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.commandline import CHECKOUT
from tests.hugepages import hugepage_pool, uses_pool
from tests.launched import ask, get, launched
from tests.profile_files import fake_kernel, qcow2
from tests.real import each_qemu
from workbench.domain.profile.guest import GuestProfile
from workbench.domain.profile.text.shape import dotted_keys, fields_of
from workbench.engine.host.qemu import qemu_version
from workbench.engine.profiles.store import LoadedProfile, parse_text
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.start.plan import launch_of
from workbench.errors import CommandFailed
from workbench.settings import Settings

Reader: TypeAlias = Callable[[Monitor, Path], Awaitable[object]]
"""What QEMU reports on one thing; the path is the directory of the profile and of all files that it names."""
MIB = 1 << 20


def qom(path: str, name: str) -> Reader:
    async def read(monitor: Monitor, _: Path) -> object:
        return await get(monitor, path, name)

    return read


def device(name: str, prop: str) -> Reader:
    return qom(f"/machine/peripheral/{name}", prop)


def one_of(command: str, key: str, value: str, *steps: str) -> Reader:
    """A member of the one entry of a list that QEMU tells."""

    async def read(monitor: Monitor, _: Path) -> object:
        (found,) = (entry for entry in await ask(monitor, command) if entry.get(key) == value)
        for step in steps:
            found = found[step]
        return found

    return read


def node(name: str, *steps: str) -> Reader:
    return one_of("query-named-block-nodes", "node-name", name, *steps)


def memory_device(name: str) -> Reader:
    async def read(monitor: Monitor, _: Path) -> object:
        (found,) = await ask(monitor, "query-memory-devices")
        return found["data"][name]

    return read


def smp(name: str) -> Reader:
    async def read(monitor: Monitor, _: Path) -> object:
        found: Any = await get(monitor, "/machine", "smp")
        return found[name]

    return read


def cpu(name: str) -> Reader:
    async def read(monitor: Monitor, _: Path) -> object:
        return await get(monitor, (await ask(monitor, "query-cpus-fast"))[0]["qom-path"], name)

    return read


async def cpu_threads(monitor: Monitor, _: Path) -> object:
    return len({one["thread-id"] for one in await ask(monitor, "query-cpus-fast")})


async def translation_buffer(monitor: Monitor, _: Path) -> object:
    """In whole 32 MiB, without the pages between its regions."""
    (line,) = (line for line in (await monitor.hmp("info jit")).splitlines() if line.startswith("gen code size"))
    return round(int(line.rpartition("/")[2]) / (32 * MIB))


async def board(monitor: Monitor, _: Path) -> object:
    return str(await get(monitor, "/machine", "type"))[:8]


def memory(name: str) -> Reader:
    async def read(monitor: Monitor, _: Path) -> object:
        found: Any = await get(monitor, "/machine", "memory")
        return found.get(name, 0)

    return read


async def locked(_: Monitor, directory: Path) -> object:
    pid = (directory / "state/pid").read_text().strip()
    (line,) = (one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmLck:"))
    return int(line.split()[1]) >= 64 << 10


async def forwards(monitor: Monitor, _: Path) -> object:
    return "34567" in await monitor.hmp("info usernet")


async def trims(monitor: Monitor, directory: Path) -> object:
    """Whether a discard gives room back to the host."""
    before = (directory / "raw.img").stat().st_blocks
    assert before
    await monitor.hmp('qemu-io -d disk1 "discard 0 1M"')
    return (directory / "raw.img").stat().st_blocks < before


def there(name: str, *, socket: bool = True) -> Reader:
    async def read(_: Monitor, directory: Path) -> object:
        path = directory / name
        return path.is_socket() if socket else path.is_file()

    return read


def chardev(name: str) -> Reader:
    async def read(monitor: Monitor, directory: Path) -> object:
        (found,) = (one["filename"] for one in await ask(monitor, "query-chardev") if one["label"] == name)
        return found.replace(str(directory), "HERE").partition("/dev/")[0]

    return read


def vnc(name: str) -> Reader:
    async def read(monitor: Monitor, _: Path) -> object:
        return (await ask(monitor, "query-vnc"))[name]

    return read


async def root_ports(monitor: Monitor, _: Path) -> object:
    found: Any = await monitor.execute("qom-list", {"path": "/machine/peripheral"})
    return sum(one["type"] == "child<pcie-root-port>" for one in found)


async def first_slot(monitor: Monitor, _: Path) -> object:
    (bus,) = await ask(monitor, "query-pci")
    return next(one["slot"] for one in bus["devices"] if one["qdev_id"] == "net0")


async def year(monitor: Monitor, _: Path) -> object:
    found: Any = await get(monitor, "/machine", "rtc-time")
    return found["tm_year"]


@dataclass(frozen=True)
class Group:
    """Keys that stand in one profile."""

    name: str
    text: str
    plain: str
    """The same without them."""
    keys: dict[str, tuple[Reader, object]]
    """For each key what tells its effect, and what that is; of the plain profile it is something else, or an error."""
    hugepages: int = 0
    """Of 2 MiB, for the text and for the plain one."""


GROUPS = [
    Group(
        "board",
        "machine = 'pc'\nmachine-options.hpet = 'off'\n[cpu]\nmodel = 'qemu64'\nfeatures = ['-svm']\ncount = 16\nsockets = 2\n"
        "cores = 4\nthreads = 2\nhyperv = ['relaxed']\n[tcg]\nthreads = 'single'\nbuffer = '64M'\n"
        "[qemu]\nreserve = 2\nargs = ['-rtc', 'base=2000-01-01']\n",
        "[cpu]\ncount = 2\n[tcg]\nthreads = 'multi'\nbuffer = '32M'\n",
        {
            "machine": (board, "pc-i440f"),
            "machine-options": (qom("/machine", "hpet"), False),
            "cpu.model": (cpu("type"), "qemu64-x86_64-cpu"),
            "cpu.features": (cpu("svm"), False),
            "cpu.count": (smp("cpus"), 16),
            "cpu.sockets": (smp("sockets"), 2),
            "cpu.cores": (smp("cores"), 4),
            "cpu.threads": (smp("threads"), 2),
            "cpu.hyperv": (cpu("hv-relaxed"), True),
            "tcg.threads": (cpu_threads, 1),
            "tcg.buffer": (translation_buffer, 2),
            "qemu.reserve": (first_slot, 4),
            "qemu.args": (year, 100),
        },
    ),
    Group(
        "memory",
        "root-ports = 2\n[memory]\nsize = '96M'\nnodes = [0]\npolicy = 'interleave'\nshare = true\nmaximum = '1G'\n"
        "slots = 3\n[memory.virtio-mem]\nsize = '256M'\nrequested = '8M'\nblock = '4M'\n",
        "[memory]\nsize = '64M'\n[memory.virtio-mem]\nsize = '128M'\n",
        {
            "root-ports": (root_ports, 2),
            "memory.size": (qom("/objects/ram0", "size"), 96 * MIB),
            "memory.nodes": (one_of("query-memdev", "id", "ram0", "host-nodes"), [0]),
            "memory.policy": (one_of("query-memdev", "id", "ram0", "policy"), "interleave"),
            "memory.share": (one_of("query-memdev", "id", "ram0", "share"), True),
            "memory.maximum": (memory("max-size"), 1024 * MIB),
            "memory.slots": (memory("slots"), 3),
            "memory.virtio-mem.size": (memory_device("max-size"), 256 * MIB),
            "memory.virtio-mem.requested": (memory_device("requested-size"), 8 * MIB),
            "memory.virtio-mem.block": (memory_device("block-size"), 4 * MIB),
        },
    ),
    Group(
        "lock",
        "[memory]\nsize = '64M'\nlock = true\n[tcg]\nbuffer = '32M'\n",
        "[memory]\nsize = '64M'\n",
        {"memory.lock": (locked, True)},
    ),
    Group(
        "hugepages",
        "[memory]\nsize = '32M'\n[memory.hugepages]\nprealloc = false\nnodes = [0]\n",
        "[memory]\nsize = '16M'\nhugepages = true\n",
        {
            "memory.hugepages.prealloc": (one_of("query-memdev", "id", "ram0", "prealloc"), False),
            "memory.hugepages.nodes": (one_of("query-memdev", "id", "ram0", "host-nodes"), [0]),
        },
        hugepages=16,
    ),
    Group(
        "hugepages-elsewhere",
        "[memory]\nsize = '32M'\n[memory.hugepages]\nsize = '2M'\n",
        "[memory]\nsize = '16M'\n[memory.hugepages]\nsource = '{dir}'\n",
        {"memory.hugepages.size": (qom("/objects/ram0", "hugetlbsize"), 2 * MIB)},
        hugepages=16,
    ),
    Group(
        "hugepages-mounted",
        "[memory]\nsize = '16M'\n[memory.hugepages]\nsource = '{dir}'\n",
        "[memory]\nsize = '16M'\n",
        {"memory.hugepages.source": (qom("/objects/ram0", "mem-path"), "{dir}")},
    ),
    Group(
        "slots",
        "machine = 'q35'\n[[net]]\nslot = '12'\n[[scsi]]\nslot = '0d'\n[balloon]\nslot = '9'\n[rng]\nslot = '1a'\n",
        "[[scsi]]\n",
        {
            "net[].slot": (device("net0", "addr"), 0x12 << 3),
            "scsi[].slot": (device("scsi0", "addr"), 0x0D << 3),
            "balloon.slot": (device("balloon0", "addr"), 0x09 << 3),
            "rng[].slot": (device("rng0", "addr"), 0x1A << 3),
        },
    ),
    Group(
        "boot",
        "[boot]\nkernel = 'vmlinuz'\ninitrd = 'initrd'\ncmdline = 'quiet'\norder = ['net', 'disk']\n[firmware]\ntype = 'uefi'\n"
        "code = 'code.fd'\nvars = 'vars.fd'\n[[scsi]]\n[[scsi.disk]]\nfile = 'disk.qcow2'\n",
        "boot.order = ['disk']\n[[scsi]]\n[[scsi.disk]]\nfile = 'disk.qcow2'\n",
        {
            "boot.kernel": (qom("/machine", "kernel"), "{dir}/vmlinuz"),
            "boot.initrd": (qom("/machine", "initrd"), "{dir}/initrd"),
            "boot.cmdline": (qom("/machine", "append"), "quiet"),
            "boot.order": (device("disk0", "bootindex"), 2),
            "firmware.type": (qom("/machine", "pflash0"), "uefi-code"),
            "firmware.code": (node("uefi-code", "image", "filename"), "{dir}/code.fd"),
            "firmware.vars": (node("uefi-vars", "image", "filename"), "{dir}/vars.fd"),
        },
    ),
    Group(
        "net",
        "[[net]]\nid = 'lan'\nmac = '52:54:00:aa:bb:0c'\nforward = ['tcp:127.0.0.1:34567-:22']\n[[net]]\nbackend = 'none'\n"
        "[[net]]\nbackend = 'socket'\npath = 'cable.sock'\nlisten = true\n",
        "[[net]]\n[[net]]\n",
        {
            "net[].id": (device("lan", "type"), "virtio-net-pci"),
            "net[].mac": (device("lan", "mac"), "52:54:00:aa:bb:0c"),
            "net[].forward": (forwards, True),
            "net[].backend": (device("net1", "netdev"), ""),
            "net[].path": (there("cable.sock"), True),
            "net[].listen": (device("net2", "netdev"), "net2-host"),
        },
    ),
    Group(
        "disks",
        "[[scsi]]\nid = 'hba'\niothread = true\nqueues = 3\n[[scsi.disk]]\nid = 'root'\nfile = 'disk.qcow2'\nread-only = true\n"
        "serial = 'W-0001'\n[[scsi.disk]]\nfile = 'raw.img'\nformat = 'raw'\ncache = 'none'\ndiscard = 'ignore'\n"
        "[[scsi.disk]]\nmedia = 'cdrom'\n",
        "[[scsi]]\n[[scsi.disk]]\nfile = 'disk.qcow2'\n[[scsi.disk]]\nfile = 'raw.img'\nformat = 'raw'\n"
        "[[scsi.disk]]\nfile = 'other.qcow2'\n",
        {
            "scsi[].id": (device("hba", "type"), "virtio-scsi-pci"),
            "scsi[].iothread": (device("hba", "iothread"), "/objects/hba-thread"),
            "scsi[].queues": (device("hba", "num_queues"), 3),
            "scsi[].disk[].id": (device("root", "lun"), 0),
            "scsi[].disk[].file": (node("root-image", "image", "filename"), "{dir}/disk.qcow2"),
            "scsi[].disk[].read-only": (node("root-image", "ro"), True),
            "scsi[].disk[].serial": (device("root", "serial"), "W-0001"),
            "scsi[].disk[].cache": (node("disk1-image", "cache", "direct"), True),
            "scsi[].disk[].discard": (trims, False),
            "scsi[].disk[].media": (device("disk2", "type"), "scsi-cd"),
        },
    ),
    Group(
        "format",
        "[[scsi]]\n[[scsi.disk]]\nfile = 'disk.qcow2'\nformat = 'raw'\n",
        "[[scsi]]\n[[scsi.disk]]\nfile = 'disk.qcow2'\n",
        {"scsi[].disk[].format": (node("disk0-image", "drv"), "raw")},
    ),
    Group(
        "balloon",
        "[balloon]\ndeflate-on-oom = false\nfree-page-reporting = false\npage-poison = false\nfree-page-hint = true\n"
        "statistics = 7\n",
        "",
        {
            "balloon.deflate-on-oom": (device("balloon0", "deflate-on-oom"), False),
            "balloon.free-page-reporting": (device("balloon0", "free-page-reporting"), False),
            "balloon.page-poison": (device("balloon0", "page-poison"), False),
            "balloon.free-page-hint": (device("balloon0", "free-page-hint"), True),
            "balloon.statistics": (device("balloon0", "guest-stats-polling-interval"), 7),
        },
    ),
    Group(
        "others",
        "[[serial]]\nid = 'com'\nkind = 'port'\nname = 'com.example'\npath = 'com.sock'\n[[serial]]\nkind = 'agent'\n"
        "backend = 'pty'\n[[rng]]\nid = 'dice'\nsource = '/dev/zero'\nmax-bytes = '1K'\nperiod = 1000\n[[rng]]\n"
        "[display]\ncard = 'virtio'\nvnc = 'loopback'\nport = 5917\n",
        "[[serial]]\n[[serial]]\n[display]\n",
        {
            "serial[].id": (device("com", "type"), "virtserialport"),
            "serial[].name": (device("com", "name"), "com.example"),
            "serial[].path": (chardev("com-chardev"), "disconnected:unix:HERE/com.sock,server=on"),
            "serial[].kind": (device("port1", "type"), "virtserialport"),
            "serial[].backend": (chardev("port1-chardev"), "pty:"),
            "rng[].id": (device("rng1", "type"), "virtio-rng-pci"),
            "rng[].source": (qom("/objects/dice-source", "filename"), "/dev/zero"),
            "rng[].max-bytes": (device("dice", "max-bytes"), 1024),
            "rng[].period": (device("dice", "period"), 1000),
            "display.card": (device("vga0", "type"), "virtio-vga"),
            "display.vnc": (vnc("host"), "127.0.0.1"),
            "display.port": (vnc("service"), "5917"),
        },
    ),
]

ELSEWHERE = {
    "extends": "tests/domain/profile/text/test_document.py::test_tables_are_joined_and_the_nearer_file_wins",
    "description": "tests/e2e/test_cli.py::test_a_running_guest_keeps_its_description",
    "accelerator": "tests/engine/start/test_plan.py::test_relative_files_are_looked_for_beside_the_profile",
    "cpu.pin": "tests/e2e/test_start_prepares.py::test_each_virtual_cpu_runs_where_its_profile_says",
    "boot.guest": "tests/engine/demo/test_boot.py::test_it_boots_to_two_shells_and_a_network_and_powers_down",
    "net[].interface": "tests/engine/profiles/test_host_interfaces.py::test_cards_on_taps",
    "net[].queues": "tests/engine/profiles/test_host_interfaces.py::test_cards_on_taps",
    "scsi[].disk[].size": "tests/e2e/test_start_prepares.py::test_a_missing_image_is_made_and_one_that_is_there_is_left",
    "balloon.floor": "tests/e2e/test_balloon_safety.py::test_a_person_is_asked",
    "balloon.ramp": "tests/e2e/test_balloon_safety.py::test_the_profiles_ramp_is_followed_while_the_command_waits",
    "balloon.guard": "tests/engine/balloon/safety/test_protection.py::test_the_guard_saves_a_process",
    "balloon.presets": "tests/e2e/test_balloon_safety.py::test_a_preset_is_a_target",
}
"""Keys whose effect QEMU alone does not show, and the test that shows it."""


@each_qemu()
@pytest.mark.parametrize(
    "group", [pytest.param(one, id=one.name, marks=[uses_pool] if one.hugepages else []) for one in GROUPS]
)
async def test_each_key_has_its_effect(group: Group, qemu: str) -> None:
    with hugepage_pool(group.hugepages) if group.hugepages else nullcontext():
        found, directory = await told(group, group.text, qemu)
        assert found == {key: filled(expected, directory) for key, (_, expected) in group.keys.items()}
        plain, directory = await told(group, group.plain, qemu)
    for key, (_, expected) in group.keys.items():
        assert plain[key] != filled(expected, directory), f"without {key} it is the same"


def filled(expected: object, directory: Path) -> object:
    return expected.replace("{dir}", str(directory)) if isinstance(expected, str) else expected


async def told(group: Group, text: str, qemu: str) -> tuple[dict[str, object], Path]:
    """What a QEMU of this profile says of each key."""
    with tempfile.TemporaryDirectory(prefix="wb-") as top:
        directory = Path(top)
        (directory / "state").mkdir()
        make_files(directory)
        settings = Settings(profiles_option=directory, state_option=directory)
        loaded = guest_of(directory, text.replace("{dir}", top))
        assert loaded.profile is not None
        planned = launch_of(loaded, loaded.profile, settings, qemu, qemu_version(qemu)[:2], "tcg")
        async with launched(loaded.profile, planned) as monitor:
            return {key: await answer(read, monitor, directory) for key, (read, _) in group.keys.items()}, directory


async def answer(read: Reader, monitor: Monitor, directory: Path) -> object:
    try:
        return await read(monitor, directory)
    except (CommandFailed, KeyError, ValueError) as error:  # there is no such thing
        return f"none: {error!r}"


def guest_of(directory: Path, text: str) -> LoadedProfile:
    loaded = parse_text(directory / "state.toml", text, name="state", file="state.toml")
    assert not loaded.problems, loaded.problems
    return loaded


def make_files(directory: Path) -> None:
    fake_kernel(directory / "vmlinuz")
    (directory / "initrd").write_bytes(b"initrd")
    for name in ("disk.qcow2", "other.qcow2"):
        qcow2(directory / name)
    (directory / "raw.img").write_bytes(b"x" * MIB)
    for name in ("code.fd", "vars.fd"):
        (directory / name).write_bytes(bytes(MIB))


def test_every_key_is_here_or_has_its_test() -> None:
    keys = {key for key in dotted_keys(GuestProfile) if not is_table(key)}
    assert {key for group in GROUPS for key in group.keys} | set(ELSEWHERE) == keys
    for where in ELSEWHERE.values():
        file, _, name = where.partition("::")
        tree = ast.parse((CHECKOUT / file).read_text())
        functions = [one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
        assert name in functions, where


def is_table(key: str) -> bool:
    """Whether it is a table of other keys."""
    part: Any = GuestProfile
    for step in key.split("."):
        shape = fields_of(part)[step.removesuffix("[]")].shape
        shape = shape.item if shape.item is not None and shape.kind == "list" else shape
        part = shape.bare
    return shape.kind == "table"
