"""Checking a profile against the installed QEMU."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.profile_files import CORPUS
from tests.real import QEMU, each_qemu
from workbench.domain.profile.cpu import HYPERV
from workbench.engine.profiles.qemu_build import BuildReader
from workbench.engine.profiles.store import LoadedProfile, read_profile
from workbench.errors import HostError

if TYPE_CHECKING:
    from pathlib import Path


def loaded(directory: Path, text: str, name: str = "box") -> LoadedProfile:
    path = directory / f"{name}.toml"
    path.write_text(text)
    found = read_profile(path, file=f"{name}.toml")
    assert found.problems == ()
    return found


def complaints(binary: str, cache: Path, text: str) -> list[str]:
    profile = loaded(cache, text)
    return [str(problem) for problem in BuildReader(binary, cache).problems([profile])[str(profile.path)]]


@each_qemu()
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_every_profile_of_the_tests_is_one_that_every_qemu_knows(path: Path, qemu: str, tmp_path: Path) -> None:
    profile = read_profile(path)
    if profile.profile is not None and "7.2" in profile.profile.machine and "-1" in qemu:
        pytest.skip("a later QEMU may have dropped that board")
    assert BuildReader(qemu, tmp_path).problems([profile])[str(profile.path)] == ()


@each_qemu()
def test_other_names_of_devices_and_options_of_the_accelerator_are_known(qemu: str, tmp_path: Path) -> None:
    """As a real QEMU takes them on its command line."""
    names = [
        "virtio-net",
        "virtio-serial",
        "virtio-blk",
        "virtio-rng",
        "virtio-tablet",
        "ahci",
        "lsi",
        "es1370",
        "ac97",
    ]
    words = ", ".join(f'"-device", "{name},multifunction=on"' for name in names)
    text = f'[machine-options]\nkernel-irqchip = "split"\n[qemu]\nargs = [{words}]\n'
    assert complaints(qemu, tmp_path, text) == []
    wrong = complaints(qemu, tmp_path, '[qemu]\nargs = ["-device", "virtio-net,mak=x", "-object", "virtio-net,id=a"]\n')
    assert ["virtio-net has no property mak" in wrong[0], "no object virtio-net" in wrong[1]] == [True, True]


@each_qemu()
def test_what_no_qemu_has(qemu: str, tmp_path: Path) -> None:
    version = BuildReader(qemu, tmp_path).version
    text = """\
