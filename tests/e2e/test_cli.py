"""The command line's contract: what is printed as JSON, the exit codes, and where errors go. Every guest is a real QEMU."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.commandline import command_line, wait_until
from workbench.engine.qmp.monitor import Monitor
from workbench.verbs.group import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.commandline import CommandLine

MIB = 1 << 20
RAM = 512 * MIB
FIRMWARE = 'memory.size = "64M"\naccelerator = "tcg"\n'


@pytest.fixture(scope="module")
def firmware() -> Iterator[CommandLine]:
    """A command line whose guest ``fw`` runs: firmware only, so no driver is ever there."""
    with command_line() as workbench:
        workbench.profile("fw", FIRMWARE)
        workbench.start("fw")
        yield workbench


@pytest.fixture
def demo(running_demo: CommandLine) -> Iterator[CommandLine]:
    """The running demo guest, given all its memory back afterwards."""
    yield running_demo
    running_demo("resume", "demo")
    done = running_demo("balloon", "demo", "max", "--wait")
    assert done.code == 0, done


# list, status


def test_list_of_no_profiles(workbench: CommandLine) -> None:
    done = workbench("list", "--json")
    assert (done.code, done.list, done.stderr) == (0, [], "")
    assert str(workbench.profiles) in workbench("list").stdout


def test_list_of_a_stopped_guest(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE)
    guest = workbench.listed("one")
    assert (guest["state"], guest["pid"], guest["memory"]) == ("stopped", None, 64 * MIB)
    assert (guest["accelerator"], guest["problems"]) == ("tcg", 0)
    header, row = workbench("list").stdout.splitlines()
    assert header.split() == ["NAME", "STATE", "PID", "MEMORY", "ACCELERATOR"]
    assert row.split() == ["one", "stopped", "-", "64M", "tcg"]


def test_list_of_a_running_guest(firmware: CommandLine) -> None:
    guest = firmware.listed("fw")
    assert (guest["state"], guest["memory"], guest["accelerator"]) == ("running", 64 * MIB, "tcg")
    assert isinstance(guest["pid"], int)
    assert "qemu" in psutil.Process(guest["pid"]).name()


def test_columns_stand_under_their_names(firmware: CommandLine) -> None:
    firmware.profile("a-guest-with-a-long-name", FIRMWARE)
    lines = firmware("list").stdout.splitlines()
    state = lines[0].index("STATE")
    assert {line[state - 1] for line in lines} == {" "}
    assert {line[state:].split()[0] for line in lines[1:]} == {"running", "stopped"}
    (firmware.profiles / "a-guest-with-a-long-name.toml").unlink()


def test_a_running_guest_keeps_its_description(workbench: CommandLine) -> None:
    path = workbench.profile("one", FIRMWARE + 'description = "the [bold]first[/]"\n')
    assert workbench.listed("one")["description"] == "the [bold]first[/]"
    workbench.start("one")
    assert workbench.listed("one")["description"] == "the [bold]first[/]"
    assert workbench("list").stdout.splitlines()[1].endswith("  the [bold]first[/]")
    path.unlink()
    assert workbench.listed("one")["description"] == "the [bold]first[/]", "its profile may be gone"


def test_no_line_of_a_list_ends_in_blanks(firmware: CommandLine) -> None:
    firmware.profile("with-words", FIRMWARE + 'description = "words"\n')
    lines = firmware("list").stdout.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    (firmware.profiles / "with-words.toml").unlink()


def test_status_of_a_running_guest(firmware: CommandLine) -> None:
    done = firmware("status", "fw", "--json")
    assert done.code == 0
    status = done.json
    assert (status["name"], status["state"], status["accelerator_reason"]) == ("fw", "running", "set in the profile")
    for place in ("monitor", "serial", "serial_log", "log"):
        assert os.path.exists(str(status[place])), place
    lines = dict(line.split(None, 1) for line in firmware("status", "fw").stdout.splitlines())
    assert lines["state"] == "running"
    assert lines["memory"] == "64M"


def test_status_tells_where_ports_and_display_are(workbench: CommandLine) -> None:
    text = """\
