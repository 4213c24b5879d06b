"""``workbench compare`` as a user runs it."""

from __future__ import annotations

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
        "~ balloon.guard: false \u2192 true  (no option of QEMU)",
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


def test_two_names_of_one_text_say_the_same(workbench: CommandLine) -> None:
    workbench.profile("one")
    workbench.profile("two", '# the same\nmemory.size = "64M"\nmachine = "q35"\n')
    done = workbench("compare", "one", "two")
    assert (done.code, done.stdout) == (0, "one and two say the same\n")
    assert workbench("compare", "one", "two", "--json").json == {"keys": [], "options": []}


def test_a_guest_that_runs_and_what_a_restart_would_change(workbench: CommandLine) -> None:
    workbench.profile("box", 'memory.size = "64M"\n')
    workbench.start("box")
    done = workbench("compare", "box")
    assert (done.code, done.stdout) == (0, "box runs as its profile says\n")
    workbench.profile("box", 'memory.size = "64M"\nballoon.guard = true\n')
    done = workbench("compare", "box")
    assert (done.code, done.stdout) == (1, "~ balloon.guard: false \u2192 true  (no option of QEMU)\n")
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
    workbench("compare", "one", "none").check_error(3, "no profile 'none'")
    workbench("compare", "none", "one").check_error(3, "no profile 'none'")
    workbench("compare", "one").check_error(3, "one")
    workbench("compare").check_error(2, "Missing argument")
