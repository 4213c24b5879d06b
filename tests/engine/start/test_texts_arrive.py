"""QEMU gets every text of a profile unchanged, whatever characters it has, and otherwise the same as with a plain one."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.launched import ask, get, launch, launched
from tests.profile_files import NASTY, fake_kernel, qcow2, read_guest
from tests.real import each_qemu
from workbench.domain.command_line.argv import MONITORS
from workbench.domain.devices.qom import entries
from workbench.domain.profile.boot import Flash
from workbench.domain.profile.guest import GuestProfile
from workbench.domain.profile.text.shape import dotted_keys, fields_of
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from workbench.domain.command_line.argv import Launch
    from workbench.engine.qmp.monitor import Monitor

FILES = {
    "boot.kernel": 1,
    "boot.initrd": 1,
    "firmware.code": 1,
    "firmware.vars": 1,
    "memory.hugepages.source": 1,
    "net[].path": 2,
    "scsi[].disk[].file": 3,
    "serial[].path": 4,
    "rng[].source": 2,
}
"""Each key that takes a path, and how many of them are in the profile."""
WORDS = {"boot.cmdline": 1, "machine-options": 1, "scsi[].disk[].serial": 3, "serial[].name": 2}
"""Each key that takes a text that is no path."""
ELSEWHERE = {
    "extends": "read before there is a guest",
    "description": "for people: QEMU never sees it",
    "balloon.ramp": "the workbench's own",
    "balloon.presets": "the workbench's own",
    "cpu.pin": "the workbench's own",
    "qemu.args": "options of QEMU by intention",
    "machine": "a pattern without any character that could end it",
    "cpu.model": "a pattern without any character that could end it",
    "cpu.features": "a pattern without any character that could end it",
    "rng[].id": "a pattern without any character that could end it",
    "net[].id": "a pattern without any character that could end it",
    "net[].mac": "a pattern without any character that could end it",
    "net[].forward": "a pattern without any character that could end it",
    "net[].interface": "a tap needs rights that a test may not have: tests/engine/profiles/test_host_interfaces.py",
    "scsi[].id": "a pattern without any character that could end it",
    "scsi[].disk[].id": "a pattern without any character that could end it",
    "serial[].id": "a pattern without any character that could end it",
    "net[].slot": "a pattern without any character that could end it",
    "scsi[].slot": "a pattern without any character that could end it",
    "balloon.slot": "a pattern without any character that could end it",
    "rng[].slot": "a pattern without any character that could end it",
}
"""Keys of text that are not here, and why."""

PIECES = [
    ",", ",,", "=", '"', "'", "\\", "\n", "\r\n", "\t", " ", ":", "%", "%d", "$", "${dir}", "#", "{", "}", "[", "]", "~",
    "-S", "-daemonize", ",id=x", ",server=off", ",readonly=on", ",logfile=x", '"},{"driver":"e1000"', "json:{}", "nbd:",
    "fat:", "é", "ß", "\U0001f5a5", "\u202e", "\ufeff", "\x01", "\x7f",
]  # fmt: skip
"""What ends a value, begins another one, or means something to one of QEMU's parsers."""


