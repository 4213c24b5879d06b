from __future__ import annotations

import os
import platform
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.real import QEMU, each_qemu
from workbench.engine.host import qemu as module
from workbench.engine.host.qemu import INSTALL, install_hint, qemu_binary, qemu_version
from workbench.errors import HostError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins as a new process would."""
    monkeypatch.setattr(module, "known", {})


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_the_program_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_QEMU", raising=False)
    assert qemu_binary() == QEMU


def test_the_environment_names_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORKBENCH_QEMU", script(tmp_path / "qemu", "exit 0"))
    assert qemu_binary() == str(tmp_path / "qemu")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_QEMU", "./qemu")
    assert qemu_binary() == str(tmp_path / "qemu")


def test_an_invalid_program_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_QEMU", "/nowhere/qemu")
    with pytest.raises(HostError, match=r"WORKBENCH_QEMU is set to /nowhere/qemu") as caught:
        qemu_binary()
    assert "unset" in caught.value.hint


def test_not_installed_names_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("WORKBENCH_QEMU", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "debian"})
    with pytest.raises(HostError, match="not installed") as caught:
        qemu_binary()
    assert caught.value.hint == "sudo apt install qemu-system-x86"


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ({"ID": "ubuntu", "ID_LIKE": "debian"}, INSTALL["ubuntu"]),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, INSTALL["ubuntu"]),
        ({"ID": "fedora"}, INSTALL["fedora"]),
        ({"ID": "endeavouros", "ID_LIKE": "arch"}, INSTALL["arch"]),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, INSTALL["rhel"]),
    ],
)
def test_the_command_of_each_distribution(
    monkeypatch: pytest.MonkeyPatch, release: dict[str, str], command: str
) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    assert install_hint() == command


def test_an_unknown_distribution_gets_the_usual_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", dict)
    assert [line.partition(":")[0] for line in install_hint().splitlines()] == ["debian", "fedora", "arch"]


@each_qemu()
def test_the_version_is_the_printed_one(qemu: str, tmp_path: Path) -> None:
    said = subprocess.run([qemu, "--version"], capture_output=True, text=True, check=True).stdout
    assert f"version {'.'.join(map(str, qemu_version(qemu, tmp_path)))}" in said


def test_the_version_is_asked_once_for_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tmp_path / "calls"
    qemu = script(tmp_path / "qemu", f"echo x >>{calls}; echo 'QEMU emulator version 9.1.0'")
    for _ in range(3):
        assert qemu_version(qemu, tmp_path / "cache") == (9, 1, 0)
        monkeypatch.setattr(module, "known", {})  # another process
    assert calls.read_text() == "x\n"

    script(tmp_path / "qemu", f"echo x >>{calls}; echo 'QEMU emulator version 10.0'")
    os.utime(qemu, ns=(1, 1))
    assert qemu_version(qemu, tmp_path / "cache") == (10, 0, 0)


@pytest.mark.parametrize("text", ["echo hello", "echo broken >&2; exit 3", "exit 127"])
def test_a_program_without_a_version_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(HostError, match="printed no version"):
        qemu_version(script(tmp_path / "qemu", text), tmp_path)


def test_a_program_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="No such file"):
        qemu_version(str(tmp_path / "qemu"), tmp_path)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"key": 1}', '{"key": ["a"], "answer": [1]}'])
def test_a_damaged_cache_is_ignored(tmp_path: Path, damage: str) -> None:
    qemu = script(tmp_path / "qemu", "echo 'QEMU emulator version 9.1.0'")
    (tmp_path / "qemu-version.json").write_text(damage)
    assert qemu_version(qemu, tmp_path) == (9, 1, 0)
