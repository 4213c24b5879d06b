"""Real QEMUs accept the command line and do what the profile asks for."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec
import pytest
from msgspec.structs import replace

from tests.hugepages import hugepage_pool, uses_pool
from tests.launched import ask, get, launch, launched
from tests.profile_files import CORPUS, HERE, NASTY, copy_with_files, fake_kernel, qcow2, read_guest
from tests.real import QEMU, each_qemu
from workbench.domain.command_line.argv import MONITORS
from workbench.domain.profile.boot import Flash
from workbench.domain.profile.devices.part import extra
from workbench.engine.qmp.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.command_line.argv import Launch
    from workbench.domain.profile.devices.part import Part
    from workbench.domain.profile.guest import GuestProfile


@pytest.fixture
def directory() -> Iterator[Path]:
    """A state directory with a short path: pytest's own are too deep for a socket."""
    with tempfile.TemporaryDirectory(prefix="wb-") as path:
        yield Path(path)


@each_qemu()
async def test_every_key_arrives(qemu: str, directory: Path) -> None:
    path = copy_with_files(directory)
    guest = read_guest(path.read_text())
    assert guest.boot.kernel
    planned = launch(qemu, directory, f"{directory}/vmlinuz", f"{directory}/initrd.img")
    async with launched(guest, planned) as monitor:
        assert await ask(monitor, "query-name") == {"name": "demo"}
        for index, part in (
            ("lan", guest.net[0]),
            ("balloon0", guest.balloon),
            ("agent", guest.serial[0]),
            ("rng0", guest.rng[0]),
            ("slow", guest.rng[1]),
        ):
            await check_properties(monitor, f"/machine/peripheral/{index}", cast("Part", part))
        assert (await ask(monitor, "query-memory-size-summary"))["base-memory"] == guest.memory.size
        assert await get(monitor, "/objects/ram0", "size") == guest.memory.size
        assert await get(monitor, "/machine", "memory-backend") == "/objects/ram0"
        assert await get(monitor, "/machine", "append") == guest.boot.cmdline
        assert str(await get(monitor, "/machine", "type")).startswith(guest.machine)
        assert len(await ask(monitor, "query-cpus-fast")) == 2
        assert await get(monitor, (await ask(monitor, "query-cpus-fast"))[0]["qom-path"], "type") == "qemu64-x86_64-cpu"
        nodes = {node["node-name"]: node for node in await ask(monitor, "query-named-block-nodes")}
        assert (nodes["root-image"]["drv"], nodes["root-image"]["ro"]) == ("qcow2", False)
        assert (nodes["disk1-image"]["drv"], nodes["disk1-image"]["ro"]) == ("raw", True)
        assert nodes["disk1-image"]["image"]["filename"] == f"{directory}/data.img"
        assert await get(monitor, "/machine/peripheral/disk1", "lun") == 1
        forwards = await monitor.hmp("info usernet")
        assert "34567" in forwards
        assert "22" in forwards
        chardevs = {entry["label"]: entry["filename"] for entry in await ask(monitor, "query-chardev")}
        assert chardevs["port1-chardev"].startswith("pty:")
        assert chardevs["port3-chardev"] == "null"
        assert (directory / "agent.sock").is_socket()
        assert (directory / "console.txt").is_file()


