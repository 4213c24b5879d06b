"""Many commands over one monitor: from standard input, or from a saved record."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

import click

from workbench.domain.qmp.record.transcript import json_line
from workbench.errors import CommandFailed, MonitorClosed, UsageError, WorkbenchError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence
    from pathlib import Path

    from workbench.domain.qmp.record.transcript import Step
    from workbench.domain.qmp.schema import Schema
    from workbench.domain.qmp.typed_line import Request
    from workbench.engine.base import Guest

AHEAD = 16
"""Pieces of input that are read ahead."""
PIECE = 1 << 16
"""Bytes of a piece."""
SHOWN = 8
"""Commands that an error names."""


class Runner:
    """Sends requests one after another, and prints one line of JSON for each."""

    def __init__(self, guest: Guest, version: str, timeout: float, keep_going: bool, yes: bool) -> None:
        """:param version: of its QEMU."""
        self.guest = guest
        self.version = version
        self._timeout = timeout
        self._keep_going = keep_going
        self._yes = yes
        self.failed: WorkbenchError | None = None
        """The first failure, with ``--keep-going``."""

    async def send(self, line: int, request: Request) -> None:
        """:raise WorkbenchError: when it fails without ``--keep-going``, and whenever the connection has ended."""
        head: dict[str, object] = {"line": line, "command": request.command}
        if request.hmp:
            head["command"] = f"!{request.arguments['command-line']}"
        try:
            value = await self._execute(request)
        except CommandFailed as error:
            answer = {"class": error.error_class, "desc": error.description}
            click.echo(json_line({**head, "error": answer}))
            self.fail(failure_of(error, f"line {line}"))
        except WorkbenchError as error:
            click.echo(json_line({**head, "error": {"class": type(error).__name__, "desc": error.message}}))
            error.hint = f"line {line}" + (f"; {error.hint}" if error.hint else "")
            if isinstance(error, MonitorClosed):
                raise
            self.fail(error)
        else:
            click.echo(json_line({**head, "return": value}))

    async def _execute(self, request: Request) -> object:
        if not self._yes:
            refuse_deadly(request, self.version)
        return await self.guest.execute(request.command, request.arguments, oob=request.oob, deadline=self._timeout)

    def refuse(self, line: int, text: str, error: UsageError) -> None:
        """Report a line that cannot be sent.

        :raise UsageError: without ``--keep-going``.
        """
        click.echo(json_line({"line": line, "text": text, "error": {"class": "UsageError", "desc": error.message}}))
        self.fail(UsageError(f"line {line}: {error.message}", hint=error.hint))

    def fail(self, error: WorkbenchError) -> None:
        if not self._keep_going:
            raise error
        if self.failed is None:
            self.failed = error


def failure_of(error: CommandFailed, where: str = "") -> WorkbenchError:
    """QEMU's error as ``command: class: description``."""
    return WorkbenchError(f"{error.command}: {error.error_class}: {error.description}", hint=where)


def refuse_deadly(request: Request, version: str) -> None:
    """
    :raise WorkbenchError: for a command that crashes this QEMU version.
    """
    from workbench.domain.qmp.effects import effects_of

    for effect in effects_of(request.command, request.arguments, version):
        if effect.is_defect:
            raise WorkbenchError(f"{effect.command} was not sent: {effect.words}", hint="use --yes to send it anyway")


async def run_lines(runner: Runner, schema: Schema, hmp: bool) -> None:
    """Send standard input line by line as it comes; blank lines and comments (#) are skipped.

    :param hmp: whether each line is an HMP line.
    """
    async with aclosing(_stdin(runner.guest)) as lines:
        await _run_lines(runner, schema, hmp, lines)


async def _run_lines(runner: Runner, schema: Schema, hmp: bool, lines: AsyncIterator[str]) -> None:
    from workbench.domain.qmp.input_error import InputError
    from workbench.domain.qmp.typed_line import checked, hmp_request, parse_line

    number = 0
    async for line in lines:
        number += 1
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            if hmp:
                request = hmp_request(text.removeprefix("!").strip())
            else:
                request = parse_line(text, schema)
                if not (request.hmp or text.startswith("{")):
                    request = checked(request, schema)
        except InputError as error:
            runner.refuse(number, text, error)
        else:
            await runner.send(number, request)


async def run_steps(runner: Runner, commands: Sequence[Step]) -> None:
    """Send the commands of a record, in order."""
    for step in commands:
        await runner.send(step.line, step.request)


def read_steps(file: Path, yes: bool, pid: int, version: str) -> list[Step]:
    """The user's commands in a saved record.

    :param yes: whether to accept commands that may end or harm the guest.
    :param pid: the QEMU process whose files a command may overwrite.
    :param version: of that QEMU.
    :raise WorkbenchError: when the file cannot be read or holds such a command; nothing was sent.
    """
    from workbench.domain.qmp.effects import effects_of
    from workbench.domain.qmp.input_error import InputError
    from workbench.domain.qmp.record.transcript import steps
    from workbench.engine.storage.files import process_has_file

    try:
        found = steps(file.read_text(errors="surrogateescape").split("\n"))
    except OSError as error:
        raise WorkbenchError(f"{file}: {error.strerror}") from error
    except InputError as error:
        raise UsageError(f"{file}: {error.message}", hint=error.hint) from error
    if not found:
        raise UsageError(f"{file}: no user commands in this file", hint="the console saves its record with ctrl+s")
    harmful = [
        f"line {step.line}: {effect.command}: {effect.words}"
        for step in found
        for effect in effects_of(step.request.command, step.request.arguments, version)
        if not effect.file or process_has_file(pid, effect.file)
    ]
    if harmful and not yes:
        more = [f"and {len(harmful) - SHOWN:,} more"] if len(harmful) > SHOWN else []
        raise WorkbenchError(
            f"{file}: some commands may end or harm the guest; nothing was sent",
            hint="\n".join([*harmful[:SHOWN], *more, "use --yes to send them anyway"]),
        )
    return found


async def _stdin(guest: Guest) -> AsyncGenerator[str]:
    """The lines of standard input as they come.

    A thread reads them: asyncio cannot wait for a file, and a blocked read of a terminal must not keep the process
    alive.

    :raise MonitorClosed: when the connection to QEMU ends first.
    """
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
    room = threading.Semaphore(AHEAD)

    def read() -> None:
        data = b"begin"
        while data:
            room.acquire()
            try:
                data = os.read(0, PIECE)
            except OSError:
                data = b""
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(pieces.put_nowait, data)

    lost: list[MonitorClosed] = []

    async def signal_end() -> None:
        try:
            await guest.wait_disconnected()
        except MonitorClosed as error:
            lost.append(error)
            pieces.put_nowait(None)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    ending = asyncio.create_task(signal_end())
    try:
        begun = b""
        while piece := await pieces.get():
            room.release()
            *whole, begun = (begun + piece).split(b"\n")
            for line in whole:
                yield line.decode(errors="replace")
        if lost:
            raise lost[0]
        if begun:
            yield begun.decode(errors="replace")
    finally:
        ending.cancel()
        with suppress(asyncio.CancelledError):
            await ending
