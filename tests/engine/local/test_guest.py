"""The engine with a real demo guest: its snapshots while the guest moves, freezes, dies and comes back."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.commandline import DEADLINE, CommandLine
from tests.engine.local.opened import balloon_of, opened, reading_of, running, settled, until
from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.history.marks import TURNS
from workbench.domain.balloon.reading import Source
from workbench.domain.guest.lifecycle import Exit, Phase, Silence
from workbench.domain.qmp.record.record import Kind, Origin
from workbench.domain.units import PAGE
from workbench.engine.balloon.readings import Readings
from workbench.engine.balloon.record.marks import MarksFile
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.session.pace import EVENTS_GAP
from workbench.engine.state.directory import StateDirectory
from workbench.errors import CommandFailed, MonitorClosed, NotFound, StartError

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.domain.balloon.history.marks import Mark
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.balloon.probe import BalloonProbe
    from workbench.engine.demo import DemoGuest
    from workbench.engine.local.engine import LocalEngine
    from workbench.engine.session.guest import SessionGuest

MIB = 1 << 20
RAM = 512 * MIB
FIRMWARE = 'memory.size = "64M"\naccelerator = "tcg"\n'


@pytest.fixture
def shared(running_demo: CommandLine) -> CommandLine:
    """One demo guest for the tests that leave it as they found it."""
    return running_demo


@pytest.fixture
def firmware(workbench: CommandLine) -> CommandLine:
    """A guest of one's own that starts at once: firmware only."""
    workbench.profile("fw", FIRMWARE)
    workbench.start("fw")
    return workbench


def hear(engine: LocalEngine, name: str) -> list[GuestSnapshot]:
    """Every snapshot of one guest from now on."""
    heard: list[GuestSnapshot] = []
    engine.watch(lambda snapshot: heard.append(snapshot) if snapshot.name == name else None)
    return heard


# A guest that runs.


async def test_a_running_guest_is_complete_on_the_screen(shared: CommandLine) -> None:
    async with opened(shared) as engine:
        guest = running(engine, "demo")
        await settled(guest, RAM)
        snapshot = guest.snapshot
        assert (snapshot.phase, snapshot.status, snapshot.answering, snapshot.trouble) == (
            Phase.RUNNING, "running", True, "",
        )  # fmt: skip
        assert (snapshot.memory, snapshot.pid) == (RAM, shared.listed("demo")["pid"])
        assert snapshot.qemu_version
        assert snapshot.accelerator in {"tcg", "kvm"}
        assert snapshot.started is not None
        assert abs(snapshot.started - psutil.Process(snapshot.pid).create_time()) < DEADLINE
        balloon = balloon_of(guest)
        assert reading_of(guest).source is Source.CONFIG_SPACE
        assert balloon.ours
        assert balloon.host is not None
        assert 0 < balloon.host.resident < RAM
        await until(lambda: balloon_of(guest).stats and balloon_of(guest).stats.available, "guest statistics")  # type: ignore[union-attr]
        assert balloon.history


async def test_a_target_moves_the_guest_until_the_diff_is_0(shared: CommandLine) -> None:
    async with opened(shared) as engine:
        guest = running(engine, "demo")
        guest.watched = True
        await settled(guest, RAM)
        heard = hear(engine, "demo")
        await guest.set_target(256 * MIB)
        await settled(guest, 256 * MIB)
        moving = [s.balloon for s in heard if s.balloon and s.balloon.reading and s.balloon.reading.diff > 0]
        assert any(balloon.verdict.state is State.INFLATING for balloon in moving)
        assert any(balloon.rate < 0 for balloon in moving), "inflation lowers the actual"
        (command,) = (m for m in guest.record if (m.kind, m.name) == (Kind.COMMAND, "balloon"))
        assert (command.origin, command.payload) == (Origin.ACTION, {"value": 256 * MIB})
        heard.clear()
        await guest.set_target(RAM)
        await settled(guest, RAM)
        states = {s.balloon.verdict.state for s in heard if s.balloon}
        assert State.DEFLATING in states
        assert State.STALLED not in states


