"""Distributions without supported packages: the host's own kernel, or what to set in a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.demo import elf
from tests.privilege import unprivileged
from workbench.engine.demo.host import host_parts
from workbench.engine.demo.packages import has_packages
from workbench.engine.demo.parts import is_static_x86
from workbench.errors import HostError

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = "6.9.1-200.fc40.x86_64"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host with all that is needed."""
    tmp_path.chmod(0o755)
    for directory in ("boot", f"lib/modules/{RELEASE}", "usr/sbin"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / f"boot/vmlinuz-{RELEASE}").write_bytes(b"kernel")
    (tmp_path / "usr/sbin/busybox").write_bytes(elf.program())
    return tmp_path


def test_the_running_kernel_serves(root: Path) -> None:
    parts = host_parts(root, RELEASE)
    assert parts.release == RELEASE
    assert parts.kernel.read_bytes() == b"kernel"
    assert parts.busybox == root / "usr/sbin/busybox"


def test_the_kernel_may_lie_beside_its_modules(root: Path) -> None:
    (root / f"boot/vmlinuz-{RELEASE}").rename(root / f"lib/modules/{RELEASE}/vmlinuz")
    assert host_parts(root, RELEASE).kernel == root / f"lib/modules/{RELEASE}/vmlinuz"


def test_a_kernel_that_only_root_may_read_is_named_with_the_settings_to_make(root: Path, tmp_path: Path) -> None:
    (root / f"boot/vmlinuz-{RELEASE}").chmod(0)
    for directory in (tmp_path, *tmp_path.parents[:2]):
        directory.chmod(directory.stat().st_mode | 0o055)
    with (
        unprivileged(),
        pytest.raises(HostError, match=rf"a readable kernel \(.*vmlinuz-{RELEASE}\)") as caught,
    ):
        host_parts(root, RELEASE)
    assert "[boot] kernel = " in caught.value.hint
    assert "[boot] initrd = " in caught.value.hint


def test_a_busybox_with_a_loader_is_not_enough(root: Path) -> None:
    (root / "usr/sbin/busybox").write_bytes(elf.program(interpreter=True))
    with pytest.raises(HostError, match="lacks a static busybox"):
        host_parts(root, RELEASE)


def test_everything_that_lacks_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"a readable kernel .*, its modules .*, a static busybox"):
        host_parts(tmp_path, RELEASE)


@pytest.mark.parametrize(
    ("program", "static"),
    [
        (elf.program(), True),
        (elf.program(interpreter=True), False),
        (elf.program(machine=183), False),  # AArch64
        (b"#!/bin/sh\n", False),
        (b"", False),
        (elf.program()[:40], True),  # too short to name a loader: the guest will tell
    ],
)
def test_static_programs_are_recognized(program: bytes, static: bool) -> None:
    assert is_static_x86(program) is static


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ID=debian\nVERSION_ID="12"\n', True),
        ('NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n', True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        ("ID=fedora\n", False),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', False),
    ],
)
def test_debian_and_what_is_made_from_it_have_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: bool
) -> None:
    apt = tmp_path / "apt-get"
    apt.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "os-release").write_text(text)
    assert has_packages(tmp_path / "os-release") is expected


def test_a_host_without_os_release_has_no_packages(tmp_path: Path) -> None:
    assert not has_packages(tmp_path / "os-release")
