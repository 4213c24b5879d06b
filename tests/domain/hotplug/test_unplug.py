"""The commands that plug a device in, and the states of an unplug."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from workbench.domain.compare.drift import Kind as Drift
from workbench.domain.compare.drift import Live, Said, drift
from workbench.domain.devices.qom import Property
from workbench.domain.devices.type_info import PropertyInfo
from workbench.domain.hotplug.form import rows
from workbench.domain.hotplug.leftovers import Backends, Behind, Sort, backends, behind
from workbench.domain.hotplug.plan import FreeBus, Offer, PlanProblems, plan
from workbench.domain.hotplug.unplug import Kind, Plan, State, Unplug, overdue_hint

NET_INFOS = {
    one.name: one
    for one in (
        PropertyInfo("mac", "str", "Ethernet 6-byte MAC Address, example: 52:54:00:12:34:56"),
        PropertyInfo("speed", "int32", "", -1, True),
        PropertyInfo("mrg_rxbuf", "bool", "on/off", True, True),
        PropertyInfo("addr", "int32", "Slot and optional function number, example: 06.0 or 06", -1, True),
        PropertyInfo("netdev", "str", "ID of a netdev to use as a backend"),
    )
}
NET = Offer(Kind.NET, "net1", (FreeBus("pcie-port0"), FreeBus("pcie-port1")), {"virtio-net-pci": NET_INFOS}, {"net0"})
DISK = Offer(Kind.DISK, "disk0", (FreeBus("scsi0.0", "(LUN 3)", 3),), base="/profiles", home="/home/u")
SERIAL = Offer(Kind.SERIAL, "port1", (FreeBus("virtio-serial0.0"),), directory="/run/demo")
RNG = Offer(Kind.RNG, "rng1", (FreeBus("pcie-port0"),))


def commands(found: Plan) -> list[str]:
    return [step.command for step in found.steps]


def trouble(offer: Offer, **values: str) -> dict[str, str]:
    with pytest.raises(PlanProblems) as error:
        plan(offer, {key.replace("_", "-"): value for key, value in values.items()})
    return dict(error.value.problems)


def test_a_card_has_its_backend_first_and_no_slot_of_its_own() -> None:
    found = plan(NET, {"forward": "tcp:127.0.0.1:2222-:22, udp::53-:53", "speed": "1000", "mrg_rxbuf": "off"})
    assert commands(found) == ["netdev_add", "device_add"]
    netdev, device = (step.arguments for step in found.steps)
    assert netdev == {
        "type": "user",
        "id": "net1-host",
        "hostfwd": [{"str": "tcp:127.0.0.1:2222-:22"}, {"str": "udp::53-:53"}],
    }
    assert device == {
        "driver": "virtio-net-pci", "id": "net1", "romfile": "", "netdev": "net1-host", "bus": "pcie-port0",
        "speed": 1000, "mrg_rxbuf": False,
    }  # fmt: skip
    assert (found.steps[0].undo, found.steps[0].undo_arguments) == ("netdev_del", {"id": "net1-host"})
    assert (found.document["id"], found.extra) == ("net1", ("speed", "mrg_rxbuf"))


def test_a_slot_is_a_string_since_a_number_differs_between_versions() -> None:
    found = plan(NET, {"addr": "08.0"})
    assert found.steps[-1].arguments["addr"] == "08.0"
    assert plan(NET, {"addr": "8"}).steps[-1].arguments["addr"] == "8"


def test_a_disk_goes_to_the_next_lun() -> None:
    found = plan(DISK, {"file": "~/d.img", "format": "raw", "cache": "none"})
    assert commands(found) == ["blockdev-add", "device_add"]
    node, device = (step.arguments for step in found.steps)
    assert node["driver"] == "raw"
    assert json.loads(json.dumps(node))["file"]["filename"] == "/home/u/d.img"
    assert (device["driver"], device["bus"], device["lun"], device["drive"]) == ("scsi-hd", "scsi0.0", 3, "disk0-image")
    assert found.steps[0].undo_arguments == {"node-name": "disk0-image"}
    assert trouble(DISK) == {"": "missing key: file"}
    empty = plan(DISK, {"media": "cdrom"})
    assert (commands(empty), empty.driver) == (["device_add"], "scsi-cd")


def test_a_port_has_its_chardev_in_the_guest_s_directory() -> None:
    found = plan(SERIAL, {"kind": "port", "name": "com.example"})
    assert commands(found) == ["chardev-add", "device_add"]
    assert found.steps[0].arguments == {
        "id": "port1-chardev",
        "backend": {
            "type": "socket",
            "data": {
                "addr": {"type": "unix", "data": {"path": "/run/demo/port-port1.sock"}},
                "server": True,
                "wait": False,
            },
        },
    }
    assert found.driver == "virtserialport"
    assert plan(SERIAL, {"backend": "pty"}).steps[0].arguments["backend"] == {"type": "pty", "data": {}}
    assert "kind" in trouble(SERIAL, kind="port")


def test_a_second_rng_has_an_object_of_its_own() -> None:
    found = plan(RNG, {})
    assert commands(found) == ["object-add", "device_add"]
    assert found.steps[0].arguments["id"] == "rng1-source"
    assert found.document == {"id": "rng1"}
    assert (found.steps[1].arguments["id"], found.steps[1].arguments["rng"]) == ("rng1", "rng1-source")


def test_every_problem_is_reported_with_its_key() -> None:
    found = trouble(NET, bakend="user", mac="xx", speed="fast", id="net0", bus="pcie.0", addr="")
    assert set(found) == {"bakend", "mac", "speed", "id", "bus"}
    assert "backend" in found["bakend"]
    assert "pcie-port0, pcie-port1" in found["bus"]
    assert "id" in trouble(NET, id="no good")


def test_where_no_bus_has_room_the_key_that_gives_more_is_named() -> None:
    for offer, key in ((NET, "root-ports"), (RNG, "root-ports"), (DISK, "[[scsi]]"), (SERIAL, "[[serial]]")):
        assert key in trouble(replace(offer, buses=()))[""]


def test_the_form_has_the_few_first_and_then_all_of_the_device() -> None:
    found = rows(NET, {})
    assert [row.key for row in found][:5] == ["id", "bus", "backend", "mac", "forward"]
    assert [row.key for row in found if not row.usual][-3:] == ["addr", "mrg_rxbuf", "speed"]
    assert "netdev" not in [row.key for row in found], "that follows from the backend"
    by_key = {row.key: row for row in found}
    assert (by_key["id"].default, by_key["bus"].default, by_key["speed"].default) == ("net1", "pcie-port0", "-1")
    assert "52:54:00" in by_key["mac"].description


def test_without_a_controller_one_is_plugged_in_first_and_after_the_backend_that_may_be_refused() -> None:
    bus = FreeBus("scsi0.0", "of a new one", controller="scsi0", slot="pcie-port0")
    found = plan(replace(DISK, buses=(bus,)), {"file": "/d.img"})
    assert commands(found) == ["blockdev-add", "device_add", "device_add"]
    _, controller, disk = (step.arguments for step in found.steps)
    assert controller == {"driver": "virtio-scsi-pci", "id": "scsi0", "bus": "pcie-port0"}
    assert (found.steps[1].undo, found.steps[1].undo_arguments) == ("device_del", {"id": "scsi0"})
    assert (disk["driver"], disk["bus"], found.driver, found.controller) == ("scsi-hd", "scsi0.0", "scsi-hd", "scsi0")
    assert found.plugged.controller
    assert not plan(DISK, {"file": "/d.img"}).plugged.controller


def test_a_root_port_has_one_slot() -> None:
    port = replace(NET, buses=(FreeBus("pcie-port0", port=True), FreeBus("pci.0")))
    assert "only has slot 0" in trouble(port, addr="5")["addr"]
    assert "only has slot 0" in trouble(port, addr="0.1")["addr"]
    assert plan(port, {"addr": "00.0"}).steps[-1].arguments["addr"] == "00.0"
    assert plan(port, {"addr": "5", "bus": "pci.0"}).steps[-1].arguments["addr"] == "5"


@pytest.mark.parametrize("offer", [NET, RNG, SERIAL])
def test_an_invalid_id_is_reported_before_qemu_rejects_it(offer: Offer) -> None:
    for name in ("a b", "1x", "x" * 21, "ä"):
        assert "is not an id" in trouble(offer, id=name)["id"]


def test_an_id_with_a_leftover_backend_is_rejected() -> None:
    offer = replace(NET, left={"net7": "netdev net7-host"})
    assert "netdev net7-host already exists" in trouble(offer, id="net7")["id"]
    assert plan(offer, {"id": "net8"}).id == "net8"


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["DEVICE_DELETED", "DEVICE_UNPLUG_GUEST_ERROR", "RESET", "late"]),
        st.sampled_from([{"device": "net1"}, {"device": "net2"}, {"path": "/machine/peripheral/net1/virtio-backend"}]),
    )
)


@given(EVENTS)
def test_a_device_is_gone_only_after_its_own_event(events: list[tuple[str, dict[str, str]]]) -> None:
    one = Unplug("net1")
    for event, data in events:
        one = one.late() if event == "late" else one.after(event, data)
    ends = [event for event, data in events if event.startswith("DEVICE") and data.get("device") == "net1"]
    late = any(event == "late" for event, _ in events)
    if not ends:
        assert one.state is (State.OVERDUE if late else State.PENDING)
    else:
        assert one.state is (State.GONE if ends[0] == "DEVICE_DELETED" else State.REFUSED)


@pytest.mark.parametrize(
    ("source", "status", "state"),
    [
        (1, 0, State.PENDING),
        (3, 0x84, State.PENDING),
        (3, 0, State.PENDING),
        (3, 0x82, State.REFUSED),
        (1, 1, State.PENDING),
    ],
)
def test_memory_that_is_busy_is_refused_by_acpi(source: int, status: int, state: State) -> None:
    info = {"device": "dimm0", "source": source, "status": status, "slot": "0", "slot-type": "DIMM"}
    assert Unplug("dimm0").after("ACPI_DEVICE_OST", {"info": info}).state is state
    assert Unplug("dimm1").after("ACPI_DEVICE_OST", {"info": info}).state is State.PENDING


def test_backends_are_known_from_properties() -> None:
    found = behind(
        (
            Property("netdev", "str", "net1-host"),
            Property("drive", "str", ""),
            Property("rng", "link<rng-backend>", "/objects/rng1-source"),
            Property("chardev", "str", error="no such property"),
        )
    )
    assert [(one.command, one.arguments) for one in found] == [
        ("netdev_del", {"id": "net1-host"}),
        ("object-del", {"id": "rng1-source"}),
    ]


NETWORK = (
    "net0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:56\r\n"
    " \\ net0-host: index=0,type=user,net=10.0.2.0,restrict=off\r\n"
    "p1-host: index=0,type=user,net=10.0.2.0,restrict=off\r\n"
    "lone-host: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:57\r\n"
)
"""Output of QEMU 7.2's ``info network``, with a card that has no netdev and is named like one."""