def texts(most: int, *, without: str = "") -> st.SearchStrategy[str]:
    """Any text of at most so many bytes; what no command line carries is refused before (tests/domain/profile)."""
    letters = st.characters(codec="utf-8", exclude_characters="\0" + without).filter(is_character)
    pieces = [piece for piece in PIECES if not set(piece) & set(without)]
    found = st.one_of(
        st.text(letters, min_size=1, max_size=most),
        st.lists(st.sampled_from(pieces), min_size=1, max_size=8).map("".join),
        st.sampled_from(pieces).map(lambda piece: piece * (most // len(piece.encode()))),
    )
    return found.map(lambda text: text.encode()[:most].decode(errors="ignore")).filter(bool)


def is_character(letter: str) -> bool:
    return not (0xFDD0 <= ord(letter) <= 0xFDEF or ord(letter) & 0xFFFE == 0xFFFE)


def names(most: int) -> st.SearchStrategy[str]:
    """Names of files."""
    return texts(most, without="/").filter(lambda name: name not in (".", ".."))


@dataclasses.dataclass(frozen=True)
class Case:
    """A text for each place of each key."""

    directory: str
    """The state directory's name."""
    files: Mapping[str, tuple[str, ...]]
    words: Mapping[str, tuple[str, ...]]


def case_of(text: str, serial: str) -> Case:
    """The same text everywhere."""
    files = {key: (text,) * count for key, count in FILES.items()}
    words = {key: (serial if key == "scsi[].disk[].serial" else text,) * count for key, count in WORDS.items()}
    return Case(text, files, words | {"serial[].name": (text, f"{text},")})  # two ports cannot have one name


def case_of_many(texts: Sequence[str]) -> Case:
    """Another one of them in each place, in turn."""
    turn = itertools.cycle(texts)
    files = {key: tuple(next(turn) for _ in range(count)) for key, count in FILES.items()}
    words = {key: tuple(next(turn) for _ in range(count)) for key, count in WORDS.items()}
    return Case(texts[0], files, words | {"scsi[].disk[].serial": ("a,b", ",,x=y,", "quo\"te's\\")})


@st.composite
def cases(draw: st.DrawFn) -> Case:
    ascii_texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=36)
    kinds = {
        "boot.cmdline": texts(2047),
        "machine-options": texts(200),
        "scsi[].disk[].serial": ascii_texts,
        "serial[].name": texts(128),
    }
    # A socket's path has 107 bytes at most; of a file's, its name 255.
    lengths = {"net[].path": 60, "serial[].path": 60}
    # A % in the state directory's name costs the trace log: QEMU's rule (tests/domain/command_line/test_argv.py).
    return Case(
        draw(names(30).filter(lambda name: "%" not in name)),
        {key: tuple(draw(names(lengths.get(key, 255))) for _ in range(count)) for key, count in FILES.items()},
        {
            key: tuple(draw(st.lists(kinds[key], min_size=count, max_size=count, unique="name" in key)))
            for key, count in WORDS.items()
        },
    )


PLAIN = case_of("plain", "plain")


@each_qemu()
@example(case=case_of(",,readonly=on,\n\"},{'x", 'a,b="c",,'))
@example(case=case_of_many(NASTY))
@example(case=case_of(",id=x", "-S"))
@example(case=case_of("-daemonize", "-S"))
@example(case=case_of(" é\t\n ", "," * 36))
@given(case=cases())
@settings(
    deadline=None, max_examples=6, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate)
)  # without a search for the smallest: each try is a QEMU
def test_qemu_gets_each_text_unchanged_and_nothing_else(qemu: str, case: Case) -> None:
    values, rest = asyncio.run(told(qemu, case))
    plain_values, plain_rest = plainly(qemu)
    assert values.keys() == plain_values.keys()
    for key in sorted({*rest, *plain_rest}):
        assert rest.get(key) == plain_rest.get(key), key


@cache
def plainly(qemu: str) -> tuple[dict[str, object], dict[str, object]]:
    return asyncio.run(told(qemu, PLAIN))


def test_every_key_of_text_is_here_or_has_its_reason() -> None:
    assert set(text_keys()) == {*FILES, *WORDS, *ELSEWHERE}


def text_keys() -> Iterator[str]:
    """The keys that take a text which is no choice among words, or a list or table of such texts."""
    for key in dotted_keys(GuestProfile):
        part: Any = GuestProfile
        for step in key.split("."):
            shape = fields_of(part)[step.removesuffix("[]")].shape
            shape = shape.item or shape
            part = shape.bare
        if part is str:
            yield key


