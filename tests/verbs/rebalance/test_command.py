"""``workbench rebalance`` on real demo guests."""

from __future__ import annotations

import os
import signal
import socket
from typing import TYPE_CHECKING, cast

import pytest

from tests.commandline import command_line, wait_until
from tests.terminal import SCREEN, terminal
from workbench.domain.units import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.commandline import CommandLine, Done
    from workbench.engine.demo import DemoGuest

pytestmark = pytest.mark.xdist_group("rebalance")  # one pair of guests for all
NAMES = ("one", "two")
Guests = dict[str, dict[str, object]]


@pytest.fixture(scope="module")
def pair(demo_guest: DemoGuest) -> Iterator[CommandLine]:
    """Two demo guests that are up; each test leaves them running."""
    with command_line() as workbench:
        workbench.sample("demo")
        text = (workbench.profiles / "demo.toml").read_text()
        (workbench.profiles / "demo.toml").unlink()
        for name in NAMES:
            workbench.profile(name, text)
            workbench.start(name)
        for name in NAMES:
            workbench.wait_for_boot(name)
            wait_until(lambda name=name: stats(workbench, name).get("available"), "figures of the guest")  # type: ignore[misc]
        yield workbench


def stats(workbench: CommandLine, name: str) -> Mapping[str, object]:
    found = workbench("balloon", name, "--json").json["guest_stats"]
    return cast("Mapping[str, object]", found or {})


