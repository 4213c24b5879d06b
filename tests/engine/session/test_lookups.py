"""The console's lookups, with real QEMUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.real import each_qemu, running_qemu, using
from workbench.domain.qmp.lookups import Kind, Lookup
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.qmp.schema import build_of
from workbench.engine.session.lookups import SessionLookups

if TYPE_CHECKING:
    from collections.abc import Mapping

EXTRA = (
    "-blockdev", "driver=null-co,node-name=disk,size=1048576",
    "-drive", "driver=null-co,if=none,id=drive0",
    "-netdev", "hubport,hubid=0,id=hub0",
    "-object", "rng-builtin,id=entropy",
    "-device", "pcie-root-port,id=port0,chassis=1,addr=9",
    "-smp", "2",
)  # fmt: skip


@each_qemu()
async def test_each_sort_of_value(qemu: str) -> None:
    with running_qemu(*EXTRA, binary=qemu, paused=True) as (process, path):
        monitor = await Monitor.connect(path)
        lookups = SessionLookups(using(monitor), process.pid)

        async def known(kind: Kind, of: str = "") -> Mapping[str | int, str]:
            return {one.value: one.detail for one in await lookups.known(Lookup(kind, of))}

        try:
            assert (await known(Kind.DEVICE))["net0"] == "virtio-net-pci"
            assert (await known(Kind.OBJECT))["entropy"] == "rng-builtin"
            assert "/machine" in await known(Kind.CHILD, "/")
            assert (await known(Kind.CHILD, "/machine/peripheral"))["/machine/peripheral/net0"] == "virtio-net-pci"
            assert (await known(Kind.PROPERTY, "/machine/peripheral/net0"))["mac"] == "str"
            assert "net0" not in await known(Kind.PROPERTY, "/machine/peripheral")
            assert (await known(Kind.NODE))["disk"].startswith("null-co")
            assert "drive0" in await known(Kind.DRIVE)
            assert "mon0" in await known(Kind.CHARDEV)
            assert set(await known(Kind.CPU)) == {0, 1}
            assert "virtio_balloon_to_target" in await known(Kind.TRACE)
            assert await known(Kind.JOB) == {}
            assert (await known(Kind.NET))["hub0"] == "hubport"
            assert (await known(Kind.NET))["net0"] == "nic"
            backends = await known(Kind.NETDEV)
            assert "hub0" in backends
            assert "nic" not in backends.values()
            buses = await known(Kind.BUS)
            assert buses["scsi0.0"] == "SCSI, empty"
            assert buses["serial0.0"] == "virtio-serial-bus, empty"
            assert buses["pcie.0"].startswith("PCIE, ")
            assert int(buses["pcie.0"].split()[1]) >= 5
            assert not {"main-system-bus", "virtio-bus"} & set(buses)
            assert await known(Kind.CHILD, "/no/such") == {}
            commands = await known(Kind.HMP)
            assert commands["system_powerdown"] == "send system power down event"
            assert commands["balloon"].startswith("request VM")
            assert {"q", "quit", "help", "x"} <= set(commands)
            shown = await known(Kind.HMP, "info")
            assert shown["mtree"].startswith("show memory tree")
            assert "info" not in shown
            asked = len(monitor.record)
            assert await known(Kind.HMP) == commands
            assert len(monitor.record) == asked
            if build_of(monitor):  # not one that a loader runs
                drivers = await known(Kind.DRIVER)
                properties = await known(Kind.DRIVER_PROPERTY, "virtio-net-pci")
                assert properties["mac"].startswith("str, Ethernet 6-byte MAC Address")
                assert properties["ats"] == "bool, on/off, default false"
                assert await known(Kind.DRIVER_PROPERTY, "no-such") == {}
                if drivers:  # this QEMU can load its own modules
                    assert next(iter(await known(Kind.BUS, "scsi-hd"))) == "scsi0.0"
                    assert next(iter(await known(Kind.BUS, "virtio-net-pci"))) == "port0"
                    assert set(await known(Kind.BUS, "no-such")) == set(buses)
                    assert drivers["virtio-net-pci"] == "bus PCI"
                    assert "pc-i440fx-7.2-machine" not in drivers
                    assert await known(Kind.DRIVER_PROPERTY, "virtio-net") == properties
            assert not {"device-list-properties", "qom-list-types"} & {message.name for message in monitor.record}
            assert not any(message.origin.value == "user" for message in monitor.record)
        finally:
            await monitor.close()
