"""Building QEMU's argv: the options of each key, and that no value can become an option."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import tomli_w
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.profile_files import CORPUS, HERE, SAMPLES, read_guest
from workbench.domain.command_line.argv import MONITORS, ArgvPart, Launch, argv_parts, qemu_argv
from workbench.domain.profile.boot import Flash
from workbench.domain.profile.cpu import HYPERV, Cpu
from workbench.domain.profile.devices.part import extra, key_text, resolve
from workbench.domain.profile.devices.scsi import CACHES
from workbench.domain.profile.text.parse import parse_profile
from workbench.domain.profile.text.shape import fields_of
from workbench.domain.units import MIB

if TYPE_CHECKING:
    from pathlib import Path

LAUNCH = Launch(
    "qemu-system-x86_64", "/run/wb/demo", "tcg", base="/home/me/vm", home="/home/me", kernel="/k", initrd="/i"
)

COMMA = {"-name", "-sandbox", "-msg", "-machine", "-chardev", "-mon", "-accel", "-cpu", "-smp", "-m"}
"""The options that the workbench writes in comma syntax."""


def options(text: str, launch: Launch = LAUNCH) -> list[tuple[str, ...]]:
    return [part.options for part in argv_parts(read_guest(text), launch)]


def devices(text: str) -> dict[str, dict[str, Any]]:
    """The devices of a profile by their ids."""
    found = [json.loads(part[1]) for part in options(text) if part[0] == "-device"]
    return {device["id"]: device for device in found}


class TestOptions:
    def test_the_whole_of_the_smallest_guest(self) -> None:
        launch = Launch("/usr/bin/qemu", "/run/wb/demo", "kvm")
        directory = "/run/wb/demo"
        monitors = []
        for name in MONITORS:
            monitors += ["-chardev", f"socket,id={name},path={directory}/{name}.sock,server=on,wait=off"]
            monitors += ["-mon", f"chardev={name},mode=control"]
        assert qemu_argv(read_guest("net = false\nballoon = false\nrng = false\nroot-ports = 0"), launch) == [
            "/usr/bin/qemu",
            *("-name", "guest=demo"),
            "-no-user-config",
            "-nodefaults",
            *("-display", "none"),
            *("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"),
            *("-msg", "timestamp=on"),
            *("-D", f"{directory}/trace.log"),
            *("-pidfile", f"{directory}/pid"),
            *("-machine", "q35,memory-backend=ram0"),
            *("-accel", "kvm"),
            *("-cpu", "host"),
            *("-smp", "1"),
            *("-m", "512M"),
            *("-object", '{"qom-type":"memory-backend-ram","id":"ram0","size":536870912}'),
            *monitors,
            "-chardev",
            f"socket,id=serial0,path={directory}/serial.sock,server=on,wait=off,logfile={directory}/serial.log,logappend=on",
            *("-serial", "chardev:serial0"),
        ]

    def test_newer_versions_get_monitor_objects(self) -> None:
        old, new = (options("", Launch("q", "/d", "tcg", version)) for version in ((11, 0), (11, 1)))
        assert ("-mon", "chardev=qmp-user,mode=control") in old
        assert ("-object", '{"qom-type":"monitor-qmp","id":"qmp-user-monitor","chardev":"qmp-user"}') in new
        assert not [part for part in new if part[0] == "-mon"]

    def test_a_percent_sign_in_the_directory_disables_only_the_trace_log(self) -> None:
        usual, percent = (options("", Launch("q", directory, "tcg")) for directory in ("/d", "/%d"))
        assert len(usual) == len(percent) + 1
        assert "-D" not in [part[0] for part in percent]

    def test_the_cpu_that_each_accelerator_has_by_default(self) -> None:
        assert ("-cpu", "max") in options("")
        assert ("-cpu", "host") in options("", Launch("q", "/d", "kvm"))
        assert ("-cpu", "qemu64") in options("cpu.model = 'qemu64'", Launch("q", "/d", "kvm"))

    def test_memory_always_has_a_backend_with_a_name(self) -> None:
        backends = [
            json.loads(part[1]) for path in CORPUS for part in options(path.read_text()) if part[0] == "-object"
        ]
        assert sum(backend["id"] == "ram0" for backend in backends) == len(CORPUS)

    def test_hugepages(self) -> None:
        text = "[memory.hugepages]\nnodes = [0, 2]"
        memfd = {
            "qom-type": "memory-backend-memfd",
            "id": "ram0",
            "size": 512 * MIB,
            "hugetlb": True,
            "hugetlbsize": 2 * MIB,
        }
        assert ("-object", dumps({**memfd, "prealloc": True, "host-nodes": [0, 2], "policy": "bind"})) in options(text)
        mounted = {"qom-type": "memory-backend-file", "id": "ram0", "size": 512 * MIB, "mem-path": "/h", "share": True}
        text = "[memory.hugepages]\nsource = '/h'\nprealloc = false"
        assert ("-object", dumps({**mounted, "prealloc": False})) in options(text)

    @pytest.mark.parametrize(
        ("memory", "reporting"), [("", True), ("[memory]\nhugepages = true", False), ("[memory]\nlock = true", False)]
    )
    def test_reporting_is_on_by_default_where_it_does_no_harm(self, memory: str, reporting: bool) -> None:
        assert devices(memory)["balloon0"]["free-page-reporting"] is reporting

    def test_a_kernel_gets_the_command_line_of_the_profile_or_a_serial_console(self) -> None:
        assert ("-append", "console=ttyS0") in options("boot.kernel = 'k'")
        assert ("-append", "quiet") in options("boot.kernel = 'k'\nboot.cmdline = 'quiet'")
        assert ("-append", "") in options("boot.kernel = 'k'\nboot.cmdline = ''")
        assert not [
            part for part in options("", Launch("q", "/d", "tcg")) if part[0] in ("-append", "-kernel", "-initrd")
        ]

    def test_a_long_serial_number_is_the_device_id_too(self) -> None:
        """QEMU refuses to take more than 20 characters of it for that by itself."""
        for length, more in ((20, {}), (21, {"device_id": "x" * 21})):
            disk = devices(f"[[scsi]]\n[[scsi.disk]]\nfile = 'd'\nserial = '{'x' * length}'")["disk0"]
            assert {key: disk[key] for key in ("serial", "device_id") if key in disk} == {
                "serial": "x" * length,
                **more,
            }

    def test_a_card_needs_no_rom_file(self) -> None:
        """Debian has iPXE's in a package of its own, and QEMU does not start without the file that a card names."""
        assert devices("")["net0"]["romfile"] == ""

    def test_extra_arguments_come_last_and_unchanged(self) -> None:
        parts = argv_parts(read_guest("qemu.args = ['-device', 'a,b', '-S', 'x', 'y']"), LAUNCH)
        assert [part.options for part in parts[-2:]] == [("-device", "a,b"), ("-S", "x", "y")]
        assert parts[-1].key == "qemu.args[2]"

    def test_each_option_names_the_key_that_made_it(self) -> None:
        guest = read_guest((HERE / "every-key.toml").read_text())
        keys = {part.options[0] + " " + part.key for part in argv_parts(guest, LAUNCH)}
        assert {
            "-netdev net[0]",
            "-device net[1]",
            "-device scsi[1]",
            "-blockdev scsi[0].disk[1]",
            "-device balloon",
        } <= keys
        assert {
            "-chardev serial[3]",
            "-object rng[0]",
            "-rtc qemu.args[0]",
            "-cpu cpu.model",
            "-append boot.cmdline",
        } <= keys
        assert ArgvPart(("-nodefaults",)) in argv_parts(guest, LAUNCH)

    @pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
    def test_every_declared_property_reaches_qemu_under_its_name(self, path: Path) -> None:
        guest = read_guest(path.read_text())
        values = [json.loads(part.options[1]) for part in argv_parts(guest, LAUNCH) if part.options[-1].startswith("{")]
        parts = [
            guest.balloon,
            *guest.rng,
            *guest.net,
            *guest.serial,
            *(disk for scsi in guest.scsi for disk in scsi.disk if disk.file is not None),
        ]
        for part in filter(None, parts):
            for field in fields_of(type(part)).values():
                value = getattr(part, field.name)
                for side in ("device", "backend"):
                    name = declared(type(part), field.name, side)
                    if name is not None and value is not None:
                        assert any(option.get(name) == value for option in values), (type(part), name)


