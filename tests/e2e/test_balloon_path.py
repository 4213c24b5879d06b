"""``workbench balloon NAME TARGET --path`` on the real demo guest, and what it leaves behind."""

from __future__ import annotations

import asyncio
import re
import signal
from typing import TYPE_CHECKING, cast

import pytest

from tests.commandline import DEADLINE, CommandLine
from tests.terminal import SCREEN, terminal
from workbench.domain.balloon.path.stages import Proof
from workbench.domain.balloon.path.trace_log import EVENTS
from workbench.engine.local.engine import LocalEngine
from workbench.engine.qmp.monitor import Monitor

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from workbench.domain.balloon.path.timeline import PathView
    from workbench.engine.demo import DemoGuest

MIB = 1 << 20


async def enabled(workbench: CommandLine) -> set[str]:
    """The trace events that are on, asked on the user's monitor: the command line's own may be in use."""
    monitor = await Monitor.connect(workbench.state / "demo" / "qmp-user.sock")
    try:
        reply = await monitor.execute("trace-event-get-state", {"name": "*"})
    finally:
        await monitor.close()
    return {event["name"] for event in cast("list[Mapping[str, str]]", reply) if event["state"] == "enabled"}


def stages(report: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    return {str(stage["stage"]): stage for stage in cast("list[Mapping[str, object]]", report["stages"])}


async def stuck(workbench: CommandLine, target: str) -> subprocess.Popen[str]:
    """A look that lasts: its guest is paused, so its target, which it does not have yet, is never reached."""
    process = workbench.begin("balloon", "demo", target, "--path", "--wait", "60")
    async with asyncio.timeout(DEADLINE):
        while not set(EVENTS) <= await enabled(workbench):
            await asyncio.sleep(0.02)
    return process


async def until_off(workbench: CommandLine) -> None:
    async with asyncio.timeout(DEADLINE):
        while set(EVENTS) & await enabled(workbench):
            await asyncio.sleep(0.02)


async def test_the_stages_of_one_change(running_demo: CommandLine) -> None:
    assert running_demo("balloon", "demo", "max", "--wait").code == 0
    before = await enabled(running_demo)
    done = running_demo("balloon", "demo", "448M", "--path", "--json")
    assert done.code == 0, done
    report = done.json
    assert (report["traced"], report["ours"], report["asked"]) == (True, True, 448 * MIB)
    assert (report["held_before"], report["held"], report["num_pages"], report["diff_pages"]) == (0, 16384, 16384, 0)

    found = stages(report)
    order = [found[key]["first"] for key in ("request", "command", "target", "read", "written", "settled")]
    assert all(isinstance(at, int) for at in order)
    assert order == sorted(cast("list[int]", order)), "one after the other"
    assert order[0] == 0
    assert report["settled"] == order[-1]
    assert found["written"]["count"] == 64, "one for each MiB"
    assert found["event"]["known"] in ("seen", "pending")
    between = {key for key, stage in found.items() if stage["known"] == "between"}
    assert {"notify", "irq", "changed", "work", "diff", "get", "fill", "tell", "discard", "size", "set"} <= between

    steps = cast("list[Mapping[str, int]]", report["steps"])
    assert [step["diff_pages"] for step in steps][:4] == [16384, 16128, 16128, 15872]
    assert steps[-1]["diff_pages"] == 0
    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)
    assert all(step["diff_pages"] == step["num_pages"] - step["held"] for step in steps)
    assert len(steps) + cast("int", report["folded"]) == 128, "one read and one write for each MiB, and no look of ours"
    assert await enabled(running_demo) == before, "off again"


def test_the_way_back_in_words(running_demo: CommandLine) -> None:
    assert running_demo("balloon", "demo", "400M", "--wait").code == 0
    done = running_demo("balloon", "demo", "+8M", "--path")
    assert done.code == 0, done
    assert done.stdout.startswith("demo: 400 MiB → 408 MiB, 2,048 pages to deflate; settled after "), done
    assert "num_pages is written by the host: 512 MiB \N{MINUS SIGN} 408 MiB = 104 MiB, 26,624 pages" in done.stdout
    assert "set_config is called when the guest writes" in done.stdout
    for word in ("leak_balloon()", "balloon_deflate_page()", "qemu_madvise()", "towards_target()", "settled"):
        assert word in done.stdout
    assert "fill_balloon()" not in done.stdout


def test_a_path_needs_a_target(running_demo: CommandLine) -> None:
    running_demo("balloon", "demo", "--path").check_error(2, "--path needs a target")


