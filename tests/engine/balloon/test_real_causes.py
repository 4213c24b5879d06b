"""Why a diff stays, with real guests: each cause that a Linux guest, or no guest, can produce."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from typing import TYPE_CHECKING, cast

import pytest

from tests.commandline import CommandLine, wait_until
from tests.engine.balloon.agreement import all_agree
from tests.engine.local.opened import balloon_of, opened, reading_of, running, settled, until
from workbench.domain.balloon.diagnosis.causes import Cause, State
from workbench.domain.balloon.history.marks import MarkKind
from workbench.domain.balloon.reading import GuestStats
from workbench.engine.demo import READY
from workbench.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.balloon.diagnosis.causes import Verdict
    from workbench.engine.demo import DemoGuest
    from workbench.engine.session.guest import SessionGuest

MIB = 1 << 20
RAM = 512 * MIB
CHURN = "while :; do dd if=/dev/zero of=/dev/null bs=20M count=1 2>/dev/null; done &"
"""A process that needs 20 MiB again and again: each time the guest is short of them, it takes some back from the balloon."""


@pytest.fixture
def demo(running_demo: CommandLine) -> CommandLine:
    """A demo guest for the tests that give everything back."""
    return running_demo


@pytest.fixture
def hard(workbench: CommandLine, demo_guest: DemoGuest) -> CommandLine:
    """A demo guest of one's own whose driver may not take memory back."""
    workbench.sample("demo")
    profile = workbench.profiles / "demo.toml"
    profile.write_text(profile.read_text().replace("deflate-on-oom = true", "deflate-on-oom = false"))
    workbench.start("demo")
    workbench.wait_for_boot()
    return workbench


def look(workbench: CommandLine, *arguments: str, name: str = "demo") -> Mapping[str, object]:
    done = workbench("balloon", name, *arguments, "--json")
    assert done.code in (0, 4), done
    return done.json


def codes(verdict: Verdict) -> list[Cause]:
    return [note.code for note in verdict.notes]


async def a_guest(engine: object, workbench: CommandLine) -> SessionGuest:
    guest = running(engine, "demo")  # type: ignore[arg-type]
    guest.watched = True
    guest.console(lambda _text: None)
    await until(lambda: guest.snapshot.balloon, "the first look")
    return guest


async def test_memory_taken_back_is_marked_and_given_again_when_the_target_is_sent_again(demo: CommandLine) -> None:
    async with opened(demo) as engine:
        guest = await a_guest(engine, demo)
        await guest.set_target(128 * MIB)
        await settled(guest, 128 * MIB)
        await guest.type("eat 300M\n")
        await until(lambda: balloon_of(guest).verdict.code is Cause.TAKEN_BACK, "the take-back")
        assert balloon_of(guest).verdict.state is State.STALLED
        await until(lambda: reading_of(guest).actual > 350 * MIB, "what the eater needs")
        await guest.type("eat 0\n")

        def free() -> bool:
            stats = balloon_of(guest).stats
            return stats is not None and (stats.available or 0) > 250 * MIB

        await until(free, "memory that is free again")
        verdict, reading = balloon_of(guest).verdict, reading_of(guest)
        assert verdict.code is Cause.TAKEN_BACK, "its driver does not give again by itself"
        assert verdict.send_again
        assert "send the target again" in verdict.advice
        assert any("deflate-on-oom is o" in line for line in verdict.evidence)

        def marked() -> bool:
            """The mark grows with what is taken, each time that the driver was seen up after it."""
            sizes = [mark.size for mark in balloon_of(guest).marks if mark.kind is MarkKind.TAKE_BACK]
            return len(sizes) == 1 and abs((sizes[0] or 0) - reading.diff) <= MIB

        await until(marked, "one mark with all that was taken")
        seen = await asyncio.to_thread(look, demo)
        assert (seen["state"], seen["cause_code"]) == ("stalled", "taken-back"), "one look of the command line knows it"
        await all_agree(demo, guest)
        await guest.set_target(128 * MIB)
        await settled(guest, 128 * MIB)
        assert balloon_of(guest).verdict.code is None
        await guest.set_target(RAM)
        await settled(guest, RAM)


