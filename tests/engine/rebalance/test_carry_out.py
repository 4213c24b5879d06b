"""A rebalance over fake guests: what ends it, and what does not hold it up."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tests.ui.fake_engine import FakeEngine, balloon, running
from workbench.domain.guest.lifecycle import Exit
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.rebalance.guests import candidate_of
from workbench.domain.rebalance.progress import Course, Stage
from workbench.domain.rebalance.proposal import Candidate, propose
from workbench.domain.units import MIB
from workbench.engine.local.engine import LocalEngine
from workbench.errors import MonitorTimeout

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.commandline import CommandLine

NOW = 1_800_000_000.0
FOREVER = 1e12


def course_of(engine: FakeEngine, budget: int) -> Course:
    return Course(propose([candidate_of(one, NOW) for one in engine.guests()], budget), deadline=FOREVER)


def sent(engine: FakeEngine, name: str) -> int:
    """The last target that a guest was sent."""
    match engine.guest(name).asked[-1]:
        case ("target", int(size)):
            return size
    raise AssertionError(engine.guest(name).asked)


async def carried_out(engine: FakeEngine, course: Course, then: Callable[[], None]) -> None:
    """Carry it out, and let the guests do something once all targets are sent."""
    done = False

    def report(_course: Course) -> None:
        nonlocal done
        if not done and all(engine.guest(name).asked for name in course.progress):
            done = True
            then()

    async with asyncio.timeout(30):
        await engine.carry_out(course, report)
    assert done


async def test_guests_that_follow_reach_their_targets() -> None:
    engine = FakeEngine(running("one"), running("two"))
    course = course_of(engine, 900 * MIB)

    def follow() -> None:
        for name in ("one", "two"):
            size = sent(engine, name)
            engine.publish(running(name, balloon=balloon(size, size)))

    await carried_out(engine, course, follow)
    assert {one.stage for one in course.progress.values()} == {Stage.REACHED}
    assert course.complete


async def test_a_guest_that_ends_fails_and_holds_up_nothing() -> None:
    engine = FakeEngine(running("one"), running("two"))
    course = course_of(engine, 900 * MIB)

    def end_one() -> None:
        size = sent(engine, "two")
        engine.publish(GuestSnapshot("one", ended=Exit(137)))
        engine.publish(running("two", balloon=balloon(size, size)))

    await carried_out(engine, course, end_one)
    assert (course.progress["one"].stage, course.progress["two"].stage) == (Stage.FAILED, Stage.REACHED)


async def test_a_guest_that_refuses_fails_alone() -> None:
    engine = FakeEngine(running("one"), running("two"))
    course = course_of(engine, 900 * MIB)
    engine.guest("one").failure = MonitorTimeout("no answer")

    def report(_course: Course) -> None:
        two = engine.guest("two")
        if two.asked and course.progress["two"].stage is Stage.MOVING:
            size = sent(engine, "two")
            engine.publish(running("two", balloon=balloon(size, size)))

    async with asyncio.timeout(30):
        await engine.carry_out(course, report)
    assert (course.progress["one"].stage, course.progress["one"].words) == (Stage.FAILED, "no answer")
    assert course.progress["two"].stage is Stage.REACHED


async def test_a_course_that_is_stopped_sends_nothing_more_and_leaves_no_task() -> None:
    engine = FakeEngine(running("one"), replace(running("two"), balloon=balloon(64 * MIB, 64 * MIB)))
    before = asyncio.all_tasks()
    course = course_of(engine, 500 * MIB)

    def report(course: Course) -> None:
        course.stop("stopped by the user")

    async with asyncio.timeout(30):
        await engine.carry_out(course, report)
    assert course.over
    assert asyncio.all_tasks() == before


async def test_a_qemu_that_is_killed_ends_the_course(workbench: CommandLine) -> None:
    """Whether its guest is read continually, as by a screen, or on request, as by a verb."""
    workbench.profile("fw", 'memory.size = "128M"\naccelerator = "tcg"\n[balloon]\n')
    for driven in (True, False):
        pid = await asyncio.to_thread(workbench.start, "fw")
        engine = LocalEngine(workbench.settings, driven=driven)
        await engine.open()
        ram = 128 * MIB
        course = Course(propose([Candidate("fw", ram, ram, ram, 64 * MIB)], 96 * MIB), deadline=FOREVER)

        def report(_course: Course, pid: int = pid, course: Course = course) -> None:
            if course.progress["fw"].sent:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

        async with asyncio.timeout(60):
            await engine.carry_out(course, report)
        assert course.progress["fw"].stage is Stage.FAILED
        await engine.close()