def targets(workbench: CommandLine) -> list[tuple[int, int]]:
    """Target and actual of both, in MiB."""
    found = [workbench("balloon", name, "--json").json for name in NAMES]
    return [(cast("int", one["target"]) // MIB, cast("int", one["actual"]) // MIB) for one in found]


def guests(done: Done) -> Guests:
    return {str(guest["guest"]): guest for guest in cast("list[dict[str, object]]", done.json["guests"])}


def size(guest: Mapping[str, object], key: str) -> int:
    value = guest[key]
    assert isinstance(value, int), (key, guest)
    return value // MIB


def eat(workbench: CommandLine, name: str, amount: str) -> None:
    """Have a guest's shell hold so much memory."""
    log = workbench.state / name / "serial.log"
    before = len(log.read_text(errors="replace"))
    with socket.socket(socket.AF_UNIX) as console:
        console.settimeout(60)
        console.connect(str(workbench.state / name / "serial.sock"))
        console.sendall(f"eat {amount}\n".encode())
        wait_until(lambda: "available" in log.read_text(errors="replace")[before:], "the guest to eat")


def back(workbench: CommandLine) -> None:
    done = workbench("rebalance", "--budget", "max", "--yes")
    assert done.code == 0, done


def test_a_budget_is_reached_and_use_decides_who_keeps_more(pair: CommandLine) -> None:
    eat(pair, "one", "200M")
    try:
        wait_until(lambda: cast("int", stats(pair, "one")["available"]) < 300 * MIB, "figures that show it")
        done = pair("rebalance", "--budget", "700M", "--yes", "--wait", "60")
        assert done.code == 0, done
        (one, _), (two, _) = reached = targets(pair)
        assert all(target == actual for target, actual in reached), done
        assert one + two == 700
        assert one > two + 50, "idle memory is taken: the one that uses more keeps more"
        assert "one: reached" in done.stdout
        again = pair("rebalance", "--budget", "700M", "--dry-run", "--json")
        assert [guest["change"] for guest in guests(again).values()] == [0, 0], again

        # Down to the floors, which follow what each one uses, and not below.
        less = pair("rebalance", "--budget", "1M", "--dry-run", "--json")
        assert less.code == 1
        least = size(less.json, "budget") + size(less.json, "short")
        floors = [size(guest, "floor") for guest in guests(less).values()]
        assert abs(sum(floors) - least) <= 1
        assert floors[0] > 250, "1.3 times what it uses, 200 MiB of it held"
        less.check_error(1, "too small")
        assert targets(pair) == reached, "nothing was sent"
    finally:
        eat(pair, "one", "0")
        back(pair)


def test_a_dry_run_tells_everything_and_sends_nothing(pair: CommandLine) -> None:
    done = pair("rebalance", "--budget", "50%", "--dry-run", "--json")
    assert done.code == 0, done
    whole = done.json
    assert set(whole) == {
        "budget", "met", "short", "left", "words", "ram", "before", "after", "host_gain", "sent", "guests",
    }  # fmt: skip
    assert (whole["budget"], whole["met"], whole["sent"]) == (512 * MIB, True, False)
    for guest in guests(done).values():
        assert set(guest) == {
            "guest", "ram", "used", "idle", "floor", "floor_why", "resident", "target", "actual", "new", "change",
            "counts", "movable", "reason", "host_gain", "outcome", "state", "cause", "cause_code",
        }  # fmt: skip
        assert guest["outcome"] is None
        assert guest["movable"] is True
        assert size(guest, "used") + size(guest, "idle") == pytest.approx(512, abs=1)
    assert sum(size(guest, "new") for guest in guests(done).values()) == 512
    assert targets(pair) == [(512, 512), (512, 512)]
    table = pair("rebalance", "--budget", "50%", "--dry-run").stdout
    assert table.splitlines()[0].split() == [
        "MiB", "RAM", "USED", "FLOOR", "TARGET", "NEW", "CHANGE", "HOST", "GAINS",
    ]  # fmt: skip
    assert table.splitlines()[-1].split()[-2:] == ["budget", "512"]


def test_only_the_named_guests_count(pair: CommandLine) -> None:
    done = pair("rebalance", "two", "--budget", "400M", "--yes", "--json")
    assert done.code == 0, done
    assert list(guests(done)) == ["two"]
    assert guests(done)["two"]["outcome"] == {
        "stage": "reached",
        "goal": 400 * MIB,
        "actual": 400 * MIB,
        "remark": "",
    }
    assert targets(pair) == [(512, 512), (400, 400)]
    back(pair)


def test_a_frozen_guest_has_its_line_and_holds_up_nobody(pair: CommandLine) -> None:
    pid = cast("int", pair.listed("one")["pid"])
    os.kill(pid, signal.SIGSTOP)
    try:
        table = pair("rebalance", "--budget", "800M", "--dry-run").stdout
        done = pair("rebalance", "--budget", "800M", "--yes", "--json")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert done.code == 0, done
    row = next(line for line in table.splitlines() if line.startswith("one"))
    assert row.split()[:5] == ["one", "512", *["\u2013"] * 3], "nothing is said of what was not read"
    one, two = guests(done).values()
    assert (one["movable"], one["change"]) == (False, 0)
    assert "SIGSTOP" in str(one["reason"])
    assert [one[key] for key in ("target", "actual", "floor", "new")] == [None] * 4
    assert size(one, "counts") == 512, "what it has is not known: it counts with its RAM"
    assert size(two, "new") == 288
    assert targets(pair) == [(512, 512), (288, 288)]
    back(pair)


def test_a_guest_with_locked_memory_is_left_alone(pair: CommandLine) -> None:
    text = (pair.profiles / "one.toml").read_text()
    pair.profile("locked", text.replace("[memory]\n", "[memory]\nlock = true\n"))
    pair.start("locked")
    try:
        pair.wait_for_boot("locked")
        done = pair("rebalance", "one", "locked", "--budget", "900M", "--dry-run", "--json")
    finally:
        pair("stop", "locked", "--timeout", "0", "--kill")
    found = guests(done)
    assert (found["locked"]["movable"], found["locked"]["change"]) == (False, 0)
    assert "locked memory: the host would gain nothing" in str(found["locked"]["reason"])
    assert size(found["one"], "new") == 900 - 512


def test_a_paused_guest_counts_with_what_it_has(pair: CommandLine) -> None:
    assert pair("pause", "one").code == 0
    try:
        done = pair("rebalance", "--budget", "800M", "--dry-run")
    finally:
        assert pair("resume", "one").code == 0
    assert "is paused: driver not running" in done.stdout
    assert done.code == 0


def test_who_is_not_there_in_time_is_named(pair: CommandLine) -> None:
    done = pair("rebalance", "--budget", "600M", "--yes", "--wait", "0")
    done.check_error(4, "one, two")
    assert "one: late: timed out" in done.stdout
    back(pair)


def test_nobody_is_changed_unasked(pair: CommandLine) -> None:
    pair("rebalance", "--budget", "600M").check_error(2, "--yes", "--dry-run")
    pair("rebalance", "--budget", "lots", "--dry-run").check_error(2, "lots")
    pair("rebalance", "nobody", "--budget", "600M", "--dry-run").check_error(3, "nobody")
    with terminal(pair.environment) as screen:
        screen.open(*SCREEN, "rebalance", "--budget", "600M")
        screen.wait_for("Change 2 guests?")
        screen.type("n\n")
        screen.wait_for("nothing was changed", "exit status 1")
    assert targets(pair) == [(512, 512), (512, 512)]
    with terminal(pair.environment) as screen:
        screen.open(*SCREEN, "rebalance", "--budget", "600M")
        screen.wait_for("Change 2 guests?")
        screen.type("y\n")
        screen.wait_for("one: reached", "two: reached", "exit status 0")
    back(pair)


@pytest.fixture
def careful(pair: CommandLine) -> Iterator[CommandLine]:
    """A third guest, with a floor, a ramp and a guard; gone before the tests go on that count all guests."""
    text = (pair.profiles / "one.toml").read_text()
    wishes = '[balloon]\nfloor = "64M"\nguard = true\nramp = "48M/1s"\n'
    pair.profile("careful", text.replace("[balloon]\n", wishes))
    pair.start("careful")
    try:
        pair.wait_for_boot("careful")
        wait_until(lambda: stats(pair, "careful").get("available"), "figures of the guest")
        yield pair
    finally:
        pair("stop", "careful", "--timeout", "0", "--kill")


def test_a_guard_and_a_ramp_are_at_work(careful: CommandLine) -> None:
    done = careful("rebalance", "careful", "--budget", "400M", "--yes", "--json")
    assert done.code == 0, done
    assert "ramp to 400 MiB in 3 steps" in (careful.state / "careful" / "marks").read_text()

    # Its owner named a floor below what it uses: the guard knows better.
    done = careful("rebalance", "careful", "--budget", "64M", "--yes")
    done.check_error(4, "careful")
    assert "careful: released: its guard gave all memory back: " in done.stdout, done
    assert careful("balloon", "careful", "--json").json["target"] == 512 * MIB
    assert stats(careful, "careful")["interval"] == 2, "as before the guard was armed"


def test_an_interrupted_rebalance_says_who_got_what(careful: CommandLine) -> None:
    process = careful.begin("rebalance", "careful", "--budget", "256M", "--yes")
    assert process.stdout is not None
    line = ""
    while "careful: 512" not in line:
        line = process.stdout.readline()
        assert line, process.communicate()
    process.send_signal(signal.SIGINT)  # at the first of six steps, a second apart at the least
    out, err = process.communicate(timeout=30)
    assert process.returncode not in (0, None), (out, err)
    assert "careful: late: interrupted" in out
    assert "Traceback" not in err
    target = careful("balloon", "careful", "--json").json["target"]
    assert isinstance(target, int)
    assert 256 * MIB < target < 512 * MIB, "it stays at a step"


def test_the_screen_does_the_same_by_keys(pair: CommandLine) -> None:
    with terminal(pair.environment) as screen:
        screen.open(*SCREEN)
        screen.wait_for("one", "two", "settled")
        screen.keys("g")
        screen.wait_for("B Rebalance")
        screen.keys("B")
        screen.wait_for("budget", "1024M", "host gains")
        screen.type("700M")
        # Figures that were sent before the last test was over may stand there for a moment.
        screen.wait_until(lambda seen: "enter sends" in seen and seen.count("gives") == 2, "two guests that give")
        assert targets(pair) == [(512, 512), (512, 512)], "showing sends nothing"
        screen.keys("Enter")
        screen.wait_for("2 of 2 guests at the new target", "reached")
        (one, one_has), (two, two_has) = targets(pair)
        assert one + two == 700
        assert (one_has, two_has) == (one, two)
        screen.keys("Escape")
        screen.wait_for("s Start", without="budget")
    back(pair)
