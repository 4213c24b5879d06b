"""Two profiles by the options that they give."""

from __future__ import annotations

from tests.profile_files import read_guest
from workbench.domain.command_line.argv import ArgvPart, Launch, argv_parts
from workbench.domain.compare.options import Change, compare

TEXT = """\
[memory]
size = "1G"
[[net]]
mac = "52:54:00:12:34:56"
"""


def parts(text: str) -> tuple[ArgvPart, ...]:
    return argv_parts(read_guest(text), Launch("qemu", "/run/demo", "tcg"))


def changes(one: str, other: str) -> dict[str, Change]:
    return {change.name: change for change in compare(parts(one), parts(other))}


def test_the_same_text_differs_in_nothing() -> None:
    assert changes(TEXT, f"# a comment\n{TEXT}") == {}


def test_what_each_change_of_a_profile_changes() -> None:
    size = changes(TEXT, TEXT.replace("1G", "2G"))
    assert set(size) == {"-m", "-object ram0"}
    assert size["-m"].words == "1024M \u2192 2048M"
    assert size["-object ram0"].words == "size: 1073741824 \u2192 2147483648"
    mac = changes(TEXT, TEXT.replace(":56", ":57"))
    assert list(mac) == ["-device net0"]
    assert mac["-device net0"].words == "mac: 52:54:00:12:34:56 \u2192 52:54:00:12:34:57"


def test_what_only_one_of_them_has() -> None:
    gone = changes(TEXT, f"rng = false\n{TEXT}")
    assert "-device rng0" in gone
    assert all(one.other is None and one.one is not None for one in gone.values())
    more = changes(f"rng = false\n{TEXT}", TEXT)
    assert set(more) == set(gone)
    assert all(one.one is None and one.other is not None for one in more.values())


def test_options_without_an_id_are_counted() -> None:
    more = changes(TEXT, f'{TEXT}[qemu]\nargs = ["-s", "-s"]\n')
    assert set(more) == {"-s", "-s 2"}