async def test_a_second_engine_finds_target_and_history(shared: CommandLine) -> None:
    async with opened(shared) as engine:
        guest = running(engine, "demo")
        guest.watched = True
        await guest_ready(guest)
        await guest.set_target(384 * MIB)
        await settled(guest, 384 * MIB)
        times = [sample.time for sample in balloon_of(guest).history]
    async with opened(shared) as engine:
        guest = running(engine, "demo")
        await settled(guest, 384 * MIB)
        assert balloon_of(guest).ours
        history = balloon_of(guest).history
        assert history[0].time <= times[-1] + 0.001, "the second begins with what the first has seen"
        assert {384 * MIB, RAM} <= {sample.target for sample in history}
        await guest.set_target(RAM)
        await settled(guest, RAM)


async def test_a_target_of_another_program_is_seen_and_not_ours(shared: CommandLine) -> None:
    async with opened(shared) as engine:
        guest = running(engine, "demo")
        guest.watched = True
        await settled(guest, RAM)
        done = await asyncio.to_thread(
            shared, "qmp", "demo", "human-monitor-command", "command-line=balloon 300", "--json"
        )
        assert done.code == 0, done
        await settled(guest, 300 * MIB)
        assert not balloon_of(guest).ours
        done = await asyncio.to_thread(shared, "balloon", "demo", "max", "--wait")
        assert done.code == 0, done
        await settled(guest, RAM)
        assert balloon_of(guest).ours, "another workbench's target is ours"


async def test_a_target_typed_as_a_qmp_command_is_ours(shared: CommandLine) -> None:
    async with opened(shared) as engine:
        guest = running(engine, "demo")
        guest.watched = True
        await settled(guest, RAM)
        await guest.execute("balloon", {"value": 400 * MIB + 1})
        await settled(guest, 400 * MIB + PAGE)  # QEMU counts the pages of the balloon down, so the guest has them all
        assert balloon_of(guest).ours
        with pytest.raises(CommandFailed):
            await guest.execute("balloon", {"value": 0})
        await settled(guest, 400 * MIB + PAGE)
        assert balloon_of(guest).ours, "a refused one changes nothing"
        await guest.execute("balloon", {"value": 2 * RAM})
        await settled(guest, RAM)
        assert balloon_of(guest).ours, "QEMU clamps it to RAM"


async def test_pause_and_resume(shared: CommandLine) -> None:
    async with opened(shared) as engine:
        guest = running(engine, "demo")
        await settled(guest, RAM)
        await guest.pause()
        await until(lambda: guest.snapshot.phase is Phase.PAUSED, "the pause")
        await guest.set_target(480 * MIB)
        await until(lambda: balloon_of(guest).verdict.state is State.STALLED, "the stall")
        assert "the guest is paused" in balloon_of(guest).verdict.cause
        await guest.resume()
        await settled(guest, 480 * MIB)
        assert guest.snapshot.phase is Phase.RUNNING
        await guest.set_target(RAM)
        await settled(guest, RAM)


async def test_a_refused_target_changes_nothing(shared: CommandLine) -> None:
    async with opened(shared) as engine:
        guest = running(engine, "demo")
        await settled(guest, RAM)
        with pytest.raises(CommandFailed):
            await guest.set_target(0)
        assert balloon_of(guest).ours
        await settled(guest, RAM)


async def test_sigstop_is_seen_soon_and_sigcont_brings_all_back(shared: CommandLine) -> None:
    async with opened(shared) as engine:
        guest = running(engine, "demo")
        guest.watched = True
        await settled(guest, RAM)
        pid = guest.snapshot.pid
        assert pid is not None
        shown = guest.snapshot
        await until(lambda: guest.snapshot is not shown, "the end of a round of readings, so that none is under way")
        os.kill(pid, signal.SIGSTOP)
        try:
            await until(lambda: not guest.snapshot.answering, "the silence")
            notes = [message.payload for message in guest.record if message.kind is Kind.NOTE]
            assert notes == [], "a stopped process is known without asking it in vain"
            snapshot = guest.snapshot
            assert snapshot.trouble == f"QEMU's process is stopped (SIGSTOP); to resume it: kill -CONT {pid}"
            assert (snapshot.phase, snapshot.pid, snapshot.memory) == (Phase.RUNNING, pid, RAM)
            assert snapshot.balloon is not None
            assert snapshot.balloon.reading is not None, "what was known last still stands"
        finally:
            os.kill(pid, signal.SIGCONT)
        await until(lambda: guest.snapshot.answering and not guest.snapshot.trouble, "the answer")
        await settled(guest, RAM)