memory.size = "64M"
display = true
[[serial]]
id = "out"
backend = "file"
path = "out,1"
[[serial]]
id = "terminal"
backend = "pty"
[[serial]]
id = "none"
backend = "null"
[[serial]]
id = "agent"
kind = "agent"
[[serial]]
id = "named"
kind = "port"
name = "x.y"
path = "n,amed.sock"
"""
    workbench.profile("box", text)
    pid = workbench.start("box")
    done = workbench("status", "box", "--json")
    found = {port["id"]: (port["where"], port["name"]) for port in done.json["ports"]}  # type: ignore[attr-defined]
    terminal = found.pop("terminal")[0]
    assert terminal.startswith("/dev/pts/")
    assert Path(terminal).is_char_device()
    state = workbench.state / "box"
    assert found == {
        "out": (str(workbench.profiles / "out,1"), ""),
        "none": ("", ""),
        "agent": (str(state / "port-agent.sock"), "org.qemu.guest_agent.0"),
        "named": (str(workbench.profiles / "n,amed.sock"), "x.y"),
    }
    assert done.json["vnc"] == str(state / "vnc.sock")
    lines = dict(line.split(None, 1) for line in workbench("status", "box").stdout.splitlines())
    assert (lines["named"], lines["none"]) == (f"{workbench.profiles}/n,amed.sock (x.y)", "nowhere")
    assert lines["VNC"] == str(state / "vnc.sock")
    os.kill(pid, signal.SIGSTOP)
    try:
        lines = dict(line.split(None, 1) for line in workbench("status", "box").stdout.splitlines())
        assert lines["ports"].startswith("not known: ")
        assert lines["pid"] == str(pid)
    finally:
        os.kill(pid, signal.SIGCONT)


def test_status_of_a_stopped_guest(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE)
    done = workbench("status", "one", "--json")
    assert (done.code, done.json["state"], "monitor" in done.json) == (0, "stopped", False)


VERBS_OF_A_GUEST = ["status", "start", "stop", "pause", "resume", "reset", "balloon"]


@pytest.mark.parametrize("verb", VERBS_OF_A_GUEST)
def test_no_such_guest_is_exit_3(firmware: CommandLine, verb: str) -> None:
    firmware(verb, "nosuch").check_error(3, "'nosuch'", "hint: ")


@pytest.mark.parametrize("name", ["a/b", "../state/fw", "fw/", "[bold]x[/]", "", ".", "..", "-x", "a\nb", "fw.toml"])
def test_what_is_no_name_is_exit_3(firmware: CommandLine, name: str) -> None:
    for verb in ("start", "stop"):
        firmware(verb, "--", name).check_error(3)


def test_a_near_name_is_offered(firmware: CommandLine) -> None:
    firmware("start", "fww").check_error(3, "'fww'", "hint: did you mean fw?")
    firmware("balloon", "fv").check_error(3, "no running guest named 'fv'", "hint: running: fw")


# start, stop


def test_start_and_kill(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE)
    done = workbench("start", "one", "--json")
    assert (done.code, done.stderr) == (0, "")
    pid = done.json["pid"]
    assert done.json == {"name": "one", "state": "running", "pid": pid, "accelerator": "tcg"}
    assert isinstance(pid, int)

    workbench("start", "one").check_error(
        1, f"one is already running, pid {pid}", "hint: to stop it: workbench stop one"
    )
    workbench("stop", "one", "--timeout", "0.1").check_error(
        4,
        "one is still running after 0.1 s",
        "hint: the power button was pressed every 3 s",
        "--timeout 0 --kill",
    )
    assert workbench.listed("one")["pid"] == pid, "a stop that was not followed leaves it running"

    done = workbench("stop", "one", "--timeout", "0", "--kill", "--json")
    assert done.code == 0
    assert done.json == {"name": "one", "state": "stopped", "ended": "killed by signal 9", "exit_status": 137}
    assert not psutil.pid_exists(pid)
    assert not (workbench.state / "one").exists()
    workbench("stop", "one").check_error(3, "no running guest named 'one'", "hint: no guest is running; to start it")


def test_power_down_ends_the_demo_guest(workbench: CommandLine, demo_guest: object) -> None:
    workbench.sample("demo")
    done = workbench("demo", "--no-screen")
    assert done.code == 0
    assert "workbench balloon demo 256M --wait" in done.stdout
    pid = workbench.listed("demo")["pid"]
    again = workbench("demo", "--no-screen", "--json")
    assert (again.code, again.json["pid"]) == (0, pid), "a demo guest that runs is left as it is"
    workbench.wait_for_boot()

    done = workbench("stop", "demo")
    assert (done.code, done.stdout) == (0, "demo: powered off\n")
    guest = workbench.listed("demo")
    assert (guest["state"], guest["ended"]) == ("stopped", "powered off")


def test_a_stop_reaches_a_guest_that_still_starts(workbench: CommandLine, demo_guest: object) -> None:
    """Its kernel is not there yet: the first press is lost."""
    workbench.sample("demo")
    workbench.start("demo")
    done = workbench("stop", "demo", "--timeout", "50")
    assert (done.code, done.stdout) == (0, "demo: powered off\n")


# pause, resume, reset


def test_pause_and_resume(firmware: CommandLine) -> None:
    assert firmware("pause", "fw", "--json").json == {"name": "fw", "state": "paused"}
    assert firmware.listed("fw")["state"] == "paused"
    assert firmware("pause", "fw").stdout == "fw is paused\n", "a second time is no error"
    assert firmware("resume", "fw", "--json").json == {"name": "fw", "state": "running"}
    assert firmware.listed("fw")["state"] == "running"


def test_reset(firmware: CommandLine) -> None:
    pid = firmware.listed("fw")["pid"]
    assert firmware("reset", "fw", "--json").json == {"name": "fw", "state": "running"}
    assert firmware.listed("fw")["pid"] == pid


# balloon


def test_balloon_shows_everything(demo: CommandLine) -> None:
    balloon = demo("balloon", "demo", "--json").json
    assert {key: balloon[key] for key in ("guest", "ram", "target", "actual", "diff", "diff_pages")} == {
        "guest": "demo", "ram": RAM, "target": RAM, "actual": RAM, "diff": 0, "diff_pages": 0,
    }  # fmt: skip
    assert (balloon["source"], balloon["state"], balloon["cause"]) == ("config-space", "settled", "")
    stats, host = balloon["guest_stats"], balloon["host"]
    assert isinstance(stats, dict)
    assert isinstance(host, dict)
    assert 0 < stats["available"] < RAM
    assert 0 < host["resident"] < RAM
    assert host["unreturned"] == 0
    assert host["yield"] is None, "an empty balloon has no yield"


@pytest.mark.parametrize(
    ("target", "size"),
    [("256M", 256 * MIB), ("268435456", 256 * MIB), ("75%", 384 * MIB), ("0.375G", 384 * MIB), ("max", RAM)],
)
def test_balloon_reaches_its_target(demo: CommandLine, target: str, size: int) -> None:
    done = demo("balloon", "demo", target, "--wait", "--json")
    assert (done.code, done.stderr) == (0, "")
    balloon = done.json
    assert (balloon["target"], balloon["actual"], balloon["diff"], balloon["state"]) == (size, size, 0, "settled")
    assert (balloon["source"], balloon["ours"]) == ("config-space", True)
    assert isinstance(balloon["host"], dict)
    assert isinstance(balloon["host"]["reclaimed"], int)


def test_plus_counts_from_the_target(demo: CommandLine) -> None:
    assert demo("balloon", "demo", "256M", "--wait").code == 0
    assert demo("balloon", "demo", "+64M", "--wait", "--json").json["actual"] == 320 * MIB


@pytest.mark.parametrize("target", ["0", "-64M", "-1", "1", "513M", "101%", "abc", "", "+512M", "--wiat"])
def test_a_target_that_cannot_be_is_exit_2(demo: CommandLine, target: str) -> None:
    done = demo("balloon", "demo", target)
    done.check_error(2, repr(target), "hint: ")
    assert done.stdout == ""
    assert demo("balloon", "demo", "--json").json["target"] == RAM, "nothing was sent"


def test_a_wait_in_vain_is_exit_4_with_the_readings(demo: CommandLine) -> None:
    demo("pause", "demo")
    done = demo("balloon", "demo", "256M", "--wait", "0.5", "--json")
    done.check_error(4, "demo did not reach its target within 0.5 s: the guest is paused", "hint: resume the guest")
    balloon = done.json
    assert (balloon["target"], balloon["diff"], balloon["diff_pages"]) == (256 * MIB, 256 * MIB, 65536)
    assert (balloon["state"], balloon["advice"]) == ("stalled", "resume the guest")
    assert isinstance(balloon["evidence"], list)
    assert balloon["evidence"][0].startswith("65,536 pages to inflate")
    demo("resume", "demo")
    assert demo("balloon", "demo", "--wait", "--json").json["diff"] == 0


def test_the_balloon_for_people(demo: CommandLine) -> None:
    demo("balloon", "demo", "256M", "--wait")
    lines = demo("balloon", "demo").stdout.splitlines()
    assert lines[0] == "demo: settled"
    table = {line.split()[0]: line for line in reversed(lines[1:])}  # the ledger's names come again below
    assert "256 MiB   (config-space)" in table["target"]
    assert "256 MiB   of 512 MiB" in table["actual"]
    assert "available" in table["guest"]
    assert "resident" in table["host"]


async def test_a_target_of_another_client_is_not_ours(demo: CommandLine) -> None:
    monitor = await Monitor.connect(demo.state / "demo" / "qmp-user.sock")
    try:
        await monitor.execute("balloon", {"value": 300 * MIB})
    finally:
        await monitor.close()
    balloon = demo("balloon", "demo", "--wait", "--json").json
    assert (balloon["target"], balloon["actual"], balloon["ours"]) == (300 * MIB, 300 * MIB, False)


def test_a_guest_without_a_driver(firmware: CommandLine) -> None:
    done = firmware("balloon", "fw", "--json")
    assert (done.code, done.json["state"], done.json["diff"]) == (0, "absent", 0)
    assert "no balloon driver in the guest" in str(done.json["cause"])
    done = firmware("balloon", "fw", "32M", "--wait", "0.3", "--json")
    done.check_error(4, "no balloon driver in the guest")
    assert (done.json["state"], done.json["target"], done.json["actual"]) == ("absent", 32 * MIB, 64 * MIB)


def test_a_guest_without_a_balloon(workbench: CommandLine) -> None:
    workbench.profile("bare", FIRMWARE + "balloon = false\n")
    workbench.start("bare")
    done = workbench("balloon", "bare", "--json")
    assert (done.code, done.json["state"], done.json["cause"]) == (0, "absent", "the guest has no balloon device")
    assert (done.json["target"], done.json["guest_stats"]) == (None, None)
    for arguments in (["32M"], ["32M", "--wait"], ["--wait"]):
        workbench("balloon", "bare", *arguments).check_error(1, "no balloon device", "hint: ")


def test_a_wait_lasts_until_the_driver_is_there(workbench: CommandLine, demo_guest: object) -> None:
    """Right after the start the diff is 0 already, and nobody holds the balloon."""
    workbench.sample("demo")
    workbench.start("demo")
    done = workbench("balloon", "demo", "max", "--wait", "60", "--json")
    assert (done.code, done.json["state"], done.stderr) == (0, "settled", "")


# the front door


def test_no_such_verb() -> None:
    with command_line() as workbench:
        workbench("strat").check_error(2, "no verb 'strat': did you mean 'start'?", "hint: workbench --help")
        workbench("zzz").check_error(2, "no verb 'zzz'")


@pytest.mark.parametrize(
    "arguments",
    [
        ["start"],
        ["list", "--nosuch"],
        ["stop", "x", "--timeout", "soon"],
        ["stop", "x", "--timeout", "-1"],
        ["--nosuch"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_2_with_a_hint(workbench: CommandLine, arguments: list[str]) -> None:
    done = workbench(*arguments)
    verb = f" {arguments[0]}" if arguments[0] in VERBS else ""
    done.check_error(2, f"hint: workbench{verb} --help")


def test_the_screen_needs_a_terminal(workbench: CommandLine) -> None:
    workbench().check_error(2, "the screen needs a terminal", "hint: without one: workbench list")


def test_a_reader_that_goes_away_is_no_error(workbench: CommandLine) -> None:
    for number in range(2000):  # more than a pipe holds
        workbench.profile(f"guest-{number:04}", FIRMWARE)
    process = workbench.begin("list", "--json", PYTHONUNBUFFERED="")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "[\n"
    process.stdout.close()
    wait_until(lambda: process.poll() is not None, "the end of a list that nobody reads", deadline=60)
    errors = process.stderr.read()
    process.stderr.close()
    assert errors == ""
    assert process.returncode == 1


def test_json_is_utf_8_and_a_person_can_read_it(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE + 'description = "Gästebuch → [bold]"\n')
    done = workbench("list", "--json", LC_ALL="C.UTF-8")
    assert "Gästebuch → [bold]" in done.stdout
    assert json.loads(done.stdout)[0]["description"] == "Gästebuch → [bold]"
