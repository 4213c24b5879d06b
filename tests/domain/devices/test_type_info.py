"""Property values, defaults, and which properties can be set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.devices.qom import Node, Property
from workbench.domain.devices.qom_values import RANGES, parse_value
from workbench.domain.devices.type_info import Access, PropertyInfo, TypeInfo, access, harm, is_refusal
from workbench.domain.qmp.values import BadValue

INFO = TypeInfo(
    "virtio-balloon-pci",
    {
        "vectors": PropertyInfo("vectors", "uint32", "", 4294967295, True),
        "modern": PropertyInfo("modern", "bool", "on/off", True, True),
        "disable-legacy": PropertyInfo("disable-legacy", "OnOffAuto", "on/off/auto", "auto", True),
        "guest-stats-polling-interval": PropertyInfo("guest-stats-polling-interval", "int"),
    },
)
NODE = Node("/machine/peripheral/b", "virtio-balloon-pci", (Property("realized", "bool", True),))


def test_a_default_is_shown_where_the_value_differs() -> None:
    assert INFO.changed_default(Property("vectors", "uint32", 4294967295)) is None
    changed = INFO.changed_default(Property("vectors", "uint32", 0))
    assert changed is not None
    assert changed.default == 4294967295
    assert INFO.changed_default(Property("modern", "bool", True)) is None
    assert INFO.changed_default(Property("modern", "bool", False)) is not None
    assert INFO.changed_default(Property("disable-legacy", "OnOffAuto", "off")) is not None
    assert INFO.changed_default(Property("unknown", "int", 5)) is None
    assert INFO.changed_default(Property("vectors", "uint32", error="gone")) is None
    assert (
        TypeInfo("x", {"a": PropertyInfo("a", "bool", "", "on", True)}).changed_default(Property("a", "", True)) is None
    )
    assert (
        TypeInfo("x", {"a": PropertyInfo("a", "int", "", 1, True)}).changed_default(Property("a", "", True)) is not None
    )


@pytest.mark.parametrize(
    ("name", "kind", "wanted"),
    [
        ("guest-stats-polling-interval", "int", Access.SETTABLE),
        ("bootindex", "int32", Access.SETTABLE),
        ("vectors", "uint32", Access.READ_ONLY),
        ("iothread", "link<iothread>", Access.READ_ONLY),
        ("type", "string", Access.READ_ONLY),
        ("realized", "bool", Access.UNKNOWN),
        ("something", "int", Access.UNKNOWN),
    ],
)
def test_what_can_be_set_in_a_running_guest(name: str, kind: str, wanted: Access) -> None:
    assert access(NODE, Property(name, kind, 1), INFO)[0] is wanted


def test_what_may_harm_is_asked_about() -> None:
    assert harm(NODE, Property("guest-stats-polling-interval", "int", 1)) == ""
    assert "without asking the guest" in harm(NODE, Property("realized", "bool", True))
    assert "is unknown" in harm(NODE, Property("something", "int", 1))


@pytest.mark.parametrize(
    "words",
    [
        "Property 'virtio-balloon-device.guest-stats' is not writable",
        "Attempt to set property 'deflate-on-oom' on anonymous device (type 'x') after it was realized",
        "Insufficient permission to perform this operation",
    ],
)
def test_refusals_that_say_read_only(words: str) -> None:
    assert is_refusal(words)
    assert not is_refusal("Invalid parameter type for 'x', expected: integer")


@pytest.mark.parametrize(
    ("text", "one", "value"),
    [
        ("on", Property("a", "bool", False), True),
        (" FALSE ", Property("a", "bool", True), False),
        ("0x10", Property("a", "uint8", 1), 16),
        ("64M", Property("a", "size", 0), 64 << 20),
        ("-1", Property("a", "int32", 0), -1),
        ("7", Property("a", "strange", 1), 7),
        ("auto", Property("a", "OnOffAuto", "off"), "auto"),
        ("[1, 2]", Property("a", "uint16List", [0]), [1, 2]),
        (" as it is ", Property("a", "str", ""), " as it is "),
        ("5", Property("a", "string", "x"), "5"),
    ],
)
def test_a_text_becomes_what_the_property_takes(text: str, one: Property, value: object) -> None:
    found = parse_value(text, one)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ("maybe", Property("a", "bool", False)),
        ("256", Property("a", "uint8", 1)),
        ("-1", Property("a", "uint64", 1)),
        ("many", Property("a", "int", 1)),
        ("[1", Property("a", "uint16List", [0])),
        ("[1] 2", Property("a", "uint16List", [0])),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, one: Property) -> None:
    with pytest.raises(BadValue):
        parse_value(text, one)


@given(st.sampled_from(sorted(RANGES)), st.integers(-(2**70), 2**70))
def test_integers_keep_to_their_type(kind: str, number: int) -> None:
    least, greatest = RANGES[kind]
    one = Property("a", kind, 0)
    if least <= number <= greatest:
        assert parse_value(str(number), one) == number
    else:
        with pytest.raises(BadValue):
            parse_value(str(number), one)
