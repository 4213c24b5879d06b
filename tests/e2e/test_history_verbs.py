"""History, pictures, --all and watch on real guests, as a user asks for them."""

from __future__ import annotations

import asyncio
import csv
import errno
import json
import os
import pty
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from tests.commandline import CHECKOUT, COMMAND, wait_until
from tests.terminal import terminal
from workbench.engine.local.engine import LocalEngine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.commandline import CommandLine

MIB = 1 << 20
RAM = 512 * MIB


@pytest.fixture
def watching(running_demo: CommandLine) -> Iterator[subprocess.Popen[str]]:
    """Somebody watches the demo guest, and so records it."""
    process = running_demo.begin("watch", "demo", "--interval", "0.2")
    yield process
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)


def samples(workbench: CommandLine, *more: str) -> list[dict[str, int]]:
    done = workbench("balloon", "demo", "--history", "--json", *more)
    assert done.code == 0, done
    found = done.json["samples"]
    assert isinstance(found, list)
    return found


def test_a_history_holds_a_change_and_its_mark(running_demo: CommandLine, watching: subprocess.Popen[str]) -> None:
    begun = time.time()
    for size in ("400M", "max"):
        assert running_demo("balloon", "demo", size, "--wait").code == 0
        bytes_ = RAM if size == "max" else 400 * MIB
        wait_until(lambda bytes_=bytes_: samples(running_demo)[-1]["actual"] == bytes_, "the sample")  # type: ignore[misc]
    seen = [sample["actual"] for sample in samples(running_demo) if sample["time"] >= begun]
    assert 400 * MIB in seen
    assert seen[-1] == RAM
    marks = running_demo("balloon", "demo", "--history", "--json", "--since", "10m").json["marks"]
    assert isinstance(marks, list)
    assert [mark["size"] for mark in marks if mark["kind"] == "request"][-2:] == [400 * MIB, RAM]

    done = running_demo("balloon", "demo", "--history", "--csv")
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert {int(row["actual"]) for row in rows} >= {400 * MIB, RAM}
    assert all(int(row["actual_min"]) <= int(row["actual"]) <= int(row["actual_max"]) for row in rows)
    people = running_demo("balloon", "demo", "--history").stdout
    assert " 400 " in people
    assert "target 400 MiB" in people


def test_watch_prints_json_lines_and_sees_a_target_of_another_command(
    running_demo: CommandLine, watching: subprocess.Popen[str]
) -> None:
    assert watching.stdout is not None
    assert json.loads(watching.stdout.readline())["guest"] == "demo"
    done = running_demo("qmp", "demo", "balloon", f"value={384 * MIB}")
    assert done.code == 0, done
    end = time.monotonic() + 30
    while (line := json.loads(watching.stdout.readline()))["actual"] != 384 * MIB:
        assert time.monotonic() < end, line
    assert line["target"] == 384 * MIB
    assert running_demo("balloon", "demo", "max", "--wait").code == 0


def test_a_command_that_waits_records_the_way(running_demo: CommandLine) -> None:
    """Else the next look would say that nothing had moved since before."""
    for target in (200, 440) * 5:  # a fast guest may be there between two readings
        assert running_demo("balloon", "demo", f"{target}M", "--wait", "--yes").code == 0
        recorded = running_demo("balloon", "demo", "--history", "--json").json["samples"]
        on_the_way = [
            one["actual"]
            for one in recorded  # type: ignore[attr-defined]
            if one["target"] == target * MIB and one["actual"] not in (512 * MIB, 440 * MIB, 200 * MIB)
        ]
        if on_the_way:
            break
    assert on_the_way
    running_demo("balloon", "demo", "max", "--wait")


def test_watch_ends_cleanly(running_demo: CommandLine) -> None:
    done = running_demo("watch", "--count", "2", "--interval", "0.1", "--json")
    assert (done.code, done.stderr) == (0, "")
    assert [json.loads(line)["guest"] for line in done.stdout.splitlines()] == ["demo", "demo"]
    process = running_demo.begin("watch")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    running_demo("watch", "nosuch").check_error(3, "nosuch")


