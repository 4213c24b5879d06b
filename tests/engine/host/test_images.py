"""Disk images before QEMU opens them."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.commandline import wait_until
from tests.profile_files import qcow2
from tests.real import running_qemu
from workbench.engine.host.images import format_trouble, user_of

if TYPE_CHECKING:
    from pathlib import Path

OTHERS = {
    "vmdk": b"KDMV" + bytes(508),
    "vdi": bytes(64) + b"\x7f\x10\xda\xbe",
    "vhdx": b"vhdxfile" + bytes(504),
    "vpc": b"conectix" + bytes(504),
    "qed": b"QED\0" + bytes(508),
}


@pytest.mark.parametrize("wanted", ["raw", "qcow2"])
@pytest.mark.parametrize("kind", OTHERS)
def test_an_image_of_another_program_is_named_with_the_fix(kind: str, wanted: str, tmp_path: Path) -> None:
    (tmp_path / "d").write_bytes(OTHERS[kind])
    assert format_trouble(tmp_path / "d", wanted, disk=True) == (
        f"{tmp_path}/d is a {kind} image: convert it with qemu-img convert -O qcow2"
    )


@pytest.mark.parametrize("kind", ["vmdk", "vdi", "vhdx", "vpc", "qed"])
def test_the_marks_are_those_of_qemu_img(kind: str, tmp_path: Path) -> None:
    program = shutil.which("qemu-img")
    if program is None:
        pytest.skip("no qemu-img here")
    done = subprocess.run(
        [program, "create", "-q", "-f", kind, str(tmp_path / "d"), "1M"], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"qemu-img makes no {kind}: {done.stderr}")
    assert f"is a {kind} image" in format_trouble(tmp_path / "d", "raw", disk=True)


def test_a_compressed_image_is_not_a_disk(tmp_path: Path) -> None:
    (tmp_path / "d").write_bytes(b"\xfd7zXZ\0" + bytes(512))
    assert (
        format_trouble(tmp_path / "d", "raw", disk=True) == f"{tmp_path}/d is compressed with xz: decompress it first"
    )
    assert format_trouble(tmp_path / "d", "raw", disk=False) == "", "a CD holds what it holds"


def over(path: Path, backing: str) -> Path:
    """A qcow2 image that stands on another one."""
    content = bytearray(qcow2(path).read_bytes())
    content[8:16] = (4096).to_bytes(8, "big")
    content[16:20] = len(backing.encode()).to_bytes(4, "big")
    content[4096 : 4096 + len(backing.encode())] = backing.encode()
    path.write_bytes(content)
    return path


def test_every_image_below_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    qcow2(tmp_path / "base")
    over(tmp_path / "sub" / "middle", "../base")
    top = over(tmp_path / "top", "sub/middle")
    assert format_trouble(top, "qcow2", disk=True) == ""
    (tmp_path / "base").unlink()
    said = format_trouble(top, "qcow2", disk=True)
    assert said.startswith(f"{tmp_path}/sub/middle: backing file {tmp_path}/sub/../base: No such file or directory; if")
    for elsewhere in ("json:{}", "nbd://host/x"):
        assert format_trouble(over(tmp_path / "top", elsewhere), "qcow2", disk=True) == ""
    assert "more than 64 images" in format_trouble(over(tmp_path / "top", "top"), "qcow2", disk=True)


def test_a_header_that_qemu_would_not_take(tmp_path: Path) -> None:
    image = qcow2(tmp_path / "d")
    whole = image.read_bytes()
    image.write_bytes(whole[:71])
    assert format_trouble(image, "qcow2", disk=True) == f"{image} is a truncated qcow2 image"
    image.write_bytes(whole[:4] + (9).to_bytes(4, "big") + whole[8:])
    assert "has qcow2 version 9, which QEMU does not support" in format_trouble(image, "qcow2", disk=True)


@pytest.mark.parametrize(("held", "readers"), [("false", True), ("true", False)])
def test_qemus_locks_show_which_process_has_an_image_open(held: str, readers: bool, tmp_path: Path) -> None:
    image = qcow2(tmp_path / "d,d")
    assert user_of(image, writes=True) == ""
    node = f'{{"driver":"qcow2","node-name":"n","read-only":{held},"file":{{"driver":"file","filename":"{image}"}}}}'
    disk = ("-blockdev", node, "-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=n")
    with running_qemu(*disk, devices=(), paused=True) as (process, _):
        wanted = f"(pid {process.pid})"
        wait_until(lambda: wanted in user_of(image, writes=True), "QEMU to open the image")
        assert (wanted in user_of(image, writes=False)) is readers
    assert user_of(image, writes=True) == ""
