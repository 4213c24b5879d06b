"""``workbench compare`` as a user runs it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.commandline import CommandLine


def test_two_profiles_by_keys_and_options(workbench: CommandLine) -> None:
    workbench.profile("one", 'memory.size = "64M"\n')
    workbench.profile("two", 'memory.size = "96M"\nballoon.guard = true\nqemu.args = ["-S"]\n')
    done = workbench("compare", "one", "two")
    assert (done.code, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        '~ memory.size: "64M" \u2192 "96M"',
        "~ balloon.guard: false \u2192 true  (no QEMU option)",
        '~ qemu.args: [] \u2192 ["-S"]',
        "~ -m: 64M \u2192 96M",
        "~ -object ram0: size: 67108864 \u2192 100663296",
        "+ -S",
    ]
    done = workbench("compare", "one", "two", "--json")
    assert done.code == 1
    assert done.json["keys"][1] == {"key": "balloon.guard", "one": "false", "other": "true", "option": False}  # type: ignore[index]
    assert done.json["options"][0] == {  # type: ignore[index]
        "option": "-m",
        "key": "memory.size",
        "one": ["-m", "64M"],
        "other": ["-m", "96M"],
    }


def test_two_names_of_one_text_are_equal(workbench: CommandLine) -> None:
    workbench.profile("one")
    workbench.profile("two", '# the same\nmemory.size = "64M"\nmachine = "q35"\n')
    done = workbench("compare", "one", "two")
    assert (done.code, done.stdout) == (0, "one and two are equal\n")
    assert workbench("compare", "one", "two", "--json").json == {"keys": [], "options": []}


def test_a_guest_that_runs_and_what_a_restart_would_change(workbench: CommandLine) -> None:
    workbench.profile("box", 'memory.size = "64M"\n')
    workbench.start("box")
    done = workbench("compare", "box")
    assert (done.code, done.stdout) == (0, "box matches its profile\n")
    workbench.profile("box", 'memory.size = "64M"\nballoon.guard = true\n')
    done = workbench("compare", "box")
    assert (done.code, done.stdout) == (1, "~ balloon.guard: false \u2192 true  (no QEMU option)\n")
    workbench.profile("box", 'memory.size = "96M"\n')
    done = workbench("compare", "box")
    assert done.code == 1
    first, *others = done.stdout.splitlines()
    assert first == '~ memory.size: "64M" \u2192 "96M"'
    assert any("-m" in line or "memory.size" in line for line in others)
    done = workbench("compare", "box", "--json")
    assert done.code == 1
    assert [key["key"] for key in done.json["keys"]] == ["memory.size"]  # type: ignore[attr-defined]
    assert done.json["differences"]


def test_what_goes_wrong(workbench: CommandLine) -> None:
    workbench.profile("one")
    workbench.profile("bad", "cpu.count = 0")
    workbench("compare", "one", "bad").check_error(1, "bad.toml has problems", "cpu.count: 0 is not")
    workbench("compare", "one", "none").check_error(3, "no profile named 'none'")
    workbench("compare", "none", "one").check_error(3, "no profile named 'none'")
    workbench("compare", "one").check_error(3, "one")
    workbench("compare").check_error(2, "Missing argument")


def test_a_guest_that_was_changed_while_it_ran(workbench: CommandLine) -> None:
    """The comparison shows what a restart does: plugged devices go, unplugged ones come back."""
    disk = '[[scsi.disk]]\nfile = "a.raw"\nformat = "raw"\nsize = "1M"\n'
    text = f'memory.size = "64M"\n[[net]]\nid = "net0"\n[[scsi]]\n{disk}'
    workbench.profile("box", f"{text}[[rng]]\n[[rng]]\n")
    workbench.start("box")
    image = workbench.profiles / "b.raw"
    image.write_bytes(bytes(1 << 20))
    for words in (
        ("plug", "box", "net"),
        ("plug", "box", "serial", "kind=port", "name=x.y", "backend=null"),
        ("plug", "box", "disk", f"file={image}", "format=raw"),
        ("unplug", "box", "disk0"),
        ("qmp", "box", "device_add", "driver=virtio-rng-pci", "id=mine", "bus=pcie-port2"),
        ("qmp", "box", "object-add", "qom-type=rng-random", "id=objx", "filename=/dev/urandom"),
    ):
        assert workbench(*words).code == 0
    done = workbench("compare", "box")
    assert done.code == 1
    keys, options, others = heads(done.stdout)
    assert keys == ["- net[1]", "- scsi[0].disk[0]", "+ scsi[0].disk[0]", "- serial[0]"]
    # The second rng is where it was at the start, although a card came before it.
    assert sorted(options) == [
        "+ -blockdev disk0-image",
        "+ -device disk0",
        "- -blockdev disk1-image",
        "- -chardev port0-chardev",
        "- -device disk1",
        "- -device net1",
        "- -device port0",
        "- -device virtio-serial0",
        "- -netdev net1-host",
    ]
    assert others == ["- mine", "- objx"]
    workbench.profile("box", f'{text}[[net]]\nid = "net1"\nmac = "52:54:00:00:00:aa"\n[balloon]\nguard = true\n')
    lines = workbench("compare", "box").stdout.splitlines()
    assert '~ net[1].mac: not given \u2192 "52:54:00:00:00:aa"' in lines
    moved = "bus: pcie-port0 \u2192 nothing; addr: nothing \u2192 06.0; mac: nothing \u2192 52:54:00:00:00:aa"
    assert f"~ -device net1: {moved}" in lines
    assert "~ balloon.guard: false \u2192 true  (no QEMU option)" in lines
    assert not any(line.startswith("+ net[1]") for line in lines), "it runs already"


def heads(text: str) -> tuple[list[str], list[str], list[str]]:
    """What the lines begin with: keys, options with the ids in them, and what came by another client."""
    keys: list[str] = []
    options: list[str] = []
    others: list[str] = []
    for line in text.splitlines():
        if named := re.search(r'^(. -\w+) .*?(?:"(?:id|node-name)":"|id=)([\w-]+)', line):
            options.append(" ".join(named.groups()))
        else:
            (others if "another client" in line else keys).append(line.partition(": ")[0])
    return keys, options, others
