"""Starting a guest: detached, noticed when it dies, and nothing left of a failed start. Every guest is a real QEMU."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest
from msgspec.structs import replace

from tests.commandline import wait_until
from workbench.domain.guest.lifecycle import Exit, Phase
from workbench.engine.local.engine import LocalEngine
from workbench.engine.profiles.store import ProfileStore
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.start.launch import find_end, kill, start, wait_for_end
from workbench.engine.start.plan import plan
from workbench.engine.state.directory import StateDirectory, try_lock
from workbench.engine.state.liveness import keeper_of, live_pid
from workbench.errors import HostError, StartError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.commandline import CommandLine
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.start.plan import Plan

FIRMWARE = 'memory.size = "64M"\naccelerator = "tcg"\n'


@pytest.fixture
def state(workbench: CommandLine) -> StateDirectory:
    return StateDirectory(workbench.state)


async def planned(workbench: CommandLine, text: str = FIRMWARE) -> Plan:
    workbench.profile("fw", text)
    return await plan(ProfileStore(workbench.profiles).load("fw"), workbench.settings)


async def test_a_guest_that_started_answers_and_has_all_its_files(
    workbench: CommandLine, state: StateDirectory
) -> None:
    running = await start(state, await planned(workbench))
    assert state.running("fw") == running
    assert {path.name for path in running.path.iterdir()} >= {
        "guest.json", "pid", "profile.toml", "qemu.log", "serial.log", "serial.sock",
        "qmp.sock", "qmp-cli.sock", "qmp-events.sock", "qmp-user.sock",
    }  # fmt: skip
    assert (running.path / "profile.toml").read_text() == FIRMWARE
    assert (running.facts.name, running.facts.memory, running.facts.accelerator) == ("fw", 64 << 20, "tcg")
    for socket in ("qmp.sock", "qmp-cli.sock", "qmp-user.sock"):  # the start holds none of them
        monitor = await Monitor.connect(running.path / socket)
        assert monitor.peer_pid == running.pid
        await monitor.close()


async def test_a_guest_is_detached(workbench: CommandLine, state: StateDirectory) -> None:
    """In a session of its own, without our files and without our directory; an orphan, so nobody need reap it."""
    running = await start(state, await planned(workbench))
    process = psutil.Process(running.pid)
    keeper = process.parent()
    assert keeper is not None
    assert os.getsid(running.pid) == os.getsid(keeper.pid) != os.getsid(0)
    assert keeper.ppid() != os.getpid()
    assert process.cwd() == "/"
    assert process.terminal() is None
    log = str(running.path / "qemu.log")
    outputs = [os.readlink(f"/proc/{running.pid}/fd/{number}") for number in range(3)]
    assert outputs == ["/dev/null", log, log]
    assert psutil.Process().children() == []


async def test_a_guest_survives_its_starter(workbench: CommandLine, state: StateDirectory) -> None:
    """The starter, and its whole process group, are killed; the guest is found and answers."""
    await planned(workbench)
    script = """