def test_a_target_that_is_not_reached_shows_how_far_it_came(running_demo: CommandLine) -> None:
    """A paused guest: QEMU does its part, the guest none of its own."""
    assert running_demo("balloon", "demo", "max", "--wait").code == 0
    assert running_demo("pause", "demo").code == 0
    try:
        done = running_demo("balloon", "demo", "500M", "--path", "--wait", "0.5", "--json")
        assert done.code == 4, done
        found = stages(done.json)
        assert [found[key]["known"] for key in ("target", "notify", "irq", "read", "written")] == [
            "seen", "between", "pending", "pending", "pending",
        ]  # fmt: skip
        assert "did not reach its target" in done.stderr
    finally:
        assert running_demo("resume", "demo").code == 0


async def test_a_killed_look_is_cleaned_up_after(running_demo: CommandLine) -> None:
    """SIGKILL leaves the events on; whoever connects next switches them off."""
    assert running_demo("pause", "demo").code == 0
    try:
        before = await enabled(running_demo)
        process = await stuck(running_demo, "470M")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert set(EVENTS) <= await enabled(running_demo), "nobody could switch them off"

        engine = LocalEngine(running_demo.settings)
        await engine.open()
        try:
            await until_off(running_demo)
            assert await enabled(running_demo) == before
        finally:
            await engine.close()
    finally:
        assert running_demo("resume", "demo").code == 0


@pytest.mark.parametrize(
    ("target", "verb"), [("465M", ("balloon", "demo")), ("466M", ("watch", "demo", "--count", "1", "--json"))]
)
async def test_the_command_line_cleans_up_too(running_demo: CommandLine, target: str, verb: tuple[str, ...]) -> None:
    assert running_demo("pause", "demo").code == 0
    try:
        before = await enabled(running_demo)
        process = await stuck(running_demo, target)
        assert running_demo("balloon", "--all").code == 0
        assert set(EVENTS) <= await enabled(running_demo), "somebody looks still"
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert running_demo(*verb).code == 0
        assert await enabled(running_demo) == before
    finally:
        assert running_demo("resume", "demo").code == 0


async def test_a_screen_that_leaves_does_not_blind_the_command_line(running_demo: CommandLine) -> None:
    assert running_demo("pause", "demo").code == 0
    try:
        before = await enabled(running_demo)
        process = await stuck(running_demo, "460M")
        engine = LocalEngine(running_demo.settings)
        await engine.open()
        views: list[object] = []
        engine.guest("demo").path(views.append)
        await engine.close()
        assert views
        assert process.poll() is None
        assert set(EVENTS) <= await enabled(running_demo)
        process.send_signal(signal.SIGINT)
        process.communicate()
        assert await enabled(running_demo) == before
    finally:
        assert running_demo("resume", "demo").code == 0


async def test_what_a_driver_does_after_a_reset_is_not_the_change_before(running_demo: CommandLine) -> None:
    """It reads num_pages by itself and inflates again; no request ran."""
    assert running_demo("balloon", "demo", "448M", "--wait").code == 0
    engine = LocalEngine(running_demo.settings)
    await engine.open()
    try:
        views: list[PathView] = []
        engine.guest("demo").path(views.append)
        async with asyncio.timeout(DEADLINE):
            while not views[-1].traced:
                await asyncio.sleep(0.02)
        await engine.guest("demo").reset()
        async with asyncio.timeout(DEADLINE):
            while (line := views[-1].timeline) is None or line.settled is None:
                await asyncio.sleep(0.02)
        assert (line.after_reset, line.unasked, line.ours, line.asked) == (True, True, False, None)
        assert (line.held_before, line.held, line.num_pages) == (0, 16384, 16384)
        assert line.steps.head[0].diff == 16384, "as towards_target() computes it, whatever actual still says"
        assert not {Proof.SENT, Proof.COMMAND, Proof.TARGET} & line.seen.keys()
    finally:
        await engine.close()


