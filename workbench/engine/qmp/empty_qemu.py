"""Run a second QEMU process without a machine for a single query that could crash a guest's QEMU."""

from __future__ import annotations

import asyncio
import os
import resource
from itertools import count

PATIENCE = 10.0
"""Seconds until it must have started and replied; it takes 30 to 60 ms."""
WITHOUT_CORE = 'ulimit -c 0; exec "$0" "$@"'
_EMPTY = ("-machine", "none", "-nodefaults", "-no-user-config", "-display", "none")


async def run_empty(program: str, *arguments: str, stdin: bytes = b"", sealed: bytes = b"") -> bytes | None:
    """Run QEMU and return its output; None when it cannot be run or does not exit in time.

    It crashes if it finds modules of another build, so core dumps are disabled.

    :param program: may be ``/proc/PID/exe``, which refers to the running program even if the file was replaced.
    :param stdin: its standard input.
    :param sealed: QMP to send first. After the reply it cannot open any more files, and therefore cannot load modules.
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
            return (await process.communicate(stdin))[0]
    except (TimeoutError, OSError):
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _seal(process: asyncio.subprocess.Process, first: bytes) -> None:
    """Start the QMP session, so that everything it needs is open, then limit its open files (setrlimit(2), RLIMIT_NOFILE).

    :raise OSError: when the process has exited.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(first)
    await process.stdin.drain()
    for _ in ("greeting", "answer"):
        await process.stdout.readline()
    open_files = {int(name) for name in os.listdir(f"/proc/{process.pid}/fd")}
    # open(2) returns the lowest free descriptor; descriptors above the limit stay open.
    lowest = next(number for number in count() if number not in open_files)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (lowest, lowest))