async def test_a_reset_is_not_a_take_back(demo: CommandLine) -> None:
    """num_pages and actual outlive a reset; then actual jumps up, since the driver begins with an empty balloon."""
    async with opened(demo) as engine:
        guest = await a_guest(engine, demo)
        await guest.set_target(300 * MIB)
        await settled(guest, 300 * MIB)
        marks, times = len(balloon_of(guest).marks), boots(demo)
        await guest.reset()
        await until(lambda: balloon_of(guest).verdict.code is Cause.STALE_AFTER_RESET, "the reset")
        verdict = balloon_of(guest).verdict
        assert verdict.state is State.ABSENT
        assert "QEMU still counts 212 MiB as ballooned, but no driver holds them" in verdict.evidence
        assert look(demo)["cause_code"] == "stale-after-reset"
        await settled(guest, 300 * MIB)
        await until(lambda: boots(demo) > times, "the guest to boot again", deadline=60)
        assert [mark.kind for mark in balloon_of(guest).marks[marks:]] == [MarkKind.RESET]
        await guest.set_target(RAM)
        await settled(guest, RAM)


def boots(workbench: CommandLine) -> int:
    """How many times the guest was up."""
    return (workbench.state / "demo" / "serial.log").read_text(errors="replace").count(READY)


async def test_a_driver_that_is_unloaded_takes_nothing_back(demo: CommandLine) -> None:
    """It gives all pages up first, and actual rises to RAM: no mark may stay of that."""
    async with opened(demo) as engine:
        guest = await a_guest(engine, demo)
        await guest.set_target(256 * MIB)
        await settled(guest, 256 * MIB)
        marks = len(balloon_of(guest).marks)
        await guest.type("echo virtio0 > /dev/null; rmmod virtio_balloon\n")
        await until(lambda: balloon_of(guest).verdict.code is Cause.NO_DRIVER, "the driver to be gone")
        verdict = balloon_of(guest).verdict
        assert "DRIVER_OK is not set" in verdict.evidence[0]
        assert "virtio_balloon" in verdict.advice
        assert [mark.kind for mark in balloon_of(guest).marks[marks:]] == []
        assert look(demo)["cause_code"] == "no-driver"
        await all_agree(demo, guest)
        await guest.type("insmod /lib/modules/virtio_balloon.ko\n")
        await settled(guest, 256 * MIB)
        assert [mark.kind for mark in balloon_of(guest).marks[marks:]] == []
        await guest.set_target(RAM)
        await settled(guest, RAM)


async def test_a_driver_unloaded_and_loaded_again_took_nothing_back(demo: CommandLine) -> None:
    """In one go, so that no look at its status sees it gone."""
    async with opened(demo) as engine:
        guest = await a_guest(engine, demo)
        await guest.set_target(256 * MIB)
        await settled(guest, 256 * MIB)
        marks = len(balloon_of(guest).marks)
        before = balloon_of(guest).verdict.code
        await guest.type("rmmod virtio_balloon; insmod /lib/modules/virtio_balloon.ko; echo reload''ed\n")
        log = demo.state / "demo" / "serial.log"
        await until(lambda: "reloaded" in log.read_text(errors="replace"), "the driver to be loaded again")
        await settled(guest, 256 * MIB)
        assert [mark.kind for mark in balloon_of(guest).marks[marks:]] == []
        assert (before, balloon_of(guest).verdict.code) == (None, None)
        await guest.set_target(RAM)
        await settled(guest, RAM)


async def test_a_driver_that_was_unbound_is_to_be_bound_again(demo: CommandLine) -> None:
    async with opened(demo) as engine:
        guest = await a_guest(engine, demo)
        await settled(guest, RAM)
        sysfs = "cd /sys/bus/virtio/drivers/virtio_balloon; n=$(echo virtio*)"
        await guest.type(f"{sysfs}; echo $n > unbind\n")
        await until(lambda: balloon_of(guest).verdict.code is Cause.NO_DRIVER, "the driver to be unbound")
        assert "if it is loaded, bind the device" in balloon_of(guest).verdict.advice
        await guest.type("echo $n > bind; cd /root\n")
        await settled(guest, RAM)


