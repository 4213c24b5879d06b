"""The files that a profile names are checked before QEMU is started, with problems at the keys that name them."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.privilege import unprivileged
from tests.profile_files import copy_with_files, fake_kernel, qcow2
from workbench.engine.profiles.named_files import file_problems
from workbench.engine.profiles.store import read_profile

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that everybody may enter; profiles in it are named without it."""
    with tempfile.TemporaryDirectory(prefix="wb-") as path:
        Path(path).chmod(0o755)
        monkeypatch.chdir(path)
        yield Path(path)
        monkeypatch.undo()


def complaints(text: str) -> list[str]:
    Path("x.toml").write_text(text)
    loaded = read_profile(Path("x.toml"))
    assert loaded.profile is not None, loaded.problems
    here = str(Path.cwd())
    return [str(problem).replace(here, "HERE") for problem in file_problems(loaded)]


def disk(more: str = "") -> str:
    return f"[[scsi]]\n[[scsi.disk]]\nfile = 'd'\n{more}"


def test_nothing_is_wrong_with_files_that_are_right(place: Path) -> None:
    assert file_problems(read_profile(copy_with_files(place))) == ()


def test_of_a_profile_with_problems_of_its_own_the_rest_is_looked_at(place: Path) -> None:
    (place / "x.toml").write_text("boot.kernel = 'gone'\ncpu.count = 0")
    loaded = read_profile(place / "x.toml")
    assert loaded.profile is None
    assert [problem.key for problem in file_problems(loaded)] == ["boot.kernel"]
    (place / "x.toml").write_text("this is no TOML")
    assert file_problems(read_profile(place / "x.toml")) == ()


def test_every_missing_file_at_its_key(place: Path) -> None:
    text = "[boot]\nkernel = 'bzImage'\ninitrd = '/no/such/initrd'\n" + disk() + "[rng]\nsource = '~/none'"
    home = str(Path.home())
    assert complaints(text) == [
        "x.toml:2:1: boot.kernel: HERE/bzImage: No such file or directory",
        "x.toml:3:1: boot.initrd: /no/such/initrd: No such file or directory",
        "x.toml:6:1: scsi[0].disk[0].file: HERE/d: No such file or directory",
        f"x.toml:8:1: rng.source: {home}/none: No such file or directory",
    ]


def test_relative_paths_begin_at_the_profile(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "sub").mkdir()
    fake_kernel(place / "kernel")
    (place / "x.toml").write_text("boot.kernel = 'kernel'")
    monkeypatch.chdir(place / "sub")
    assert file_problems(read_profile(Path("../x.toml"))) == ()


def test_paths_that_are_not_files(place: Path) -> None:
    (place / "d").mkdir()
    assert complaints("boot.kernel = '/dev/null'") == ["x.toml:1:6: boot.kernel: /dev/null is a device, not a file"]
    assert complaints("boot.kernel = 'd'") == ["x.toml:1:6: boot.kernel: HERE/d is a directory, not a file"]
    assert complaints(disk()) == ["x.toml:3:1: scsi[0].disk[0].file: HERE/d is a directory, not a file"]
    assert complaints("rng.source = 'd'") == ["x.toml:1:5: rng.source: HERE/d is a directory"]
    assert complaints("boot.kernel = 'x.toml/k'") == ["x.toml:1:6: boot.kernel: HERE/x.toml/k: Not a directory"]


def test_a_disk_of_another_format(place: Path) -> None:
    qcow2(place / "d")
    assert complaints(disk()) == []
    assert complaints(disk("format = 'raw'")) == [
        'x.toml:3:1: scsi[0].disk[0].file: HERE/d is a qcow2 image, but format = "raw"'
    ]
    (place / "d").write_bytes(bytes(512))
    assert complaints(disk("format = 'raw'")) == []
    assert complaints(disk()) == ['x.toml:3:1: scsi[0].disk[0].file: HERE/d is not a qcow2 image, but format = "qcow2"']


def test_what_this_user_may_not_do(place: Path) -> None:
    for name in ("k", "f"):
        (place / name).touch(0o600)
    qcow2(place / "d").chmod(0o644)
    (place / "closed").mkdir(0o755)
    ports = "[[serial]]\nbackend = 'file'\npath = 'f'\n[[serial]]\npath = 'closed/s'\n"
    (place / "x.toml").touch(0o666)
    (place / "x.toml").chmod(0o666)
    if os.geteuid() != 0:  # our own files: refuse them to ourselves
        (place / "k").chmod(0)
        (place / "f").chmod(0)
        (place / "d").chmod(0o444)
        (place / "closed").chmod(0o555)
    with unprivileged():
        assert complaints("boot.kernel = 'k'\n" + ports + "[rng]\nsource = 'k'\n" + disk()) == [
            "x.toml:1:6: boot.kernel: HERE/k: no read permission",
            "x.toml:4:1: serial[0].path: HERE/f: no write permission",
            "x.toml:6:1: serial[1].path: HERE/closed: no write permission",
            "x.toml:8:1: rng.source: HERE/k: no read permission",
            "x.toml:11:1: scsi[0].disk[0].file: HERE/d: no write permission; read-only = true needs none",
        ]
        assert complaints(disk("read-only = true")) == []


