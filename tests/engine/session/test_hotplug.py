"""Plugging through a guest's driver, as the screen does: its commands are recorded, pending unplugs are in the snapshot."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.engine.local.opened import opened, running, until
from workbench.domain.hotplug.plan import plan
from workbench.domain.hotplug.unplug import Kind, State
from workbench.domain.profile.problems import ProfileChanged
from workbench.domain.qmp.record.record import Kind as Message
from workbench.domain.qmp.record.record import Origin
from workbench.errors import CommandFailed, NotFound

if TYPE_CHECKING:
    from tests.commandline import CommandLine
    from workbench.engine.session.guest import SessionGuest

PROFILE = '# mine\nmemory.size = "64M"\naccelerator = "tcg"\n'


async def plug(guest: SessionGuest, kind: Kind, **values: str) -> str:
    offer = await guest.hotplug.offer(kind)
    wanted = plan(offer, values)
    await guest.hotplug.plug(offer, wanted)
    return wanted.id


def actions(guest: SessionGuest) -> list[str]:
    return [one.name for one in guest.record if one.origin is Origin.ACTION and one.kind is Message.COMMAND]


async def test_an_unplug_without_an_answer_stays_in_the_snapshot_until_it_comes(workbench: CommandLine) -> None:
    workbench.profile("fw", PROFILE)
    workbench.start("fw")
    async with opened(workbench) as engine:
        guest = running(engine, "fw")
        await until(lambda: guest.snapshot.balloon, "the first reading")
        revision = guest.snapshot.devices_revision
        assert await plug(guest, Kind.NET) == "net1"
        assert guest.snapshot.devices_revision > revision, "the tree is read again"
        stake = await guest.hotplug.behind("net1")
        assert (stake.type, [one.words for one in stake.behind]) == ("virtio-net-pci", ["netdev net1-host"])
        asked = asyncio.create_task(guest.hotplug.unplug("net1", 0.3))
        await until(lambda: guest.snapshot.unplugs, "the mark")
        assert (guest.snapshot.unplugs[0].id, guest.snapshot.unplugs[0].state) == ("net1", State.PENDING)
        assert (await asked).state is State.OVERDUE
        assert guest.snapshot.unplugs[0].state is State.OVERDUE
        tree = await guest.devices.tree()
        assert tree.device("net1") is not None, "it is still there"
        await guest.reset()
        await until(lambda: not guest.snapshot.unplugs, "the reset to carry it out")
        tree = await guest.devices.tree()
        assert tree.device("net1") is None
        await until(lambda: "netdev_del" in actions(guest), "its netdev to go with it")
        assert actions(guest) == ["netdev_add", "device_add", "device_del", "system_reset", "netdev_del"]
        with pytest.raises(NotFound):
            await guest.hotplug.keeping("net1")


async def test_a_plugged_device_is_kept_unless_the_profile_has_changed(workbench: CommandLine) -> None:
    file = workbench.profile("fw", PROFILE)
    workbench.start("fw")
    async with opened(workbench) as engine:
        guest = running(engine, "fw")
        await until(lambda: guest.snapshot.balloon, "the first reading")
        with pytest.raises(CommandFailed, match="power of 2"):
            await plug(guest, Kind.NET, rx_queue_size="300")
        assert actions(guest) == ["netdev_add", "device_add", "netdev_del"], "nothing is left"
        await plug(guest, Kind.NET, speed="1000")
        change = await guest.hotplug.keeping("net1")
        assert change.left_out == ("speed",)
        file.write_text(f"{PROFILE}# more\n")
        with pytest.raises(ProfileChanged):
            await guest.hotplug.keep(change)
        assert file.read_text() == f"{PROFILE}# more\n"
        place = await guest.hotplug.keep(await guest.hotplug.keeping("net1"))
        assert file.read_text().startswith(f"{PROFILE}# more\n")
        line = int(place.rpartition(":")[2])
        assert file.read_text().splitlines()[line - 1 : line + 1] == ["[[net]]", 'id = "net1"']
        assert guest.snapshot.device_lines["net1"] == f"fw.toml:{line}"
        assert (await guest.devices.places())["net1"] == f"fw.toml:{line}"
        file.write_text(f"# a line more\n{file.read_text()}")
        assert (await guest.devices.places())["net1"] == f"fw.toml:{line + 1}", "as the file is now"
        assert await guest.devices.drift() == ()


async def test_what_another_process_asked_for_is_marked_and_finished_here(workbench: CommandLine) -> None:
    workbench.profile("fw", PROFILE)
    workbench.start("fw")
    async with opened(workbench) as engine:
        guest = running(engine, "fw")
        await until(lambda: guest.snapshot.balloon, "the first reading")
        await plug(guest, Kind.NET)
        asked = asyncio.create_task(asyncio.to_thread(workbench, "unplug", "fw", "net1", "--timeout", "2"))
        await until(lambda: guest.snapshot.unplugs, "the mark of what the command line asked for")
        assert [(one.id, one.state) for one in guest.snapshot.unplugs] == [("net1", State.PENDING)]
        assert (await asked).code == 4
        await until(lambda: guest.snapshot.unplugs[0].state is State.OVERDUE, "the mark that nobody waits any more")
        await guest.reset()
        await until(lambda: "netdev_del" in actions(guest), "its netdev to go with it")
        await until(lambda: not guest.snapshot.unplugs, "the mark to go")
        await until(lambda: not list((workbench.state / "fw" / "unplugs").iterdir()), "nothing to be known of it")
        await until(lambda: guest.snapshot.unplugged, "it to be told at last")
        assert [(one.id, one.state) for one in guest.snapshot.unplugged] == [("net1", State.GONE)]
        assert await guest.devices.drift() == ()


async def test_what_a_process_asked_for_that_was_killed_is_finished_here(workbench: CommandLine) -> None:
    workbench.profile("fw", PROFILE)
    workbench.start("fw")
    async with opened(workbench) as engine:
        guest = running(engine, "fw")
        await until(lambda: guest.snapshot.balloon, "the first reading")
        await plug(guest, Kind.NET)
        process = workbench.begin("unplug", "fw", "net1", "--timeout", "60")
        await until(lambda: guest.snapshot.unplugs, "the mark")
        process.kill()
        process.communicate()
        await until(lambda: guest.snapshot.unplugs[0].state is State.OVERDUE, "the mark that nobody waits any more")
        await guest.reset()
        await until(lambda: "netdev_del" in actions(guest), "its netdev to go with it")


async def test_one_that_another_process_sees_the_end_of_is_left_to_it(workbench: CommandLine) -> None:
    workbench.profile("fw", PROFILE)
    workbench.start("fw")
    async with opened(workbench) as engine:
        guest = running(engine, "fw")
        await until(lambda: guest.snapshot.balloon, "the first reading")
        await plug(guest, Kind.NET)
        asked = asyncio.create_task(asyncio.to_thread(workbench, "unplug", "fw", "net1", "--timeout", "60"))
        await until(lambda: guest.snapshot.unplugs, "the mark")
        await guest.reset()
        done = await asked
        assert (done.code, done.stdout) == (0, "net1 unplugged from fw\n")
        await until(lambda: not guest.snapshot.unplugs, "the mark to go")
        assert actions(guest) == ["netdev_add", "device_add", "system_reset"]
        assert guest.snapshot.unplugged == (), "who asked was told in time"


async def test_what_went_without_a_screen_is_cleaned_up_by_the_next_one(workbench: CommandLine) -> None:
    workbench.profile("fw", PROFILE)
    workbench.start("fw")
    assert workbench("plug", "fw", "net").code == 0
    assert workbench("unplug", "fw", "net1", "--timeout", "0.3").code == 4
    assert workbench("reset", "fw").code == 0
    async with opened(workbench) as engine:
        guest = running(engine, "fw")
        await until(lambda: "netdev_del" in actions(guest), "its netdev to go")
        await until(lambda: not guest.snapshot.unplugs, "no mark")
        assert await guest.devices.drift() == ()


async def test_a_device_del_of_the_user_s_own_is_marked_and_its_backend_is_left_alone(workbench: CommandLine) -> None:
    workbench.profile("fw", PROFILE)
    workbench.start("fw")
    async with opened(workbench) as engine:
        guest = running(engine, "fw")
        await until(lambda: guest.snapshot.balloon, "the first reading")
        await plug(guest, Kind.NET)
        # What needs no guest is gone before the reply is there, and what QEMU refuses was never asked for.
        await guest.execute("device_add", {"driver": "virtio-serial-pci", "id": "vs0", "bus": "pcie-port2"})
        await guest.execute("device_add", {"driver": "virtserialport", "id": "vp0", "bus": "vs0.0"})
        await guest.execute("device_del", {"id": "vp0"})
        with pytest.raises(CommandFailed):
            await guest.execute("device_del", {"id": "rng0"})
        await until(lambda: not guest.snapshot.unplugs, "no mark")
        await guest.execute("device_del", {"id": "/machine/peripheral/net1"})
        await until(lambda: guest.snapshot.unplugs, "the mark")
        assert guest.snapshot.unplugs[0].id == "net1"
        await guest.reset()
        await until(lambda: not guest.snapshot.unplugs, "the mark to go")
        await until(lambda: not list((workbench.state / "fw" / "unplugs").iterdir()), "nothing to be known of it")
        assert guest.snapshot.unplugs == ()
        assert "netdev_del" not in actions(guest)
        controller, left = await guest.devices.drift()
        assert controller.name == "vs0"
        await guest.execute("netdev_del", {"id": "net1-host"})
        assert await guest.devices.drift() == (controller,), "it is seen to go"
        await guest.execute("netdev_add", {"type": "user", "id": "net1-host"})
        assert (left.name, left.kind.name) == ("net1-host", "EXTRA")
        assert (await guest.hotplug.offer(Kind.NET)).id == "net2", "the name of what stood behind it is taken"


async def test_a_device_that_the_user_deleted_by_hand_and_then_unplugs_takes_its_backend_along(
    workbench: CommandLine,
) -> None:
    workbench.profile("fw", PROFILE)
    workbench.start("fw")
    async with opened(workbench) as engine:
        guest = running(engine, "fw")
        await until(lambda: guest.snapshot.balloon, "the first reading")
        await plug(guest, Kind.NET)
        await guest.execute("device_del", {"id": "net1"})
        end = await guest.hotplug.unplug("net1", 0.2)
        assert (end.state, end.again) == (State.OVERDUE, True)
        await guest.reset()
        await until(lambda: "netdev_del" in actions(guest), "its netdev to go with it")


async def test_backends_are_not_asked_for_repeatedly(workbench: CommandLine) -> None:
    workbench.profile("fw", PROFILE)
    workbench.start("fw")
    async with opened(workbench) as engine:
        guest = running(engine, "fw")
        await until(lambda: guest.snapshot.balloon, "the first reading")

        def asked() -> int:
            return sum(one.name == "query-chardev" and one.kind is Message.COMMAND for one in guest.record)

        for _ in range(3):
            assert await guest.devices.drift() == ()
        assert asked() == 1
        await guest.execute("netdev_add", {"type": "user", "id": "net7-host"})
        await plug(guest, Kind.NET, id="net2")
        (left, _) = sorted(await guest.devices.drift(), key=lambda one: len(one.name), reverse=True)
        assert left.name == "net7-host", "a device came: all is asked again"


async def test_a_qemu_that_ends_in_between_leaves_no_claim(workbench: CommandLine) -> None:
    workbench.profile("fw", PROFILE)
    workbench.start("fw")
    async with opened(workbench) as engine:
        guest = running(engine, "fw")
        await until(lambda: guest.snapshot.balloon, "the first reading")
        await plug(guest, Kind.RNG)
        asked = asyncio.create_task(guest.hotplug.unplug("rng1", 30))
        await until(lambda: guest.snapshot.unplugs, "the mark")
        await guest.kill()
        with pytest.raises(Exception, match=r"not known|ended"):
            await asked
        await until(lambda: not guest.snapshot.phase.alive, "the end")
        assert guest.snapshot.unplugs == ()