class TestMachine:
    def test_processors(self) -> None:
        text = "[cpu]\ncount = 8\nsockets = 2\ncores = 2\nthreads = 2\nfeatures = ['+pdpe1gb', '-svm']"
        assert ("-smp", "8,sockets=2,cores=2,threads=2") in options(text)
        assert ("-cpu", "max,pdpe1gb=on,svm=off") in options(text)

    def test_dependencies_of_an_enlightenment_are_added(self) -> None:
        kvm = Launch("q", "/d", "kvm")
        assert ("-cpu", "host,hv-relaxed=on,hv-vpindex=on,hv-time=on,hv-synic=on,hv-stimer=on") in options(
            "cpu.hyperv = ['stimer', 'relaxed']", kvm
        )
        (usual,) = (part[1] for part in options("cpu.hyperv = true", kvm) if part[0] == "-cpu")
        assert "hv-spinlocks=0x1fff" in usual
        assert "hv-evmcs" not in usual
        assert options("cpu.hyperv = false", kvm) == options("", kvm)

    @given(st.lists(st.sampled_from(list(HYPERV)), unique=True))
    def test_no_enlightenment_without_what_it_needs(self, names: list[str]) -> None:
        on = Cpu(hyperv=tuple(names)).enlightenments()
        assert set(names) <= set(on)
        assert all(set(HYPERV[name]) <= set(on) for name in on)

    def test_the_emulators_options_are_for_the_emulator(self) -> None:
        text = "[tcg]\nthreads = 'single'\nbuffer = '64M'"
        assert ("-accel", "tcg,thread=single,tb-size=64") in options(text)
        assert ("-accel", "kvm") in options(text, Launch("q", "/d", "kvm"))

    def test_room_for_more_memory(self) -> None:
        assert ("-m", "size=512M,slots=4,maxmem=2048M") in options("[memory]\nmaximum = '2G'\nslots = 4")
        assert ("-m", "size=512M,slots=0,maxmem=1536M") in options("[memory.virtio-mem]\nsize = '1G'")
        assert ("-overcommit", "mem-lock=on") in options("memory.lock = true")
        assert devices("[memory.virtio-mem]\nsize = '1G'")["vmem0"] == {
            "driver": "virtio-mem-pci",
            "id": "vmem0",
            "addr": "1e.0",
            "memdev": "vmem0-ram",
            "requested-size": 0,
        }

    def test_flash_belongs_to_the_machine(self) -> None:
        launch = Launch("q", "/d", "tcg", flash=Flash("/c,ode", "/vars"))
        assert ("-machine", "q35,memory-backend=ram0,pflash0=uefi-code,pflash1=uefi-vars") in options("", launch)
        code, variables = (json.loads(part[1]) for part in options("", launch) if part[0] == "-blockdev")
        assert (code["file"]["filename"], code["read-only"]) == ("/c,ode", True)
        assert (variables["file"]["filename"], variables["read-only"]) == ("/vars", False)

    def test_only_a_bridge_lets_qemu_start_its_helper(self) -> None:
        sandbox = dict(part for part in options("[[net]]\nbackend = 'bridge'") if len(part) == 2)["-sandbox"]
        assert "spawn=allow" in sandbox
        assert (
            "spawn=deny"
            in dict(part for part in options("[[net]]\nbackend = 'tap'\ninterface = 't'") if len(part) == 2)["-sandbox"]
        )

    def test_the_order_of_booting(self) -> None:
        text = (
            "boot.order = ['net', 'disk']\n[[net]]\n[[scsi]]\n[[scsi.disk]]\nfile = 'a'\n[[scsi.disk]]\nmedia = 'cdrom'"
        )
        found = devices(text)
        assert (found["net0"]["bootindex"], found["disk0"]["bootindex"]) == (1, 2)
        assert "romfile" not in found["net0"], "a card boots from its option ROM"
        assert "bootindex" not in found["disk1"]
        assert devices("")["net0"]["romfile"] == ""

    def test_an_older_board_has_no_root_ports(self) -> None:
        assert not [name for name in devices("machine = 'pc'") if name.startswith("pcie-port")]
        assert [name for name in devices("root-ports = 1") if name.startswith("pcie-port")] == ["pcie-port0"]

    @pytest.mark.parametrize("mode", list(CACHES))
    def test_caches(self, mode: str) -> None:
        text = f"[[scsi]]\n[[scsi.disk]]\nfile = 'a'\ncache = '{mode}'"
        (node,) = (json.loads(part[1]) for part in options(text) if part[0] == "-blockdev")
        write_cache, direct, no_flush = CACHES[mode]
        assert node["cache"] == node["file"]["cache"] == {"direct": direct, "no-flush": no_flush}
        assert devices(text)["disk0"]["write-cache"] == ("on" if write_cache else "off")


