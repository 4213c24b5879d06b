"""A second QEMU of the same program, without a machine, that is started for one question: what could end a guest's QEMU
ends only this one."""

from __future__ import annotations

import asyncio

PATIENCE = 10.0
"""Seconds that it gets to start and answer; it takes 30 to 60 ms."""
WITHOUT_CORE = 'ulimit -c 0; exec "$0" "$@"'
_EMPTY = ("-machine", "none", "-nodefaults", "-no-user-config", "-display", "none")


async def run_empty(program: str, *arguments: str, said: bytes = b"") -> bytes | None:
    """What it writes until it ends; None when it cannot be run or does not end in time.

    It dies where modules of another build lie in its way: no core is wanted of that.

    :param program: may be ``/proc/PID/exe``, which leads to the program also when it was replaced since.
    :param said: its standard input.
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
            return (await process.communicate(said))[0]
    except (TimeoutError, OSError):
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
