from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.qmp.schemas import SCHEMA
from workbench.domain.qmp.completion.complete import complete
from workbench.domain.qmp.json_text import read_json
from workbench.domain.qmp.lookups import Kind, Known, Lookup


def texts(line: str, cursor: int | None = None) -> list[str]:
    return [completion.text for completion in complete(SCHEMA, line, len(line) if cursor is None else cursor)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ball", ["balloon ", "query-balloon"]),
        ("  quer", ["query-balloon", "query-status"]),
        ("set-l", ["set_link "]),
        ("zz", []),
        ("balloon ", ["value="]),
        ("balloon v", ["value="]),
        ("balloon value=1 ", []),
        ("qom-set property=x ", ["path=", "value="]),
        ("set_link name='a b' u", ["up="]),
        ("set_link up=", ["true", "false"]),
        ("set_link up=f", ["false"]),
        ("blockdev-add driver=", ["file", "raw", "null-co"]),
        ("blockdev-add driver=file ", ["filename=", "node-name=", "read-only=", "locking="]),
        ("blockdev-add driver=raw file.", ["file.driver=", "file.node-name=", "file.read-only="]),
        ("blockdev-add driver=raw fi", ["file=", "file."]),
        ('blockdev-add {"driver": "raw", "file": ', ["{"]),
        ('blockdev-add {"driver": "raw", "file": "', []),
        ('blockdev-add {"driver": "raw", "file": n', []),
        ("blockdev-add driver=raw file.driver=file file.f", ["file.filename="]),
        ("blockdev-add driver=raw file.driver=file file.locking=o", ["on", "off", "auto"]),
        ("no-such ", []),
        ("balloon {", ['"value": ']),
        ('balloon {"va', ['"value": ']),
        ('balloon {"value"', []),
        ('balloon {"value": 1}', []),
        ('set_link {"name": "x", "up": t', ["true"]),
        ('blockdev-add {"driver": "', ['"file"', '"raw"', '"null-co"']),
        ('blockdev-add {"driver": "raw", "fi', ['"file": ']),
        ('blockdev-add {"driver": "raw", "file": {"driver": "file", "lo', ['"locking": "']),
        ('blockdev-add driver=raw file={"driver": "file", "fi', ['"filename": "']),
        ('blockdev-add driver=raw file={"driver": "file"} off', ["offset="]),
        ("set-numa nodes=", []),
        ('set-numa {"no', ['"nodes": [']),
        ('set-numa {"nodes": ', ["["]),
        ("set_link name='a b", []),
        ("!info ", []),
        ("{", ['"execute": ', '"exec-oob": ', '"arguments": {']),
        ('{"exec-oob": ', ['"yank"']),
        ('{"execute": "ba', ['"balloon"', '"query-balloon"']),
        ('{"execute": "balloon", ', ['"arguments": {']),
        ('{"execute": "balloon", "arguments": ', ["{"]),
        ('{"execute": "balloon", "arguments": {', ['"value": ']),
        ('{"execute": "no-such", "arguments": {', []),
        ('{"arguments": {"va', []),
    ],
)
def test_what_could_come_next(line: str, expected: list[str]) -> None:
    assert texts(line) == expected


def test_completion_replaces_up_to_the_cursor() -> None:
    line = "balloon va=5"
    [completion] = complete(SCHEMA, line, len("balloon va"))
    assert (completion.text, completion.start) == ("value=", 8)
    assert texts("ball value=1", 4)[0] == "balloon "


def test_details() -> None:
    [up] = complete(SCHEMA, "set_link name=x ", 16)
    assert up.detail == "boolean, required"
    details = {completion.label: completion.detail for completion in complete(SCHEMA, "", 0)}
    assert details["migrate_set_speed"] == "value, deprecated"
    assert details["x-colo-lost-heartbeat"] == "no arguments, unstable"
    assert details["device_add"] == "driver, 2 optional"
    [read_only] = complete(SCHEMA, "blockdev-add driver=null-co r", 29)
    assert read_only.detail == "boolean, optional, deprecated"


