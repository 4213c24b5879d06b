"""All problems of a profile are reported at once, from all checks."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from workbench.domain.host.accelerator import Accelerator
from workbench.engine.host.accelerator import choose_accelerator
from workbench.engine.profiles.checks import Checks
from workbench.engine.profiles.host_needs import NODES, host_problems
from workbench.engine.profiles.store import read_profile
from workbench.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import CommandLine


@pytest.fixture(autouse=True)
def device_of_taps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One that this user may open."""
    (tmp_path / "net-tun").touch()
    monkeypatch.setattr("workbench.engine.profiles.host_needs.TUN", tmp_path / "net-tun")


def complaints(directory: Path, text: str, accelerator: Accelerator | None = None) -> list[str]:
    path = directory / "box.toml"
    path.write_text(text)
    checks = Checks(Settings(profiles_option=directory, state_option=directory / "state"), accelerator)
    ((*found,),) = checks.problems([read_profile(path, file="box.toml")])
    assert checks.unasked == ""
    return [str(problem).replace(str(directory), "HERE") for problem in found]


def test_the_text_the_files_the_host_and_qemu_at_once(tmp_path: Path) -> None:
    text = """\
memroy = 1
cpu.pin = ["8000"]
boot.kernel = "gone"
machine-options.hept = "off"
[[net]]
backend = "tap"
interface = "nosuch0"
[[scsi]]
[[scsi.disk]]
file = "gone"
[qemu]
arg = "x"
args = ["-daemonize", "-device", "nosuch"]
"""
    found = complaints(tmp_path, text)
    assert [line.split(": ")[0] + " " + line.split(": ")[1] for line in found] == [
        "box.toml:1:1 memroy",
        "box.toml:2:12 cpu.pin[0]",
        "box.toml:3:6 boot.kernel",
        "box.toml:4:17 machine-options.hept",
        "box.toml:7:1 net[0].interface",
        "box.toml:10:1 scsi[0].disk[0].file",
        "box.toml:12:1 qemu.arg",
        "box.toml:13:9 qemu.args[0]",
        "box.toml:13:23 qemu.args[1]",
    ]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[[scsi]]\n[[scsi.disk]]\nfile = 'new'\nsize = '4X'", "scsi[0].disk[0].size"),
        ("machine = 'q53'\nmachine-options.foo = 'on'", "machine"),
        ("accelerator = 'kvmm'\ncpu.hyperv = true", "accelerator"),
    ],
)
def test_a_consequence_of_another_error_is_not_reported(text: str, key: str, tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, text, Accelerator("tcg", "no vmx or svm here"))
    assert f" {key}: " in found


def test_a_mistake_hides_no_other_that_does_not_depend_on_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        first, second = one.getsockname()[1], other.getsockname()[1]
        text = f"""\
[[net]]
forward = ["tcp:127.0.0.1:{first}-:22", "tcp:127.0.0.1:{second}-:22", "tcp:127.0.0.1:{second}-:23"]
mac = "nonsense"
[[scsi]]
[[scsi.disk]]
file = "gone"
id = "scsi0"
serial = "ü"
cache = "nonee"
[[rng]]
source = "gone"
period = 0
"""
        found = complaints(tmp_path, text)
    assert [line.split(": ")[1] for line in found] == [
        "net[0].forward[0]",
        "net[0].forward[1]",
        "net[0].forward[2]",
        "net[0].mac",
        "scsi[0].disk[0].file",
        "scsi[0].disk[0].id",
        "scsi[0].disk[0].serial",
        "scsi[0].disk[0].cache",
        "rng[0].source",
        "rng[0].period",
    ]


def test_one_wrong_element_hides_no_other(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
        forward = f'["tcp:1:2", "tcp:127.0.0.1:{port}-:22", "nonsense", "tcp:127.0.0.1:{port}-:23"]'
        text = f"""\
cpu.pin = ["x", "8000"]
cpu.features = ["svm", "+nosuch", "+avx", "-avx"]
memory.nodes = ["a", 1023]
[[net]]
forward = {forward}
[qemu]
args = ["-device", "a\\u0000", "-device", "e1000"]
"""
        found = [line.split(": ")[1] for line in complaints(tmp_path, text)]
    assert found == [
        "cpu.pin[0]",
        "cpu.pin[1]",
        "cpu.features[0]",
        "cpu.features[1]",
        "cpu.features[3]",
        "memory.nodes[0]",
        *(["memory.nodes[1]"] if NODES.is_dir() else []),
        "net[0].forward[0]",
        "net[0].forward[1]",
        "net[0].forward[2]",
        "net[0].forward[3]",
        "qemu.args[1]",
    ]


def test_what_this_host_has_not(tmp_path: Path) -> None:
    text = """\
cpu.hyperv = true
memory.nodes = [0, 1023]
[[net]]
backend = "tap"
interface = "nosuch0"
queues = 4
[[net]]
backend = "bridge"
interface = "nosuch1"
"""
    found = complaints(tmp_path, text, Accelerator("tcg", "no vmx or svm here"))
    why = "TCG, used on this host, has no Hyper-V enlightenments: no vmx or svm here"
    make = "create it with sudo ip tuntap add nosuch0 mode tap user $USER multi_queue"
    there = ", ".join(map(str, sorted(int(path.name[4:]) for path in NODES.glob("node[0-9]*"))))
    nodes = [f"box.toml:2:20: memory.nodes[1]: this host has no NUMA node 1023: it has {there}"] if there else []
    assert found == [
        f"box.toml:1:5: cpu.hyperv: {why}",
        *nodes,
        f"box.toml:5:1: net[0].interface: this host has no interface nosuch0: {make}",
        "box.toml:9:1: net[1].interface: this host has no bridge nosuch1: create it with sudo ip link add nosuch1 type bridge",
    ]
    assert complaints(tmp_path, "cpu.hyperv = true", Accelerator("kvm", "")) == []


def test_a_host_without_a_uefi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.engine.profiles.host_needs.find_uefi", lambda _: None)
    path = tmp_path / "box.toml"
    path.write_text("firmware.type = 'uefi'")
    (found,) = host_problems(read_profile(path))
    assert found.message == "this host has no UEFI: install it (Debian and Ubuntu: ovmf), or set code and vars"
    path.write_text("[firmware]\ntype = 'uefi'\ncode = 'c'")
    assert host_problems(read_profile(path)) == ()


def test_the_device_of_taps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "box.toml"
    path.write_text("[[net]]\n[[net]]\nbackend = 'tap'\ninterface = 'lo'")
    monkeypatch.setattr("workbench.engine.profiles.host_needs.TUN", tmp_path / "tun")
    (found,) = host_problems(read_profile(path))
    assert found.key == "net[1].backend"
    assert found.message == f"a tap needs {tmp_path}/tun, which is missing: sudo modprobe tun"
    (tmp_path / "tun").touch()
    assert host_problems(read_profile(path)) == ()


def test_kvm_by_name_where_it_runs_nothing_is_warned_of(workbench: CommandLine) -> None:
    workbench.profile("box", 'memory.size = "64M"\naccelerator = "kvm"\n')
    done = workbench("check", "box")
    assert done.code == 0
    chosen = asyncio.run(choose_accelerator())
    said = "box.toml:2:1: accelerator: KVM probably cannot run this guest: "
    assert (said in done.stderr) is (chosen.name == "tcg"), done
