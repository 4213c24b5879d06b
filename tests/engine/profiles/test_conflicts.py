"""Ports and images in use by other processes."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.commandline import wait_until
from tests.profile_files import qcow2
from tests.real import running_qemu

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.commandline import CommandLine


@contextmanager
def taken_port() -> Iterator[int]:
    """A TCP port of this host that is in use."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def forwarding(port: int) -> str:
    return f'memory.size = "64M"\n[[net]]\nforward = ["tcp:127.0.0.1:{port}-:22"]\n'


def test_a_port_that_is_taken(workbench: CommandLine) -> None:
    with taken_port() as port:
        workbench.profile("web", forwarding(port))
        done = workbench("check", "web")
        assert done.code == 1
        assert f"web.toml:3:12: net[0].forward[0]: tcp port {port} of the host is in use" in done.stdout
        workbench("start", "web").check_error(1, f"tcp port {port} of the host is in use")
    assert workbench("check", "web").code == 0


def test_a_port_that_another_guest_has_and_ones_own(workbench: CommandLine) -> None:
    with taken_port() as free:
        pass
    workbench.profile("web", forwarding(free))
    workbench.profile("other", forwarding(free))
    workbench.start("web")
    assert workbench("check", "web").code == 0, "its own guest has it"
    assert f"port {free} of the host is in use by web" in workbench("check", "other").stdout


def test_an_image_that_another_guest_writes_to(workbench: CommandLine) -> None:
    qcow2(workbench.profiles / "disk.qcow2")
    disk = 'memory.size = "64M"\n[[scsi]]\n[[scsi.disk]]\nfile = "disk.qcow2"\n'
    workbench.profile("one", disk)
    (workbench.profiles / "link").symlink_to("disk.qcow2")
    workbench.profile("two", disk.replace("disk.qcow2", "link"))
    workbench.start("one")
    done = workbench("check", "two")
    assert done.code == 1
    assert "two.toml:4:1: scsi[0].disk[0].file" in done.stdout
    assert "is in use by the running guest one" in done.stdout
    workbench("start", "two").check_error(1, "in use by the running guest one")
    assert workbench("check", "one").code == 0


def test_two_readers_of_one_image_are_no_trouble(workbench: CommandLine) -> None:
    qcow2(workbench.profiles / "disk.qcow2")
    disk = 'memory.size = "64M"\n[[scsi]]\n[[scsi.disk]]\nfile = "disk.qcow2"\nread-only = true\n'
    workbench.profile("one", disk)
    workbench.profile("two", disk)
    workbench.start("one")
    workbench.start("two")


def test_the_port_of_the_display(workbench: CommandLine) -> None:
    with taken_port() as port:
        workbench.profile("box", f'memory.size = "64M"\n[display]\nvnc = "loopback"\nport = {max(port, 5900)}\n')
        done = workbench("check", "box")
        if port >= 5900:
            assert f"box.toml:4:1: display.port: tcp port {port} of the host is in use" in done.stdout
    assert workbench("check", "box").code == 0


def test_a_socket_that_another_process_listens_on(workbench: CommandLine) -> None:
    """QEMU would take its place without a word."""
    serial = 'memory.size = "64M"\n[[serial]]\npath = "p.sock"\n'
    workbench.profile("one", serial)
    workbench.profile("two", serial)
    cable = 'memory.size = "64M"\n[[net]]\nbackend = "socket"\npath = "p.sock"\n'
    workbench.profile("end", cable)
    pid = workbench.start("one")
    said = f"two.toml:3:1: serial[0].path: another process already listens on {workbench.profiles}/p.sock"
    assert said in workbench("check", "two").stdout
    workbench("start", "two").check_error(1, "another process already listens on")
    assert workbench("check", "one", "end").code == 0
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: workbench("check", "two").code == 0, "the guest's end")
    said = f"end.toml:4:1: net[0].path: nothing listens on {workbench.profiles}/p.sock: start the other guest first"
    assert said in workbench("check", "end").stdout


def test_an_image_that_a_foreign_qemu_has(workbench: CommandLine) -> None:
    image = qcow2(workbench.profiles / "disk.qcow2")
    workbench.profile("box", 'memory.size = "64M"\n[[scsi]]\n[[scsi.disk]]\nfile = "disk.qcow2"\n')
    disk = (
        "-drive",
        f"file={image},format=qcow2,if=none,id=d",
        "-device",
        "virtio-scsi-pci",
        "-device",
        "scsi-hd,drive=d",
    )
    with running_qemu(*disk, devices=(), paused=True) as (process, _):
        said = f"disk.qcow2 is in use by qemu-system-x86 (pid {process.pid})"
        wait_until(lambda: said in workbench("check", "box").stdout, "QEMU to open the image")
        workbench("start", "box").check_error(1, "is in use by")
    assert workbench("check", "box").code == 0


def test_the_variables_that_another_guest_has(workbench: CommandLine) -> None:
    text = 'memory.size = "64M"\n[firmware]\ntype = "uefi"\ncode = "code.fd"\nvars = "vars.fd"\n'
    for name in ("code.fd", "vars.fd"):
        (workbench.profiles / name).write_bytes(bytes(1 << 16))
    workbench.profile("one", text)
    workbench.profile("two", text)
    workbench.start("one")
    said = f"two.toml:5:1: firmware.vars: {workbench.profiles}/vars.fd is in use by the running guest one"
    assert said in workbench("check", "two").stdout