async def test_a_guest_that_was_reset_while_nobody_listened_boots(demo: CommandLine) -> None:
    """Its driver is about to load: no advice to load one."""
    async with opened(demo) as engine:
        guest = await a_guest(engine, demo)
        await guest.set_target(300 * MIB)
        await settled(guest, 300 * MIB)
    times = boots(demo)
    own_tool(demo, "system_reset")
    seen = look(demo)
    assert seen["cause_code"] == "stale-after-reset"
    assert str(seen["advice"]).startswith("wait: the guest is booting")
    own_tool(demo, "stop")
    try:
        seen = look(demo)
        assert (seen["state"], seen["cause_code"], seen["advice"]) == ("absent", "paused", "resume the guest")
    finally:
        own_tool(demo, "cont")
    await asyncio.to_thread(wait_until, lambda: boots(demo) > times, "the guest to boot again")
    assert look(demo, "max", "--wait")["state"] == "settled"


def own_tool(workbench: CommandLine, command: str) -> None:
    """Run a command on the monitor for the user's own tools, of whose events no workbench hears."""
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(str(workbench.state / "demo" / "qmp-user.sock"))
        with monitor.makefile("rw") as lines:
            for name in ("qmp_capabilities", command):
                lines.write(json.dumps({"execute": name}) + "\n")
                lines.flush()
                while not lines.readline().startswith('{"return"'):
                    pass


async def test_a_suspended_guest_is_shown_as_suspended(demo: CommandLine) -> None:
    """Its driver has given up the device, and comes back by itself."""
    async with opened(demo) as engine:
        guest = await a_guest(engine, demo)
        await settled(guest, RAM)
        await guest.type("echo mem > /sys/power/state\n")
        await until(lambda: guest.snapshot.status == "suspended", "the guest to suspend")
        try:
            await until(lambda: balloon_of(guest).verdict.state is State.ABSENT, "the driver to have left")
            verdict = balloon_of(guest).verdict
            assert verdict.code is Cause.PAUSED
            assert "system_wakeup" in verdict.advice
            listed = (line.split() for line in demo("list").stdout.splitlines())
            assert {row[0]: row[1] for row in listed}["demo"] == guest.snapshot.state == "suspended"
            with pytest.raises(MonitorError, match="suspended"):
                await guest.resume()
        finally:
            await guest.execute("system_wakeup")
        await settled(guest, RAM)


async def test_a_guest_that_finds_no_more_pages(demo: CommandLine) -> None:
    async with opened(demo) as engine:
        guest = await a_guest(engine, demo)
        await guest.type("eat 300M\n")
        await until(lambda: (stats := balloon_of(guest).stats) and (stats.available or RAM) < 200 * MIB, "the eater")
        await guest.set_target(64 * MIB)
        await until(lambda: balloon_of(guest).verdict.state is State.STALLED, "the stall")
        await until(lambda: balloon_of(guest).verdict.code is Cause.OUT_OF_PAGES, "its cause")
        assert look(demo)["cause_code"] == "out-of-pages"
        await all_agree(demo, guest)
        await guest.type(CHURN + "\n")
        await until(lambda: balloon_of(guest).verdict.code is Cause.FIGHTS_OOM, "the fight")
        verdict = balloon_of(guest).verdict
        assert verdict.state is State.STALLED
        assert "actual changed direction" in verdict.evidence[0]
        wait = asyncio.to_thread(
            wait_until, lambda: look(demo)["cause_code"] == "fights-oom", "the command line to see it"
        )
        await wait
        await all_agree(demo, guest, moving=True)
        await guest.type("kill %1; eat 0\n")
        await guest.set_target(RAM)
        await settled(guest, RAM)


async def test_without_deflate_on_oom_the_guest_takes_nothing_back(hard: CommandLine) -> None:
    async with opened(hard) as engine:
        guest = await a_guest(engine, hard)
        await settled(guest, RAM)
        await guest.set_target(200 * MIB)
        await settled(guest, 200 * MIB)
        await guest.type("eat 300M\n")
        log = hard.state / "demo" / "serial.log"
        await until(lambda: "the kernel killed the eater" in log.read_text(errors="replace"), "the OOM killer")
        assert reading_of(guest).diff == 0
        assert balloon_of(guest).verdict.code is None
        await guest.set_target(40 * MIB)
        await until(lambda: balloon_of(guest).verdict.code is Cause.OUT_OF_PAGES, "a guest at its end")