async def told(qemu: str, case: Case) -> tuple[dict[str, object], dict[str, object]]:
    """What QEMU says that each text is, checked against what was written; and all that it says beside."""
    with tempfile.TemporaryDirectory(prefix="wb-") as top:
        state, base = Path(top) / "s" / case.directory, Path(top) / "b"
        state.mkdir(parents=True)
        places = {
            key: [base / f"{key[:2]}{key[-2:]}{n}" / name for n, name in enumerate(case.files[key])] for key in FILES
        }
        made = make_files(places)
        guest = read_guest(tomli_w.dumps(document(case, places)).replace("${", "$${"))
        planned = launch_of(qemu, state, base, places)
        async with launched(guest, planned) as monitor:
            values = await read(monitor, case)
            assert values == wanted(case, places, state)
            listening = {*places["net[].path"], *places["serial[].path"]}
            assert {path for path in base.rglob("*") if not path.is_dir()} == made | listening
            sockets = {f"{name}.sock" for name in (*MONITORS, "serial", "vnc")}
            logs = {"serial.log", "pid", "qemu.log"}
            assert {path.name for path in state.iterdir()} - {"trace.log"} == sockets | logs
            assert list((Path(top) / "s").iterdir()) == [state]
            return values, await read_rest(monitor, str(top))


def make_files(places: Mapping[str, list[Path]]) -> set[Path]:
    """What stands there before QEMU starts."""
    made = set()
    for key, paths in places.items():
        for path in paths:
            path.parent.mkdir(parents=True)
            match key:
                case "boot.kernel":
                    fake_kernel(path)
                case "scsi[].disk[].file":
                    qcow2(path)
                case "memory.hugepages.source":
                    path.mkdir()
                    continue
                case "net[].path" | "serial[].path":
                    continue  # QEMU makes them
                case _:
                    path.write_bytes(bytes(1 << 16))
            made.add(path)
    return made


def document(case: Case, places: Mapping[str, list[Path]]) -> dict[str, Any]:
    """The profile, its paths relative where they may be."""
    base = places["boot.kernel"][0].parent.parent
    paths = {key: [str(path.relative_to(base)) for path in found] for key, found in places.items()}
    names, disks = case.words["serial[].name"], paths["scsi[].disk[].file"]
    ports: list[dict[str, Any]] = [{"kind": "port", "name": name} for name in names]
    ports += [{"backend": "file"}, {}]
    return {
        "machine-options": {"dt-compatible": case.words["machine-options"][0]},
        "memory": {
            "size": "16M",
            "hugepages": {"prealloc": False, "source": str(places["memory.hugepages.source"][0])},
        },
        "firmware": {"type": "uefi", "code": paths["firmware.code"][0], "vars": paths["firmware.vars"][0]},
        "boot": {
            "kernel": paths["boot.kernel"][0],
            "initrd": paths["boot.initrd"][0],
            "cmdline": case.words["boot.cmdline"][0],
        },
        "net": [{"backend": "socket", "listen": True, "path": path} for path in paths["net[].path"]],
        "scsi": [
            {
                "disk": [
                    {"file": file, "serial": serial}
                    for file, serial in zip(disks, case.words["scsi[].disk[].serial"], strict=True)
                ]
            }
        ],
        "serial": [{**port, "path": path} for port, path in zip(ports, paths["serial[].path"], strict=True)],
        "rng": [{"source": path} for path in paths["rng[].source"]],
        "display": {},
    }


def launch_of(qemu: str, state: Path, base: Path, places: Mapping[str, list[Path]]) -> Launch:
    kernel, initrd, code, variables = (
        str(places[key][0]) for key in ("boot.kernel", "boot.initrd", "firmware.code", "firmware.vars")
    )
    return replace(launch(qemu, state, kernel, initrd), base=str(base), flash=Flash(code, variables))


def wanted(case: Case, places: Mapping[str, list[Path]], state: Path) -> dict[str, object]:
    """What :func:`read` must find."""
    served = ("disconnected:unix:{},server=on").format
    ports = [served(path) for path in places["serial[].path"]]
    ports[2] = "file"
    return {
        **{
            key: [str(path) for path in found]
            for key, found in places.items()
            if key not in ("net[].path", "serial[].path")
        },
        **{key: list(found) for key, found in case.words.items()},
        "serial[].path": ports,
        "monitors": {name: served(state / f"{name}.sock") for name in (*MONITORS, "serial0") if name != "qmp-cli"}
        | {"serial0": served(state / "serial.sock")},
        "vnc": str(state / "vnc.sock"),
        "name": "demo",
    }


