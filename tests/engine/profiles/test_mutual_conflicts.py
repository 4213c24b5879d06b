"""What two profiles need that only one guest can have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workbench.engine.profiles.mutual_conflicts import both_want
from workbench.engine.profiles.store import read_profile

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import CommandLine


def conflicts(directory: Path, *texts: str) -> list[str]:
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
        (forward("tcp:127.0.0.1:2222-:22"), forward("tcp:127.0.0.1:2222-:22"), "a also uses tcp port 2222 of the host"),
        (forward("tcp::2222-:22"), forward("tcp:127.0.0.1:2222-:22"), "a also uses tcp port 2222 of the host"),
        (forward("tcp:127.0.0.2:2222-:22"), forward("tcp:127.0.0.1:2222-:22"), ""),
        (forward("udp::2222-:22"), forward("tcp::2222-:22"), ""),
        ("[display]\nvnc = 'loopback'\nport = 5901", forward("tcp::5901-:22"), "a also uses tcp port 5901 of the host"),
        (TAP, TAP, "a also uses the interface tap7"),
        (DISK, DISK, "a also uses HERE/d.img"),
        (f"{DISK}read-only = true", DISK, "a also uses HERE/d.img"),
        (DISK, f"{DISK}read-only = true", "a also uses HERE/d.img"),
        (f"{DISK}read-only = true", f"{DISK}read-only = true", ""),
        ("", "", ""),
    ],
)
def test_two_profiles(tmp_path: Path, one: str, other: str, words: str) -> None:
    found = conflicts(tmp_path, one, other)
    assert len(found) == bool(words), found
    if words:
        assert found[0].startswith("b.toml:")
        assert f"{words}: the two cannot run at the same time" in found[0]


def test_a_profile_does_not_conflict_with_itself_and_each_of_three_is_reported_once(tmp_path: Path) -> None:
    assert conflicts(tmp_path, forward("tcp::2222-:22")) == []
    found = conflicts(tmp_path, *[forward("tcp::2222-:22")] * 3)
    assert [line.partition(":")[0] for line in found] == ["b.toml", "c.toml"]
    assert found[0].startswith("b.toml:2:12: net[0].forward[0]: a also uses")


def test_check_warns_of_profiles_that_are_named_together(workbench: CommandLine) -> None:
    for name in ("a", "b"):
        workbench.profile(name, forward("tcp:127.0.0.1:42222-:22"))
    both = workbench("check", "a", "b")
    assert (both.code, "net[0].forward[0]: a also uses tcp port 42222" in both.stderr) == (0, True), both.stderr
    assert "also uses" not in workbench("check", "b").stderr
    assert "also uses" not in workbench("check").stderr