async def test_an_engine_that_opens_on_a_frozen_guest(shared: CommandLine) -> None:
    pid = shared.listed("demo")["pid"]
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGSTOP)
    try:
        async with opened(shared) as engine:
            guest = running(engine, "demo")
            await until(lambda: not guest.snapshot.answering, "the silence")
            assert "stopped (SIGSTOP)" in guest.snapshot.trouble
            with pytest.raises(MonitorClosed, match=r"stopped \(SIGSTOP\)"):
                await guest.execute("query-status")
            os.kill(pid, signal.SIGCONT)
            await settled(guest, RAM)
    finally:
        os.kill(pid, signal.SIGCONT)


def crowd(clients: ExitStack, path: Path) -> None:
    """As many clients before a socket as its listener lets wait."""
    with suppress(BlockingIOError):
        while True:
            client = clients.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            client.connect(str(path))


async def test_a_stopped_qemu_is_reported_while_clients_wait_for_it(shared: CommandLine) -> None:
    """Its socket takes no more of them, which says nothing of why."""
    pid = shared.listed("demo")["pid"]
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGSTOP)
    with ExitStack() as clients:
        clients.callback(os.kill, pid, signal.SIGCONT)
        crowd(clients, shared.state / "demo" / "qmp.sock")
        async with opened(shared) as engine:
            guest = running(engine, "demo")
            await until(lambda: not guest.snapshot.answering, "the silence")
            assert "stopped (SIGSTOP)" in guest.snapshot.trouble
            clients.close()
            await settled(guest, RAM)


async def test_a_monitor_that_another_screen_holds(shared: CommandLine) -> None:
    async with opened(shared) as first:
        await settled(running(first, "demo"), RAM)
        async with opened(shared) as second:
            guest = running(second, "demo")
            await until(lambda: not guest.snapshot.answering, "the taken place")
            assert guest.snapshot.silence is Silence.OCCUPIED
            await first.close()
            await settled(guest, RAM)


async def test_a_monitor_for_which_many_wait(shared: CommandLine) -> None:
    async with opened(shared) as first:
        await settled(running(first, "demo"), RAM)
        with ExitStack() as clients:
            crowd(clients, shared.state / "demo" / "qmp.sock")
            async with opened(shared) as second:
                guest = running(second, "demo")
                await until(lambda: not guest.snapshot.answering, "the taken place")
                assert guest.snapshot.silence is Silence.OCCUPIED


async def test_reset_keeps_the_screen_true(shared: CommandLine) -> None:
    """num_pages and actual survive a reset; the driver comes back, and the guest gives the memory up again."""
    async with opened(shared) as engine:
        guest = running(engine, "demo")
        guest.watched = True
        await settled(guest, RAM)
        await guest.set_target(400 * MIB)
        await settled(guest, 400 * MIB)
        revision = guest.snapshot.devices_revision
        heard = hear(engine, "demo")
        await guest.reset()
        await until(lambda: State.ABSENT in {s.balloon.verdict.state for s in heard if s.balloon}, "the driver to go")
        await settled(guest, 400 * MIB)
        assert guest.snapshot.phase is Phase.RUNNING
        assert guest.snapshot.devices_revision > revision
        assert all(s.answering for s in heard)
        await guest.set_target(RAM)
        await settled(guest, RAM)


# A guest that comes and goes.


async def test_sigkill_is_seen_and_named(firmware: CommandLine) -> None:
    async with opened(firmware) as engine:
        guest = running(engine, "fw")
        await guest_ready(guest)
        assert guest.snapshot.pid is not None
        os.kill(guest.snapshot.pid, signal.SIGKILL)
        await until(lambda: guest.snapshot.phase is Phase.STOPPED, "the end")
        assert guest.snapshot == (snapshot := engine.guests()[0])
        assert (snapshot.ended, snapshot.pid) == (Exit(137), None)
        assert not (firmware.state / "fw").exists()
        (listed,) = engine.guests()
        assert (listed.name, listed.phase, listed.ended) == ("fw", Phase.STOPPED, Exit(137))
        with pytest.raises(NotFound, match="fw is not running"):
            await engine.guest("fw").pause()
    async with opened(firmware) as engine:
        assert engine.guests()[0].ended == Exit(137), "the next screen knows it too"