class TestSlots:
    def test_the_five_devices_stand_where_they_always_stand(self) -> None:
        text = (SAMPLES / "demo.toml").read_text()
        assert {name: device["addr"] for name, device in devices(text).items() if "addr" in device} == {
            "net0": "01.0",
            "scsi0": "02.0",
            "balloon0": "03.0",
            "virtio-serial0": "04.0",
            "rng0": "05.0",
            "pcie-port0": "1c.0",
            "pcie-port1": "1c.1",
            "pcie-port2": "1c.2",
            "pcie-port3": "1c.3",
        }

    def test_the_board_s_own_usb_has_the_display_s_slot(self) -> None:
        usb = "[display]\n[machine-options]\nusb = 'on'\n"
        assert devices("[display]")["vga0"]["addr"] == "1d.0"
        assert devices(usb)["vga0"]["addr"] == "1b.0"
        assert devices(f"machine = 'pc'\n{usb}")["vga0"]["addr"] == "1d.0"
        assert parse_profile(usb + "[[net]]\n" * 22, name="x", file="x")[0] is not None
        assert parse_profile(usb + "[[net]]\n" * 23, name="x", file="x")[0] is None

    def test_one_more_entropy_source_moves_nothing(self) -> None:
        before, after = devices("[[net]]\n[[net]]\n[rng]"), devices("[[net]]\n[[net]]\n[[rng]]\n[[rng]]\nid = 'x'")
        assert {name: after[name] for name in before} == before
        assert [after[name]["addr"] for name in ("net1", "rng0", "x")] == ["06.0", "05.0", "07.0"]
        assert [after[name]["rng"] for name in ("rng0", "x")] == ["rng0-source", "x-source"]

    def test_one_more_card_moves_nothing(self) -> None:
        before, after = devices("[[net]]\n[[scsi]]"), devices("[[net]]\n[[net]]\n[[scsi]]\n[[scsi]]")
        assert {name: device["addr"] for name, device in before.items()}.items() <= {
            name: device["addr"] for name, device in after.items()
        }.items()
        assert (after["net1"]["addr"], after["scsi1"]["addr"]) == ("06.0", "07.0")

    def test_a_slot_is_hexadecimal_text(self) -> None:
        assert devices("[[net]]\n" * 12)["net11"]["addr"] == "10.0"

    def test_the_older_board_has_its_isa_bridge_in_the_first_slot(self) -> None:
        assert devices("machine = 'pc'")["net0"]["addr"] == "02.0"
        assert devices("machine = 'pc-q35-7.2'")["net0"]["addr"] == "01.0"

    @pytest.mark.parametrize(("machine", "cards"), [("q35", 23), ("pc", 22)])
    def test_a_full_board(self, machine: str, cards: int) -> None:
        text = f"machine = '{machine}'\n" + "[[net]]\n" * cards
        assert devices(text)[f"net{cards - 1}"]["addr"] == "1b.0"
        assert parse_profile(text + "[[net]]", name="x", file="x")[0] is None