@each_qemu()
async def test_every_key_of_a_windows_guest_arrives(qemu: str, directory: Path) -> None:
    """What QEMU says of itself is what ``windows.toml`` says; its CPUs never run."""
    guest = read_guest((HERE / "windows.toml").read_text().replace('policy = "preferred"\nshare', "share"))
    # QEMU 7.2 asks KVM whether it has the others; that TCG has none is told before any start.
    guest = replace(guest, cpu=replace(guest.cpu, hyperv=("relaxed",)))
    tap = next(net for net in guest.net if net.backend == "tap")
    assert tap.queues == 2
    # A tap wants rights that a test may not have: its arguments are tested apart.
    guest = replace(guest, net=guest.net[1:])
    qcow2(directory / "windows.qcow2")
    for name in ("code.fd", "vars.fd"):
        (directory / name).write_bytes(bytes(1 << 20))
    planned = replace(launch(qemu, directory), flash=Flash(f"{directory}/code.fd", f"{directory}/vars.fd"))
    async with launched(guest, planned) as monitor:
        cpus = [cpu["props"] for cpu in await ask(monitor, "query-cpus-fast")]
        places = [(cpu["socket-id"], cpu["core-id"], cpu["thread-id"]) for cpu in cpus]
        assert places == [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)]
        assert await get(monitor, "/machine", "hpet") is False
        assert await get(monitor, "/machine", "pflash1") == "uefi-vars"
        cpu = (await ask(monitor, "query-cpus-fast"))[0]["qom-path"]
        assert [await get(monitor, cpu, name) for name in ("svm", "hv-relaxed")] == [False, True]
        (backend, extra_backend) = await ask(monitor, "query-memdev")
        assert {backend["id"], extra_backend["id"]} == {"ram0", "vmem0-ram"}
        assert all(
            one["host-nodes"] == [0] and one["policy"] == "bind" and one["share"] for one in (backend, extra_backend)
        )
        (module,) = await ask(monitor, "query-memory-devices")
        assert (module["data"]["max-size"], module["data"]["block-size"]) == (256 << 20, 4 << 20)
        assert (module["data"]["requested-size"], module["data"]["id"]) == (4 << 20, "vmem0")
        blocks = {one["qdev"]: one for one in await ask(monitor, "query-block")}
        assert blocks["disk0"]["inserted"]["drv"] == "qcow2"
        assert blocks["disk0"]["inserted"]["cache"] == {"writeback": True, "direct": True, "no-flush": False}
        assert "inserted" not in blocks["disk1"]
        assert await get(monitor, "/machine/peripheral/disk0", "serial") == "W-0001"
        assert await get(monitor, "/machine/peripheral/disk0", "bootindex") == 2
        assert await get(monitor, "/machine/peripheral/scsi0", "iothread") == "/objects/scsi0-thread"
        assert await get(monitor, "/machine/peripheral/scsi0", "num_queues") == 3
        assert await get(monitor, "/machine/peripheral/port0", "name") == "org.qemu.guest_agent.0"
        assert await get(monitor, "/machine/peripheral/net1", "netdev") == "net1-host"
        assert (directory / "cable.sock").is_socket()
        vnc = await ask(monitor, "query-vnc")
        assert (vnc["host"], vnc["service"]) == ("127.0.0.1", "5917")
        assert await get(monitor, "/machine/peripheral/vga0", "type") == "virtio-vga"
        ports = [await get(monitor, f"/machine/peripheral/pcie-port{n}", "chassis") for n in range(4)]
        assert ports == [1, 2, 3, 4]


@each_qemu()
async def test_a_device_can_be_plugged_into_a_spare_root_port(qemu: str, directory: Path) -> None:
    async with launched(read_guest("memory.size = '64M'"), launch(qemu, directory)) as monitor:
        await monitor.execute("device_add", {"driver": "virtio-rng-pci", "id": "more", "bus": "pcie-port0"})
        assert await get(monitor, "/machine/peripheral/more", "type") == "virtio-rng-pci"


async def check_properties(monitor: Monitor, path: str, part: Part) -> None:
    """Each field that is a property of the device has its value there."""
    found = 0
    for field in msgspec.structs.fields(part):
        name = extra(field.type, "device")
        if name is not None:
            assert await get(monitor, path, name) == getattr(part, field.name), (path, name)
            found += 1
    assert found