async def test_the_output_of_an_ended_guest_can_be_read(workbench: CommandLine) -> None:
    workbench.profile("fw", FIRMWARE)
    workbench.start("fw")
    heard: list[str] = []
    async with opened(workbench) as engine:
        guest = running(engine, "fw")
        await guest_ready(guest)
        with (workbench.state / "fw" / "serial.log").open("a") as log:
            log.write("x" * (300 * 1024) + "Kernel panic")
        await guest.kill()
        await until(lambda: engine.guest("fw").snapshot.phase is Phase.STOPPED, "the end")
        stopped = engine.guest("fw")
        assert stopped.record is guest.record
        assert list(stopped.record)[-1].payload == "fw was killed by signal 9"
        heard.clear()
        stopped.console(heard.append)()
        (text,) = heard
        assert (len(text), text[-12:]) == (256 * 1024, "Kernel panic")
    heard.clear()
    async with opened(workbench) as engine:
        engine.guest("fw").console(heard.append)()
        assert heard == [text], "the next screen has it too"
        await engine.start("fw")
        await running(engine, "fw").kill()
        await until(lambda: engine.guest("fw").snapshot.phase is Phase.STOPPED, "the end")
        heard.clear()
        engine.guest("fw").console(heard.append)()
        assert "Kernel panic" not in "".join(heard)


async def test_kill_works_on_a_frozen_guest(firmware: CommandLine) -> None:
    async with opened(firmware) as engine:
        guest = running(engine, "fw")
        assert guest.snapshot.pid is not None
        os.kill(guest.snapshot.pid, signal.SIGSTOP)
        await guest.kill()
        await until(lambda: guest.snapshot.phase is Phase.STOPPED, "the end")
        assert guest.snapshot.ended == Exit(137)


async def test_a_guest_that_ended_in_between_is_reported(firmware: CommandLine) -> None:
    async with opened(firmware) as engine:
        await guest_ready(running(engine, "fw"))
    firmware("stop", "fw", "--timeout", "0", "--kill")
    async with opened(firmware) as engine:
        (snapshot,) = engine.guests()
        assert (snapshot.phase, snapshot.ended) == (Phase.STOPPED, Exit(137))


async def test_guests_and_profiles_of_others_appear(workbench: CommandLine) -> None:
    async with opened(workbench) as engine:
        assert engine.guests() == []
        workbench.profile("fw", FIRMWARE)
        await until(lambda: [s.name for s in engine.guests()] == ["fw"], "the profile")
        assert (engine.guests()[0].phase, engine.guests()[0].memory) == (Phase.STOPPED, 64 * MIB)
        pid = await asyncio.to_thread(workbench.start, "fw")
        await until(lambda: engine.guests()[0].phase is Phase.RUNNING, "the guest")
        assert engine.guests()[0].pid == pid
        await guest_ready(running(engine, "fw"))
        (workbench.profiles / "fw.toml").unlink()
        asked: list[Exit | None] = []
        engine.watch(lambda snapshot: asked.append(engine.guest(snapshot.name).snapshot.ended))
        os.kill(pid, signal.SIGKILL)
        await until(lambda: engine.guests() == [], "both to go")
        assert asked[-1] == Exit(137), "whoever hears of the last of it can still ask for it"
        last = engine.guest("fw")
        assert (last.snapshot.phase, last.snapshot.profile_path) == (Phase.STOPPED, "")
        assert list(last.record)[-1].payload == "fw was killed by signal 9"
        with pytest.raises(NotFound, match="fw is not running"):
            await last.pause()
        with pytest.raises(NotFound, match="no guest or profile named 'other'"):
            engine.guest("other")
        workbench.profile("fw", FIRMWARE)
        await until(lambda: engine.guest("fw").snapshot.profile_path, "the profile anew")


async def test_a_guest_that_ran_before_keeps_its_description(workbench: CommandLine) -> None:
    workbench.profile("fw", FIRMWARE + 'description = "the first"\n')
    workbench.start("fw")
    async with opened(workbench) as engine:
        assert running(engine, "fw").snapshot.description == "the first"


