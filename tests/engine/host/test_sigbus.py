"""A QEMU killed by SIGBUS: through free page reporting on hugepages, as it really happens, and for an unknown reason."""

from __future__ import annotations

import asyncio
import mmap
import os
import signal
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tests.commandline import wait_until
from tests.engine.local.opened import available, opened, resident, running, until, watched
from tests.hugepages import HUGEPAGES, PAGE, hugepage_pool, read_pool, uses_pool
from workbench.domain.guest.lifecycle import Exit, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.commandline import CommandLine
    from workbench.engine.demo import DemoGuest

MIB = 1 << 20
MAP_HUGETLB = 0x40000
"""Linux: include/uapi/asm-generic/hugetlb_encode.h; the mmap module has no name for it."""


@contextmanager
def taken(pages: int) -> Iterator[None]:
    """Somebody else who holds hugepages: this process."""
    memory = mmap.mmap(-1, pages * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_HUGETLB)
    try:
        for page in range(pages):
            memory[page * PAGE] = 1
        yield
    finally:
        memory.close()


@uses_pool
async def test_reported_pages_taken_by_another_process_end_the_guest(
    workbench: CommandLine, demo_guest: DemoGuest
) -> None:
    profile = f'[memory]\nsize = "512M"\n{HUGEPAGES}[boot]\nguest = "demo"\n[balloon]\nfree-page-reporting = true\n'
    workbench.profile("guest", profile)
    with ExitStack() as stack:
        stack.enter_context(hugepage_pool(256))
        stack.callback(workbench.end_guests)
        done = workbench("start", "guest")
        assert done.code == 0, done
        assert "workbench: warning:" in done.stderr
        assert "SIGBUS" in done.stderr
        workbench.wait_for_boot("guest")
        async with opened(workbench) as engine:
            guest = await watched(engine, "guest")
            await until(lambda: available(guest) > 380 * MIB, "the guest's statistics")
            await until(lambda: resident(guest) < 200 * MIB, "free page reporting to give pages back")
            free = read_pool("free_hugepages") - read_pool("resv_hugepages")
            assert free > 100, "whoever asks gets them"
            stack.enter_context(taken(free))
            await guest.type("eat 300M\n")
            await until(lambda: guest.snapshot.phase is Phase.STOPPED, "its death")
            assert guest.snapshot.ended == Exit(135)
            assert "free page reporting had returned pages" in guest.snapshot.ended_cause
            assert guest.snapshot.cautions, "the next start is warned of too"
        async with opened(workbench) as engine:
            assert "another process took them" in engine.guest("guest").snapshot.ended_cause, "the next screen knows it"
        shown = await asyncio.to_thread(workbench, "status", "guest")
        assert "another process took them" in shown.stdout


async def test_on_ordinary_memory_only_the_signal_is_known(workbench: CommandLine) -> None:
    workbench.profile("guest")
    pid = workbench.start("guest")
    async with opened(workbench) as engine:
        guest = running(engine, "guest")
        os.kill(pid, signal.SIGBUS)
        await until(lambda: guest.snapshot.phase is Phase.STOPPED, "its death")
        assert (guest.snapshot.ended, guest.snapshot.ended_cause) == (Exit(135), "")
    wait_until(lambda: workbench.listed("guest")["ended"] == "killed by signal 7 (SIGBUS)", "the list to say it")
    assert workbench.listed("guest")["ended_cause"] == ""


def test_a_caution_is_not_a_problem(workbench: CommandLine) -> None:
    text = 'description = "d"\n[memory]\nsize = "64M"\n[memory.hugepages]\n[balloon]\nfree-page-reporting = true\n'
    path = workbench.profile("guest", text)
    done = workbench("check", "guest")
    assert (done.code, done.stdout) == (0, "1 profile, no problems\n")
    assert f"warning: {path}:6:1: balloon.free-page-reporting: this can kill a guest on hugepages" in done.stderr
    assert workbench("check", "guest", "--json").stdout == "[]\n"
    workbench.profile("guest", text.replace("true", "false"))
    assert "can kill a guest" not in workbench("check", "guest").stderr
