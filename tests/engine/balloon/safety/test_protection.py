"""Ramp and guard on real guests: steps that wait for the guest, an interrupted ramp, and a process saved from the OOM killer."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import time
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.commandline import CommandLine, command_line
from tests.engine.local.opened import balloon_of, opened, reading_of, running, settled, until
from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.history.marks import MarkKind
from workbench.domain.balloon.safety.protection import ProtectionRequest
from workbench.domain.balloon.safety.ramp import Ramp, Ramping
from workbench.engine.balloon.safety.ramp import FILE, RampRecord
from workbench.engine.state.process import born

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from workbench.engine.demo import DemoGuest
    from workbench.engine.session.guest import SessionGuest

pytestmark = pytest.mark.xdist_group("protection")  # one guest for most of them
MIB = 1 << 20
RAM = 256 * MIB
DEMO = 'memory.size = "256M"\nboot.guest = "demo"\n'
RAMPED = DEMO + '[balloon]\nramp = "16M/0.2s"\n'


@pytest.fixture(scope="module")
def ramped(demo_guest: DemoGuest) -> Iterator[CommandLine]:
    """One demo guest whose profile has a ramp, for the tests that leave it with all its RAM."""
    with command_line() as workbench:
        workbench.profile("demo", RAMPED)
        workbench.start("demo")
        workbench.wait_for_boot()
        yield workbench


@asynccontextmanager
async def watched(workbench: CommandLine, name: str = "demo") -> AsyncIterator[SessionGuest]:
    """The guest on a screen of one's own, its balloon read."""
    async with opened(workbench) as engine:
        guest = running(engine, name)
        guest.watched = True
        await until(
            lambda: guest.snapshot.balloon is not None and guest.snapshot.balloon.stats is not None, "a reading"
        )
        yield guest


@asynccontextmanager
async def full_again(workbench: CommandLine) -> AsyncIterator[SessionGuest]:
    """The same, and all RAM given back at the end."""
    async with watched(workbench) as guest:
        yield guest
        await guest.set_target(RAM)
        await settled(guest, RAM)


