from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from workbench.domain.host.accelerator import UNNAMED
from workbench.engine.host.hypervisor import NAMES, find_hypervisor, hypervisor_name

if TYPE_CHECKING:
    from pathlib import Path

CLOCK = "sys/devices/system/clocksource/clocksource0/available_clocksource"
VENDOR = "sys/class/dmi/id/sys_vendor"
PRODUCT = "sys/class/dmi/id/product_name"


def find(root: Path, files: dict[str, str], *, guest: bool = True) -> str:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return find_hypervisor(root / "sys", root / "proc", guest=guest)


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({CLOCK: "tsc kvm-clock hpet"}, "KVM"),
        ({CLOCK: "hyperv_clocksource_tsc_page acpi_pm"}, "Hyper-V"),
        ({CLOCK: "tsc", VENDOR: "Microsoft Corporation", PRODUCT: "Virtual Machine"}, "Hyper-V"),
        ({VENDOR: "VMware, Inc.", PRODUCT: "VMware20,1"}, "VMware"),
        ({VENDOR: "innotek GmbH", PRODUCT: "VirtualBox"}, "VirtualBox"),
        ({VENDOR: "Amazon EC2", PRODUCT: "m5.large"}, "KVM"),
        ({VENDOR: "QEMU", PRODUCT: "Standard PC (Q35 + ICH9, 2009)"}, "QEMU"),
        ({"sys/hypervisor/type": "xen"}, "Xen"),
        ({"sys/hypervisor/type": "xen", "proc/xen/capabilities": "control_d"}, "Xen dom0"),
    ],
)
def test_each_hypervisor_by_its_files(tmp_path: Path, files: dict[str, str], name: str) -> None:
    assert find(tmp_path, files) == name


def test_bare_metal_has_none_with_any_firmware(tmp_path: Path) -> None:
    assert find(tmp_path, {CLOCK: "tsc hpet", VENDOR: "Google", PRODUCT: "a laptop"}, guest=False) == ""


def test_a_surface_is_not_a_virtual_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no program to ask
    assert find(tmp_path, {VENDOR: "Microsoft Corporation", PRODUCT: "Surface Pro"}) == UNNAMED


def test_xen_shows_without_the_cpus_flag(tmp_path: Path) -> None:
    assert find(tmp_path, {"sys/hypervisor/type": "xen"}, guest=False) == "Xen"


def test_an_unknown_hypervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find(tmp_path, {}) == UNNAMED


def test_lscpu_where_systemd_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lscpu = tmp_path / "lscpu"
    lscpu.write_text("#!/bin/sh\necho 'Architecture:      x86_64'\necho 'Hypervisor vendor: Microsoft'\n")
    lscpu.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find(tmp_path, {}) == "Hyper-V"


@pytest.mark.skipif(shutil.which("systemd-detect-virt") is None, reason="no systemd-detect-virt to compare with")
def test_this_host_as_systemd_sees_it() -> None:
    said = subprocess.run(["systemd-detect-virt", "--vm"], capture_output=True, text=True, check=False).stdout.strip()
    if said == "none":
        assert hypervisor_name() == ""
    else:
        assert hypervisor_name() == NAMES.get(said, hypervisor_name())
        assert hypervisor_name()