class TestPaths:
    @pytest.mark.parametrize(
        ("text", "path"),
        [
            ("a/b", "/base/a/b"),
            ("/a", "/a"),
            ("~/a", "/home/me/a"),
            ("~x/a", "/base/~x/a"),
            ("./a", "/base/./a"),
        ],
    )
    def test_resolve(self, text: str, path: str) -> None:
        assert resolve(text, base="/base", home="/home/me") == path


PIECES = [
    ",",
    ",,",
    "=",
    '"',
    "'",
    "\\",
    "id=x",
    ",server=off",
    "}",
    "{",
    "-S",
    "%",
    "$",
    ":",
    "é",
    "#",
    "/",
    " ",
    "\n",
]
NASTY = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join),
)
SLOTS = [
    "description",
    "boot.kernel",
    "boot.initrd",
    "boot.cmdline",
    "scsi.disk.file",
    "rng[].source",
    "serial.name",
    "serial.path",
    "net.path",
    "machine-options.x",
]
"""The keys of a profile that take nearly any text."""


CLOSED = {
    "machine": "pc-q35-7.2",
    "machine-options": "hpet",
    "cpu.model": "max",
    "cpu.features": "+svm",
    "cpu.pin": "0-3",
    "net.id": "lan",
    "net.mac": "52:54:00:12:34:56",
    "net.slot": "12",
    "scsi.slot": "0d",
    "balloon.slot": "1a",
    "rng.slot": "9",
    "net.forward": "tcp:127.0.0.1:2222-:22",
    "net.interface": "tap0",
    "scsi.id": "hba",
    "scsi.disk.id": "root",
    "serial.id": "com",
    "rng.id": "dice",
    "balloon.ramp": "256M/5s",
    "memory.size": "64M",
    "memory.hugepages.source": "memfd",
}
"""Keys that take few texts, and one that each takes."""


