"""UEFI: found by descriptors, and a variable store for each guest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.profile_files import qcow2, read_guest
from workbench.domain.profile.boot import Flash
from workbench.engine.host.firmware import find_uefi, flash, make_variables
from workbench.errors import HostError

if TYPE_CHECKING:
    from pathlib import Path

UEFI = read_guest("firmware.type = 'uefi'")


def describe(directory: Path, name: str, **changes: Any) -> dict[str, Any]:
    """A descriptor in ``directory`` and the two files that it names."""
    code, template = directory / f"{name}-code.fd", directory / f"{name}-vars.fd"
    code.write_bytes(b"code of " + name.encode())
    template.write_bytes(b"vars of " + name.encode())
    value = {
        "interface-types": ["uefi"],
        "mapping": {
            "device": "flash",
            "executable": {"filename": str(code), "format": "raw"},
            "nvram-template": {"filename": str(template), "format": "raw"},
        },
        "targets": [{"architecture": "x86_64", "machines": ["pc-i440fx-*", "pc-q35-*"]}],
        "features": ["acpi-s3", "verbose-dynamic"],
        **changes,
    }
    (directory / f"{name}.json").write_text(json.dumps(value))
    return value


def code_of(directory: Path, machine: str = "q35") -> str:
    found = find_uefi(machine, [str(directory)])
    return found.code.name.removesuffix("-code.fd") if found else ""


def test_the_first_plain_one_is_taken(tmp_path: Path) -> None:
    describe(tmp_path, "10-secure", features=["requires-smm", "secure-boot"])
    describe(tmp_path, "20-arm", targets=[{"architecture": "aarch64", "machines": ["virt-*"]}])
    describe(tmp_path, "30-plain")
    describe(tmp_path, "40-other")
    assert code_of(tmp_path) == "30-plain"
    assert code_of(tmp_path, "pc-q35-7.2") == "30-plain"


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "not json", '{"interface-types": 5}', '{"mapping": {}}'])
def test_an_odd_descriptor_is_passed_over(text: str, tmp_path: Path) -> None:
    (tmp_path / "10-odd.json").write_text(text)
    describe(tmp_path, "20-plain")
    assert code_of(tmp_path) == "20-plain"


def test_a_file_that_is_gone_is_not_offered(tmp_path: Path) -> None:
    describe(tmp_path, "10-gone")
    (tmp_path / "10-gone-code.fd").unlink()
    assert code_of(tmp_path) == ""


def test_the_administrators_descriptor_hides_the_packages(tmp_path: Path) -> None:
    etc, usr = tmp_path / "etc", tmp_path / "usr"
    etc.mkdir()
    usr.mkdir()
    describe(usr, "50-plain")
    (etc / "50-plain.json").write_text("")
    assert find_uefi("q35", [str(etc), str(usr)]) is None


def test_every_guest_has_variables_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    describe(tmp_path, "10-plain")
    monkeypatch.setattr("workbench.engine.host.firmware.find_uefi", lambda machine: find_uefi(machine, [str(tmp_path)]))
    found = flash(UEFI, base="/", home="/", data=tmp_path / "data")
    assert found == Flash(str(tmp_path / "10-plain-code.fd"), str(tmp_path / "data/uefi/demo.fd"))
    assert make_variables(UEFI, found)
    store = tmp_path / "data/uefi/demo.fd"
    assert store.read_bytes() == b"vars of 10-plain"
    store.write_bytes(b"what the guest wrote")
    assert not make_variables(UEFI, found)
    assert store.read_bytes() == b"what the guest wrote"


def test_a_bios_has_no_flash(tmp_path: Path) -> None:
    assert flash(read_guest(""), base="/", home="/", data=tmp_path) is None


def test_a_host_without_uefi_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.engine.host.firmware.find_uefi", lambda machine: None)
    with pytest.raises(HostError, match="this host has no UEFI firmware") as failed:
        flash(UEFI, base="/", home="/", data=tmp_path)
    assert "ovmf" in failed.value.hint
    own = read_guest("[firmware]\ntype = 'uefi'\ncode = 'c.fd'\nvars = 'v.fd'")
    assert flash(own, base="/b", home="/", data=tmp_path) == Flash("/b/c.fd", "/b/v.fd")
    with pytest.raises(HostError, match="no template on this host"):
        make_variables(own, Flash("/b/c.fd", str(tmp_path / "v.fd")))


def test_a_program_in_qcow2_is_opened_as_that(tmp_path: Path) -> None:
    """As Fedora's is; opened as it lies there, the board would run its header."""
    own = read_guest("[firmware]\ntype = 'uefi'\ncode = 'c.qcow2'\nvars = 'v.qcow2'")
    qcow2(tmp_path / "c.qcow2")
    found = flash(own, base=str(tmp_path), home="/", data=tmp_path)
    assert found == Flash(f"{tmp_path}/c.qcow2", f"{tmp_path}/v.qcow2", "qcow2")
