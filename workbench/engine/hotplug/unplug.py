"""Unplug devices from a running QEMU, and track each until its outcome is known. The rules are in ``domain/hotplug``."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.hotplug.unplug import ALREADY, NO_HOTPLUG, PERIPHERAL, State, Unplug
from workbench.engine.hotplug.backends import remove_behind
from workbench.engine.hotplug.plug import behind_of
from workbench.errors import CommandFailed, MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from workbench.domain.hotplug.leftovers import Behind
    from workbench.engine.devices.qom import QomReader
    from workbench.engine.devices.virtio_pci import Execute
    from workbench.engine.hotplug.unplug_files import Asked, UnplugFiles


class Unplugs:
    """The pending unplugs of one guest. Pass every event of the monitor to :meth:`note`."""

    def __init__(
        self,
        files: UnplugFiles,
        changed: Callable[[], None] = lambda: None,
        ended: Callable[[Unplug], None] = lambda _: None,
    ) -> None:
        """
        :param files: unplug requests shared with other processes.
        :param changed: called when an unplug changes state.
        :param ended: called with each unplug that has finished.
        """
        self.files = files
        """The requests, for other processes and the next one."""
        self._changed = changed
        self._ended = ended
        self._now: dict[str, Unplug] = {}
        self._answered: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[Unplug]] = {}
        self._rest: dict[str, Sequence[Behind]] = {}
        """Backends to remove after each device that has a task."""
        self._elsewhere: dict[str, Asked] = {}
        """Devices that another process is waiting for."""
        self._stuck: set[str] = set()
        """Devices that are gone but whose backends cannot be removed; not retried automatically."""

    @property
    def waiting(self) -> tuple[Unplug, ...]:
        """The unplugs whose outcome is not known yet."""
        return tuple(one for one in self._now.values() if one.waiting)

    @property
    def abandoned(self) -> bool:
        """Whether a process exited while waiting for an unplug, and left its work undone."""
        return any(not one.elsewhere for one in self._elsewhere.values())

    def note(self, event: str, data: Mapping[str, object]) -> None:
        """Process an event from QEMU."""
        for name, one in tuple(self._now.items()):
            if (now := one.after(event, data)) != one:
                self._now[name] = now
                self._answered[name].set()
                if name in self._elsewhere:
                    self._changed()  # the waiting process does the rest

    def forget(self) -> None:
        """Drop all state when the connection ends, because events may be missed."""
        for task in tuple(self._tasks.values()):
            task.cancel()
        self._now.clear()
        self._answered.clear()
        self._elsewhere.clear()
        self._changed()

    async def close(self) -> None:
        tasks = tuple(self._tasks.values())
        self.forget()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def unplug(self, execute: Execute, qom: QomReader, name: str, patience: float) -> Unplug:
        """Request an unplug, and wait for the guest's response.

        A later response is still processed: the device is in :attr:`waiting` until then.

        :param patience: seconds to wait.
        :raise CommandFailed: when QEMU itself rejects the request.
        :raise NotFound: when there is no device with that id.
        """
        rest = (await behind_of(qom, name)).behind
        known = self._now.get(name)
        self._elsewhere.pop(name, None)
        self._now[name] = Unplug(name, again=known is not None, rest=rest)
        self._answered.setdefault(name, asyncio.Event())
        try:
            await execute("device_del", {"id": name})
        except CommandFailed as error:
            if ALREADY not in error.description:
                self._undo(name, known)
                if NO_HOTPLUG in error.description:
                    error.hint = "a device on that bus cannot be unplugged while the guest runs"
                raise
            self._now[name] = replace(self._now[name], again=True)
        except BaseException:
            self._undo(name, known)
            raise
        task = self._follow(execute, name, rest, waiting=True)
        self._changed()
        await asyncio.wait({task}, timeout=patience)
        run_state = "" if task.done() else await _run_state(execute)
        if task.done() and not task.cancelled():
            return task.result()
        if name not in self._now:
            raise MonitorError(
                f"the connection to QEMU ended before {name} was unplugged; it may still be unplugged later"
            )
        self._now[name] = self._now[name].late(run_state)
        self._changed()
        return self._now[name]

    @contextmanager
    def asking(self, execute: Execute, name: str) -> Iterator[None]:
        """Wrap a ``device_del`` that the user sends: the device's backends are left to the user.

        A device that does not need the guest's consent is gone before the reply arrives.
        """
        if name in self._now:
            yield
            return
        self._now[name] = Unplug(name)
        self._answered[name] = asyncio.Event()
        asked = True
        try:
            yield
        except BaseException as error:
            asked = isinstance(error, CommandFailed) and ALREADY in error.description
            raise
        finally:
            if asked and name in self._now:
                self._follow(execute, name, (), waiting=False)
                self._changed()
            else:
                self._drop(name)

    async def look(self, execute: Execute, qom: QomReader) -> None:
        """Take over requests that other processes no longer wait for, and mark those they do.

        :raise MonitorError: when QEMU does not reply.
        """
        asked = self.files.load()
        living = {child.name for child in await qom.children(PERIPHERAL)}
        for name in self._elsewhere.keys() - asked.keys():
            self._drop(name)  # finished by the process that requested it
        for name, one in asked.items():
            if name in self._tasks or name in self._stuck:
                continue
            if one.elsewhere:
                self._now.setdefault(name, Unplug(name, State.PENDING if name in living else State.GONE))
                self._answered.setdefault(name, asyncio.Event())
                self._elsewhere[name] = one
            elif name in self._elsewhere and self._now[name].state is State.REFUSED:
                self.files.forget(name)
                self._drop(name)
            elif name not in self._now or name in self._elsewhere:
                self._drop(name)
                self._now[name] = Unplug(name, State.OVERDUE, rest=one.behind, waited=True)
                self._follow(execute, name, one.behind, waiting=False)
                if name not in living:
                    self.note("DEVICE_DELETED", {"device": name})
        self._changed()

    def _follow(self, execute: Execute, name: str, rest: Sequence[Behind], *, waiting: bool) -> asyncio.Task[Unplug]:
        """The task that waits for the guest's response, however late; created on the first call."""
        self.files.note(name, rest, waiting=waiting)
        task = self._tasks.get(name)
        if task is None:
            self._answered.setdefault(name, asyncio.Event())
            task = asyncio.create_task(self._end(execute, name), name=f"unplug {name}")
            self._tasks[name] = task
        self._rest[name] = rest
        return task

    async def _end(self, execute: Execute, name: str) -> Unplug:
        """Wait for the response, and remove the device's backends once it is gone."""
        answered, over = self._answered[name], False
        try:
            await answered.wait()
            end = self._now[name]
            if end.state is State.GONE:
                end = replace(end, left=await remove_behind(execute, self._rest[name]))
            over = not end.left
            (self._stuck.discard if over else self._stuck.add)(name)
            self._ended(end)
            return end
        finally:
            del self._tasks[name]
            rest = self._rest.pop(name)
            if over:
                self.files.forget(name)
            else:
                self.files.note(name, rest, waiting=False)  # for the next process
            self._drop(name)

    def _undo(self, name: str, known: Unplug | None) -> None:
        """Undo a failed request; an earlier one remains."""
        if known is not None and name in self._tasks:
            self._now[name] = known
        else:
            self._drop(name)

    def _drop(self, name: str) -> None:
        self._now.pop(name, None)
        self._answered.pop(name, None)
        self._elsewhere.pop(name, None)
        self._changed()


async def _run_state(execute: Execute) -> str:
    """QEMU's ``RunState``; empty when it does not reply."""
    with suppress(MonitorError):
        status = await execute("query-status")
        if isinstance(status, dict):
            return str(status.get("status", ""))
    return ""
