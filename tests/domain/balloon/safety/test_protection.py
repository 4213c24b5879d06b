"""The safety keys of a profile: their values and problems, and that they add no QEMU option."""

from __future__ import annotations

import json

import pytest

from tests.profile_files import read_guest
from workbench.domain.balloon.safety.protection import Safety
from workbench.domain.balloon.safety.ramp import Ramp
from workbench.domain.profile.safety import safety_of
from workbench.domain.profile.text.parse import parse_profile
from workbench.domain.units import MIB

FULL = """\
[balloon]
floor = "160M"
ramp = "256M/5s"
guard = true
[balloon.presets]
idle = "256M"
half = "50%"
bytes = 134217728
"""


def problems(text: str) -> list[tuple[int, str, str]]:
    profile, found = parse_profile(text, name="demo", file="demo.toml")
    assert (profile is None) == bool(found)
    return [(problem.line, problem.key, problem.message) for problem in found]


def test_every_key_arrives() -> None:
    assert safety_of(read_guest(FULL)) == Safety(
        160 * MIB,
        Ramp(256 * MIB, 5),
        guard=True,
        presets=(("idle", "256M"), ("half", "50%"), ("bytes", "134217728")),
        statistics=2,
    )


def test_without_keys_nothing_is_set() -> None:
    assert safety_of(read_guest("")) == Safety(statistics=2)
    assert safety_of(read_guest("balloon = false")) == Safety()
    assert safety_of(None) == Safety()


def test_they_add_no_qemu_option() -> None:
    def options(text: str) -> list[object]:
        guest = read_guest(text)
        assert guest.balloon is not None
        return [json.loads(option[1]) for option in guest.balloon.options("03.0", reporting=True)]

    assert options(FULL) == options("")


@pytest.mark.parametrize(
    ("line", "key", "words"),
    [
        ('floor = "1G"', "balloon.floor", "more than the guest's RAM of 512M"),
        ('floor = "1K"', "balloon.floor", "too small"),
        ('floor = "50%"', "balloon.floor", "not a size"),
        ('ramp = "256M"', "balloon.ramp", "not a ramp"),
        ('ramp = "1K/1s"', "balloon.ramp", "too small"),
        ("ramp = 5", "balloon.ramp", "5 is not a ramp such as 256M/5s"),
        ('guard = "yes"', "balloon.guard", "not true or false"),
        ("presets = true", "balloon.presets", "not a table"),
        ('presets.idle = "1G"', "balloon.presets.idle", "more than the guest's RAM"),
        ('presets.idle = "120%"', "balloon.presets.idle", "more than the guest's RAM"),
        ('presets.idle = "0"', "balloon.presets.idle", "would leave the guest 0 bytes"),
        ('presets.idle = "+64M"', "balloon.presets.idle", "is relative to the current target"),
        ("presets.idle = true", "balloon.presets.idle", "not a target such as 256M or 50%"),
        ('presets."two words" = "64M"', 'balloon.presets."two words"', "a preset's name is"),
        ('presets.max = "64M"', "balloon.presets.max", "reserved for all of the guest's RAM"),
    ],
)
def test_problems_are_reported_at_their_line(line: str, key: str, words: str) -> None:
    (found,) = problems(f"[balloon]\n{line}\n")
    assert found[:2] == (2, key)
    assert words in found[2]


def test_more_presets_than_digits() -> None:
    lines = "\n".join(f'p{number} = "64M"' for number in range(10))
    (found,) = problems(f"[balloon.presets]\n{lines}\n")
    assert "at most 9 entries, got 10" in found[2]


def test_an_unknown_key_names_the_nearest() -> None:
    (found,) = problems('[balloon]\nflor = "64M"\n')
    assert "did you mean floor?" in found[2]