async def test_the_view_on_the_screen(running_demo: CommandLine) -> None:
    assert running_demo("balloon", "demo", "max", "--wait").code == 0
    before = await enabled(running_demo)
    with terminal(running_demo.environment) as screen:
        screen.open(*SCREEN, width=140, height=50)
        screen.wait_for("settled", "v Path")
        assert await enabled(running_demo) == before
        screen.keys("v")
        screen.wait_for("QEMU reports when each stage runs", "send a target")
        assert set(EVENTS) <= await enabled(running_demo)
        screen.keys("5", "Enter")
        seen = screen.wait_for("512 \N{RIGHTWARDS ARROW} 256 MiB", "settled after")
        times = [found.replace(",", "") for found in re.findall(r"\+([\d,]+) µs", seen)]
        assert len(times) >= 5, "the stages that QEMU traces are marked"
        assert re.search(r"diff = num_pages \S held +0 = +65,536 \S +65,536", seen)
        screen.keys("v")
        screen.wait_for("unreturned", without="vp_get()")
        await until_off(running_demo)
        assert await enabled(running_demo) == before

        screen.keys("v")
        screen.wait_for("vp_get()", "settled after")
        async with asyncio.timeout(DEADLINE):
            while not set(EVENTS) <= await enabled(running_demo):
                await asyncio.sleep(0.02)
        screen.keys("C-q")  # left while it looks
        screen.wait_for("exit status 0")
        assert await enabled(running_demo) == before


@pytest.mark.parametrize("how", ["SIGTERM", "closed"])
async def test_a_screen_that_is_ended_from_outside_leaves_no_event_on(running_demo: CommandLine, how: str) -> None:
    before = await enabled(running_demo)
    with terminal(running_demo.environment) as screen:
        screen.open(*SCREEN, width=120, height=40)
        screen.wait_for("settled")
        screen.keys("b", "v")
        screen.wait_for("QEMU reports when each stage runs")
        assert set(EVENTS) <= await enabled(running_demo)
        process = screen.process()
        if how == "SIGTERM":
            process.send_signal(signal.SIGTERM)
            screen.wait_for("exit status 143", without="towards_target()")
        else:
            screen.close()
        await asyncio.to_thread(process.wait, DEADLINE)
        assert await enabled(running_demo) == before
    assert running_demo("balloon", "demo").code == 0, "the guest keeps running"


def test_the_view_misses_a_trace_that_somebody_ends(running_demo: CommandLine) -> None:
    with terminal(running_demo.environment) as screen:
        screen.open(*SCREEN, width=120, height=40)
        screen.wait_for("settled")
        screen.keys("b", "v")
        screen.wait_for("QEMU reports when each stage runs")
        off = ("name=virtio_balloon_get_config", "enable=false")
        assert running_demo("qmp", "demo", "trace-event-set-state", *off).code == 0
        screen.wait_for("no trace: another client disabled QEMU's trace events")
        screen.keys("v")
        screen.wait_for("unreturned")
        screen.keys("v")
        screen.wait_for("QEMU reports when each stage runs")
        (running_demo.state / "demo" / "trace.log").unlink()
        screen.wait_for("no trace: QEMU's trace log was removed or replaced")


async def test_a_guest_without_a_trace_log(workbench: CommandLine, demo_guest: DemoGuest) -> None:
    """QEMU takes no ``%`` in the name of its log, so a directory that has one has none."""
    workbench.state = workbench.base / "50%"
    workbench.environment["WORKBENCH_STATE"] = str(workbench.state)
    workbench.sample("demo")
    workbench.start("demo")
    workbench.wait_for_boot()
    before = await enabled(workbench)
    done = workbench("balloon", "demo", "500M", "--path", "--json")
    assert done.code == 0, done
    report = done.json
    assert not report["traced"]
    assert "-D" in str(report["why_not"])
    found = stages(report)
    assert [found[key]["known"] for key in ("request", "command", "target", "read", "written", "settled")] == [
        "seen", "seen", "seen", "between", "seen", "seen",
    ]  # fmt: skip
    assert report["diff_pages"] == 0
    assert {key for key, stage in found.items() if stage["late"]} == {"command", "target", "written", "settled"}
    assert await enabled(workbench) == before
    words = workbench("balloon", "demo", "max", "--path").stdout
    assert "settled within" in words
    assert "QEMU was started without a trace log (-D): known only from the request, its reply and readings" in words
    assert "\N{LESS-THAN OR EQUAL TO}  had run by then" in words
    # The view on the screen says it too.
    with terminal(workbench.environment) as screen:
        screen.open(*SCREEN, width=120, height=40)
        screen.wait_for("settled")
        screen.keys("b", "v")
        screen.wait_for("no trace: QEMU was started without a trace log")
        screen.keys("5", "Enter")
        seen = screen.wait_for("512 \N{RIGHTWARDS ARROW} 256 MiB", "settled within")
        assert "\N{LESS-THAN OR EQUAL TO}" in next(line for line in seen.splitlines() if "qmp_balloon()" in line)
