"""The ledger of real guests that have touched their memory: ordinary memory, memory that is locked, and hugepages."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.engine.local.opened import (
    available,
    balloon_of,
    ledger_of,
    opened,
    resident,
    settled,
    until,
    watched,
)
from tests.hugepages import HUGEPAGES, hugepage_pool, uses_pool
from workbench.domain.balloon.backing import Effect
from workbench.domain.balloon.reading import Measure
from workbench.domain.balloon.safety.gain import expected_gain

if TYPE_CHECKING:
    from tests.commandline import CommandLine
    from workbench.engine.demo import DemoGuest
    from workbench.engine.session.guest import SessionGuest

MIB = 1 << 20
RAM = 512 * MIB
TARGET = 256 * MIB
UNTOUCHED = f"{HUGEPAGES}prealloc = false\n"


async def eat_and_free(guest: SessionGuest) -> None:
    """Let the guest touch 300 MiB and free them: 118 MiB or more stay resident of what its kernel and firmware use."""
    await until(lambda: available(guest) > 380 * MIB, "the guest's first statistics")
    await guest.type("eat 300M\n")
    await until(lambda: 0 < available(guest) < 200 * MIB, "the guest to eat")
    await guest.type("eat 0\n")
    await until(lambda: available(guest) > 380 * MIB, "the guest to free it")
    await available_rests(guest)


async def available_rests(guest: SessionGuest) -> None:
    """Until two reports in a row say the same: the first one after a change may be from the midst of it."""
    before = balloon_of(guest).stats

    def rests() -> bool:
        nonlocal before
        last, now = before, balloon_of(guest).stats
        assert last is not None
        assert now is not None
        if now.last_update == last.last_update:
            return False
        before = now
        return abs((now.available or 0) - (last.available or 0)) < 4 * MIB

    await until(rests, "what is available to rest")


@dataclass(frozen=True)
class Case:
    name: str
    memory: str
    reporting: bool
    measure: Measure
    effect: Effect
    reclaimed: tuple[int, int]
    """MiB, at least and at most."""
    words: str


CASES = [
    Case("ordinary", "", False, Measure.RSS, Effect.RETURNS, (230, 262), "the host got"),
    Case("ordinary-reporting", "", True, Measure.RSS, Effect.RETURNS, (-20, 60), "reported free"),
    Case("locked", "lock = true\n", False, Measure.RSS, Effect.NOTHING, (0, 0), "RAM is locked"),
    Case("hugepages", HUGEPAGES, False, Measure.FILE, Effect.COSTS, (0, 0), "none of it back"),
    Case("hugepages-untouched", UNTOUCHED, False, Measure.FILE, Effect.COSTS, (-120, 0), "a guest gives at most 1 MiB"),
    Case("hugepages-reporting", HUGEPAGES, True, Measure.FILE, Effect.COSTS, (-300, -150), "loss: "),
]


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=[uses_pool] if "hugepages" in case.name else []) for case in CASES],
)
async def test_the_ledger_matches_what_the_host_gets(workbench: CommandLine, demo_guest: DemoGuest, case: Case) -> None:
    reporting = "true" if case.reporting else "false"
    profile = (
        f'[memory]\nsize = "512M"\n{case.memory}[boot]\nguest = "demo"\n[balloon]\nfree-page-reporting = {reporting}\n'
    )
    workbench.profile("guest", profile)
    with ExitStack() as stack:
        if "hugepages" in case.name:
            stack.enter_context(hugepage_pool(RAM // (2 * MIB)))
        stack.callback(workbench.end_guests)  # before the pool is given back
        workbench.start("guest")
        workbench.wait_for_boot("guest")
        async with opened(workbench) as engine:
            await check(await watched(engine, "guest"), case)


async def check(guest: SessionGuest, case: Case) -> None:
    before = ledger_of(guest)
    assert (before.before, before.asked.now, before.reclaimed, before.words) == (None, 0, None, ())
    await eat_and_free(guest)
    if case.reporting:
        await until(lambda: resident(guest) < 250 * MIB, "free page reporting to give it back")
        await resident_rests(guest)
    balloon, held = balloon_of(guest), resident(guest)
    assert balloon.host is not None
    assert balloon.host.measure is case.measure
    assert balloon.backing is not None
    assert balloon.backing.effect is case.effect
    foretold = expected_gain(balloon, TARGET)
    assert foretold is not None

    await guest.set_target(TARGET)
    await settled(guest, TARGET)
    missed = (RAM - TARGET) - 24 * MIB  # its first report may be from the midst of it
    await until(lambda: -(ledger_of(guest).believed.change or 0) > missed, "the guest to miss what it gave")
    ledger = ledger_of(guest)
    assert (ledger.asked.before, ledger.asked.now) == (0, RAM - TARGET)
    assert (ledger.held.before, ledger.held.now, ledger.given) == (0, RAM - TARGET, RAM - TARGET)
    assert ledger.host.before is not None
    assert abs(ledger.host.before - held) < 8 * MIB
    assert ledger.reclaimed is not None
    least, most = case.reclaimed
    assert least <= ledger.reclaimed / MIB <= most
    # What the guest does meanwhile for itself comes on top of what was foretold.
    assert foretold.low - 16 * MIB <= ledger.reclaimed <= foretold.high + 16 * MIB
    assert foretold.taken == (case.effect is not Effect.RETURNS)
    assert ledger.believed.change is not None
    assert ledger.believed.change > -(RAM - TARGET) - 24 * MIB
    assert ledger.never_used is not None
    assert ledger.never_used_most is not None
    assert ledger.never_used >= RAM - TARGET - held - 8 * MIB
    assert any(case.words in line for line in ledger.words), ledger.words
    assert ledger.unreturned is not None
    assert ledger.yield_ is not None
    if case.effect is Effect.RETURNS:
        assert (ledger.unreturned, ledger.yield_, ledger.loss) == (0, 1, False)
    elif case.reclaimed == (0, 0):
        assert (ledger.unreturned, ledger.yield_, ledger.never_used_most) == (RAM - TARGET, 0, 0)
    else:
        assert ledger.loss or not case.reporting
        assert ledger.unreturned > 50 * MIB
    if case.name == "locked":
        assert "Failed to discard range" in " ".join(ledger.words)
    if "hugepages" in case.name:
        assert any("free pages in the pool" in line for line in ledger.words)


async def resident_rests(guest: SessionGuest) -> None:
    """Until what the host holds has not moved for two seconds: the guest reports free pages in turns."""
    seen, rounds = -1, 0
    while rounds < 4:
        rounds = rounds + 1 if resident(guest) == seen else 0
        seen = resident(guest)
        await asyncio.sleep(0.5)