async def read(monitor: Monitor, case: Case) -> dict[str, object]:
    nodes = {node["node-name"]: node["image"]["filename"] for node in await ask(monitor, "query-named-block-nodes")}
    chardevs = {one["label"]: one["filename"] for one in await ask(monitor, "query-chardev")}

    async def each(path: str, name: str, count: int) -> list[object]:
        return [await get(monitor, path.format(number), name) for number in range(count)]

    ports = len(case.files["serial[].path"])
    return {
        "boot.kernel": await each("/machine", "kernel", 1),
        "boot.initrd": await each("/machine", "initrd", 1),
        "boot.cmdline": await each("/machine", "append", 1),
        "machine-options": await each("/machine", "dt-compatible", 1),
        "firmware.code": [nodes["uefi-code"]],
        "firmware.vars": [nodes["uefi-vars"]],
        "memory.hugepages.source": await each("/objects/ram0", "mem-path", 1),
        "scsi[].disk[].file": [nodes[f"disk{n}-image"] for n in range(FILES["scsi[].disk[].file"])],
        "scsi[].disk[].serial": await each("/machine/peripheral/disk{}", "serial", WORDS["scsi[].disk[].serial"]),
        "serial[].name": await each("/machine/peripheral/port{}", "name", WORDS["serial[].name"]),
        "serial[].path": [chardevs[f"port{n}-chardev"] for n in range(ports)],
        "rng[].source": await each("/objects/rng{}-source", "filename", FILES["rng[].source"]),
        "monitors": {name: chardevs[name] for name in (*MONITORS, "serial0") if name != "qmp-cli"},
        "vnc": (await ask(monitor, "query-vnc"))["service"],
        "name": (await ask(monitor, "query-name"))["name"],
    }


OF_TEXT = {"kernel", "initrd", "append", "dt-compatible", "mem-path", "serial", "device_id", "name", "filename"} | {
    "rtc-time"
}
"""Properties that hold a text, compared above; a disk's ``device_id`` is its serial (QEMU: hw/scsi/scsi-disk.c). And
what time it is."""


async def read_rest(monitor: Monitor, top: str) -> dict[str, object]:
    """Which devices, objects, chardevs, block nodes and networks there are, and every other property of them."""
    found: dict[str, object] = {
        "machine": await properties(monitor, "/machine"),
        "status": await ask(monitor, "query-status"),
        "networks": [
            line.split(":")[0] for line in (await monitor.hmp("info network")).splitlines() if line[:1] != " "
        ],
    }
    for command, key in (
        ("query-named-block-nodes", "node-name"),
        ("query-chardev", "label"),
        ("query-block", "qdev"),
        ("query-iothreads", "id"),
        ("query-memdev", "id"),
    ):
        # A node that has no name gets one with a number of chance (QEMU: util/id.c, id_generate()).
        found[command] = sorted(re.sub(r"^#block\d+", "#block", one[key]) for one in await ask(monitor, command))
    for root in ("/machine/peripheral", "/machine/peripheral-anon", "/objects", "/chardevs", "/machine/unattached"):
        children = {str(one["name"]): str(one["type"]) for one in await listing(monitor, root)}
        found[root] = children
        if root in ("/machine/peripheral", "/objects"):
            found |= {
                f"{root}/{name}": await properties(monitor, f"{root}/{name}")
                for name, type_ in children.items()
                if type_.startswith("child<")
            }
    return found


async def listing(monitor: Monitor, path: str) -> list[Any]:
    return list(entries(await monitor.execute("qom-list", {"path": path})))


async def properties(monitor: Monitor, path: str) -> dict[str, object]:
    names = [str(one["name"]) for one in await listing(monitor, path) if one["name"] not in OF_TEXT]
    return dict(zip(names, await asyncio.gather(*(value(monitor, path, name) for name in names)), strict=True))


async def value(monitor: Monitor, path: str, name: str) -> object:
    try:
        return await get(monitor, path, name)
    except CommandFailed as error:
        return str(error)
