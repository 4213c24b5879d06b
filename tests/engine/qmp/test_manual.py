"""QEMU's manual page on this host."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workbench.domain.qmp.manual import Shape
from workbench.engine.qmp import manual
from workbench.engine.qmp.manual import NAMES, manual_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = re.compile(r"(?:^|\\fP)\.SS \\fB(\S+)\\fP \(Command\)$|^\.B Command (\S+)", re.MULTILINE)
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
    assert "does not document stop" in manual_of("stop")[0].text


@pytest.mark.parametrize("raw", [b"no gzip", gzip.compress(PAGE.encode())[:-12]], ids=["no gzip", "cut short"])
def test_a_broken_page_is_reported(place: Path, raw: bytes) -> None:
    (place / "qemu-qmp-ref.7.gz").write_bytes(raw)
    assert "Cannot read" in manual_of("balloon")[0].text


def test_without_a_page_its_package_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manual, "HOMES", ())
    assert "qemu-system-common" in manual_of("balloon")[0].text


def real_pages() -> Iterator[Path]:
    """The page of this host, and those that WORKBENCH_TEST_MANUALS names, with a colon between them."""
    yield from (Path(name) for name in os.environ.get("WORKBENCH_TEST_MANUALS", "").split(":") if name)
    for home in manual.HOMES:
        yield from (file for name in NAMES if (file := home / "man7" / name).is_file())


@pytest.mark.parametrize("file", list(real_pages()), ids=str)
def test_every_command_of_a_real_page_is_found(file: Path, place: Path) -> None:
    raw = file.read_bytes()
    (place / file.name).write_bytes(raw)
    source = (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode()
    commands = {(match[1] or match[2]).replace("\\-", "-") for match in _HEAD.finditer(source)}
    assert {"balloon", "device_add", "query-status"} <= commands
    for command in commands:
        *said, where = manual_of(command)
        assert where.text.startswith("From "), command
        assert said
        assert not any(
            re.search(r"\\f|\\\(|^\.[A-Z]|\(Command\)", one.text) for one in said if one.shape is not Shape.CODE
        ), command
    arguments = {one.text.split(":")[0].split(" ")[0] for one in manual_of("balloon") if one.shape is Shape.TERM}
    assert arguments == {"value"}
