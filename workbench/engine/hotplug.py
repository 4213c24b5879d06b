"""Plugging devices into a running QEMU and taking them out, over one monitor. The rules are in ``domain/hotplug.py``."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.argv import resolve
from workbench.domain.devices.scsi import Disk
from workbench.domain.hotplug import ALREADY, BACKENDS, PERIPHERAL, State, Unplug, behind
from workbench.engine.prepare import make_image, remove
from workbench.errors import CommandFailed, MonitorError, NotFound, WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from workbench.domain.hotplug import Behind, Plan, Step
    from workbench.domain.plugging import Offer
    from workbench.engine.qom import QomReader
    from workbench.engine.virtio_pci import Execute


async def plug(execute: Execute, plan: Plan, offer: Offer) -> None:
    """Make what is behind the device, then the device. When QEMU refuses one, what was made before it goes again.

    :raise CommandFailed: when QEMU refuses.
    :raise HostError: when an image cannot be made.
    :raise MonitorError: when QEMU does not answer; it may carry the last command out later, so nothing is taken back.
    """
    made = await _image(plan.part, offer) if isinstance(plan.part, Disk) else ()
    done: list[Step] = []
    try:
        for step in plan.steps:
            await execute(step.command, step.arguments)
            done.append(step)
    except CommandFailed:
        for step in reversed(done):
            with suppress(CommandFailed):
                await execute(step.undo, step.undo_arguments)
        remove(made)
        raise


async def _image(disk: Disk, offer: Offer) -> tuple[Path, ...]:
    """Make a disk's image where it is missing and its size is given."""
    if disk.size is None or disk.file is None:
        return ()
    path = Path(resolve(disk.file, base=offer.base, home=offer.home))
    if os.path.lexists(path):
        return ()
    await make_image(disk, path, disk.size)
    return (path,)


async def behind_of(qom: QomReader, name: str) -> tuple[str, tuple[Behind, ...]]:
    """The type of a device, and what stands behind it.

    :raise NotFound: when there is no device of that id.
    """
    path = f"{PERIPHERAL}/{name}"
    types = {child.name: child.type for child in await qom.children(PERIPHERAL)}
    if name not in types:
        hint = f"devices with an id: {', '.join(sorted(types)) or 'none'}"
        raise NotFound(f"no device {name!r} in the guest", hint=hint)
    return types[name], behind(await qom.values(path, BACKENDS))


class Unplugs:
    """The devices of one guest that were asked to go. Give it every event of the monitor by :meth:`note`."""

    def __init__(
        self, changed: Callable[[], None] = lambda: None, ended: Callable[[Unplug], None] = lambda _: None
    ) -> None:
        """
        :param changed: called when one of them is in another state.
        :param ended: called with each of which it became known how it ended.
        """
        self._changed = changed
        self._ended = ended
        self._now: dict[str, Unplug] = {}
        self._answered: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[Unplug]] = set()

    @property
    def waiting(self) -> tuple[Unplug, ...]:
        """Those of which it is not known how they end."""
        return tuple(self._now.values())

    def note(self, event: str, data: Mapping[str, object]) -> None:
        """An event of QEMU."""
        for name, one in self._now.items():
            if (now := one.after(event, data)) != one:
                self._now[name] = now
                self._answered[name].set()

    def forget(self) -> None:
        """The connection ended: events may have been missed."""
        for task in tuple(self._tasks):
            task.cancel()
        self._now.clear()
        self._changed()

    async def close(self) -> None:
        self.forget()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def unplug(self, execute: Execute, qom: QomReader, name: str, patience: float) -> Unplug:
        """Ask for a device, and wait for the guest's answer.

        What comes later than that is still followed: the device is in :attr:`waiting` until then.

        :param patience: seconds.
        :raise CommandFailed: when QEMU itself refuses.
        :raise NotFound: when there is no device of that id.
        """
        _, rest = await behind_of(qom, name)
        known = self._now.get(name)
        self._now[name] = Unplug(name, again=known is not None)
        self._answered.setdefault(name, asyncio.Event())
        try:
            await execute("device_del", {"id": name})
        except CommandFailed as error:
            if ALREADY not in error.description:
                self._drop(name)
                raise
            self._now[name] = replace(self._now[name], again=True)
        except BaseException:
            self._drop(name)
            raise
        self._changed()
        task = next((task for task in self._tasks if task.get_name() == _task_name(name)), None)
        if task is None:
            task = asyncio.create_task(self._follow(execute, name, rest), name=_task_name(name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await asyncio.wait({task}, timeout=patience)
        if task.cancelled():
            raise MonitorError(
                f"the connection to QEMU ended before {name} was unplugged: whether it still goes is not known"
            )
        if task.done():
            return task.result()
        self._now[name] = self._now[name].late()
        self._changed()
        return self._now[name]

    async def _follow(self, execute: Execute, name: str, rest: Sequence[Behind]) -> Unplug:
        """Wait for the guest's answer, however late, and remove what stood behind the device when it is gone."""
        await self._answered[name].wait()
        end = self._now[name]
        try:
            if end.state is State.GONE:
                end = replace(end, left=await _remove(execute, rest))
        finally:
            self._ended(end)
            self._drop(name)
        return end

    def _drop(self, name: str) -> None:
        self._now.pop(name, None)
        self._answered.pop(name, None)
        self._changed()


async def _remove(execute: Execute, rest: Sequence[Behind]) -> tuple[str, ...]:
    """What could not be removed, each with the reason."""
    left = []
    for one in rest:
        try:
            await execute(one.command, one.arguments)
        except WorkbenchError as error:
            left.append(f"{one.words}: {error.message}")
    return tuple(left)


def _task_name(name: str) -> str:
    return f"unplug {name}"
