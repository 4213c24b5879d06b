"""Starts QEMU from a plan, detached from the process that starts it.

::

    workbench ── sh (own session) ── QEMU        sh waits, and writes QEMU's exit status to NAME/exit:
                                                 so it is known even if no screen is open

``-daemonize`` also detaches, but fails together with the sandbox: the fork is killed with SIGSYS.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

from workbench.domain.command_line.start_advice import start_advice
from workbench.domain.guest.lifecycle import exit_words
from workbench.domain.host.hugepages import Supply
from workbench.domain.profile.text.document import EXTENDS
from workbench.domain.units import format_size
from workbench.engine.host.hugepages import check_hugepages, find_shortage
from workbench.engine.host.pool_growth import FILE as HUGEPAGES_FILE
from workbench.engine.host.pool_growth import grow, remember, returning_script
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.start.cpu_pinning import pin
from workbench.engine.start.prepare import prepare, remove
from workbench.engine.state.directory import Ended, GuestFacts, Running, StateDirectory, read_end, write_facts
from workbench.engine.state.liveness import GONE, KEEPERS, keeper_of, live_pid
from workbench.errors import HostError, MonitorError, StartError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workbench.engine.start.plan import Plan

START_DEADLINE = 120.0
"""Seconds until QEMU's monitor must answer. Preallocating many hugepages is slow; a failing start is reported at once."""

NO_PAGES = ("unable to map backing store", "Insufficient free host memory", "Cannot allocate memory")
"""QEMU's errors if a pool is too small (QEMU: util/mmap-alloc.c, system/physmem.c, util/oslib-posix.c)."""

END_DEADLINE = 10.0
"""Seconds that the kernel may need to tear down a large QEMU, until its keeper can write the exit status."""

LOCK_DEADLINE = 2.0
"""Seconds that another process may need to clean up after a guest."""


async def start(
    state: StateDirectory, plan: Plan, *, lasting: bool = False, supply: Supply = Supply.NOTHING
) -> Running:
    """Start a guest and wait until its monitor answers.

    :param supply: what to do if its pool of hugepages is too small.
    :param lasting: leave a launched QEMU running if this is cancelled; otherwise it is killed.
    :raise StartError: if QEMU exits at once (with its stderr), or the guest is already running or being started.
    :raise HostError: if its directory cannot be created.
    """
    if state.find(plan.name) is None:
        await wait_for_end(state.path(plan.name))
    given_up: asyncio.CancelledError | None = None
    with state.claim(plan.name) as directory:
        facts = _facts(plan)
        try:
            _keep_profile(plan, directory / "profile.toml")
            write_facts(directory, facts)
        except OSError as error:
            raise HostError(
                f"{plan.name}: cannot write to {directory}: {error.strerror}",
                hint="free some space, or name another directory with --state DIR",
            ) from error
        _supply(plan, directory, supply)
        made = await prepare(plan)
        try:
            returns = supply is Supply.RETURN and (directory / HUGEPAGES_FILE).exists()
            if returns:
                (directory / GONE).write_text(returning_script())
            base = plan.launch.base if plan.profile.qemu.args else None
            _spawn(KEEPERS[base is not None, returns], plan.argv, directory, base)
            await _wait_for_monitor(plan, directory)
        except BaseException as error:
            if not (lasting and isinstance(error, asyncio.CancelledError)):
                await _kill_leftover(directory)
                remove(made)
                raise
            given_up = error
        else:
            pid = live_pid(directory)
            if pid is None:
                raise _start_error(plan, directory)
            if supply is not Supply.RETURN:
                (directory / HUGEPAGES_FILE).unlink(missing_ok=True)
            return Running(directory, pid, facts)
    raise given_up  # after the claim, which removes the directory of a failed start


def _supply(plan: Plan, directory: Path, supply: Supply) -> None:
    """Grow the guest's pool of hugepages if it is too small and ``supply`` allows it. A failed start undoes it.

    :raise HostError: if it cannot be grown enough.
    """
    memory = plan.profile.memory
    if supply is Supply.NOTHING or memory.hugepages is None:
        return
    short = find_shortage(memory.size, memory.hugepages.size, memory.all_nodes)
    if short is not None:
        # Recorded until the guest runs even if the pages are to be kept: a failed start leaves the pool unchanged.
        remember(directory, grow(short))


