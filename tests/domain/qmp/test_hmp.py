"""Lines for the human monitor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.qmp.schemas import SCHEMA
from workbench.domain.qmp.completion.complete import complete
from workbench.domain.qmp.hmp import command_of, parse_help
from workbench.domain.qmp.lookups import Kind, Known, Lookup

HELP = """announce_self [interfaces] [id] -- Announce\r
drive_add [-n] slot\r
[file=file][,if=type]\r
[,unit=m] -- add a drive\r
dump [-p] file -- dump memory\r
\t\t\t -p: do paging\r
info [subcommand] -- show things\r
system_reset  -- reset it\r
help|? [cmd] -- show the help\r
quit|q  -- end it\r
"""
HELP += """device_add driver[,prop=value][,...] -- add device\r
device_del device -- remove device\r
set_link name on|off -- change the link\r
screendump filename [-f format] [device [head]] -- save the screen\r
commit device|all -- commit changes\r
qom-get path property -- print it\r
"""
INFO = "info balloon  -- show it\r\ninfo block [-n] [device] -- show disks\r\n\r\n"
KNOWN = {
    Lookup(Kind.HMP): parse_help(HELP),
    Lookup(Kind.HMP, "info"): parse_help(INFO, "info"),
    Lookup(Kind.DEVICE): (Known("nic0"), Known("rng0")),
    Lookup(Kind.NET): (Known("nic0"),),
    Lookup(Kind.OBJECT): (Known("obj0"),),
    Lookup(Kind.DRIVE): (Known("disk0"),),
    Lookup(Kind.NODE): (Known("node0"),),
    Lookup(Kind.CHILD, "/"): (Known("/machine"),),
    Lookup(Kind.PROPERTY, "/machine"): (Known("type"),),
    Lookup(Kind.DRIVER): (Known("virtio-rng-pci"), Known("virtio-net-pci")),
    Lookup(Kind.DRIVER_PROPERTY, "virtio-rng-pci"): (Known("rng", "link"),),
}


def test_help_is_read() -> None:
    assert {one.value: (one.arguments, one.detail) for one in parse_help(HELP)} == {
        "announce_self": ("[interfaces] [id]", "Announce"),
        "drive_add": ("[-n] slot\n[file=file][,if=type]\n[,unit=m]", "add a drive"),
        "dump": ("[-p] file", "dump memory\n-p: do paging"),
        "info": ("[subcommand]", "show things"),
        "system_reset": ("", "reset it"),
        "help": ("[cmd]", "show the help"),
        "quit": ("", "end it"),
        "q": ("", "end it"),
        "device_add": ("driver[,prop=value][,...]", "add device"),
        "device_del": ("device", "remove device"),
        "set_link": ("name on|off", "change the link"),
        "screendump": ("filename [-f format] [device [head]]", "save the screen"),
        "commit": ("device|all", "commit changes"),
        "qom-get": ("path property", "print it"),
    }
    assert parse_help(INFO, "info") == (
        Known("balloon", "show it"),
        Known("block", "show disks", arguments="[-n] [device]"),
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("!an", ["announce_self "]),
        ("! system-r", ["system_reset"]),
        ("!q", ["quit", "q"]),
        ("!info ", ["balloon", "block "]),
        ("  !  info  bl", ["block "]),
        ("!help d", ["drive_add ", "dump "]),
        ("!info block d", ["disk0"]),
        ("!info block disk0 ", ["-n"]),
        ("!info block -", ["-n"]),
        ("!info block -n ", ["disk0", "node0"]),
        ("!info balloon ", []),
        ("!dump ", ["-p"]),
        ("!dump -p ", []),
        ("!no-such ", []),
        ("!device_del ", ["nic0", "rng0"]),
        ("!device_del r", ["rng0"]),
        ("!device_del rng0 ", []),
        ("!set_link nic0 ", ["on", "off"]),
        ("!set_link nic0 of", ["off"]),
        ("!screendump -f ", []),
        ("!screendump -f png x ", ["nic0", "rng0"]),
        ("!commit ", ["disk0", "all"]),
        ("!qom-get /m", ["/machine"]),
        ("!qom-get /machine t", ["type"]),
        ("!device_add virtio-r", ["virtio-rng-pci"]),
        ("!device_add virtio-rng-pci,b", ["bus="]),
        ("!device_add virtio-rng-pci,bus=pcie.0,", ["id=", "rng="]),
        ("!device_add virtio-rng-pci,rng=", ["obj0"]),
        ("!device_add virtio-rng-pci,rng=obj0 ", []),
    ],
)
def test_lines_are_completed(line: str, expected: list[str]) -> None:
    found = complete(SCHEMA, line, len(line), lambda lookup: KNOWN.get(lookup, ()))
    assert [one.text for one in found][: len(expected)] == expected
    assert bool(found) == bool(expected)
    if "," in line:
        return
    typed = line.replace("!", " ").split(" ")[-1]
    assert all(one.start == len(line) - len(typed) for one in found)


def test_all_commands_behind_the_mark() -> None:
    assert len(complete(SCHEMA, "!", 1, lambda lookup: KNOWN.get(lookup, ()))) == len(parse_help(HELP))


@given(st.text() | st.text("ab |-[]\r\n\t"), st.text("! infohelp") | st.text("ab- ,=|"))
def test_any_help_and_any_line(text: str, line: str) -> None:
    known = parse_help(text)
    for head in (f"!{line}", *(f"!{one.value} {line}" for one in known)):
        for one in complete(SCHEMA, head, len(head), lambda _: known):
            assert 1 <= one.start <= len(head)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("device_del rng0", "device_del"),
        ("info block -n disk0", "info block"),
        ("info bl", "info bl"),
        ("info", "info"),
        ("info ", "info"),
        ("  help dump", "dump"),
        ("help", "help"),
        ("", ""),
    ],
)
def test_the_command_of_a_line(line: str, name: str) -> None:
    assert command_of(line) == name
