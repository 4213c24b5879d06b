"""Floor, presets, ramp and guard as a person meets them: on the command line, and on a screen that is killed mid-ramp."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, cast

import pytest

from tests.commandline import command_line, wait_until
from tests.terminal import SCREEN, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.commandline import CommandLine
    from workbench.engine.demo import DemoGuest

pytestmark = pytest.mark.xdist_group("safety")  # one guest for most of them
MIB = 1 << 20
PROFILE = """\
memory.size = "256M"
boot.guest = "demo"
[balloon]
floor = "128M"
ramp = "32M/1s"
[balloon.presets]
idle = "144M"
half = "50%"
"""


@pytest.fixture(scope="module")
def guest(demo_guest: DemoGuest) -> Iterator[CommandLine]:
    with command_line() as workbench:
        workbench.profile("demo", PROFILE)
        workbench.start("demo")
        workbench.wait_for_boot()
        yield workbench


@pytest.fixture
def full(guest: CommandLine) -> CommandLine:
    """With all its RAM."""
    assert guest("balloon", "demo", "max", "--wait").code == 0
    return guest


def requests(workbench: CommandLine) -> list[int]:
    """In MiB, every target that was sent to the guest."""
    import json

    lines = (workbench.state / "demo" / "marks").read_text().splitlines()
    marks = [json.loads(line) for line in lines if line]
    return [mark["size"] // MIB for mark in marks if mark["kind"] == "request"]


def test_a_target_below_the_floor_is_sent_with_a_warning_where_nobody_can_be_asked(full: CommandLine) -> None:
    done = full("balloon", "demo", "120M", "--wait", "--ramp", "off", "--json")
    assert (done.code, done.json["actual"]) == (0, 120 * MIB)
    assert done.stderr.startswith("workbench: warning: 120 MiB is below the floor of 128 MiB (from its profile)")
    assert "\nhint: " in done.stderr
    quiet = full("balloon", "demo", "116M", "--yes", "--wait", "--ramp", "off")
    assert (quiet.code, quiet.stderr) == (0, "")


def test_what_does_not_go_below_the_floor_is_not_warned_of(full: CommandLine) -> None:
    done = full("balloon", "demo", "130M", "--wait", "--ramp", "off")
    assert (done.code, done.stderr) == (0, "")
    back = full("balloon", "demo", "140M", "--wait")
    assert (back.code, back.stderr) == (0, ""), "to give back is no risk"


def test_a_person_is_asked(full: CommandLine) -> None:
    with terminal(full.environment) as screen:
        screen.open(*SCREEN, "balloon", "demo", "120M", "--wait", "--ramp", "off")
        screen.wait_for("120 MiB is below the floor of 128 MiB", "Send it to demo? [y/N]")
        screen.keys("n", "Enter")
        screen.wait_for("nothing was sent", "exit status 1")
    assert full("balloon", "demo", "--json").json["target"] == 256 * MIB
    with terminal(full.environment) as screen:
        screen.open(*SCREEN, "balloon", "demo", "120M", "--wait", "--ramp", "off")
        screen.wait_for("Send it to demo? [y/N]")
        screen.keys("y", "Enter")
        screen.wait_for("demo: settled", "exit status 0")
    assert full("balloon", "demo", "--json").json["target"] == 120 * MIB


def test_a_preset_is_a_target(full: CommandLine) -> None:
    done = full("balloon", "demo", "idle", "--wait", "--ramp", "off", "--json")
    assert (done.code, done.json["actual"]) == (0, 144 * MIB)
    assert full("balloon", "demo", "half", "--wait", "--json").json["actual"] == 128 * MIB
    full("balloon", "demo", "idel").check_error(2, "not a size", "one of its presets: idle, half")


def test_the_profiles_ramp_is_followed_while_the_command_waits(full: CommandLine) -> None:
    count = len(requests(full))
    done = full("balloon", "demo", "160M", "--wait", "--json")
    assert (done.code, done.json["actual"]) == (0, 160 * MIB)
    assert requests(full)[count:] == [224, 192, 160]
    assert not (full.state / "demo" / "ramp.json").exists()


def test_a_ramp_of_ones_own_waits_too(full: CommandLine) -> None:
    count = len(requests(full))
    done = full("balloon", "demo", "200M", "--ramp", "24M/0.2s", "--json")
    assert (done.code, done.json["actual"]) == (0, 200 * MIB)
    assert requests(full)[count:] == [232, 208, 200]


def test_without_waiting_it_goes_at_once_and_that_is_said(full: CommandLine) -> None:
    count = len(requests(full))
    done = full("balloon", "demo", "160M")
    assert done.code == 0
    assert "sent in one step" in done.stderr
    assert "--wait" in done.stderr
    assert requests(full)[count:] == [160]


def test_a_ramp_that_takes_too_long_is_left_at_a_step(full: CommandLine) -> None:
    assert full("pause", "demo").code == 0
    done = full("balloon", "demo", "160M", "--ramp", "32M/0.1s", "--wait", "1")
    assert full("resume", "demo").code == 0
    done.check_error(4, "demo is at 224M, a step of the ramp", "workbench balloon demo 160M --wait")
    assert (full.state / "demo" / "ramp.json").exists()


def test_a_ramp_that_is_interrupted_says_where_it_is_left(full: CommandLine) -> None:
    count = len(requests(full))
    process = full.begin("balloon", "demo", "160M", "--ramp", "32M/30s")
    wait_until(lambda: requests(full)[count:] == [224], "the first step")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, (out, err)
    assert "demo stopped at 224M, step 1 of 3 of the ramp to 160M" in err
    assert "to continue: workbench balloon demo 160M --ramp 32M/30s" in err
    assert "Traceback" not in err


def test_a_qemu_that_is_stopped_mid_ramp_is_told_with_the_step(full: CommandLine) -> None:
    count, pid = len(requests(full)), full.listed("demo")["pid"]
    assert isinstance(pid, int)
    process = full.begin("balloon", "demo", "160M", "--ramp", "32M/30s")
    wait_until(lambda: requests(full)[count:] == [224], "the first step")
    os.kill(pid, signal.SIGSTOP)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert process.returncode == 1, (out, err)
    assert "demo stopped at 224M, step 1 of 3 of the ramp to 160M" in err
    assert "QEMU's process is stopped (SIGSTOP)" in err


def test_the_guard_of_a_command_gives_everything_back(full: CommandLine) -> None:
    done = full("balloon", "demo", "24M", "--guard", "--yes", "--ramp", "off")
    done.check_error(4, "guard returned", "to demo: ", "available (threshold 32 MiB)", "hint: ")
    shown = full("balloon", "demo", "--wait", "--json").json
    assert shown["actual"] == 256 * MIB
    guard = shown["guard"]
    assert isinstance(guard, dict)
    assert (guard["armed"], "available (threshold 32 MiB)" in guard["acted"]["why"]) == (False, True)
    assert '"kind":"guard"' in (full.state / "demo" / "marks").read_text()
    assert not (full.state / "demo" / "guard.json").exists(), "the interval is as it was"


def test_a_path_asks_and_obeys_like_any_target(full: CommandLine) -> None:
    done = full("balloon", "demo", "120M", "--path", "--json")
    assert (done.code, done.json["settled"] is not None) == (0, True)
    assert done.stderr.startswith("workbench: warning: 120 MiB is below the floor of 128 MiB (from its profile)")
    before = [cast("int", step["target"]) // MIB for step in cast("list[dict[str, object]]", done.json["steps_before"])]
    assert (before, done.json["asked"]) == ([224, 192, 160, 128], 120 * MIB), "in the steps of its profile's ramp"
    assert full("balloon", "demo", "max", "--path").stdout.count("settled after") == 1
    words = full("balloon", "demo", "120M", "--path", "--yes", "--ramp", "64M/1s")
    assert [line for line in words.stdout.splitlines() if line.startswith("demo: 2")][-1].startswith("demo: 256 MiB")
    assert words.stdout.count("settled after") == 3
    assert words.stderr == ""


def test_the_guard_acts_on_a_path_too(full: CommandLine) -> None:
    done = full("balloon", "demo", "24M", "--path", "--guard", "--yes", "--ramp", "off")
    assert done.code == 4
    assert "guard returned" in done.stderr
    assert full("balloon", "demo", "--wait", "--json").json["actual"] == 256 * MIB


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--guard"], "--ramp and --guard need a target"),
        (["--ramp", "64M/1s"], "--ramp and --guard need a target"),
        (["64M", "--ramp", "64M"], "not a ramp"),
    ],
)
def test_options_that_mean_nothing(full: CommandLine, arguments: list[str], words: str) -> None:
    full("balloon", "demo", *arguments).check_error(2, words, "hint: ")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_a_screen_that_is_killed_mid_ramp_leaves_a_step_and_the_next_one_goes_on(
    full: CommandLine, size: tuple[int, int]
) -> None:
    with terminal(full.environment) as screen:
        screen.open(*SCREEN, width=size[0], height=size[1])
        screen.wait_for("ramp 32M/1s", "settled")
        screen.keys("p")
        screen.wait_for("Presets", "1  idle  144M")
        screen.keys("1")
        # The last report may be from a test that left the guest with less.
        screen.wait_for("staged", "144 MiB", "4 steps", "floor 128 MiB", without="asks first")
        screen.keys("Enter")
        screen.wait_for("ramp to 144 MiB", "step 2 of 4")
        screen.process().send_signal(signal.SIGKILL)
        screen.wait_for("exit status 137")
    shown = full("balloon", "demo", "--json").json
    at, ramp = shown["target"], shown["ramp"]
    assert isinstance(at, int)
    assert isinstance(ramp, dict)
    assert ramp["profile"] == {"step": 32 * MIB, "seconds": 1.0}
    assert (ramp["under_way"], ramp["left"]["at"], ramp["left"]["goal"]) == (None, at, 144 * MIB)
    assert "to continue: workbench balloon demo 144M --ramp 32M/1s" in full("balloon", "demo").stdout
    assert shown["floor"] == {"size": 128 * MIB, "why": "from its profile"}
    assert 144 * MIB < at < 256 * MIB
    with terminal(full.environment) as screen:
        screen.open(*SCREEN, width=size[0], height=size[1])
        screen.wait_for(f"ramp to 144 MiB interrupted at {at // MIB} MiB", "o continues")
        screen.keys("o")
        screen.wait_for("ramp to 144 MiB", "stops it here")
        screen.wait_until(lambda seen: "stops it here" not in seen, "the end of the ramp")
        screen.keys("C-q")
        screen.wait_for("exit status 0")
    assert full("balloon", "demo", "--json").json["actual"] == 144 * MIB
