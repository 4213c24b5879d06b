"""Drift between a running guest and its profile, both ways."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.command_line.argv import Launch, argv_parts
from workbench.domain.command_line.options import settings_of, split_argv
from workbench.domain.compare.drift import Difference, Kind, Live, Said, drift
from workbench.domain.profile.devices.part import comma
from workbench.domain.profile.text.parse import parse_profile

if TYPE_CHECKING:
    from collections.abc import Sequence

LAUNCH = Launch("/usr/bin/qemu-system-x86_64", "/run/demo", "tcg", (7, 2))
FIRST = {"-device": "driver", "-object": "qom-type"}
DEMO = 'memory.size = "512M"\n[[net]]\n[[scsi]]\n[balloon]\ndeflate-on-oom = true\n[qemu]\nargs = ["-device", "edu,id=e,,1"]\n'


def said(text: str) -> tuple[Said, ...]:
    profile, problems = parse_profile(text, name="demo", file="demo.toml")
    assert profile is not None, problems
    return tuple(Said(part.options, part.key, "demo.toml:1") for part in argv_parts(profile, LAUNCH))


def argv(text: str) -> list[str]:
    return [word for one in said(text) for word in one.option]


def live(text: str) -> Live:
    """What would live in a QEMU of that profile."""
    made = [(one.option[0], settings_of(one.option, FIRST.get(one.option[0], "type"))) for one in said(text)]
    devices = {str(values["id"]): str(values["driver"]) for name, values in made if name == "-device" if "id" in values}
    anonymous = {
        f"/machine/peripheral-anon/device[{number}]": str(values["driver"])
        for number, (name, values) in enumerate(made)
        if name == "-device" and "id" not in values
    }
    return Live(
        devices, anonymous, {str(values["id"]): str(values["qom-type"]) for name, values in made if name == "-object"}
    )


def found(differences: Sequence[Difference]) -> list[tuple[Kind, str]]:
    return [(one.kind, one.name) for one in differences]


@pytest.mark.parametrize(
    "text", [DEMO, "", "machine = 'pc'\nrng = false\n", '[memory]\nsize = "64M"\n[memory.hugepages]\n']
)
def test_a_guest_as_its_profile_has_no_drift(text: str) -> None:
    assert drift(live(text), argv(text), said(text)) == ()


def test_what_was_plugged_in_is_not_in_the_profile() -> None:
    one = live(DEMO)
    plugged = Live({**one.devices, "late0": "virtio-rng-pci"}, one.anonymous, {**one.objects, "src1": "rng-random"})
    differences = drift(plugged, argv(DEMO), said(DEMO))
    assert found(differences) == [(Kind.EXTRA, "late0"), (Kind.EXTRA, "src1")]
    assert differences[0].path == "/machine/peripheral/late0"
    assert "since the start" in differences[0].words


def test_what_was_unplugged_does_not_run() -> None:
    one = live(DEMO)
    devices = {name: kind for name, kind in one.devices.items() if name != "scsi0"}
    (difference,) = drift(Live(devices, one.anonymous, one.objects), argv(DEMO), said(DEMO))
    assert (difference.kind, difference.name, difference.place) == (Kind.MISSING, "scsi0", "demo.toml:1")
    assert "unplugged" in difference.words


def test_a_profile_that_changed_since_the_start() -> None:
    now = DEMO.replace("512M", "256M").replace("deflate-on-oom = true", "deflate-on-oom = false")
    now = now.replace("[[scsi]]\n", '[[net]]\nid = "second"\n')
    differences = {one.name: one for one in drift(live(DEMO), argv(DEMO), said(now))}
    assert differences["second"].kind is Kind.MISSING
    assert "new in the profile" in differences["second"].words
    assert differences["scsi0"].kind is Kind.EXTRA
    assert "removed from the profile" in differences["scsi0"].words
    assert differences["balloon0"].kind is Kind.CHANGED
    assert "deflate-on-oom: running with on, the profile has off" in differences["balloon0"].words
    assert differences["memory.size"].words == "running with 512M, the profile has 256M"
    assert "size: running with 536870912, the profile has 268435456" in differences["ram0"].words


def test_devices_without_an_id_are_counted() -> None:
    text = '[qemu]\nargs = ["-device", "edu", "-device", "edu,addr=9"]\n'
    one = live(text)
    assert len(one.anonymous) == 2
    more = Live(one.devices, {**one.anonymous, "/machine/peripheral-anon/device[9]": "edu"}, one.objects)
    assert found(drift(more, argv(text), said(text))) == [(Kind.EXTRA, "/machine/peripheral-anon/device[9]")]
    less = Live(one.devices, dict(list(one.anonymous.items())[:1]), one.objects)
    assert found(drift(less, argv(text), said(text))) == [(Kind.MISSING, "edu")]


def test_without_a_command_line_devices_are_compared_still() -> None:
    one = live(DEMO)
    assert drift(one, (), said(DEMO)) == ()
    assert found(drift(Live({**one.devices, "x": "edu"}, one.anonymous, one.objects), (), said(DEMO))) == [
        (Kind.EXTRA, "x")
    ]


def test_the_workbench_s_monitors_and_qemu_s_paths_are_not_drift() -> None:
    one = live(DEMO)
    assert drift(one, ["-L", "/opt/qemu/share", "-L", "/opt/seabios", *argv(DEMO)], said(DEMO)) == ()
    newer = Live(one.devices, one.anonymous, {**one.objects, "qmp-cli-monitor": "monitor-qmp"})
    assert drift(newer, argv(DEMO), said(DEMO)) == ()


@given(st.dictionaries(st.from_regex(r"\A[a-z][a-z-]{0,8}\Z"), st.text("abc,=:/", min_size=1), min_size=1))
def test_comma_syntax_is_read_as_it_is_written(values: dict[str, str]) -> None:
    text = ",".join(f"{key}={comma(value)}" for key, value in values.items())
    assert settings_of(("-device", text)) == values
    assert settings_of(("-device", json.dumps(values))) == values


@given(st.lists(st.text()))
def test_any_command_line_can_be_read(words: list[str]) -> None:
    assert [word for option in split_argv(words) for word in option] == words
    drift(Live(), words, ())