machine = "pc-q35-99.9"
[cpu]
model = "Skylake-Klient"
[machine-options]
x = "on"
[qemu]
args = ["-device", "virtio-net-pic,id=x", "-device", "virtio-rng-pci,max-byte=5", "-object", "iothred,id=y"]
"""
    found = complaints(qemu, tmp_path, text)
    assert len(found) == 5
    assert found[0].startswith(f"box.toml:1:1: machine: QEMU {version} has no board pc-q35-99.9: did you mean pc-q35-")
    assert found[1].startswith(
        f"box.toml:3:1: cpu.model: QEMU {version} has no CPU model Skylake-Klient: did you mean Skylake-"
    )
    assert found[2].startswith(f"box.toml:7:9: qemu.args[0]: QEMU {version} has no device virtio-net-pic")
    assert "virtio-rng-pci has no property max-byte: did you mean max-bytes?" in found[3]
    assert f"QEMU {version} has no object iothred" in found[4]


def test_the_nearest_type(tmp_path: Path) -> None:
    text = '[qemu]\nargs = ["-device", "virtio-net-pic,id=x", "-object", "iothred,id=y"]\n'
    for _ in range(2):  # as asked, and as kept
        device, other = complaints(QEMU, tmp_path, text)
        assert device.endswith("has no device virtio-net-pic: did you mean virtio-net-pci?")
        assert other.endswith("has no object iothred: did you mean iothread?")


@each_qemu()
def test_options_of_the_board_and_features_of_the_processor(qemu: str, tmp_path: Path) -> None:
    text = "[cpu]\nmodel = 'max'\nfeatures = ['+avx512', '-svm', '+sse4.1', '+sse4_2']\n"
    text += "[machine-options]\nhpet = 'off'\nhept = 'on'"
    found = complaints(qemu, tmp_path, text)
    assert [line.split(":")[3].strip() for line in found] == ["cpu.features[0]", "machine-options.hept"]
    assert found[1].endswith("has no hept: did you mean hpet?")


@each_qemu()
def test_options_of_the_board_among_the_arguments(qemu: str, tmp_path: Path) -> None:
    args = (
        '"-M", "hept=off,vmport=on,accel=tcg,kernel-irqchip=off", "-machine", "pc,what=ever", "--machine", "smp.cpus=2"'
    )
    (found,) = complaints(qemu, tmp_path, f"[qemu]\nargs = [{args}]\n")
    assert found.startswith("box.toml:2:9: qemu.args[0]: ")
    assert found.endswith(": the board q35 has no hept: did you mean hpet?")


@each_qemu()
def test_a_type_that_ends_the_qemu_that_is_asked_leaves_the_others(qemu: str, tmp_path: Path) -> None:
    """Debian's 7.2 exits when it is asked for a device whose module is not installed."""
    text = "[qemu]\nargs = ['-device', 'virtio-gpu-gl-pci', '-device', 'virtio-rng-pci,max-byte=5']\n"
    found = complaints(qemu, tmp_path, text)
    assert any("max-byte" in line for line in found)


def test_a_build_is_asked_once(tmp_path: Path) -> None:
    profile = loaded(tmp_path, "")
    wrapper = tmp_path / "qemu-system-x86_64"
    wrapper.write_text(f'#!/bin/sh\nexec {QEMU} "$@"\n')
    wrapper.chmod(0o755)
    first = BuildReader(str(wrapper), tmp_path)
    first.problems([profile])
    again = BuildReader(str(wrapper), tmp_path)
    wrapper.unlink()  # to ask it would fail
    assert again.problems([profile])[str(profile.path)] == ()
    with pytest.raises(HostError, match="cannot query"):
        again.problems([loaded(tmp_path, "[qemu]\nargs = ['-device', 'e1000']")])


@pytest.mark.parametrize("kept", ["", "null", "{}", '{"machines": 5}', "[1]"])
def test_a_damaged_cache_is_queried_again(kept: str, tmp_path: Path) -> None:
    profile = loaded(tmp_path, "")
    BuildReader(QEMU, tmp_path).problems([profile])
    (file,) = tmp_path.glob("qemu-build-*.json")
    file.write_text(kept)
    assert BuildReader(QEMU, tmp_path).problems([profile])[str(profile.path)] == ()


def test_a_program_that_is_not_a_qemu(tmp_path: Path) -> None:
    true = shutil.which("true")
    assert true is not None
    with pytest.raises(HostError):
        BuildReader(true, tmp_path).problems([loaded(tmp_path, "")])


@each_qemu()
def test_the_enlightenments_are_qemus(qemu: str, tmp_path: Path) -> None:
    names = ", ".join(f'"{name}"' for name in HYPERV)
    assert complaints(qemu, tmp_path, f"cpu.hyperv = [{names}]") == []
    profile = loaded(tmp_path, "cpu.hyperv = ['stimer']")
    (file,) = tmp_path.glob("qemu-build-*.json")
    kept = json.loads(file.read_bytes())
    kept["properties"][kept["cpus"]["max"]].remove("hv-synic")
    file.write_text(json.dumps(kept))
    reader = BuildReader(qemu, tmp_path)
    (problem,) = reader.problems([profile])[str(profile.path)]
    assert str(problem) == f"box.toml:1:5: cpu.hyperv: QEMU {reader.version} has no Hyper-V enlightenment synic"