async def test_start_and_its_failures(workbench: CommandLine) -> None:
    workbench.profile("fw", FIRMWARE)
    workbench.profile("bad", FIRMWARE + 'qemu.args = ["-rtc", "base=never"]\n')
    async with opened(workbench) as engine:
        heard = hear(engine, "fw")
        await engine.start("fw")
        assert [s.phase for s in heard][:2] == [Phase.STARTING, Phase.RUNNING]
        guest = running(engine, "fw")
        with pytest.raises(StartError, match="fw is already running"):
            await engine.start("fw")
        assert engine.guest("fw") is guest
        assert [(s.name, s.phase) for s in engine.guests()] == [("bad", Phase.STOPPED), ("fw", Phase.RUNNING)]

        with pytest.raises(StartError, match="exit status 1") as caught:
            await engine.start("bad")
        assert "invalid datetime" in caught.value.output
        assert engine.guest("bad").snapshot.phase is Phase.STOPPED
        unknown = hear(engine, "nosuch")
        with pytest.raises(NotFound):
            await engine.start("nosuch")
        assert [s.phase for s in unknown] == [Phase.STARTING, Phase.STOPPED], "nobody is left with one that starts"
        assert [s.name for s in engine.guests()] == ["bad", "fw"]
        await guest.kill()
        await until(lambda: engine.guest("fw").snapshot.phase is Phase.STOPPED, "the end")


async def slow_start(workbench: CommandLine, engine: LocalEngine) -> tuple[asyncio.Task[None], Path]:
    """A start that waits in QEMU, which stands before its monitors until somebody connects to the socket given."""
    gate = workbench.base / "gate"
    text = f'qemu.args = ["-chardev", "socket,id=w,path={gate},server=on,wait=on"]\n'
    workbench.profile("fw", FIRMWARE + text)
    starting = asyncio.create_task(engine.start("fw"))
    await until(lambda: gate.exists() or starting.done(), "QEMU at its gate")
    assert not starting.done(), starting.exception()
    return starting, gate


async def open_gate(gate: Path) -> None:
    _reader, writer = await asyncio.open_unix_connection(str(gate))
    writer.close()


async def test_cancelling_the_caller_does_not_cancel_a_start(workbench: CommandLine) -> None:
    async with opened(workbench) as engine:
        starting, gate = await slow_start(workbench, engine)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await open_gate(gate)
        await until(lambda: engine.guest("fw").snapshot.phase is Phase.RUNNING, "the guest")
        await guest_ready(running(engine, "fw"))