def targets(guest: SessionGuest) -> list[int]:
    """In MiB, what was sent so far."""
    return [(mark.size or 0) // MIB for mark in balloon_of(guest).marks if mark.kind is MarkKind.REQUEST]


def ramping(guest: SessionGuest) -> Ramping | None:
    return guest.snapshot.protection.ramping


# The ramp.


async def test_a_large_inflation_goes_in_steps_and_each_waits_for_the_guest(ramped: CommandLine) -> None:
    async with full_again(ramped) as guest:
        count = len(targets(guest))
        seen: list[tuple[int, int]] = []
        since: dict[int, float] = {}
        await guest.set_target(RAM - 56 * MIB)
        while ramping(guest) is not None or reading_of(guest).actual != RAM - 56 * MIB:
            reading = reading_of(guest)
            if not seen or seen[-1][0] != reading.target:
                seen.append((reading.target, reading.actual))
            if (now := ramping(guest)) is not None:
                since[now.at] = now.since
                assert reading.target > now.at or balloon_of(guest).verdict.state is not State.SETTLED, "between steps"
            await asyncio.sleep(0.005)
        assert targets(guest)[count:] == [240, 224, 208, 200]
        steps = [mark.text for mark in balloon_of(guest).marks if mark.kind is MarkKind.RAMP][-4:]
        assert steps == ["ramp to 200 MiB in 4 steps", *(f"step {step} of 4 to 200 MiB" for step in (2, 3, 4))]
        for (before, _), (_, actual) in pairwise(seen):
            assert actual <= before, "a step was sent before the guest had done the one before"
        assert all(later - earlier >= 0.2 for earlier, later in pairwise(since.values()))
        assert len(since) > 1
        book = balloon_of(guest).ledger
        assert book is not None
        assert (book.asked.change, book.given) == (56 * MIB, 56 * MIB), "the ledger is that of the whole ramp"
        assert not (ramped.state / "demo" / FILE).exists()


async def test_a_small_inflation_and_every_deflation_go_at_once(ramped: CommandLine) -> None:
    async with full_again(ramped) as guest:
        count = len(targets(guest))
        await guest.set_target(RAM - 16 * MIB)
        assert ramping(guest) is None
        await settled(guest, RAM - 16 * MIB)
        await guest.protect(ProtectionRequest.RAMP_OFF)
        await guest.set_target(RAM - 96 * MIB)
        await settled(guest, RAM - 96 * MIB)
        await guest.protect(ProtectionRequest.RAMP_ON)
        await guest.set_target(RAM)
        await settled(guest, RAM)
        assert targets(guest)[count:] == [240, 160, 256]


async def test_another_target_ends_a_ramp(ramped: CommandLine) -> None:
    async with full_again(ramped) as guest:
        await guest.set_target(RAM - 96 * MIB)
        await until(lambda: ramping(guest) is not None, "a ramp")
        done = await asyncio.to_thread(ramped, "balloon", "demo", "220M", "--json")
        assert done.code == 0, done
        await until(lambda: ramping(guest) is None, "the ramp to end")
        await settled(guest, 220 * MIB)
        assert reading_of(guest).target == 220 * MIB, "the other one's target stands"


async def test_a_ramp_is_stopped_at_its_step(ramped: CommandLine) -> None:
    async with full_again(ramped) as guest:
        await guest.set_target(RAM - 128 * MIB)
        await guest.protect(ProtectionRequest.STOP_RAMP)
        assert ramping(guest) is None
        await settled(guest, RAM - 16 * MIB)
        assert not (ramped.state / "demo" / FILE).exists(), "nobody is asked whether to go on"


async def test_a_paused_guest_holds_the_ramp_with_a_reason(ramped: CommandLine) -> None:
    async with full_again(ramped) as guest:
        await guest.pause()
        await guest.set_target(RAM - 48 * MIB)

        def held() -> bool:
            now = ramping(guest)
            return now is not None and "paused" in now.held

        await until(held, "the ramp to be held")
        now = ramping(guest)
        assert now is not None
        assert (now.step, now.steps) == (1, 3)
        await guest.resume()
        await settled(guest, RAM - 48 * MIB)
        assert ramping(guest) is None


async def test_a_frozen_qemu_holds_the_ramp_without_an_alarm(ramped: CommandLine) -> None:
    async with full_again(ramped) as guest:
        await guest.protect(ProtectionRequest.ARM)
        await guest.set_target(RAM - 48 * MIB)
        pid = guest.snapshot.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            await until(lambda: (now := ramping(guest)) is not None and now.held == "QEMU does not answer", "a hold")
        finally:
            os.kill(pid, signal.SIGCONT)
        await settled(guest, RAM - 48 * MIB)
        assert guest.snapshot.protection.alarm is None
        await guest.protect(ProtectionRequest.DISARM)


async def test_the_next_screen_continues_an_interrupted_ramp(ramped: CommandLine) -> None:
    async with watched(ramped) as guest:
        await guest.protect(ProtectionRequest.RAMP_ON)
        await guest.set_target(RAM - 96 * MIB)
        await until(lambda: reading_of(guest).target <= RAM - 32 * MIB, "the second step")
    async with watched(ramped) as guest:
        await until(lambda: guest.snapshot.protection.left is not None, "the ramp that was left")
        left = guest.snapshot.protection.left
        assert left is not None
        assert left.goal == RAM - 96 * MIB
        assert RAM - 96 * MIB < left.at == reading_of(guest).target <= RAM - 32 * MIB
        await until(lambda: "interrupted at" in balloon_of(guest).marks[-1].text, "a mark that says so")
    async with full_again(ramped) as guest:
        await until(lambda: guest.snapshot.protection.left is not None, "the same again")
        assert sum("interrupted at" in mark.text for mark in balloon_of(guest).marks) == 1, (
            "one mark, however often it is seen"
        )
        await guest.protect(ProtectionRequest.CONTINUE_RAMP)
        assert ramping(guest) is not None
        await settled(guest, RAM - 96 * MIB)
        assert guest.snapshot.protection.left is None


async def test_an_interrupted_ramp_is_dropped_when_another_client_sets_a_target(ramped: CommandLine) -> None:
    async with watched(ramped) as guest:
        await guest.set_target(RAM - 96 * MIB)
    done = await asyncio.to_thread(ramped, "balloon", "demo", "max", "--wait", "--json")
    assert done.code == 0, done
    async with watched(ramped) as guest:
        await settled(guest, RAM)
        assert guest.snapshot.protection.left is None
        await until(lambda: not (ramped.state / "demo" / FILE).exists(), "the file to go")


async def test_a_ramp_of_a_living_process_is_shown_as_its_own(ramped: CommandLine) -> None:
    """And as left as soon as that process is gone, however it ended."""
    async with full_again(ramped) as guest:
        with subprocess.Popen(["sleep", "60"]) as owner:
            await guest.protect(ProtectionRequest.RAMP_OFF)
            await guest.set_target(RAM - 32 * MIB)
            await settled(guest, RAM - 32 * MIB)
            under_way = Ramping(Ramp(16 * MIB, 1), RAM, RAM - 96 * MIB, RAM - 32 * MIB, time.time())
            record = RampRecord(under_way, owner.pid, born(owner.pid))
            (ramped.state / "demo" / FILE).write_bytes(msgspec.json.encode(record))
            await until(lambda: guest.snapshot.protection.elsewhere, "the other one's ramp")
            assert ramping(guest) == under_way
            owner.kill()
        await until(lambda: guest.snapshot.protection.left is not None, "it to be left")
        await guest.protect(ProtectionRequest.DISMISS)
        assert guest.snapshot.protection.left is None
        assert not (ramped.state / "demo" / FILE).exists()


def test_a_process_is_known_by_its_start() -> None:
    assert born(os.getpid()) > 0
    with subprocess.Popen(["true"]) as process:
        process.wait()
        assert born(process.pid) == 0
    assert born(2**22 + 1) == 0


async def test_a_reset_ends_a_ramp(demo_guest: DemoGuest, workbench: CommandLine) -> None:
    workbench.profile("demo", RAMPED)
    workbench.start("demo")
    workbench.wait_for_boot()
    async with watched(workbench) as guest:
        await guest.set_target(RAM - 128 * MIB)
        await guest.reset()
        await until(lambda: ramping(guest) is None, "the ramp to end")
        assert not (workbench.state / "demo" / FILE).exists()


# The guard.

THIRSTY = "(while :; do dd if=/dev/zero of=/dev/null bs=16M count=1 2> /dev/null; sleep 0.1; done) &\n"
"""A process in the guest that needs 16 MiB ten times a second: it makes the kernel kill when there are none."""


@asynccontextmanager
async def hungry_guest(workbench: CommandLine, keys: str) -> AsyncIterator[SessionGuest]:
    """A guest without deflate-on-oom in which ``eat`` holds 100 MiB and something else needs memory now and then."""
    workbench.profile("demo", f"{DEMO}[balloon]\ndeflate-on-oom = false\n{keys}")
    workbench.start("demo")
    workbench.wait_for_boot()
    async with watched(workbench) as guest:
        forget = guest.console(lambda _: None)
        await guest.type("eat 100M\n")
        await until(lambda: "held 100M" in log_of(workbench), "100 MiB held")
        await guest.type(THIRSTY)
        yield guest
        forget()


def log_of(workbench: CommandLine) -> str:
    return (workbench.state / "demo" / "serial.log").read_text(errors="replace")


async def held_now(guest: SessionGuest, workbench: CommandLine) -> str:
    """What ``eat`` says that it holds."""

    def answers() -> list[str]:
        return [str(line) for line in re.findall(r"^held [^\r\n]*(?=\r?\n)", log_of(workbench), re.MULTILINE)]

    before = len(answers())
    await guest.type("eat\n")
    await until(lambda: len(answers()) > before, "eat to answer")
    return answers()[-1]


STEPS = 'ramp = "8M/1s"\n'


async def test_without_the_guard_a_process_is_killed(demo_guest: DemoGuest, workbench: CommandLine) -> None:
    """The same inflation as in the next test: it is what the guard saves a process from."""
    async with hungry_guest(workbench, STEPS) as guest:
        await guest.set_target(64 * MIB)
        await until(lambda: "Out of memory: Killed process" in log_of(workbench), "the kernel to kill", 60)
        assert guest.snapshot.protection.alarm is None
        assert "held 0M: the kernel killed the eater" in await held_now(guest, workbench)


async def test_the_guard_saves_a_process(demo_guest: DemoGuest, workbench: CommandLine) -> None:
    async with hungry_guest(workbench, STEPS + "guard = true\n") as guest:
        assert guest.snapshot.protection.armed
        count = len(targets(guest))
        await guest.set_target(64 * MIB)
        await until(lambda: guest.snapshot.protection.alarm is not None, "the guard to act", 60)
        await settled(guest, RAM)
        alarm = guest.snapshot.protection.alarm
        assert alarm is not None
        assert "available (threshold 32 MiB)" in alarm.why
        assert alarm.returned >= 8 * MIB
        assert targets(guest)[-1] == 256
        assert targets(guest)[count:].count(256) == 1, "everything at once, in one command"
        assert any(mark.kind is MarkKind.GUARD and alarm.why in mark.text for mark in balloon_of(guest).marks)
        assert ramping(guest) is None
        assert "Killed process" not in log_of(workbench)
        assert (await held_now(guest, workbench)).startswith("held 100M")
        await guest.protect(ProtectionRequest.DISMISS)
        assert guest.snapshot.protection.alarm is None


async def test_a_guard_without_a_ramp_has_a_pace_of_its_own(demo_guest: DemoGuest, workbench: CommandLine) -> None:
    """At full speed such a guest is at its end between two looks: seen."""
    async with hungry_guest(workbench, "guard = true\n") as guest:
        protection = guest.snapshot.protection
        assert (protection.ramp, protection.paced) == (Ramp(16 * MIB, 1), True)
        guest.watched = False  # a guard looks also where no pane does
        await guest.set_target(64 * MIB)
        await until(lambda: guest.snapshot.protection.alarm is not None, "the guard to act", 60)
        await settled(guest, RAM)
        assert (await held_now(guest, workbench)).startswith("held 100M")


async def interval_of(workbench: CommandLine) -> int:
    done = await asyncio.to_thread(
        workbench,
        "qmp",
        "demo",
        "qom-get",
        "path=/machine/peripheral/balloon0",
        "property=guest-stats-polling-interval",
    )
    assert done.code == 0, done
    value = json.loads(done.stdout)
    return int(value["return"] if isinstance(value, dict) else value)


def interval_seen(guest: SessionGuest) -> int | None:
    stats = balloon_of(guest).stats
    return stats.interval if stats is not None else None


async def test_the_guard_asks_for_reports_every_second_and_leaves_the_interval_as_it_was(ramped: CommandLine) -> None:
    async with watched(ramped) as guest:
        assert await interval_of(ramped) == 2
        await guest.protect(ProtectionRequest.ARM)
        await until(lambda: interval_seen(guest) == 1, "an interval of 1 s")
        assert await interval_of(ramped) == 1
        shown = await asyncio.to_thread(ramped, "balloon", "demo", "--json")
        assert shown.json["guard"] == {"profile": False, "armed": True, "acted": None}
        await guest.protect(ProtectionRequest.DISARM)
        assert await interval_of(ramped) == 2
        shown = await asyncio.to_thread(ramped, "balloon", "demo", "--json")
        assert shown.json["guard"] == {"profile": False, "armed": False, "acted": None}
        await guest.protect(ProtectionRequest.ARM)
        await until(lambda: interval_seen(guest) == 1, "the same again")
    assert await interval_of(ramped) == 2, "the screen is left, and nobody guards"


async def test_the_next_screen_restores_the_interval_of_a_killed_guard(ramped: CommandLine) -> None:
    async with watched(ramped) as guest:
        place = {"path": "/machine/peripheral/balloon0", "property": "guest-stats-polling-interval"}
        await guest.execute("qom-set", {**place, "value": 1})
        (ramped.state / "demo" / "guard.json").write_text('{"interval":2,"pid":4194305,"born":7}')
    async with watched(ramped):
        await until(lambda: not (ramped.state / "demo" / "guard.json").exists(), "the mending")
    assert await interval_of(ramped) == 2


async def test_an_armed_guard_leaves_a_calm_guest_alone(ramped: CommandLine) -> None:
    async with full_again(ramped) as guest:
        await guest.protect(ProtectionRequest.ARM)
        await guest.set_target(RAM - 96 * MIB)
        await settled(guest, RAM - 96 * MIB)
        await guest.pause()
        await until(lambda: guest.snapshot.status == "paused", "the pause")
        await guest.resume()
        await until(lambda: guest.snapshot.status == "running", "it to run on")
        await settled(guest, RAM - 96 * MIB)
        assert guest.snapshot.protection.alarm is None
        assert balloon_of(guest).verdict.state is State.SETTLED
        await guest.protect(ProtectionRequest.DISARM)