@uses_pool
@each_qemu()
@pytest.mark.parametrize("path", [path for path in CORPUS if path.parent != HERE], ids=lambda path: path.stem)
async def test_every_sample_is_taken(path: Path, qemu: str, directory: Path) -> None:
    guest = read_guest(path.read_text())
    kernel = str(fake_kernel(directory / "k")) if guest.boot.guest else None
    pages = guest.memory.hugepages
    if pages is None:
        await check_sample(guest, launch(qemu, directory, kernel=kernel))
    else:
        with hugepage_pool(guest.memory.size // pages.size):
            await check_sample(guest, launch(qemu, directory, kernel=kernel))


async def check_sample(guest: GuestProfile, planned: Launch) -> None:
    async with launched(guest, planned) as monitor:
        assert (await ask(monitor, "query-memory-size-summary"))["base-memory"] == guest.memory.size
        buses = (await ask(monitor, "query-pci"))[0]["devices"]
        named = {device["qdev_id"]: device["slot"] for device in buses if device["qdev_id"]}
        ports = {f"pcie-port{number}": 0x1C for number in range(4)}
        wanted = {"net0": 1, "scsi0": 2, "balloon0": 3, "virtio-serial0": 4, "rng0": 5, **ports}
        assert named == {name: wanted[name] for name in named}
        assert {"net0", "balloon0", "rng0"} <= named.keys()
        for name in (*MONITORS, "serial"):
            assert (Path(planned.directory) / f"{name}.sock").is_socket()
        assert (Path(planned.directory) / "serial.log").is_file()
        assert (Path(planned.directory) / "pid").read_text().strip().isdigit()
    log = (Path(planned.directory) / "qemu.log").read_text()
    assert log.replace("terminating on signal", "") == log
    assert "warning" not in log


@each_qemu()
async def test_every_monitor_serves_a_client_of_its_own(qemu: str, directory: Path) -> None:
    async with launched(read_guest("memory.size = '16M'"), launch(qemu, directory)) as monitor:
        others = [await Monitor.connect(directory / f"{name}.sock") for name in MONITORS if name != "qmp-cli"]
        assert [(await ask(each, "query-status"))["running"] for each in (monitor, *others)] == [False] * 4
        for each in others:
            await each.close()
            again = await Monitor.connect(each.path)
            await again.close()


@uses_pool
@each_qemu()
async def test_hugepages_bound_to_a_node(qemu: str, directory: Path) -> None:
    guest = read_guest("[memory]\nsize = '16M'\n[memory.hugepages]\nnodes = [0]")
    with hugepage_pool(8):
        async with launched(guest, launch(qemu, directory)) as monitor:
            (device,) = await ask(monitor, "query-memdev")
            assert (device["prealloc"], device["host-nodes"], device["policy"]) == (True, [0], "bind")
            assert await get(monitor, "/objects/ram0", "hugetlbsize") == 2 << 20


@pytest.mark.parametrize("machine", ["pc", "q35"])
async def test_a_full_board_is_taken(machine: str, directory: Path) -> None:
    text = (
        f"machine = '{machine}'\nmemory.size = '16M'\n" + "[[net]]\nbackend = 'none'\n" * 22 + "[[scsi]]\n[[serial]]\n"
    )
    async with launched(read_guest(text), launch(QEMU, directory)) as monitor:
        devices = (await ask(monitor, "query-pci"))[0]["devices"]
        assert sum(bool(device["qdev_id"]) for device in devices) == 26 + (4 if machine == "q35" else 0)


def test_the_printed_command_line_can_be_pasted(directory: Path) -> None:
    """A shell makes the same words of it, whatever they hold."""
    from workbench.verbs.profiles.command import shell_lines

    options = [("-append", nasty) for nasty in NASTY]
    printed = shell_lines("/bin/echo", options)
    script = printed.replace("/bin/echo", f"{shutil.which('printf')} '%s\\0'", 1)
    words = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True).stdout.decode().split("\0")[:-1]
    assert words == [word for option in options for word in option]