import asyncio, sys
from pathlib import Path
from workbench.settings import Settings
from workbench.verbs.guests.start import start_guest
running = asyncio.run(start_guest(Settings(Path(sys.argv[1]), Path(sys.argv[2])), "fw"))
print(running.pid, flush=True)
sys.stdin.read()
"""
    starter = subprocess.Popen(
        [sys.executable, "-c", script, str(workbench.profiles), str(workbench.state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with starter:
        assert starter.stdout is not None
        pid = int(await asyncio.to_thread(starter.stdout.readline))
        os.killpg(starter.pid, signal.SIGHUP)
        os.killpg(starter.pid, signal.SIGKILL)
    assert state.running("fw").pid == pid
    monitor = await Monitor.connect(state.path("fw") / "qmp-cli.sock")
    assert await monitor.execute("query-status")
    await monitor.close()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGKILL, 137), (signal.SIGSEGV, 139), (signal.SIGTERM, 0)],
    ids=str,
)
async def test_how_a_guest_ended_is_kept(workbench: CommandLine, state: StateDirectory, number: int, code: int) -> None:
    """QEMU takes SIGTERM for a wish to quit, and ends with 0 (system/runstate.c, ``qemu_system_killed``)."""
    running = await start(state, await planned(workbench))
    os.kill(running.pid, number)
    wait_until(lambda: live_pid(running.path) is None, "the end")
    await wait_for_end(running.path)
    assert (running.path / "exit").read_text() == f"{code}\n"
    wait_until(lambda: keeper_of(running.path) is None, "the keeper's end")
    assert not psutil.pid_exists(running.pid), "its keeper has reaped it"
    ended = state.clean("fw")
    assert ended is not None
    assert ended.code == code


async def listed(workbench: CommandLine) -> Sequence[GuestSnapshot]:
    """All guests, as ``workbench list`` finds them."""
    engine = LocalEngine(workbench.settings, driven=False)
    await engine.refresh()
    return engine.guests()


async def test_a_list_waits_for_how_a_guest_ended(workbench: CommandLine, state: StateDirectory) -> None:
    """Between QEMU's end and its keeper's word lies a moment; here it is made long."""
    running = await start(state, await planned(workbench))
    keeper = keeper_of(running.path)
    assert keeper is not None
    keeper.suspend()
    try:
        os.kill(running.pid, signal.SIGKILL)
        wait_until(lambda: live_pid(running.path) is None, "the end")
        listing = asyncio.create_task(listed(workbench))
        done, _ = await asyncio.wait({listing}, timeout=0.3)
        assert not done
    finally:
        keeper.resume()
    (guest,) = await listing
    assert (guest.phase, guest.ended) == (Phase.STOPPED, Exit(137))
    assert state.names() == []


async def test_an_end_is_reported_to_all_concurrent_readers(workbench: CommandLine, state: StateDirectory) -> None:
    """Whoever comes second finds the directory locked; the first has not kept the end yet."""
    running = await start(state, await planned(workbench))
    os.kill(running.pid, signal.SIGKILL)
    wait_until((running.path / "exit").exists, "the keeper's word")
    with try_lock(running.path) as locked:
        assert locked
        watching = asyncio.create_task(find_end(state, running))
        listing = asyncio.create_task(listed(workbench))
        done, _ = await asyncio.wait((watching, listing), timeout=0.3)
        assert not done
    ended, (guest,) = await watching, await listing
    assert (ended.code, guest.ended) == (137, Exit(137))


async def test_a_list_waits_for_the_end_of_a_guest_that_has_removed_its_pid_file(
    workbench: CommandLine, state: StateDirectory
) -> None:
    """QEMU removes it when it ends in its own order (system/vl.c, ``qemu_unlink_pidfile``)."""
    running = await start(state, await planned(workbench))
    keeper = keeper_of(running.path)
    assert keeper is not None
    keeper.suspend()
    try:
        os.kill(running.pid, signal.SIGTERM)
        wait_until(lambda: not (running.path / "pid").exists(), "the end")
        listing = asyncio.create_task(listed(workbench))
        done, _ = await asyncio.wait({listing}, timeout=0.3)
        assert not done
    finally:
        keeper.resume()
    (guest,) = await listing
    assert (guest.phase, guest.ended) == (Phase.STOPPED, Exit(0))


async def test_a_list_does_not_wait_for_a_start(workbench: CommandLine, state: StateDirectory) -> None:
    workbench.profile("fw", FIRMWARE)
    with state.claim("fw"):
        listing = asyncio.create_task(listed(workbench))
        done, _ = await asyncio.wait({listing}, timeout=1.0)
        assert done
    assert [(guest.name, guest.phase) for guest in await listing] == [("fw", Phase.STOPPED)]


async def test_qemu_that_exits_at_once_is_quoted_and_leaves_nothing(
    workbench: CommandLine, state: StateDirectory
) -> None:
    with pytest.raises(StartError, match="fw: QEMU ended with exit status 1 before its monitor answered") as caught:
        await start(state, await planned(workbench, FIRMWARE + 'qemu.args = ["-rtc", "base=never"]\n'))
    assert "invalid datetime format" in caught.value.output
    assert caught.value.hint == "to see its command line: workbench command fw"
    assert (state.names(), state.last_end("fw")) == ([], None)


async def test_a_kvm_that_cannot_run_a_guest_is_named_when_qemu_fails(
    workbench: CommandLine, state: StateDirectory
) -> None:
    plan = await planned(workbench, FIRMWARE + 'qemu.args = ["-rtc", "base=never"]\n')
    warned = replace(plan, accelerator_trouble="KVM probably cannot run this guest: no /dev/kvm")
    with pytest.raises(StartError) as caught:
        await start(state, warned)
    assert caught.value.hint.splitlines() == [
        "KVM probably cannot run this guest: no /dev/kvm",
        'accelerator = "auto" uses KVM only if it can run a guest',
        "to see its command line: workbench command fw",
    ]


async def test_a_start_that_is_given_up_leaves_no_qemu(workbench: CommandLine, state: StateDirectory) -> None:
    """With ``wait=on`` QEMU stands before its monitors until somebody connects: a start can be cancelled in it."""
    text = FIRMWARE + 'qemu.args = ["-chardev", "socket,id=w,path=wait.sock,server=on,wait=on"]\n'
    task = asyncio.create_task(start(state, await planned(workbench, text.replace("wait.sock", f"{workbench.base}/w"))))
    wait_socket = workbench.base / "w"
    while not wait_socket.exists():
        assert not task.done(), task.exception()
        await asyncio.sleep(0.01)
    qemus = [process for process in psutil.process_iter() if str(wait_socket) in " ".join(cmdline(process))]
    assert qemus
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert state.names() == []
    wait_until(lambda: not any(is_alive(process) for process in qemus), "QEMU and its keeper to go")


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


async def test_a_start_that_is_given_up_at_once_leaves_no_qemu(workbench: CommandLine, state: StateDirectory) -> None:
    """Before QEMU has written its pid, and whenever it is: the start is cancelled a little later each time."""
    chosen = await planned(workbench)
    for turns in (1, 1, 2, 3, 5, 8, 13):
        task = asyncio.create_task(start(state, chosen))
        while not (state.path("fw") / "qemu.log").exists():
            await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
            os.kill(state.running("fw").pid, signal.SIGKILL)  # it was quicker
            await wait_for_end(state.path("fw"))
            state.clean("fw")
        assert state.names() == []
        pid_file = str(state.path("fw") / "pid")
        left = [process for process in psutil.process_iter() if pid_file in cmdline(process) and is_alive(process)]
        assert left == []


async def test_a_second_start_is_refused_and_harms_nothing(workbench: CommandLine, state: StateDirectory) -> None:
    running = await start(state, await planned(workbench))
    before = sorted(running.path.iterdir())
    with pytest.raises(StartError, match=f"fw is already running, pid {running.pid}"):
        await start(state, await planned(workbench))
    assert state.running("fw") == running
    assert sorted(running.path.iterdir()) == before


async def test_a_disk_that_refuses_is_named(workbench: CommandLine, state: StateDirectory) -> None:
    chosen = await planned(workbench)
    chosen.path.unlink()
    with pytest.raises(HostError, match=r"fw: cannot write to .*: No such file"):
        await start(state, chosen)
    assert state.names() == []


def test_killing_a_process_that_is_gone_is_not_an_error(tmp_path: Path) -> None:
    done = subprocess.Popen(["true"])
    done.wait()
    kill(done.pid)