class TestNothingBecomesAnOption:
    @given(st.fixed_dictionaries(dict.fromkeys(SLOTS, NASTY)), NASTY.filter(lambda text: not {"\0", "%"} & {*text}))
    @example(dict.fromkeys(SLOTS, ",,readonly=on,\n\"},{'x"), "a,b=c")
    @example(dict.fromkeys(SLOTS, "-daemonize"), "-S")
    @settings(deadline=None, max_examples=200)
    def test_any_string(self, texts: dict[str, str], directory: str) -> None:
        # What would be filled in is written so that it is not.
        profile, _ = parse_profile(tomli_w.dumps(document(texts)).replace("${", "$${"), name="demo", file="f")
        if profile is None:  # refused: a NUL, or no character
            return
        launch = Launch(
            "qemu", f"/run/{directory}", "tcg", base="/b", home="/h", kernel=texts["boot.kernel"], initrd="/i"
        )
        found = understood(argv_parts(profile, launch))
        usual = {slot: slot for slot in SLOTS}
        plain, _ = parse_profile(tomli_w.dumps(document(usual)), name="demo", file="f")
        assert plain is not None
        expected = understood(
            argv_parts(plain, Launch("qemu", "/run/d", "tcg", base="/b", home="/h", kernel="k", initrd="/i"))
        )
        assert shape(found) == shape(expected)
        assert ("-append", texts["boot.cmdline"]) in found
        assert ("-kernel", texts["boot.kernel"]) in found
        images = [value["file"]["filename"] for name, value in found if name == "-blockdev"]
        assert images == [launch.path(texts["scsi.disk.file"])]
        chardevs = {dict(value)["id"]: dict(value) for name, value in found if name == "-chardev"}
        assert chardevs["port0-chardev"]["path"] == launch.path(texts["serial.path"])
        assert chardevs["serial0"]["logfile"] == f"/run/{directory}/serial.log"

    @pytest.mark.parametrize("key", list(CLOSED))
    @given(
        st.lists(st.sampled_from(PIECES) | st.sampled_from(["0", "\0", "a", ".", "-", "+", "\u0663"]), max_size=5),
        st.data(),
    )
    @settings(deadline=None, max_examples=60)
    def test_a_restricted_string_cannot_end_a_value(self, key: str, pieces: list[str], data: st.DataObject) -> None:
        """Another text in the place of a good one is refused, or is one value as that was."""
        good = CLOSED[key]
        begin = data.draw(st.integers(0, len(good)))
        end = data.draw(st.integers(begin, len(good)))
        text = good[:begin] + "".join(pieces) + good[end:]
        # A path is also valid there, and selects another kind of memory.
        alike = "/memfd" if key == "memory.hugepages.source" and text.startswith("/") else good
        plain, problems = parse_profile(tomli_w.dumps(closed(key, alike)), name="demo", file="f")
        assert plain is not None, problems
        profile, _ = parse_profile(tomli_w.dumps(closed(key, text)).replace("${", "$${"), name="demo", file="f")
        if profile is not None:
            found, expected = (understood(argv_parts(one, LAUNCH)) for one in (profile, plain))
            assert sizes(found) == sizes(expected)

    @pytest.mark.parametrize("slot", [*SLOTS, "memory.hugepages.source", "qemu.args"])
    def test_a_string_of_ten_thousand_characters_is_rejected_with_its_limit_or_passed_whole(self, slot: str) -> None:
        """Nothing is cut short without a word."""
        long = "/" + "x" * 9_999
        texts = {name: long if name == slot else name.replace(".", "-") for name in SLOTS}
        values = document(texts)
        if slot == "memory.hugepages.source":
            values["memory"] = {"hugepages": {"source": long}}
        if slot == "qemu.args":
            values["qemu"] = {"args": ["-fw_cfg", long]}
        profile, problems = parse_profile(tomli_w.dumps(values), name="demo", file="f")
        if profile is None:
            (problem,) = problems
            assert re.search(r"at most [0-9,]+|of 1 to [0-9,]+", problem.message), problem
        else:
            assert long in qemu_argv(profile, LAUNCH)