def test_a_socket_never_takes_the_place_of_a_file(place: Path) -> None:
    """QEMU removes what stands at a socket's path before it makes the socket."""
    text = "[[serial]]\npath = 's'"
    assert complaints(text) == []
    (place / "s").touch()
    assert complaints(text) == ["x.toml:2:1: serial[0].path: HERE/s exists and is not a socket: QEMU would remove it"]
    (place / "s").unlink()
    (place / "s").symlink_to("elsewhere")
    assert complaints(text) == ["x.toml:2:1: serial[0].path: HERE/s exists and is not a socket: QEMU would remove it"]
    (place / "s").unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        assert complaints(text) == []


def test_where_a_port_leads(place: Path) -> None:
    long = "s" * 108
    assert complaints(f"[[serial]]\npath = '/{long}'") == [
        "x.toml:2:1: serial[0].path: a socket's path can have at most 107 bytes, this has 109"
    ]
    assert complaints("[[serial]]\npath = 'no/s'") == ["x.toml:2:1: serial[0].path: no such directory: HERE/no"]
    file = "[[serial]]\nbackend = 'file'\npath = "
    assert complaints(file + "'new'") == []
    assert complaints(file + "'no/f'") == ["x.toml:3:1: serial[0].path: no such directory: HERE/no"]
    assert complaints(file + "'/'") == ["x.toml:3:1: serial[0].path: / is a directory"]


def test_a_file_that_is_not_a_kernel(place: Path) -> None:
    (place / "k").write_bytes(bytes(4096))
    (found,) = complaints("boot.kernel = 'k'")
    assert found.startswith("x.toml:1:6: boot.kernel: HERE/k is not a kernel that QEMU can boot: bzImage")
    for content in (b"\x7fELF", bytes(64) + b"\x02\xb0\xad\x1b"):
        (place / "k").write_bytes(content)
        assert complaints("boot.kernel = 'k'") == []


def test_what_does_not_fit_into_flash(place: Path) -> None:
    text = "[firmware]\ntype = 'uefi'\ncode = 'c'\nvars = 'v'"
    (place / "c").write_bytes(bytes(4096))
    assert complaints(text) == [], "the variables are made"
    for name in ("c", "v"):
        (place / name).write_bytes(bytes(100))
    why = "is not a UEFI image: its size, 100 bytes, is not a multiple of 4,096"
    assert complaints(text) == [
        f"x.toml:3:1: firmware.code: HERE/c {why}",
        f"x.toml:4:1: firmware.vars: HERE/v {why}",
    ]


def test_two_devices_on_one_file(place: Path) -> None:
    """QEMU's own words would be "Is another process using the image"; of a socket it would say nothing."""
    qcow2(place / "d")
    (place / "link").symlink_to("d")
    two = disk() + "[[scsi.disk]]\nfile = './link'\n"
    assert complaints(two) == ["x.toml:5:1: scsi[0].disk[1].file: HERE/link is already used by scsi[0].disk[0].file"]
    assert len(complaints(disk("read-only = true\n") + "[[scsi.disk]]\nfile = 'd'\n")) == 1, "one of them writes"
    assert complaints(disk("read-only = true\n") + "[[scsi.disk]]\nfile = 'd'\nread-only = true") == []
    sockets = "[[serial]]\npath = 's'\n[[net]]\nbackend = 'socket'\npath = 's'\nlisten = true\n"
    assert complaints(sockets) == ["x.toml:2:1: serial[0].path: HERE/s is already used by net[0].path"]
    logs = "[[serial]]\nbackend = 'file'\npath = 'f'\n" * 2
    assert complaints(logs) == [], "what is appended to a file stands behind what is there"


def test_flash_in_qcow2_has_any_size(place: Path) -> None:
    text = "[firmware]\ntype = 'uefi'\ncode = 'c'\nvars = 'v'"
    for name in ("c", "v"):
        image = qcow2(place / name)
        image.write_bytes(image.read_bytes() + b"x")
    assert complaints(text) == []