def known(lookup: Lookup) -> list[Known]:
    """What a guest of this test has."""
    return {
        Lookup(Kind.DEVICE): [Known("net0", "virtio-net-pci"), Known("disk 0", "scsi-hd")],
        Lookup(Kind.NODE): [Known("disk", "qcow2"), Known("other", "raw")],
        Lookup(Kind.DRIVE): [Known("disk", "again")],
        Lookup(Kind.CPU): [Known(0), Known(1)],
        Lookup(Kind.CHILD, "/"): [Known("/machine", "pc-machine"), Known("/objects", "container")],
        Lookup(Kind.CHILD, "/machine"): [Known("/machine/peripheral", "container"), Known("/machine/q35", "q35")],
        Lookup(Kind.PROPERTY, "/machine"): [Known("type", "string"), Known("usb", "bool"), Known("smm", "OnOffAuto")],
        Lookup(Kind.DRIVER): [Known("virtio-net-pci", "bus PCI"), Known("scsi-hd", "bus SCSI")],
        Lookup(Kind.DRIVER_PROPERTY, "virtio-net-pci"): [
            Known("bus", "not the schema's", "str"),
            Known("legacy", "OnOffAuto", "str", ("on", "off", "auto")),
            Known("mq", "bool, on/off", "bool"),
            Known("netdev", "str", "str"),
            Known("vectors", "uint32", "int"),
        ],
        Lookup(Kind.NETDEV): [Known("hub0", "hubport")],
        Lookup(Kind.BUS, "virtio-net-pci"): [Known("pcie.0", "PCIE, 7 devices")],
    }.get(lookup, [])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("device_del id=", ["net0", '"disk 0"']),
        ("device_add driver=virtio-net-pci bus=", ["pcie.0"]),
        ("device_del id=n", ["net0"]),
        ('device_del {"id": "di', ['"disk 0"']),
        ('{"execute": "device_del", "arguments": {"id": "n', ['"net0"']),
        ("blockdev-add driver=raw file=", ["disk", "other"]),
        ("blockdev-add driver=null-co node-name=", []),
        ("qom-set path=", ["/machine", "/objects"]),
        ("qom-set path=/ma", ["/machine"]),
        ("qom-set path=/machine", ["/machine", "/machine/peripheral", "/machine/q35"]),
        ("qom-set path=/machine/p", ["/machine/peripheral"]),
        ("qom-set path=/machine property=", ["type", "usb", "smm"]),
        ("qom-set path=/machine property=type value=", []),
        ("qom-set path=/machine property=usb value=", ["true", "false"]),
        ("qom-set path=/machine property=smm value=o", ["on", "off", "auto"]),
        ('qom-set {"path": "/machine", "property": "usb", "value": t', ["true"]),
        ('qom-set {"path": "/machine", "property": "smm", "value": "a', ['"auto"']),
        ("qom-set property=usb value=", []),
        ("qom-set path=/elsewhere property=", []),
        ("qom-set property=", []),
        ('human-monitor-command {"cpu-index": ', ["0", "1"]),
        ('device_del id="', ['"net0"', '"disk 0"']),
        ('device_del id="disk ', ['"disk 0"']),
        ("device_del id='di", ["'disk 0'"]),
        ("device_del id='disk 0'", []),
        ('device_del id="disk 0"', []),
        ('device_del id="\\', []),
        ('blockdev-add driver="r', ['"raw"']),
        ("blockdev-add driver='raw' file.driver=\"f", ['"file"']),
        ('set_link name=x up="', []),
        ('human-monitor-command cpu-index="', []),
        ("device_add driver=", ["virtio-net-pci", "scsi-hd"]),
        ("device_add driver=hd", ["scsi-hd"]),
        ("device_add driver=virtio-net-pci ", ["bus=", "id=", "legacy=", "mq=", "netdev=", "vectors="]),
        ("device_add driver=virtio-net-pci mq=true v", ["vectors=", "netdev="]),
        ("device_add driver=virtio-net-pci mq=", ["true", "false"]),
        ("device_add driver=virtio-net-pci legacy=o", ["on", "off", "auto"]),
        ("device_add driver=virtio-net-pci netdev=", ["hub0"]),
        ("device_add driver=scsi-hd v", []),
        ('device_add {"driver": "virtio-net-pci", "m', ['"mq": ']),
        ('device_add {"driver": "virtio-net-pci", "mq": t', ["true"]),
        ('{"execute": "device_add", "arguments": {"driver": "virtio-net-pci", "l', ['"legacy": "']),
    ],
)
def test_values_that_the_guest_knows(line: str, expected: list[str]) -> None:
    assert [completion.text for completion in complete(SCHEMA, line, len(line), known)] == expected


def test_a_value_of_the_guest_says_what_it_is() -> None:
    line = "device_del id=n"
    [net] = complete(SCHEMA, line, len(line), known)
    assert (net.label, net.detail, net.start) == ("net0", "virtio-net-pci", 14)


def test_a_property_of_a_device_says_what_it_is() -> None:
    line = "device_add driver=virtio-net-pci m"
    [mq] = complete(SCHEMA, line, len(line), known)
    assert mq.detail == "bool, on/off"
    bus = complete(SCHEMA, line.removesuffix("m"), len(line) - 1, known)[0]
    assert bus.detail == "string, optional"


json_values = st.recursive(
    st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@given(st.text('{}[]":,ab1 \\') | json_values.map(json.dumps), st.integers(0, 60))
def test_any_json_has_a_place_or_none(text: str, cut: int) -> None:
    place = read_json(text[:cut]).cursor
    if place is not None:
        assert 0 <= place.start <= len(text[:cut])
        assert text[:cut].endswith(place.word)
        assert isinstance(place.given, dict | list)


@given(st.text() | st.text("baloqmset-driver.= '\"{[").map(lambda text: f"blockdev-add {text}"), st.integers(0, 40))
def test_any_line_completes_without_fail(line: str, cursor: int) -> None:
    for completion in complete(SCHEMA, line, min(cursor, len(line))):
        assert 0 <= completion.start <= cursor
        assert completion.text
