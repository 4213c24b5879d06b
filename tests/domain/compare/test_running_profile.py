"""The profile of a running guest, with every kind of device plugged and unplugged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.profile_files import read_guest
from workbench.domain.command_line.argv import ArgvPart, Launch, argv_parts
from workbench.domain.compare.drift import Kind as Way
from workbench.domain.compare.drift import Live
from workbench.domain.compare.keys import compare_profiles
from workbench.domain.compare.running_profile import AsItRuns, as_it_runs, of_others
from workbench.domain.hotplug.unplug import Kind, Plugged
from workbench.domain.profile.ids import ids_of

if TYPE_CHECKING:
    from workbench.domain.profile.guest import GuestProfile

TEXT = """\
[[net]]
[[net]]
[[scsi]]
[[scsi.disk]]
file = "/a"
[[scsi.disk]]
file = "/b"
[[serial]]
[[serial]]
[[rng]]
[[rng]]
"""
STARTED = read_guest(TEXT)
ALL = {name for name, _ in ids_of(STARTED)}


def parts(profile: GuestProfile) -> tuple[ArgvPart, ...]:
    return argv_parts(profile, Launch("qemu", "/run/demo", "tcg"))


def changed(now: AsItRuns, text: str = TEXT) -> tuple[set[str], set[str]]:
    """The keys and the options in which a profile differs from the running guest."""
    wanted = read_guest(text)
    found = compare_profiles((now.profile, now.parts(parts(STARTED), parts(now.whole))), (wanted, parts(wanted)))
    return {f"{key.mark} {key.key}" for key in found.keys}, {one.name for one in found.options}


def test_nothing_was_plugged() -> None:
    now = as_it_runs(STARTED, {}, ALL)
    assert now.profile == now.whole == STARTED
    assert changed(now) == (set(), set())


@pytest.mark.parametrize(
    ("name", "keys", "options"),
    [
        ("net0", {"+ net[0]"}, {"-netdev net0-host", "-device net0"}),
        ("net1", {"+ net[1]"}, {"-netdev net1-host", "-device net1"}),
        ("disk0", {"+ scsi[0].disk[0]"}, {"-blockdev disk0-image", "-device disk0"}),
        ("port1", {"+ serial[1]"}, {"-chardev port1-chardev", "-device port1"}),
        ("rng0", {"+ rng[0]"}, {"-object rng0-source", "-device rng0"}),
        ("balloon0", {"+ balloon"}, {"-device balloon0"}),
    ],
)
def test_what_was_unplugged_comes_back(name: str, keys: set[str], options: set[str]) -> None:
    """Everything else keeps its slot, so nothing else is reported."""
    assert changed(as_it_runs(STARTED, {}, ALL - {name})) == (keys, options)


@pytest.mark.parametrize(
    ("one", "keys", "options"),
    [
        (Plugged(Kind.NET, "n", "pcie-port0", {"id": "n"}), {"- net[2]"}, {"-netdev n-host", "-device n"}),
        (
            Plugged(Kind.DISK, "d", "scsi0.0", {"id": "d", "file": "/c"}),
            {"- scsi[0].disk[2]"},
            {"-blockdev d-image", "-device d"},
        ),
        (
            Plugged(Kind.DISK, "d", "extra.0", {"id": "d", "file": "/c"}, controller=True),
            {"- scsi[1]"},
            {"-device extra", "-blockdev d-image", "-device d"},
        ),
        (
            Plugged(Kind.SERIAL, "s", "virtio-serial0.0", {"id": "s"}),
            {"- serial[2]"},
            {"-chardev s-chardev", "-device s"},
        ),
        (Plugged(Kind.RNG, "r", "pcie-port0", {"id": "r"}), {"- rng[2]"}, {"-object r-source", "-device r"}),
    ],
)
def test_what_was_plugged_in_goes(one: Plugged, keys: set[str], options: set[str]) -> None:
    live = ALL | {one.id} | ({"extra"} if one.controller else set())
    assert changed(as_it_runs(STARTED, {one.id: one}, live)) == (keys, options)


def test_another_device_of_one_id() -> None:
    one = Plugged(Kind.NET, "net0", "pcie-port0", {"id": "net0", "mac": "52:54:00:00:00:01"})
    assert changed(as_it_runs(STARTED, {"net0": one}, ALL)) == ({"~ net[0].mac"}, {"-device net0"})


def test_what_is_kept_runs_already_and_moves() -> None:
    one = Plugged(Kind.NET, "net2", "pcie-port0", {"id": "net2"})
    now = as_it_runs(STARTED, {"net2": one}, ALL | {"net2"})
    wanted = read_guest(f'{TEXT}[[net]]\nid = "net2"\n')
    found = compare_profiles((now.profile, now.parts(parts(STARTED), parts(now.whole))), (wanted, parts(wanted)))
    assert not found.keys
    words = {change.name: change.words for change in found.options}
    assert words["-device net2"] == "bus: pcie-port0 \u2192 nothing; addr: nothing \u2192 07.0"


def test_a_record_of_a_removed_device_is_ignored() -> None:
    one = Plugged(Kind.NET, "n", "pcie-port0", {"id": "n"})
    assert changed(as_it_runs(STARTED, {"n": one}, ALL)) == (set(), set())


def test_changes_from_outside() -> None:
    options = [
        ArgvPart(("-device", '{"driver":"edu","id":"raw"}'), ("qemu", "args", 0)),
        ArgvPart(("-object", '{"qom-type":"iothread","id":"io"}'), ("qemu", "args", 2)),
        ArgvPart(("-netdev", "user,id=x"), ("qemu", "args", 4)),
    ]
    live = Live(
        {"mine": "virtio-net-pci", "qmp-monitor": "x"},
        {"/machine/peripheral-anon/device[0]": "edu"},
        {"io": "iothread", "objx": "rng-random"},
    )
    assert [(one.kind, one.name, one.type) for one in of_others(live, options)] == [
        (Way.EXTRA, "mine", "virtio-net-pci"),
        (Way.MISSING, "raw", "edu"),
        (Way.EXTRA, "/machine/peripheral-anon/device[0]", "edu"),
        (Way.EXTRA, "objx", "rng-random"),
    ]