def test_the_screen_records_and_watch_does_not_write_twice(running_demo: CommandLine) -> None:
    async def with_a_screen() -> None:
        engine = LocalEngine(running_demo.settings)
        await engine.open()
        try:
            guest = engine.guest("demo")
            async with asyncio.timeout(30):
                while guest.snapshot.balloon is None:
                    await asyncio.sleep(0.05)
            history = running_demo.state / "demo" / "history"
            before = history.stat().st_size
            done = await asyncio.to_thread(running_demo, "watch", "demo", "--count", "5", "--interval", "0.1")
            assert done.code == 0, done
            lines = history.read_bytes()[before:].splitlines()
            times = [json.loads(line)[0] for line in lines if line]
            assert len(times) <= 3, "at rest the screen writes now and then, and watch nothing"
        finally:
            await engine.close()

    asyncio.run(with_a_screen())


def test_a_picture_is_written_whole_and_nothing_without_a_way(running_demo: CommandLine, tmp_path: Path) -> None:
    running_demo("watch", "demo", "--count", "3", "--interval", "0.1")
    for name in ("balloon.svg", "light.svg"):
        more = ["--light"] if name.startswith("light") else []
        done = running_demo("balloon", "demo", "--picture", str(tmp_path / name), *more)
        assert (done.code, done.stdout) == (0, f"{tmp_path / name}\n")
        root = ElementTree.parse(tmp_path / name).getroot()
        assert root is not None
        assert root.tag.endswith("svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["balloon.svg", "light.svg"]
    running_demo("balloon", "demo", "--picture", str(tmp_path / "a.gif")).check_error(2, ".svg")
    running_demo("balloon", "demo", "--picture", str(tmp_path / "no" / "a.svg")).check_error(1, "cannot write")
    assert not (tmp_path / "a.gif").exists()


def test_a_png_when_it_can_be_drawn_and_a_hint_when_not(running_demo: CommandLine, tmp_path: Path) -> None:
    running_demo("watch", "demo", "--count", "3", "--interval", "0.1")
    done = running_demo("balloon", "demo", "--picture", str(tmp_path / "a.png"))
    assert done.code == 0, done
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "cairosvg.py").write_text("raise ImportError('not here')\n")
    done = running_demo("balloon", "demo", "--picture", str(tmp_path / "b.png"), PYTHONPATH=str(tmp_path))
    done.check_error(1, "cairosvg", "hint:", ".svg", "[png]")
    assert not (tmp_path / "b.png").exists()


def test_nobody_records_is_said_with_what_would(workbench: CommandLine) -> None:
    workbench.profile("fw", 'memory.size = "64M"\n')
    workbench.start("fw")
    done = workbench("balloon", "fw", "--history", "--json")
    assert (done.code, done.json["samples"]) == (0, [])
    assert "workbench watch fw" in done.stderr
    workbench("balloon", "fw", "--picture", "/tmp/never.svg").check_error(1, "no history of fw", "workbench watch fw")
    workbench("watch", "fw", "--count", "2", "--interval", "0.1")
    workbench("stop", "fw", "--timeout", "0", "--kill")
    done = workbench("balloon", "fw", "--history", "--json")
    assert (done.code, done.stderr) == (0, ""), "what was recorded of the last run is kept"
    assert done.json["samples"]
    workbench("balloon", "nosuch", "--history").check_error(3, "nosuch")
    workbench("balloon", "../fw", "--history").check_error(3)


def test_what_cannot_be_recorded_is_said_and_nothing_else_is_lost(workbench: CommandLine) -> None:
    """As on a full disk: here something stands in the way of the files."""
    workbench.profile("fw", 'memory.size = "64M"\n')
    workbench.start("fw")
    for name in ("history", "marks"):
        (workbench.state / "fw" / name).mkdir()
    done = workbench("balloon", "fw", "48M", "--json")
    assert (done.code, done.json["target"]) == (0, 48 * MIB)
    (note,) = (note for note in done.json["notes"] if note["code"] == "unrecorded")  # type: ignore[attr-defined]
    assert note["text"] == f"the history is not being recorded: {os.strerror(errno.EISDIR)}"
    assert "free space for the guest's state directory" in workbench("balloon", "fw").stdout

    async def marks() -> list[str]:
        engine = LocalEngine(workbench.settings)
        await engine.open()
        try:
            guest = engine.guest("fw")
            assert guest is not None
            guest.watched = True
            while guest.snapshot.balloon is None:
                await asyncio.sleep(0.01)
            await guest.set_target(32 * MIB)
            while (
                (balloon := guest.snapshot.balloon) is None
                or balloon.reading is None
                or balloon.reading.target != 32 * MIB
            ):
                await asyncio.sleep(0.01)
            return [mark.text for mark in balloon.marks]
        finally:
            await engine.close()

    assert "target 32 MiB" in asyncio.run(asyncio.wait_for(marks(), 30)), "the plot of this screen has it all the same"