def _keep_profile(plan: Plan, path: Path) -> None:
    """Save the profile as it is now, including what it extends, for as long as the guest runs.

    :raise OSError: if it cannot be written.
    """
    if plan.loaded.parsed.plain:
        shutil.copyfile(plan.path, path)
        return
    import tomli_w

    document = {key: value for key, value in plan.loaded.parsed.document.items() if key != EXTENDS}
    files = ", ".join(str(file) for file in (plan.path, *plan.loaded.bases))
    # Expanded variables must not be expanded again.
    text = tomli_w.dumps(document, multiline_strings=False).replace("${", "$${")
    path.write_text(f"# Merged at the start from {files.encode('unicode_escape').decode()}\n{text}")


def _facts(plan: Plan) -> GuestFacts:
    hugepages = plan.profile.memory.hugepages
    return GuestFacts(
        name=plan.name,
        memory=plan.profile.memory.size,
        accelerator=plan.launch.accelerator,
        accelerator_reason=plan.accelerator_reason,
        qemu=plan.launch.binary,
        started=time.time(),
        backing=f"{format_size(hugepages.size)} pages" if hugepages else "",
        reporting=plan.profile.balloon is not None and bool(plan.profile.balloon.free_page_reporting),
        prealloc=hugepages is None or hugepages.prealloc,
        profile=str(plan.path),
        device_lines=plan.device_lines(),
    )


def _spawn(keeper: str, argv: Sequence[str], directory: Path, base: str | None) -> None:
    """:param base: base of relative paths in ``[qemu] args``; None if there are none."""
    # start_new_session: closing the terminal sends SIGHUP to the session that it controls, which is not this one.
    subprocess.run(
        ["/bin/sh", "-c", keeper, str(directory), *argv],
        cwd=base,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )


async def _wait_for_monitor(plan: Plan, directory: Path) -> None:
    """Wait until QMP answers on the command line's socket."""
    socket = directory / "qmp-cli.sock"
    ended = directory / "exit"
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline:
        if ended.exists():
            raise _start_error(plan, directory)
        if socket.exists():
            with suppress(MonitorError):
                monitor = await Monitor.connect(socket, deadline=1.0)
                try:
                    await pin(monitor, plan.profile.cpu.pin)
                finally:
                    await monitor.close()
                return
        await asyncio.sleep(0.01)
    raise StartError(
        f"{plan.name}: QEMU did not answer within {START_DEADLINE:g} s and was killed",
        output=read_end(directory).output,
    )


def _start_error(plan: Plan, directory: Path) -> StartError:
    ended = read_end(directory)
    hints = [*start_advice(ended.output, plan.profile), f"to see its command line: workbench command {plan.name}"]
    if ended.cause:
        hints.insert(0, ended.cause)
    hints = [*_drained(plan, ended.output), *hints]
    if plan.accelerator_trouble:
        hints = [plan.accelerator_trouble, 'accelerator = "auto" uses KVM only if it can run a guest', *hints]
    return StartError(
        f"{plan.name}: QEMU {exit_words(ended.code)} before its monitor answered",
        output=ended.output,
        hint="\n".join(hints),
    )


def _drained(plan: Plan, output: str) -> list[str]:
    """What to do if the pool had room at the check, but not when QEMU allocated its memory."""
    memory = plan.profile.memory
    if memory.hugepages is None or not any(words in output for words in NO_PAGES):
        return []
    why = "another process took hugepages between the check and the start"
    try:
        check_hugepages(memory.size, memory.hugepages.size, memory.all_nodes, memory.hugepages.source)
    except HostError as error:
        return [f"{why}: {error.message}", *error.hint.splitlines()]
    return [f"{why}; there are enough now, start it again"]


async def _kill_leftover(directory: Path) -> None:
    """Kill a QEMU whose start failed, and wait until it is gone, so that its directory can be removed.

    It may not have written its pid yet, so it is found as its keeper's child.
    """
    while (keeper := keeper_of(directory)) is not None:
        with suppress(psutil.NoSuchProcess):
            for process in keeper.children():
                kill(process.pid)
        await asyncio.sleep(0.01)


async def wait_for_end(directory: Path, seconds: float = END_DEADLINE) -> None:
    """Wait until a guest's keeper has written its QEMU's exit status, just after QEMU is gone."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (directory / "exit").exists() or live_pid(directory) is not None or keeper_of(directory) is None:
            return
        await asyncio.sleep(0.01)


async def find_end(state: StateDirectory, running: Running) -> Ended:
    """How a run ended whose QEMU is gone; its directory is cleaned up by us or by another process at the same time.

    Another process holds the directory's lock until it has kept the end, so the end may not be available for a moment.
    """
    await wait_for_end(running.path)
    deadline = time.monotonic() + LOCK_DEADLINE
    while (ended := state.end_of(running)) is None and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    return ended or Ended(None, "")


def kill(pid: int) -> None:
    """Send SIGKILL to a QEMU, which may already be gone."""
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).send_signal(signal.SIGKILL)