def document(texts: dict[str, str]) -> dict[str, Any]:
    """A profile with a text in each place that takes any."""
    port = {"kind": "port", "name": texts["serial.name"], "path": texts["serial.path"]}
    return {
        "description": texts["description"],
        "boot": {key: texts[f"boot.{key}"] for key in ("kernel", "initrd", "cmdline")},
        "scsi": [{"disk": [{"file": texts["scsi.disk.file"]}]}],
        "rng": [{"source": texts["rng[].source"]}],
        "serial": [port],
        "net": [{"backend": "socket", "path": texts["net.path"]}],
        "machine-options": {"x": texts["machine-options.x"]},
    }


def closed(key: str, text: str) -> dict[str, Any]:
    """A profile with every device and a text in the place of one key."""
    values: dict[str, Any] = {
        "cpu": {"count": 2},
        "memory": {},
        "net": [{}],
        "scsi": [{"disk": [{"media": "cdrom"}]}],
        "serial": [{}],
        "rng": [{}],
        "balloon": {},
    }
    if key == "machine-options":
        return {**values, key: {text: "off"}}
    *tables, name = key.split(".")
    place = values
    for table in tables:
        place = place.setdefault(table, {})
        place = place[0] if isinstance(place, list) else place
    place[name] = [text] if name in ("features", "pin", "forward") else text
    if name == "interface":
        place["backend"] = "tap"
    return values


def sizes(found: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """How many values each option has, in each of them."""
    return [(option, size(value)) for option, value in found]


def size(value: object) -> object:
    if isinstance(value, dict):
        return {key: size(inner) for key, inner in value.items()}
    return [size(inner) for inner in value] if isinstance(value, list) else 1


def understood(parts: tuple[ArgvPart, ...]) -> list[tuple[str, Any]]:
    """The options as QEMU's parsers split them."""
    found: list[tuple[str, Any]] = []
    for part in parts:
        option, *values = part.options
        value = values[0] if values else ""
        if value.startswith("{") and option in ("-device", "-netdev", "-object", "-blockdev"):
            found.append((option, json.loads(value)))
        else:
            found.append((option, split_commas(value) if option in COMMA else value))
    return found


def split_commas(text: str) -> list[tuple[str, str]]:
    """QEMU's comma syntax (util/qemu-option.c, opts_do_parse()): a doubled comma is one that belongs to the value."""
    fields = [field.replace("\0", ",") for field in text.replace(",,", "\0").split(",")]
    return [(key, value) for key, _, value in (field.partition("=") for field in fields)]


def shape(found: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The options without what their values say."""
    return [(option, keys(value)) for option, value in found]


def keys(value: object) -> object:
    if isinstance(value, dict):
        return {key: keys(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [item[0] if isinstance(item, tuple) else keys(item) for item in value]
    return type(value).__name__


def declared(part: type, name: str, side: str) -> str | None:
    field = next(field for field in msgspec.structs.fields(part) if field.name == name)
    found: str | None = extra(field.type, side)
    return found


def dumps(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def test_key_of_a_part() -> None:
    assert ArgvPart(("-x",), ("net", 1)).key == key_text(("net", 1)) == "net[1]"