@pytest.mark.parametrize(
    "wrong",
    [
        ("--since", "1h"), ("--csv",), ("--history", "--csv", "--json"), ("--history", "--since", "soon"), ("--light",),
        ("256M", "--history"), ("--history", "--wait"), ("--all",), ("--history", "--picture", "a.svg"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_meant_together(workbench: CommandLine, wrong: tuple[str, ...]) -> None:
    workbench("balloon", "demo", *wrong).check_error(2)


def test_all_guests_in_one_table_and_a_frozen_one_holds_up_none(workbench: CommandLine) -> None:
    assert workbench("balloon", "--all").stdout == "no guest is running\n"
    pids = {}
    for name in ("one", "two", "bare"):
        workbench.profile(name, 'memory.size = "64M"\n' + ("balloon = false\n" if name == "bare" else ""))
        pids[name] = workbench.start(name)
    os.kill(pids["two"], signal.SIGSTOP)
    try:
        done = workbench("balloon", "--all", "--json")
        assert done.code == 0, done
        found = {str(guest["guest"]): guest for guest in done.list}
        assert list(found) == ["bare", "one", "two"]
        assert found["one"]["actual"] == 64 * MIB
        assert found["bare"]["cause"] == "the guest has no balloon device"
        assert (found["two"]["state"], found["one"]["trouble"]) == (None, "")
        assert "SIGSTOP" in str(found["two"]["trouble"])
        lines = workbench("balloon", "--all").stdout.splitlines()
        assert [line.split()[:2] for line in lines[1:]] == [["bare", "absent"], ["one", "absent"], ["two", "unknown"]]
    finally:
        os.kill(pids["two"], signal.SIGCONT)
    assert workbench("balloon").code == 2


def test_a_guest_whose_monitor_a_waiting_command_holds_is_told_in_a_narrow_terminal(workbench: CommandLine) -> None:
    workbench.profile("fw", 'memory.size = "64M"\n')
    workbench.start("fw")
    # Firmware has no driver, so it waits; another one waits for its place.
    holders = [workbench.begin("balloon", "fw", "32M", "--wait", "60") for _ in range(2)]
    try:
        wait_until((workbench.state / "fw" / "balloon.json").exists, "the first command")
        for _ in range(2):
            line = workbench("balloon", "--all").stdout.splitlines()[1]
            assert line.split(maxsplit=2)[2] == "another command holds its monitor, or QEMU is busy"
            assert len(line) < 80
    finally:
        for holder in holders:
            holder.terminate()
            holder.communicate()


def test_watch_tells_the_end_of_a_guest_and_ends(workbench: CommandLine) -> None:
    workbench.profile("fw", 'memory.size = "64M"\n')
    workbench.start("fw")
    process = workbench.begin("watch", "fw", "--interval", "0.1")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["guest"] == "fw"
    workbench("stop", "fw", "--timeout", "0", "--kill")
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert json.loads(out.splitlines()[-1])["state"] == "ended"


def test_watch_on_a_terminal_writes_in_place(running_demo: CommandLine) -> None:
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "watch", "--count", "3", "--interval", "0.1"],
        cwd=CHECKOUT, env={**running_demo.environment, "COLUMNS": "60", "LINES": "20"},
        stdin=follower, stdout=follower, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        os.close(follower)
        text = b""
        try:
            while data := os.read(leader, 65536):
                text += data
        except OSError:
            pass  # EIO: the other end is closed (pty(7))
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    os.close(leader)
    assert text.count(b"NAME") == 3
    assert text.count(b"\x1b[2A") == 2, "the second and third round take the place of the one before"
    assert b"{" not in text
    plain = re.sub(r"\x1b\[\d*[A-Z]", "", text.decode())
    assert max(map(len, plain.splitlines())) <= 60


def test_watch_is_drawn_anew_when_its_terminal_is_resized(running_demo: CommandLine) -> None:
    """At once, and once: a terminal that grows again brings back lines that it had moved off its upper edge."""
    with terminal(running_demo.environment) as window:
        window.open(*COMMAND, "watch", "--interval", "3600", width=100, height=12)
        window.wait_for("NAME", "demo")
        window.resize(100, 2)
        window.wait_for("and 2 more")
        window.resize(100, 20)
        window.wait_until(lambda seen: "demo" in seen and "more" not in seen, "the picture in the larger terminal")
        assert window.picture().count("NAME") == 1
        window.keys("C-c")
        window.wait_for("exit status 0")
