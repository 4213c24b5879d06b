"""Which accelerator "auto" means. The probe's guest runs under TCG everywhere; what KVM does depends on the host."""

from __future__ import annotations

import grp
import os
import stat
import tempfile
from pathlib import Path

import pytest

from tests.privilege import unprivileged
from tests.real import QEMU, each_qemu
from workbench.domain.host.accelerator import Processor
from workbench.engine.host import accelerator, kvm_probe
from workbench.engine.host.accelerator import choose_accelerator, kvm_trouble
from workbench.engine.host.kvm_probe import ProbeHung, run_probe

VMX = Processor(frozenset({"vmx"}))
VIRTUALIZES = accelerator.read_processor().virtualizes


class CountingProbe:
    """A probe whose answer is known, and which counts how often it was asked."""

    def __init__(self, answer: str | None) -> None:
        """:param answer: None when it hangs."""
        self.answer = answer
        self.runs = 0

    async def __call__(self, binary: str) -> str:
        self.runs += 1
        if self.answer is None:
            raise ProbeHung
        return self.answer


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins as a new process would."""
    monkeypatch.setattr(accelerator, "known", {})


@each_qemu()
async def test_the_probes_guest_runs_to_its_end(qemu: str) -> None:
    assert await run_probe(qemu, "tcg", deadline=60) == ""


async def test_a_guest_that_does_not_get_there_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = bytearray(kvm_probe.IMAGE)
    broken[0xFFF0:0xFFF3] = b"\xf4\xeb\xfd"  # at the reset vector: hlt, for ever
    monkeypatch.setattr(kvm_probe, "IMAGE", bytes(broken))
    with pytest.raises(ProbeHung):
        await run_probe(QEMU, "tcg", deadline=0.5)


async def test_a_triple_fault_is_not_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    image = kvm_probe.IMAGE
    monkeypatch.setattr(kvm_probe, "IMAGE", image.replace(b"\x00\x9a\x20\x00", b"\x00\x00\x00\x00"))
    assert "status 0" in await run_probe(QEMU, "tcg", deadline=60)


async def test_the_reason_is_qemus_error() -> None:
    assert "no-such-accelerator" in await run_probe(QEMU, "no-such-accelerator")


async def test_a_host_without_vmx_or_svm_is_tcg_whatever_dev_kvm_does(monkeypatch: pytest.MonkeyPatch) -> None:
    if VIRTUALIZES:
        pytest.skip("this CPU has vmx or svm")

    async def never(binary: str) -> str:
        raise AssertionError("the flags come first")

    monkeypatch.setattr(accelerator, "run_probe", never)
    chosen = await choose_accelerator()
    assert (chosen.name, chosen.reason) == ("tcg", "no vmx or svm here")
    assert "no vmx or svm here" in await kvm_trouble()


@pytest.mark.skipif(not Path("/dev/kvm").exists(), reason="this host has no /dev/kvm")
@pytest.mark.skipif(VIRTUALIZES, reason="this CPU has vmx or svm: KVM may well run a guest")
@pytest.mark.skipif(not os.access("/dev/kvm", os.R_OK | os.W_OK), reason="/dev/kvm does not open for this user")
async def test_a_dev_kvm_that_opens_and_runs_no_guest_is_found_out_by_the_probe_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(accelerator, "read_processor", lambda: VMX)
    chosen = await choose_accelerator(tmp_path)
    assert chosen.name == "tcg"
    assert chosen.reason.startswith("KVM cannot run a guest: ")


@pytest.mark.parametrize(("flag", "module"), [("vmx", "kvm_intel"), ("svm", "kvm_amd")])
def test_without_the_device_the_module_is_named(tmp_path: Path, flag: str, module: str) -> None:
    chosen = accelerator.cannot_open(tmp_path / "kvm", Processor(frozenset({flag})))
    assert chosen is not None
    assert chosen.name == "tcg"
    assert chosen.reason == f"no {tmp_path / 'kvm'}"
    assert chosen.advice.endswith(f"modprobe {module}")


def test_without_permission_the_group_is_named() -> None:
    with tempfile.NamedTemporaryFile() as file:
        device = Path(file.name)
        group = next(entry for entry in grp.getgrall() if entry.gr_gid not in {0, os.getegid(), *os.getgroups()})
        if os.geteuid() == 0:
            os.chown(device, 0, group.gr_gid)
        device.chmod(0o060)
        name = grp.getgrgid(device.stat().st_gid).gr_name
        with unprivileged():
            chosen = accelerator.cannot_open(device, VMX)
        assert chosen is not None
        assert chosen.name == "tcg"
        assert chosen.reason == f"no permission to open {device}"
        assert chosen.advice == f"join its group and log in again: sudo usermod -aG {name} $USER"


def test_a_device_that_no_group_may_open_gets_one() -> None:
    with tempfile.NamedTemporaryFile() as file:
        device = Path(file.name)
        device.chmod(0)
        with unprivileged():
            chosen = accelerator.cannot_open(device, VMX)
        assert chosen is not None
        assert "chgrp kvm" in chosen.advice


def test_a_device_that_opens_rules_nothing_out(tmp_path: Path) -> None:
    device = tmp_path / "kvm"
    device.touch()
    assert accelerator.cannot_open(device, VMX) is None


@pytest.mark.parametrize(("answer", "name"), [("", "kvm"), ("failed to set MSR", "tcg")])
async def test_the_probe_runs_once_for_each_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, name: str
) -> None:
    device, cache, boot = tmp_path / "kvm", tmp_path / "cache", tmp_path / "boot_id"
    device.touch()
    boot.write_text("one\n")
    monkeypatch.setattr(accelerator, "BOOT_ID", boot)
    probe = CountingProbe(answer)
    for _ in range(3):
        chosen = await accelerator.by_probe(QEMU, device, probe, cache)
        assert chosen.name == name
        assert answer in chosen.reason
        accelerator.known.clear()  # another process
    assert probe.runs == 1

    boot.write_text("two\n")
    await accelerator.by_probe(QEMU, device, probe, cache)
    assert probe.runs == 2


async def test_a_hang_is_not_kept_for_the_whole_boot(tmp_path: Path) -> None:
    device = tmp_path / "kvm"
    device.touch()
    probe = CountingProbe(None)
    assert (await accelerator.by_probe(QEMU, device, probe, tmp_path)).name == "tcg"
    assert (await accelerator.by_probe(QEMU, device, probe, tmp_path)).name == "tcg"
    assert probe.runs == 1
    accelerator.known.clear()  # another process, at a quieter moment
    probe.answer = ""
    assert (await accelerator.by_probe(QEMU, device, probe, tmp_path)).name == "kvm"


async def test_a_cache_that_cannot_be_written_costs_time_alone(tmp_path: Path) -> None:
    device, cache = tmp_path / "kvm", tmp_path / "cache"
    device.touch()
    cache.write_text("a file where the directory should be")
    assert (await accelerator.by_probe(QEMU, device, CountingProbe(""), cache)).name == "kvm"
    assert stat.S_ISREG(cache.stat().st_mode)