async def test_a_pause_stops_driver_and_statistics(demo: CommandLine) -> None:
    async with opened(demo) as engine:
        guest = await a_guest(engine, demo)
        await settled(guest, RAM)
        await guest.pause()
        try:
            await guest.set_target(400 * MIB)
            await until(lambda: balloon_of(guest).verdict.code is Cause.PAUSED, "the stall")
            await until(lambda: codes(balloon_of(guest).verdict) == [Cause.STATISTICS_PAUSED], "the figures to be old")
            seen = look(demo)
            assert (seen["state"], seen["cause_code"]) == ("stalled", "paused")
            assert [note["code"] for note in seen["notes"]] == ["statistics-paused"]  # type: ignore[attr-defined]
            await all_agree(demo, guest)
        finally:
            await guest.resume()
        await settled(guest, 400 * MIB)
        await until(lambda: codes(balloon_of(guest).verdict) == [], "fresh figures")
        await guest.set_target(RAM)
        await settled(guest, RAM)


async def test_statistics_that_are_not_requested(demo: CommandLine) -> None:
    path = "/machine/peripheral/balloon0"
    async with opened(demo) as engine:
        guest = await a_guest(engine, demo)
        await settled(guest, RAM)
        names = await guest.execute("qom-list", {"path": "/machine/peripheral"})
        (path,) = (f"/machine/peripheral/{n['name']}" for n in names if "virtio-balloon" in n["type"])  # type: ignore[attr-defined]
        interval = {"path": path, "property": "guest-stats-polling-interval"}
        await guest.execute("qom-set", {**interval, "value": 0})
        try:
            await until(lambda: codes(balloon_of(guest).verdict) == [Cause.STATISTICS_SWITCHED_OFF], "the note")
            assert balloon_of(guest).verdict.state is State.SETTLED
            (note,) = cast("list[dict[str, list[str]]]", look(demo)["notes"])
            assert str(note["code"]) == "statistics-switched-off"
            assert note["evidence"][-1] == "the profile sets statistics = 2"
            newest = balloon_of(guest).history[-1]
            assert newest.available is None, "the plot draws no figure that need no longer be so"
            await all_agree(demo, guest)
        finally:
            await guest.execute("qom-set", {**interval, "value": 2})
        await until(lambda: codes(balloon_of(guest).verdict) == [], "fresh figures")


async def test_a_stopped_qemu_is_the_cause(demo: CommandLine) -> None:
    async with opened(demo) as engine:
        guest = await a_guest(engine, demo)
        await settled(guest, RAM)
        assert guest.snapshot.pid is not None
        await guest.pause()
        await guest.set_target(400 * MIB)
        await until(lambda: reading_of(guest).diff > 0, "the diff")
        os.kill(guest.snapshot.pid, signal.SIGSTOP)
        try:
            await until(lambda: balloon_of(guest).verdict.code is Cause.QEMU_SILENT, "the silence")
            assert "SIGSTOP" in balloon_of(guest).verdict.evidence[0]
        finally:
            os.kill(guest.snapshot.pid, signal.SIGCONT)
        await until(lambda: guest.snapshot.answering, "the answer")
        await guest.resume()
        await settled(guest, 400 * MIB)
        await guest.set_target(RAM)
        await settled(guest, RAM)


async def test_memory_plugged_into_a_linux_guest_and_its_kernel_that_dies(
    workbench: CommandLine, demo_guest: DemoGuest
) -> None:
    """A dead kernel leaves the device as it was: nothing tells the cause, and all that was seen is said."""
    workbench.sample("demo")
    profile = workbench.profiles / "demo.toml"
    profile.write_text('qemu.args = ["-m", "512M,slots=2,maxmem=1G"]\n' + profile.read_text())
    workbench.start("demo")
    workbench.wait_for_boot()
    async with opened(workbench) as engine:
        guest = await a_guest(engine, workbench)
        await guest.set_target(400 * MIB)
        await settled(guest, 400 * MIB)
        more = {"qom-type": "memory-backend-ram", "id": "more", "size": 128 * MIB}
        await guest.execute("object-add", more)
        await guest.execute("device_add", {"driver": "pc-dimm", "id": "dimm0", "memdev": "more"})
        await until(lambda: Cause.RAM_CHANGED in codes(balloon_of(guest).verdict), "the memory to be seen")
        assert (reading_of(guest).target, reading_of(guest).diff) == (528 * MIB, 0)
        assert balloon_of(guest).verdict.state is State.SETTLED, "num_pages stood, and so did what the driver holds"
        await guest.set_target(400 * MIB)
        await settled(guest, 400 * MIB)
        assert Cause.RAM_CHANGED not in codes(balloon_of(guest).verdict)

        await guest.type("echo 0 > /proc/sys/kernel/panic; echo c > /proc/sysrq-trigger\n")
        log = workbench.state / "demo" / "serial.log"
        await until(lambda: "end Kernel panic" in log.read_text(errors="replace"), "the kernel's end")
        await guest.set_target(300 * MIB)
        await until(lambda: balloon_of(guest).verdict.state is State.STALLED, "the stall")
        await until(lambda: codes(balloon_of(guest).verdict) == [Cause.STATISTICS_STOPPED], "the silence")
        verdict = balloon_of(guest).verdict
        assert (verdict.code, verdict.cause) == (Cause.UNKNOWN, "the cause is unknown")
        assert any("25,600 pages to inflate" in line for line in verdict.evidence)
        assert "check its console" in verdict.notes[0].advice


