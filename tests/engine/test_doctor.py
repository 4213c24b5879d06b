from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.privilege import unprivileged
from workbench.domain.host.accelerator import UNNAMED
from workbench.domain.host.hugepages import HugepagePool
from workbench.domain.host.snapshot import HostSnapshot
from workbench.domain.units import GIB, MIB
from workbench.engine import doctor
from workbench.engine.doctor import (
    Finding,
    Status,
    check_accelerator,
    check_demo,
    check_hypervisor,
    check_memory,
    check_pool,
    check_profiles,
    check_qemu,
    check_state,
    examine,
)
from workbench.engine.state.directory import check_socket_path
from workbench.errors import HostError
from workbench.settings import Settings

HOST = HostSnapshot("tcg", "no vmx or svm here", "KVM", "7.2.22", 8 * GIB, 4 * GIB, (), 2, "turn nesting on")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Settings(profiles_option=tmp_path / "profiles", state_option=tmp_path / "state")


async def test_everything_has_its_finding_and_nothing_is_made(settings: Settings) -> None:
    host, findings = await examine(settings)
    topics = [finding.topic for finding in findings]
    assert topics[:4] == ["QEMU", "accelerator", "hypervisor", "memory"]
    assert topics[-3:] == ["profiles", "state", "demo guest"]
    optional = sum(topic in ("transparent hugepages", "hugetlbfs") for topic in topics)
    assert len(topics) == 7 + len(host.pools) + optional
    assert ("transparent hugepages" in topics) == bool(host.transparent)
    assert findings[0].text.startswith(host.qemu)
    assert not settings.state.exists()
    assert not settings.profiles.exists()


def test_no_qemu_is_missing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_QEMU", "/nowhere/qemu")
    finding = check_qemu(settings)
    assert finding.status is Status.MISSING
    assert "/nowhere/qemu" in finding.text
    assert finding.advice


def test_a_qemu_too_old_is_missing(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "qemu"
    old.write_text("#!/bin/sh\necho QEMU emulator version 5.2.0\n")
    old.chmod(0o755)
    monkeypatch.setenv("WORKBENCH_QEMU", str(old))
    finding = check_qemu(settings)
    assert finding.status is Status.MISSING
    assert finding.text == f"5.2.0, {old}: 6.2 or later is required"


def test_tcg_is_a_note_with_its_reason() -> None:
    assert check_accelerator(HOST) == Finding("accelerator", Status.NOTE, "TCG: no vmx or svm here", "turn nesting on")
    kvm = replace(HOST, accelerator="kvm", accelerator_reason="a test guest ran on it", accelerator_advice="")
    assert check_accelerator(kvm) == Finding("accelerator", Status.OK, "KVM: a test guest ran on it")


def test_the_hypervisor_in_words() -> None:
    assert check_hypervisor("").text == "none: bare metal"
    assert check_hypervisor("KVM").text == "KVM: this host is a KVM guest"
    assert check_hypervisor(UNNAMED).text == "a virtual machine"


def test_little_memory_is_a_note() -> None:
    assert check_memory(HOST).status is Status.OK
    assert check_memory(replace(HOST, memory_available=300 * MIB)).status is Status.NOTE


def test_pools() -> None:
    full = check_pool(HugepagePool(2 * MIB, 640, 512, 12, 0))
    assert (full.topic, full.text) == ("2 MiB pages", "500 of 640 available, 12 reserved")
    empty = check_pool(HugepagePool(2 * MIB, 0, 0, 0, 0))
    assert (empty.status, empty.text) == (Status.OK, "none")
    assert empty.advice.startswith("for a guest with 512 MiB of them: ")
    assert "256" in empty.advice
    gigantic = check_pool(HugepagePool(GIB, 0, 0, 0, 0))
    assert gigantic.advice.startswith("for a guest with 1 GiB of them: echo 1 | sudo tee ")


def test_profiles_with_problems_are_named(settings: Settings) -> None:
    settings.profiles.mkdir()
    (settings.profiles / "good.toml").write_text('[memory]\nsize = "256M"\n')
    (settings.profiles / "bad.toml").write_text("nonsense = 1\n")
    finding = check_profiles(settings)
    assert finding.status is Status.NOTE
    assert finding.text.startswith("2 in ")
    assert finding.advice == "workbench check bad"


def test_without_profiles_the_samples_are_used(settings: Settings) -> None:
    finding = check_profiles(settings)
    assert "using the samples" in finding.text


class TestState:
    def test_not_made_yet(self, settings: Settings) -> None:
        finding = check_state(settings)
        assert finding.status is Status.OK
        assert "created at the first start" in finding.text

    def test_made(self, settings: Settings) -> None:
        settings.state.mkdir(mode=0o700)
        finding = check_state(settings)
        assert finding.status is Status.OK
        assert "mode 0700" in finding.text

    def test_the_reported_name_length_fits_and_one_more_does_not(self, settings: Settings) -> None:
        text = check_state(settings).text
        room = int(text.rpartition("up to ")[2].split()[0])
        check_socket_path(settings.state / ("n" * room))
        with pytest.raises(HostError, match="too deep"):
            check_socket_path(settings.state / ("n" * (room + 1)))

    def test_open_to_others(self, settings: Settings) -> None:
        settings.state.mkdir()
        settings.state.chmod(0o755)
        finding = check_state(settings)
        assert finding.status is Status.NOTE
        assert finding.advice == f"chmod 700 {settings.state}"
        assert settings.state.stat().st_mode & 0o777 == 0o755

    def test_a_file(self, settings: Settings) -> None:
        settings.state.touch()
        assert check_state(settings).status is Status.MISSING

    def test_below_a_file(self, settings: Settings) -> None:
        settings.state.touch()
        finding = check_state(Settings(settings.profiles_option, settings.state / "deeper"))
        assert finding.status is Status.MISSING

    def test_too_deep(self, tmp_path: Path) -> None:
        finding = check_state(Settings(state_option=tmp_path / ("d" * 100)))
        assert finding.status is Status.MISSING
        assert "107" in finding.text

    def test_where_nothing_can_be_made(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            Path(directory).chmod(0o555)
            with unprivileged():
                finding = check_state(Settings(state_option=Path(directory) / "run" / "workbench"))
            Path(directory).chmod(0o755)
        assert finding.status is Status.MISSING
        assert finding.text.endswith(f"no permission in {directory}")


def test_a_demo_guest_that_can_be_built_is_a_note(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "has_packages", lambda: True)
    assert check_demo(settings).status is Status.NOTE


def test_a_demo_guest_that_cannot_be_built_is_missing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking() -> None:
        raise HostError("this host lacks a static busybox", hint="name a kernel")

    monkeypatch.setattr(doctor, "has_packages", lambda: False)
    monkeypatch.setattr(doctor, "host_parts", lacking)
    finding = check_demo(settings)
    assert (finding.status, finding.advice) == (Status.MISSING, "name a kernel")
