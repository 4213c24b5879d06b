"""QEMU's manual page on this host."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from workbench.engine import manual
from workbench.engine.manual import manual_of

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ".SS \\fBballoon\\fP (Command)\n.sp\nChange it.\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of manual pages that comes before the system's."""
    monkeypatch.setenv("MANPATH", str(tmp_path))
    (tmp_path / "man7").mkdir()
    return tmp_path / "man7"


def test_a_page_is_found_and_names_itself(place: Path) -> None:
    (place / "qemu-qmp-ref.7.gz").write_bytes(gzip.compress(PAGE.encode()))
    said = [paragraph.text for paragraph in manual_of("balloon")]
    assert said == ["Change it.", f"From {place / 'qemu-qmp-ref.7.gz'}."]
    assert "does not tell of stop" in manual_of("stop")[0].text


@pytest.mark.parametrize("raw", [b"no gzip", gzip.compress(PAGE.encode())[:-12]])
def test_a_broken_page_is_said(place: Path, raw: bytes) -> None:
    (place / "qemu-qmp-ref.7.gz").write_bytes(raw)
    assert "cannot be read" in manual_of("balloon")[0].text


def test_without_a_page_its_package_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manual, "HOMES", ())
    assert "qemu-system-common" in manual_of("balloon")[0].text