async def test_the_last_report_of_a_dead_kernel_does_not_prove_that_it_has_no_pages(
    workbench: CommandLine, demo_guest: DemoGuest
) -> None:
    """It was short of memory when it died, and its report of that is frozen."""
    workbench.sample("demo")
    workbench.start("demo")
    workbench.wait_for_boot()
    async with opened(workbench) as engine:
        guest = await a_guest(engine, workbench)
        await guest.type("eat 400M\n")
        await until(lambda: (stats := balloon_of(guest).stats) and (stats.available or RAM) < 45 * MIB, "the eater")
        await guest.type("echo 0 > /proc/sys/kernel/panic; echo c > /proc/sysrq-trigger\n")
        log = workbench.state / "demo" / "serial.log"
        await until(lambda: "end Kernel panic" in log.read_text(errors="replace"), "the kernel's end")
        await guest.set_target(450 * MIB)
        codes_seen: set[Cause | None] = set()

        def stalled() -> bool:
            codes_seen.add(balloon_of(guest).verdict.code)
            return balloon_of(guest).verdict.state is State.STALLED

        await until(stalled, "the stall")
        await until(lambda: stalled() and codes(balloon_of(guest).verdict) == [Cause.STATISTICS_STOPPED], "the silence")
        assert codes_seen == {None, Cause.UNKNOWN}
        assert (balloon_of(guest).stats or GuestStats(0.0, 0)).available is not None


def test_firmware_alone_has_no_driver(workbench: CommandLine) -> None:
    workbench.profile("fw", 'memory.size = "64M"\naccelerator = "tcg"\n')
    workbench.start("fw")
    seen = look(workbench, "48M", name="fw")
    assert (seen["state"], seen["cause_code"]) == ("absent", "starting")
    workbench.profile("bare", 'memory.size = "64M"\naccelerator = "tcg"\nballoon = false\n')
    workbench.start("bare")
    seen = look(workbench, name="bare")
    assert (seen["state"], seen["cause_code"]) == ("absent", "no-device")


def test_plugged_memory_shifts_the_target_and_is_not_a_foreign_target(workbench: CommandLine) -> None:
    """A DIMM of 128 MiB: num_pages stands, RAM and with it the target grow."""
    workbench.profile(
        "plug",
        'memory.size = "128M"\naccelerator = "tcg"\nqemu.args = ["-m", "128M,slots=2,maxmem=1G"]\n',
    )
    workbench.start("plug")
    assert look(workbench, "96M", name="plug")["target"] == 96 * MIB
    for command in (
        '{"execute":"object-add","arguments":{"qom-type":"memory-backend-ram","id":"more","size":134217728}}',
        '{"execute":"device_add","arguments":{"driver":"pc-dimm","id":"dimm0","memdev":"more"}}',
    ):
        done = workbench("qmp", "plug", command)
        assert done.code == 0, done
    for _ in range(2):
        seen = look(workbench, name="plug")
        assert (seen["ram"], seen["target"], seen["ours"]) == (256 * MIB, 224 * MIB, True)
        (note,) = (n for n in seen["notes"] if n["code"] == "ram-changed")  # type: ignore[attr-defined]
        assert note["text"] == "memory was plugged in, so the target rose by 128 MiB to 224 MiB"
        assert note["advice"] == "send 96 MiB to restore the previous target"
        ledger = cast("dict[str, object]", seen["ledger"])
        assert ledger["asked"] == {"before": 0, "now": 32 * MIB}, "num_pages rose once, before the memory came"
    seen = look(workbench, "96M", name="plug")
    assert seen["target"] == 96 * MIB
    assert [n["code"] for n in seen["notes"]] == []  # type: ignore[attr-defined]
