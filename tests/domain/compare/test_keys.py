"""Two profiles key by key."""

from __future__ import annotations

from tests.profile_files import CORPUS, read_guest
from workbench.domain.command_line.argv import Launch, argv_parts
from workbench.domain.compare.keys import Comparison, compare_profiles


def compared(one: str, other: str) -> Comparison:
    launch = Launch("qemu", "/run/demo", "tcg")
    left, right = read_guest(one), read_guest(other)
    return compare_profiles((left, argv_parts(left, launch)), (right, argv_parts(right, launch)))


def keys(one: str, other: str) -> list[tuple[str, str, str, str]]:
    return [(key.mark, key.key, key.one, key.other) for key in compared(one, other).keys]


def test_an_explicit_default_is_not_a_difference() -> None:
    found = compared("", '# mine\nmachine = "q35"\n[memory]\nsize = "512M"\n[balloon]\nguard = false\n')
    assert not found
    assert keys("", "") == []


def test_values_as_the_file_has_them() -> None:
    assert keys("", "cpu.count = 2") == [("~", "cpu.count", "1", "2")]
    assert keys("memory.size = 1073741824", 'memory.size = "1.5G"') == [("~", "memory.size", '"1G"', '"1536M"')]
    assert keys("", 'cpu.features = ["-svm"]') == [("~", "cpu.features", "[]", '["-svm"]')]
    assert keys('boot.kernel = "k"', 'boot = { kernel = "k", cmdline = "a b" }') == [
        ("~", "boot.cmdline", "not given", '"a b"')
    ]
    assert keys('description = "$${x}"', "") == [("~", "description", '"${x}"', '""')]


def test_keys_that_make_no_option_show_and_say_so() -> None:
    found = compared("", '[balloon]\nguard = true\nstatistics = 3\n[balloon.presets]\nidle = "64M"\n')
    assert [(key.mark, key.key, key.no_option) for key in found.keys] == [
        ("~", "balloon.statistics", False),
        ("~", "balloon.guard", True),
        ("+", "balloon.presets.idle", True),
    ]
    (change,) = found.options
    assert found.keys_of(change) == ("balloon.statistics",)


def test_what_only_one_of_them_has() -> None:
    assert keys("", "rng = false") == [("-", "rng", '{ id = "rng0" }', "none")]
    assert keys("", "[[rng]]\nperiod = 4\nmax-bytes = 4") == [
        ("~", "rng.max-bytes", "not given", '"4"'),
        ("~", "rng.period", "not given", "4"),
    ]
    assert keys("rng = true", "[[rng]]\n[[rng]]") == [("+", "rng[1]", "none", '{ id = "rng1" }')]
    two = '[[net]]\n[[net]]\nbackend = "none"\n'
    assert keys("", two) == [("+", "net[1]", "none", '{ id = "net1", backend = "none" }')]
    disk = '[[scsi]]\n[[scsi.disk]]\nfile = "x"\nsize = "64M"\n'
    assert keys("[[scsi]]\n", disk) == [("+", "scsi[0].disk[0]", "none", '{ file = "x", id = "disk0", size = "64M" }')]


def test_devices_are_known_by_their_ids() -> None:
    one = '[[net]]\nid = "a"\n[[net]]\nid = "b"\nbackend = "none"\n'
    other = '[[net]]\nid = "b"\nbackend = "none"\n[[net]]\nid = "a"\nmac = "52:54:00:00:00:01"\n'
    assert keys(one, other) == [("~", "net[1].mac", "not given", '"52:54:00:00:00:01"')]


def test_every_profile_differs_from_itself_in_nothing_and_from_the_others_in_something() -> None:
    texts = [file.read_text() for file in CORPUS]
    for text in texts:
        assert not compared(text, text)
        assert all(compared(text, other).keys for other in texts if other != text)