def there() -> Backends:
    nodes = [{"node-name": "d0-image"}, {"node-name": "d1-image"}, {"node-name": "#block12"}]
    drives = [{"qdev": "d0", "inserted": {"node-name": "d0-image"}}, {"device": "floppy0"}]
    return backends(NETWORK, [{"label": "qmp"}, {"label": "port0-chardev"}], nodes, drives, ["p1-source", "ram0"])


def test_leftovers_are_backends_with_its_name_and_without_a_user() -> None:
    left = there().leftovers({"net0", "d0"}, ())
    assert {name: [one.words for one in rest] for name, rest in left.items()} == {
        "d1": ["block node d1-image"],
        "p1": ["netdev p1-host", "object p1-source"],
        "port0": ["chardev port0-chardev"],
    }
    assert there().of("lone") == there().of("lone", unused=False) == (), "a card is not a backend"
    assert "net0" not in there().leftovers((), ()), "a card has it, whatever the card's id is"
    assert there().leftovers({"d1", "p1"}, {Behind(Sort.CHARDEV, "port0-chardev")}) == {}, "it is from the command line"
    assert [one.words for one in there().of("net0", unused=False)] == ["netdev net0-host"], (
        "the name is in use all the same"
    )


def test_leftovers_are_drift() -> None:
    started = ["-netdev", "user,id=port0-host", "-chardev", "null,id=port0-chardev"]
    found = drift(Live({"net0": "virtio-net-pci", "d0": "scsi-hd"}, backends=there()), started, ())
    assert {one.name for one in found if "does not exist" in one.words} == {"p1-host", "d1-image"}