async def test_leaving_while_a_guest_starts_leaves_it_to_run(
    workbench: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.engine.local.engine.LEAVE", 0.1)
    async with opened(workbench) as engine:
        starting, gate = await slow_start(workbench, engine)
    with pytest.raises(asyncio.CancelledError):
        await starting
    async with opened(workbench) as engine:
        await open_gate(gate)
        await until(lambda: engine.guest("fw").snapshot.phase is Phase.RUNNING, "the guest")
        await guest_ready(running(engine, "fw"))


async def test_leaving_waits_for_a_start_that_is_soon_done(workbench: CommandLine) -> None:
    async with opened(workbench) as engine:
        starting, gate = await slow_start(workbench, engine)
        leaving = asyncio.create_task(engine.close())
        await open_gate(gate)
        await leaving
        await starting
    assert StateDirectory(workbench.state).find("fw") is not None


async def test_a_guest_without_a_driver_is_absent(firmware: CommandLine) -> None:
    async with opened(firmware) as engine:
        guest = running(engine, "fw")
        await guest_ready(guest)
        states = set()
        for _ in range(3):
            await guest.execute("query-status")
            states.add(balloon_of(guest).verdict.state)
        assert states == {State.ABSENT}
        await guest.set_target(32 * MIB)
        await until(lambda: reading_of(guest).target == 32 * MIB, "the target")
        assert (reading_of(guest).actual, balloon_of(guest).verdict.state) == (64 * MIB, State.ABSENT)


async def test_a_guest_without_a_balloon(workbench: CommandLine) -> None:
    workbench.profile("bare", FIRMWARE + "balloon = false\n")
    workbench.start("bare")
    async with opened(workbench) as engine:
        guest = running(engine, "bare")
        await guest_ready(guest)
        assert balloon_of(guest).verdict.cause == "the guest has no balloon device"
        assert (balloon_of(guest).reading, balloon_of(guest).stats) == (None, None)
        with pytest.raises(CommandFailed, match="no balloon device"):
            await guest.set_target(32 * MIB)


async def test_an_unexpected_reply_is_reported_and_asked_again(
    firmware: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(firmware) as engine:
        guest = running(engine, "fw")
        guest.watched = True
        await guest_ready(guest)
        with monkeypatch.context() as odd:
            odd.setattr("workbench.engine.balloon.probe.cast", lambda *_: {})
            await until(lambda: guest.snapshot.trouble, "the trouble")
            assert guest.snapshot.trouble == "unexpected reply from QEMU: KeyError: 'status'"
            assert (guest.snapshot.answering, guest.snapshot.phase) == (False, Phase.RUNNING)
        await until(lambda: guest.snapshot.answering and not guest.snapshot.trouble, "the next round")
        os.kill(guest.snapshot.pid or 0, signal.SIGKILL)
        await until(lambda: engine.guest("fw").snapshot.phase is Phase.STOPPED, "the end")


async def test_power_down_that_is_not_followed_lapses(firmware: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.engine.session.published.POWER_DOWN_PATIENCE", 1.5)
    async with opened(firmware) as engine:
        guest = running(engine, "fw")
        guest.watched = True
        await guest_ready(guest)
        await guest.power_down()
        await until(lambda: guest.snapshot.phase is Phase.STOPPING, "the power button")
        await until(lambda: guest.snapshot.phase is Phase.RUNNING, "the end of patience")


async def test_power_down_of_the_demo_guest(workbench: CommandLine, demo_guest: DemoGuest) -> None:
    workbench.sample("demo")
    async with opened(workbench) as engine:
        await engine.start("demo")
        log = StateDirectory(workbench.state).path("demo") / "serial.log"
        await until(lambda: b"guest ready" in log.read_bytes(), "the boot")
        guest = running(engine, "demo")
        heard = hear(engine, "demo")
        await guest.power_down()
        await until(lambda: guest.snapshot.phase is Phase.STOPPED, "the end")
        assert guest.snapshot.ended == Exit(0)
        assert Phase.STOPPING in [s.phase for s in heard]


async def guest_ready(guest: SessionGuest) -> None:
    """Until its first readings are there."""
    await until(lambda: guest.snapshot.balloon is not None, "the first readings")


# What the screen itself sends.


async def test_the_users_commands_run_beside_the_readings(shared: CommandLine) -> None:
    async with opened(shared) as engine:
        guest = running(engine, "demo")
        await settled(guest, RAM)
        assert isinstance(await guest.execute("query-version"), dict)
        with pytest.raises(CommandFailed, match="nosuch"):
            await guest.execute("nosuch")
        schema = await guest.schema()
        assert "query-balloon" in schema.commands
        assert (await guest.devices.tree()) is not None
        users = [(m.kind, m.name) for m in guest.record if m.origin is Origin.USER]
        assert users == [
            (Kind.COMMAND, "query-version"),
            (Kind.REPLY, "query-version"),
            (Kind.COMMAND, "nosuch"),
            (Kind.ERROR, "nosuch"),
        ]


async def test_rest_is_quiet(shared: CommandLine) -> None:
    """A guest at rest is read about once a second, not more: an idle screen must cost nothing."""
    async with opened(shared) as engine:
        guest = running(engine, "demo")
        guest.watched = True
        await settled(guest, RAM)
        await until(lambda: guest.up_to_date, "all that is asked once")
        before = rounds(guest)
        begun = time.monotonic()
        await until(lambda: rounds(guest) >= before + 3, "three readings")
        elapsed = time.monotonic() - begun
        assert elapsed > 1.5, f"three readings in {elapsed:.2f} s"


async def test_a_reading_costs_three_round_trips_at_most(shared: CommandLine) -> None:
    """Counted from what passed on the monitor: at rest, after an event, and while the balloon moves."""
    async with opened(shared) as engine:
        guest = running(engine, "demo")
        guest.watched = True
        await settled(guest, RAM)
        begun = last_serial(guest)
        await until(lambda: len(costs(guest, begun)) >= 6, "readings at rest")
        await guest.pause()
        await until(lambda: guest.snapshot.status == "paused", "the pause")
        await guest.resume()
        deadline, found = time.monotonic() + DEADLINE, costs(guest, begun)
        while 1 not in found:  # a fast guest may be there between two readings
            assert time.monotonic() < deadline, f"no reading in motion cost one command: {found}"
            for target in (RAM // 2, RAM):
                await guest.set_target(target)
                await settled(guest, target)
            found = costs(guest, begun)
        assert max(found) <= 3


def last_serial(guest: SessionGuest) -> int:
    return max(message.serial for message in guest.record)


def costs(guest: SessionGuest, since: int) -> list[int]:
    """How many commands each reading cost; one begins with the address check, or in motion with the two words."""
    found: list[int] = []
    before = ""
    for message in guest.record:
        if message.kind is Kind.COMMAND and message.is_polling and message.serial > since:
            is_words = "xp /2wx" in str(message.payload)
            if message.name == "query-pci" or (is_words and before != "query-pci"):
                found.append(0)
            if found:
                found[-1] += 1
            before = message.name
    return found


def rounds(guest: SessionGuest) -> int:
    return sum(1 for m in guest.record if (m.kind, m.name) == (Kind.COMMAND, "query-pci"))


def events(guest: SessionGuest) -> int:
    return sum(1 for message in guest.record if message.kind is Kind.EVENT)


async def test_a_storm_of_pauses_neither_floods_the_readings_nor_the_marks(
    firmware: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script that stops and continues a guest hundreds of times a second must not slow the screen that watches it."""
    looks: list[float] = []
    looked = Readings.look

    async def look(readings: Readings, probe: BalloonProbe, *, at_rest: bool, statistics: bool = False) -> None:
        looks.append(time.monotonic())
        await looked(readings, probe, at_rest=at_rest, statistics=statistics)

    async with opened(firmware) as engine:
        guest = running(engine, "fw")
        guest.watched = True
        await guest_ready(guest)
        before = events(guest)
        monkeypatch.setattr(Readings, "look", look)
        begun = time.monotonic()
        client = await Monitor.connect(firmware.state / "fw" / "qmp-user.sock")
        try:
            while time.monotonic() < begun + 1.5 or events(guest) < before + 100:
                await client.execute("stop")
                await client.execute("cont")
            await client.execute("stop")
        finally:
            await client.close()
        elapsed = time.monotonic() - begun
        during, came = len(looks), events(guest) - before
        assert during <= 2 * elapsed / EVENTS_GAP, f"{came} events in {elapsed:.1f} s"
        await until(lambda: guest.snapshot.phase is Phase.PAUSED, "the last pause")
        await until(lambda: turns(balloon_of(guest).marks)[-1:] == ["pause"], "its mark")
    marked = turns(MarksFile(firmware.state / "fw").load())
    assert marked[-1] == "pause"
    assert len(marked) <= 2 * elapsed + 4, f"of {came} events"


def turns(marks: tuple[Mark, ...]) -> list[str]:
    return [mark.kind.value for mark in marks if mark.kind in TURNS]


async def test_what_happens_is_marked_for_every_workbench(firmware: CommandLine) -> None:
    async with opened(firmware) as engine:
        guest = running(engine, "fw")
        await guest_ready(guest)
        await guest.set_target(48 * MIB)
        await guest.pause()
        await guest.resume()
        await guest.reset()
        done = await asyncio.to_thread(firmware, "qmp", "fw", "human-monitor-command", "command-line=balloon 32")
        assert done.code == 0, done

        def kinds() -> list[tuple[str, int | None]]:
            return [(mark.kind.value, mark.size) for mark in balloon_of(guest).marks]

        await until(lambda: len(kinds()) >= 5, "the marks")
        assert kinds() == [
            ("request", 48 * MIB), ("pause", None), ("resume", None), ("reset", None), ("foreign-request", 32 * MIB),
        ]  # fmt: skip
    for verb in ("pause", "resume", "reset", "reset"):
        assert firmware(verb, "fw").code == 0
    assert firmware("balloon", "fw", "40M").code == 0
    async with opened(firmware) as engine:
        guest = running(engine, "fw")
        await guest_ready(guest)
        assert [mark.kind.value for mark in balloon_of(guest).marks[5:]] == [
            "pause",
            "resume",
            "reset",
            "reset",
            "request",
        ]
