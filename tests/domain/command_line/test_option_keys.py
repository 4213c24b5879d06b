"""Which line of a profile affects which option."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.profile_files import CORPUS, _beside
from workbench.domain.command_line.argv import ArgvPart, Launch, argv_parts
from workbench.domain.command_line.checked import Checked
from workbench.domain.command_line.option_keys import makes_no_option
from workbench.domain.compare.options import compare
from workbench.domain.profile.text.edit import remove
from workbench.domain.profile.text.layout import EditError, Layout
from workbench.domain.profile.text.parse import Parsed, parse

if TYPE_CHECKING:
    from pathlib import Path as File

    from workbench.domain.profile.devices.part import Path

LAUNCH = Launch("qemu", "/run/demo", "tcg", kernel="/vmlinuz", initrd="/initrd.img")
FARTHER = {"machine": "the board's slots", "root-ports": "", "qemu.reserve": "all slots", "extends": "anything"}
"""Keys that move other devices' slots too, or stand for a whole file."""


def read(text: str) -> Parsed:
    return parse(text, name="demo", file="demo.toml", read=_beside)


def parts(parsed: Parsed) -> tuple[ArgvPart, ...]:
    assert parsed.profile is not None
    return argv_parts(parsed.profile, LAUNCH)


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.name)
def test_an_option_that_changes_without_a_key_knows_the_key(file: File) -> None:
    """Remove each key of each profile alone; every option that changes must know the key."""
    text = file.read_text()
    whole = parts(read(text))
    checked = 0
    for path in Layout(text).spans:
        if ".".join(map(str, path)) in FARTHER:
            continue
        try:
            without = read(remove(text, path))
        except EditError:
            continue
        if without.profile is None:
            continue  # another key needs it
        checked += 1
        changed = compare(whole, parts(without))
        if makes_no_option(path):
            assert not changed, path
        for change in changed:
            assert any(part.says(path) for part in (change.one, change.other) if part), (path, change.name)
    assert checked


def options(text: str, line: int) -> set[str]:
    """The names of the options that a line affects."""
    parsed = read(text)
    made = Checked("demo.toml", parsed, parts(parsed))
    return {made.parts[index].options[0] for index in made.made_at(line)}


def test_each_line_marks_its_options() -> None:
    text = """\
[cpu]
features = ["-svm"]
threads = 2
count = 2
[memory]
size = "1G"
maximum = "2G"
[balloon]
guard = true
statistics = 3
[[net]]
[boot]
order = ["net"]
"""
    assert options(text, 1) == {"-cpu", "-smp"}
    assert options(text, 2) == {"-cpu"}
    assert options(text, 3) == {"-smp"}
    assert options(text, 6) == {"-m", "-object"}
    assert options(text, 7) == {"-m"}
    assert options(text, 9) == set(), "the guard is not passed to QEMU"
    assert options(text, 10) == {"-device"}
    assert options(text, 11) == {"-netdev", "-device"}
    assert options(text, 13) == {"-device"}


def place(text: str, option: str) -> tuple[str, int]:
    parsed = read(text)
    made = Checked("demo.toml", parsed, parts(parsed))
    return next(made.place(part) for part in made.parts if part.options[0] == option)


def test_an_option_has_the_line_that_made_it_and_none_for_a_default() -> None:
    text = '[cpu]\nfeatures = ["-svm"]\n[memory]\nlock = true\n'
    assert place(text, "-cpu") == ("", 2)
    assert place(text, "-smp") == ("", 0), "the table is there, and does not say it"
    assert place(text, "-m") == ("", 0)
    assert place(text, "-overcommit") == ("", 4)
    assert place(text, "-append") == ("", 0)
    assert place("", "-netdev") == ("", 0)


def test_options_of_an_extended_file_are_marked_by_its_line() -> None:
    text = '# mine\nextends = "common.inc"\n[memory]\nsize = "96M"\n'
    base = parse(text, name="demo", file="demo.toml", read=_beside)
    made = Checked("demo.toml", base, parts(base))
    files = {made.place(part)[0] for part in made.parts}
    assert files == {"", "common.inc"}
    lit = {made.parts[index] for index in made.made_at(2)}
    assert lit == {part for part in made.parts if made.place(part)[0] == "common.inc"}
    assert not made.made_at(1)


def test_a_path_within_an_element_affects_its_options() -> None:
    path: Path = ("net", 1, "mac")
    assert ArgvPart(("-device",), ("net", 1)).says(path)
    assert not ArgvPart(("-device",), ("net", 0)).says(path)
    assert not ArgvPart(("-name",)).says(())