@given(st.text(), st.lists(st.dictionaries(st.sampled_from(["label", "node-name", "inserted"]), st.none() | st.text())))
def test_whatever_qemu_says_is_read(network: str, answer: list[dict[str, object]]) -> None:
    backends(network, answer, answer, answer, ()).leftovers((), ())
    backends(network, None, {}, "x", ()).leftovers((), ())


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (Unplug("n", State.OVERDUE), ["still pending", "without an operating system"]),
        (Unplug("n", State.OVERDUE, run_state="paused"), ["state paused", "until it continues"]),
        (
            Unplug("n", State.OVERDUE, rest=(Behind(Sort.NETDEV, "n-host"),)),
            ["netdev n-host stays until then", "unplug n again"],
        ),
    ],
)
def test_the_hint_for_an_overdue_request(end: Unplug, words: list[str]) -> None:
    assert all(one in overdue_hint(end) for one in words)
    assert ("without an operating system" in overdue_hint(end)) == (end.run_state != "paused")


def test_a_plugged_and_kept_device_is_not_drift() -> None:
    device = Said(("-device", '{"driver":"virtio-net-pci","id":"net1"}'), "net[1]", "demo.toml:9")
    netdev = Said(("-netdev", '{"type":"user","id":"net1-host"}'), "net[1]", "demo.toml:9")
    started = ["-m", "64M"]
    now = (Said(("-m", "64M"), "memory.size"), netdev, device)
    assert drift(Live({"net1": "virtio-net-pci"}), started, now) == ()
    (missing,) = drift(Live({}), started, now)
    assert (missing.kind, missing.name) == (Drift.MISSING, "net1"), "its backend is not reported as well"
