"""Lists profiles and running guests for the command line; all guests are asked at the same time."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, cast

from msgspec import Struct, to_builtins

from workbench.domain.guest.lifecycle import Exit, Phase, phase_of
from workbench.domain.units import format_size
from workbench.engine.profiles.store import ProfileStore, started_profile
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.qmp.silence import is_stopped
from workbench.engine.start.launch import wait_for_end
from workbench.engine.state.directory import StateDirectory
from workbench.engine.state.liveness import live_pid
from workbench.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.engine.state.directory import Running
    from workbench.settings import Settings

DEADLINE = 1.0
"""Seconds until a guest's monitor counts as not answering."""
END_DEADLINE = 2.0
"""Seconds to wait for a keeper to write the exit status of a QEMU that is gone."""
FROZEN = "frozen"
"""The state of a guest whose QEMU process is stopped."""
UNKNOWN = "unknown"
"""The state of a guest whose QEMU is alive but does not answer."""


class Listed(Struct, frozen=True):
    """One guest in the list."""

    name: str
    state: str
    """A :class:`Phase`, or :data:`FROZEN` or :data:`UNKNOWN` for a live QEMU that does not answer."""
    pid: int | None
    memory: int | None
    """RAM in bytes; None if the profile cannot be read."""
    accelerator: str
    """``kvm`` or ``tcg`` for a running guest; the profile's setting for a stopped one."""
    accelerator_reason: str
    backing: str
    description: str
    problems: int
    ended: Exit | None
    """How the last run ended; None if the guest is running or was never started."""
    ended_cause: str
    """Why it died and what to do, if known."""
    profile: str
    """The profile's file."""
    directory: str
    """The running guest's directory, with its sockets and logs."""
    qemu: str
    """The version of the running QEMU."""

    def for_json(self) -> dict[str, object]:
        """Its fields, with the end of the last run as text."""
        return {**to_builtins(self), "ended": self.ended.words if self.ended else ""}


async def list_guests(settings: Settings) -> list[Listed]:
    """Every profile and every running guest, by name; also cleans up the directories of ended guests."""
    store, state = ProfileStore(settings.profiles), StateDirectory(settings.state)
    running = {name: found for name in state.names() if (found := state.find(name)) is not None}
    for name in set(state.names()) - set(running):
        await _clean(state, name)
    answers = dict(zip(running, await asyncio.gather(*(_ask(found) for found in running.values())), strict=True))
    names = sorted({entry.name for entry in store.entries()} | set(running))
    return [
        _running(running[name], answers[name]) if name in running else _stopped(name, store, state) for name in names
    ]


async def _clean(state: StateDirectory, name: str) -> None:
    """Clean up after a guest, including one that has just ended and whose exit status is not written yet."""
    path = state.path(name)
    deadline = time.monotonic() + END_DEADLINE
    while state.clean(name) is None and path.exists() and time.monotonic() < deadline:
        # Locked without an exit status: it is being started. With one: another process cleans up, and keeps the status first.
        if live_pid(path) is not None or (state.is_locked(name) and not (path / "exit").exists()):
            return
        await wait_for_end(path, END_DEADLINE)
        await asyncio.sleep(0.01)


async def _ask(running: Running) -> tuple[str, str]:
    """State and QEMU's version."""
    if is_stopped(running.pid):
        return FROZEN, ""
    try:
        monitor = await Monitor.connect(running.path / "qmp-cli.sock", deadline=DEADLINE)
        try:
            reply = cast("Mapping[str, str]", await monitor.execute("query-status", deadline=DEADLINE))
            return phase_of(reply["status"]).value, monitor.version
        finally:
            await monitor.close()
    except MonitorError:
        return (FROZEN if is_stopped(running.pid) else UNKNOWN), ""


def _running(running: Running, answer: tuple[str, str]) -> Listed:
    facts, profile = running.facts, started_profile(running.path)
    return Listed(
        name=running.name,
        state=answer[0],
        pid=running.pid,
        memory=facts.memory or None,
        accelerator=facts.accelerator,
        accelerator_reason=facts.accelerator_reason,
        backing=facts.backing,
        description=profile.description if profile else "",
        problems=0,
        ended=None,
        ended_cause="",
        profile=facts.profile,
        directory=str(running.path),
        qemu=answer[1],
    )


def _stopped(name: str, store: ProfileStore, state: StateDirectory) -> Listed:
    loaded = store.load(name)
    profile, ended = loaded.profile, state.last_end(name)
    hugepages = profile.memory.hugepages if profile else None
    return Listed(
        name=name,
        state=Phase.STOPPED.value,
        pid=None,
        memory=profile.memory.size if profile else None,
        accelerator=str(profile.accelerator) if profile else "",
        accelerator_reason="",
        backing=f"{format_size(hugepages.size)} pages" if hugepages else "",
        description=profile.description if profile else "",
        problems=len(loaded.problems),
        ended=Exit(ended.code) if ended else None,
        ended_cause=ended.cause if ended else "",
        profile=str(loaded.path),
        directory="",
        qemu="",
    )
