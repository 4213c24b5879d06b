"""A second QEMU of the same program, without a machine, that is started for one question: what could end a guest's QEMU
ends only this one."""

from __future__ import annotations

import asyncio
import os
import resource
from itertools import count

PATIENCE = 10.0
"""Seconds that it gets to start and answer; it takes 30 to 60 ms."""
WITHOUT_CORE = 'ulimit -c 0; exec "$0" "$@"'
_EMPTY = ("-machine", "none", "-nodefaults", "-no-user-config", "-display", "none")


async def run_empty(program: str, *arguments: str, said: bytes = b"", sealed: bytes = b"") -> bytes | None:
    """What it writes until it ends; None when it cannot be run or does not end in time.

    It dies where modules of another build lie in its way: no core is wanted of that.

    :param program: may be ``/proc/PID/exe``, which leads to the program also when it was replaced since.
    :param said: its standard input.
    :param sealed: QMP that it is told first. Once it has answered, it can open no file any more, and so load no module.
    """
    argv = ("/bin/sh", "-c", WITHOUT_CORE, program, *_EMPTY, *arguments)
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(PATIENCE):
            if sealed:
                await _seal(process, sealed)
            return (await process.communicate(said))[0]
    except (TimeoutError, OSError):
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _seal(process: asyncio.subprocess.Process, first: bytes) -> None:
    """Begin the talk, so that everything it needs is open, and then forbid it to open more (setrlimit(2), RLIMIT_NOFILE).

    :raise OSError: when it is gone.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(first)
    await process.stdin.drain()
    for _ in ("greeting", "answer"):
        await process.stdout.readline()
    open_files = {int(name) for name in os.listdir(f"/proc/{process.pid}/fd")}
    # A file is opened under the lowest number that is free; what is open beyond the limit stays open.
    lowest = next(number for number in count() if number not in open_files)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (lowest, lowest))
