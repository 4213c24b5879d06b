"""What two profiles want that only one guest can have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workbench.engine.profiles.mutual_conflicts import both_want
from workbench.engine.profiles.store import read_profile

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import CommandLine


def told(directory: Path, *texts: str) -> list[str]:
    loaded = []
    for name, text in zip("abc", texts, strict=False):
        path = directory / f"{name}.toml"
        path.write_text(text)
        loaded.append(read_profile(path))
    return [str(problem).replace(f"{directory}", "HERE").removeprefix("HERE/") for problem in both_want(loaded)]


def forward(text: str) -> str:
    return f"[[net]]\nforward = ['{text}']"


TAP = "[[net]]\nbackend = 'tap'\ninterface = 'tap7'"
DISK = "[[scsi]]\n[[scsi.disk]]\nfile = 'd.img'\nformat = 'raw'\n"


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (forward("tcp:127.0.0.1:2222-:22"), forward("tcp:127.0.0.1:2222-:22"), "a has tcp port 2222 of the host too"),
        (forward("tcp::2222-:22"), forward("tcp:127.0.0.1:2222-:22"), "a has tcp port 2222 of the host too"),
        (forward("tcp:127.0.0.2:2222-:22"), forward("tcp:127.0.0.1:2222-:22"), ""),
        (forward("udp::2222-:22"), forward("tcp::2222-:22"), ""),
        ("[display]\nvnc = 'loopback'\nport = 5901", forward("tcp::5901-:22"), "a has tcp port 5901 of the host too"),
        (TAP, TAP, "a has the interface tap7 too"),
        (DISK, DISK, "a has HERE/d.img too"),
        (f"{DISK}read-only = true", DISK, "a has HERE/d.img too"),
        (DISK, f"{DISK}read-only = true", "a has HERE/d.img too"),
        (f"{DISK}read-only = true", f"{DISK}read-only = true", ""),
        ("", "", ""),
    ],
)
def test_two_profiles(tmp_path: Path, one: str, other: str, words: str) -> None:
    found = told(tmp_path, one, other)
    assert len(found) == bool(words), found
    if words:
        assert found[0].startswith("b.toml:")
        assert f"{words}: the two cannot run at the same time" in found[0]


def test_one_alone_does_not_meet_itself_and_three_are_told_one_by_one(tmp_path: Path) -> None:
    assert told(tmp_path, forward("tcp::2222-:22")) == []
    found = told(tmp_path, *[forward("tcp::2222-:22")] * 3)
    assert [line.partition(":")[0] for line in found] == ["b.toml", "c.toml"]
    assert found[0].startswith("b.toml:2:12: net[0].forward[0]: a has")


def test_check_warns_of_profiles_that_are_named_together(workbench: CommandLine) -> None:
    for name in ("a", "b"):
        workbench.profile(name, forward("tcp:127.0.0.1:42222-:22"))
    both = workbench("check", "a", "b")
    assert (both.code, "net[0].forward[0]: a has tcp port 42222" in both.stderr) == (0, True), both.stderr
    assert "too:" not in workbench("check", "b").stderr
    assert "too:" not in workbench("check").stderr
