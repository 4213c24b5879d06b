"""Ports and images that somebody else has."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.profile_files import qcow2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.commandline import CommandLine


@contextmanager
def taken_port() -> Iterator[int]:
    """A TCP port of this host that somebody listens on."""
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
        assert f"web.toml:3:12: net[0].forward[0]: tcp port {port} of the host is taken" in done.stdout
        workbench("start", "web").check_error(1, f"tcp port {port} of the host is taken")
    assert workbench("check", "web").code == 0


def test_a_port_that_another_guest_has_and_ones_own(workbench: CommandLine) -> None:
    with taken_port() as free:
        pass
    workbench.profile("web", forwarding(free))
    workbench.profile("other", forwarding(free))
    workbench.start("web")
    assert workbench("check", "web").code == 0, "its own guest has it"
    assert f"port {free} of the host is taken: web has it" in workbench("check", "other").stdout


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
