"""Parsing profiles: defaults, and every kind of problem at its place, all at once."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.profile_files import CORPUS, read_guest
from workbench.domain.profile.cpu import HYPERV
from workbench.domain.profile.devices.part import key_text
from workbench.domain.profile.guest import GuestProfile
from workbench.domain.profile.names import NAME_MAX, check_name
from workbench.domain.profile.problems import Problem
from workbench.domain.profile.text.parse import parse, parse_profile
from workbench.domain.profile.text.shape import dotted_keys
from workbench.domain.units import MIB, format_size

AN_ID = "an id: a letter, then at most 19 letters, digits, '.', '_' or '-'"


def complaints(text: str, name: str = "demo") -> list[str]:
    """What is wrong, without the file's name: ``3:1: cpu.count: 0 is …``."""
    profile, problems = parse_profile(text, name=name, file="demo.toml")
    assert (profile is None) == bool(problems)
    return [str(problem).removeprefix("demo.toml").removeprefix(":").strip() for problem in problems]


class TestDefaults:
    def test_an_empty_file_is_a_good_guest(self) -> None:
        guest = read_guest("")
        assert (guest.name, guest.machine, guest.accelerator) == ("demo", "q35", "auto")
        assert guest.memory.size == 512 * MIB
        assert guest.memory.hugepages is None
        assert [net.id for net in guest.net] == ["net0"]
        assert guest.balloon is not None
        assert guest.balloon.deflate_on_oom
        assert len(guest.rng) == 1
        assert guest.scsi == ()
        assert guest.serial == ()

    def test_false_switches_a_device_off(self) -> None:
        guest = read_guest("balloon = false\nrng = false\nnet = false\nserial = false")
        assert (guest.balloon, guest.rng, guest.net, guest.serial) == (None, (), (), ())
        assert read_guest("net = []").net == ()

    def test_true_is_a_device_as_it_is_by_default(self) -> None:
        assert read_guest("balloon = true") == read_guest("")
        assert read_guest("[memory]\nhugepages = true").memory.hugepages is not None

    def test_devices_without_an_id_are_numbered(self) -> None:
        guest = read_guest(
            "[[net]]\n[[net]]\nid='lan'\n[[scsi]]\n[[scsi.disk]]\nfile='a'\n[[scsi]]\n[[scsi.disk]]\nfile='b'"
        )
        assert [net.id for net in guest.net] == ["net0", "lan"]
        assert [(scsi.id, [disk.id for disk in scsi.disk]) for scsi in guest.scsi] == [
            ("scsi0", ["disk0"]),
            ("scsi1", ["disk1"]),
        ]

    def test_a_profile_is_a_value(self) -> None:
        texts = [path.read_text() for path in CORPUS]
        assert {read_guest(text) for text in texts} == {read_guest(text) for text in texts}
        with pytest.raises(AttributeError):
            read_guest("").memory.size = 1  # type: ignore[misc]


class TestSizes:
    @pytest.mark.parametrize("text", ["256M", "256 MiB", "0.25G", "262144K", "268435456"])
    def test_a_size_is_a_text_or_a_number_of_bytes(self, text: str) -> None:
        assert read_guest(f'[memory]\nsize = "{text}"').memory.size == 256 * MIB

    def test_a_number_is_bytes(self) -> None:
        assert read_guest(f"[memory]\nsize = {256 * MIB}").memory.size == 256 * MIB

    @given(st.integers(16, 8 << 20))
    def test_every_size_is_read_back(self, mib: int) -> None:
        assert read_guest(f'[memory]\nsize = "{format_size(mib * MIB)}"').memory.size == mib * MIB


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("machin = 'q35'", "1:1: machin: unknown key: did you mean machine?"),
            ("[net]", "1:2: net: a table is not a list: write [[net]]"),
            ("[[balloon]]", "1:3: balloon: a list is not a table: write [balloon]"),
            ("size = '1G'", "1:1: size: unknown key: did you mean memory.size?"),
            ("name = 'x'", "1:1: name: unknown key: a guest is named after its file, without .toml"),
            (
                "[cpu]\nxyz = 1",
                "2:1: cpu.xyz: unknown key: valid keys are model, features, count, sockets, cores, threads, pin, hyperv",
            ),
            ("[cpu]\n  count = '2'", '2:3: cpu.count: "2" is not a whole number from 1 to 255'),
            ("[cpu]\ncount = true", "2:1: cpu.count: true is not a whole number from 1 to 255"),
            ("[cpu]\ncount = 256", "2:1: cpu.count: 256 is not a whole number from 1 to 255"),
            ("[cpu]\nmodel = 'max,+x'", '2:1: cpu.model: "max,+x" is not a CPU model such as max or Skylake-Client'),
            (
                "[cpu]\nfeatures = ['svm']",
                "2:13: cpu.features[0]: 'svm' is not a feature: write +pdpe1gb to add one, -svm to remove one",
            ),
            ("[cpu]\nfeatures = ['+svm', '-svm']", "2:21: cpu.features[1]: svm is listed twice"),
            ("[cpu]\ncount = 4\ncores = 3", "2:1: cpu.count: 4 CPUs do not match 3 cores"),
            (
                "[cpu]\ncount = 4\nsockets = 1\ncores = 2\nthreads = 1",
                "2:1: cpu.count: 4 CPUs do not match 1 sockets × 2 cores × 1 threads",
            ),
            ("[cpu]\npin = ['3-1']", "2:8: cpu.pin[0]: '3-1' is not a list of host CPUs: write 0, 2-3 or 0,4-7"),
            (
                "[cpu]\nhyperv = ['relax']",
                '2:11: cpu.hyperv[0]: unknown value "relax": did you mean relaxed?',
            ),
            ("[cpu]\nhyperv = ['q']", f'2:11: cpu.hyperv[0]: "q" is not one of {", ".join(HYPERV)}'),
            (
                "accelerator = 'tcg'\ncpu.hyperv = true",
                "2:5: cpu.hyperv: TCG has no Hyper-V enlightenments, and QEMU would ignore them silently: use KVM or remove them",
            ),
            ("[tcg]\nbuffer = '1537K'", "2:1: tcg.buffer: 1537K is not a whole number of MiB"),
            ("[memory]\nslots = 2", "2:1: memory.slots: slots need room to grow: set maximum too"),
            ("[memory]\nmaximum = '256M'", "2:1: memory.maximum: 256M is less than the 512M in use"),
            ("[memory]\npolicy = 'bind'", "2:1: memory.policy: a policy needs nodes"),
            (
                "[memory]\nnodes = [0]\n[memory.hugepages]\nnodes = [0]",
                "2:1: memory.nodes: already set by memory.hugepages.nodes: keep one of the two",
            ),
            (
                "[memory.virtio-mem]\nsize = '64M'\nrequested = '2M'\nblock = '4M'",
                "3:1: memory.virtio-mem.requested: 2M is not a multiple of the block of 4M",
            ),
            (
                "cpu.features = ['+avx', '-apic']",
                "1:25: cpu.features[1]: this removes the APIC, which root ports need for their interrupts: set root-ports = 0",
            ),
            (
                "cpu.model = '486'",
                "1:5: cpu.model: 486 has no APIC, which root ports need for their interrupts: set root-ports = 0",
            ),
            ("memory.virtio-mem = true", "1:8: memory.virtio-mem: true is not a table: write [memory.virtio-mem]"),
            (
                "[memory]\nlock = true\n[memory.virtio-mem]\nsize = '64M'",
                "2:1: memory.lock: memory of virtio-mem cannot be locked: keep one of the two",
            ),
            (
                "[memory.hugepages]\nsize = '1G'\n[memory]\nsize = '1G'\n[memory.virtio-mem]\nsize = '2G'\nblock = '2M'",
                "7:1: memory.virtio-mem.block: 2M is less than a 1G hugepage",
            ),
            (
                "[memory]\nsize = '1G'\nhugepages.size = '1G'\nvirtio-mem = { size = '2G', requested = '512M' }",
                "4:29: memory.virtio-mem.requested: 512M is not a multiple of the 1G hugepages",
            ),
            (
                "[memory]\nsize = '1G'\nhugepages.size = '1G'\nvirtio-mem = { size = '512M' }",
                "4:16: memory.virtio-mem.size: 512M is not a multiple of the 1G hugepages",
            ),
            ("[memory.virtio-mem]\nsize = '3M'", "2:1: memory.virtio-mem.size: 3M is not a whole number of 2M blocks"),
            (
                "[memory.virtio-mem]\nsize = '4M'\nrequested = '6M'",
                "3:1: memory.virtio-mem.requested: 6M is more than its size of 4M",
            ),
            (
                "[memory.virtio-mem]\nsize = '6M'\nblock = '4M'",
                "2:1: memory.virtio-mem.size: 6M is not a multiple of the block of 4M",
            ),
            (
                "[memory.virtio-mem]\nsize = '6M'\nblock = '6M'",
                "3:1: memory.virtio-mem.block: 6M is not a power of two",
            ),
            ("[boot]\norder = ['net', 'net']", "2:17: boot.order[1]: net is listed twice"),
            ("[firmware]\ncode = 'c'", '2:1: firmware.code: code is for type = "uefi"'),
            (
                "machine = 'pc'\nroot-ports = 1",
                "2:1: root-ports: pc has no PCI Express, and its PCI bus is hot-pluggable without root ports",
            ),
            ("[machine-options]\naccel = 'kvm'", "2:1: machine-options.accel: set by another key: accelerator"),
            (
                "[machine-options]\n'a,b' = 'x'",
                "2:1: machine-options.\"a,b\": not a machine option: its name has lower-case letters, digits and '-'",
            ),
            (
                "[machine-options]\nhpet = false",
                '2:1: machine-options.hpet: false is not a string of at most 200 characters such as "on" or "off"',
            ),
            (
                "[[net]]\nbackend = 'tap'",
                '2:1: net[0].backend: backend = "tap" needs an interface, such as interface = "tap0"',
            ),
            ("[[net]]\ninterface = 'tap0'", '2:1: net[0].interface: backend = "user" has no interface'),
            (
                "[[net]]\nbackend = 'tap'\ninterface = 'a,b'",
                '3:1: net[0].interface: "a,b" is not an interface name such as tap0',
            ),
            ("[[net]]\nbackend = 'socket'", '2:1: net[0].backend: backend = "socket" needs the path of its socket'),
            ("[[net]]\nlisten = true", '2:1: net[0].listen: backend = "user" has no socket'),
            (
                "[[net]]\nqueues = 2",
                '2:1: net[0].queues: backend = "user" has one queue pair; only "tap" can have more',
            ),
            (
                "[[scsi]]\n[[scsi.disk]]\nfile = 'f'\nsize = '1000'",
                "4:1: scsi[0].disk[0].size: 1000 is not a whole number of 512-byte sectors",
            ),
            (
                "[[scsi]]\n[[scsi.disk]]\nmedia = 'cdrom'\nsize = '1M'",
                "4:1: scsi[0].disk[0].size: no image can be created for a CD drive",
            ),
            (
                "[[scsi]]\n[[scsi.disk]]\nfile = 'f'\nserial = 'é'",
                '4:1: scsi[0].disk[0].serial: "é" is not a serial number of 1 to 36 ASCII characters',
            ),
            (
                "[[serial]]\nkind = 'agent'\nname = 'x'",
                "3:1: serial[0].name: the guest agent's port is always named org.qemu.guest_agent.0",
            ),
            ("[display]\nvnc = 'loopback'", '2:1: display.vnc: vnc = "loopback" needs a port, such as port = 5901'),
            ("[display]\nport = 5901", '2:1: display.port: a socket has no port: set vnc = "loopback" or remove port'),
            ("machine = 'microvm'", '1:1: machine: "microvm" is not a PC machine type such as q35, pc or pc-q35-7.2'),
            ("machine = 'q35,x=y'", '1:1: machine: "q35,x=y" is not a PC machine type such as q35, pc or pc-q35-7.2'),
            ('machine = "q35\\n"', '1:1: machine: "q35\\n" is not a PC machine type such as q35, pc or pc-q35-7.2'),
            ("accelerator = 'kmv'", '1:1: accelerator: "kmv" is not one of auto, kvm, tcg: did you mean kvm?'),
            (
                "description = 2026-01-02",
                "1:1: description: a date or time is not a string of at most 1,000 characters",
            ),
            ("[memory]\nsize = '12Q'", "2:1: memory.size: '12Q' is not a size: use 256M, 1.5G or a number of bytes"),
            ("[memory]\nsize = -1", "2:1: memory.size: '-1' is negative: a size must be 0 or more"),
            ("[memory]\nsize = 1.5", "2:1: memory.size: 1.5 is not a size such as 256M or a number of bytes"),
            ("[memory]\nsize = '1M'", "2:1: memory.size: 1M is too small: at least 16M"),
            ("[memory]\nsize = '16T'", "2:1: memory.size: 16T is too large: at most 8T"),
            ("[memory]\nsize = '16385K'", "2:1: memory.size: 16385K is not a whole number of MiB"),
            (
                "[memory]\nsize = '513M'\nhugepages.size = '2M'",
                "2:1: memory.size: 513M is not a multiple of the 2M hugepages",
            ),
            ("[[net]]\nslot = '03'", "2:1: net[0].slot: slot 03 is balloon's"),
            ("[[net]]\nslot = '9'\n[rng]\nslot = '09'", "4:1: rng.slot: slot 09 is net[0]'s"),
            ("machine = 'pc'\n[balloon]\nslot = '1'", "3:1: balloon.slot: slot 01 is the board's own"),
            ("[balloon]\nslot = '1c'", "2:1: balloon.slot: slot 1c is the root ports'"),
            (
                "[balloon]\nslot = '1f'",
                '2:1: balloon.slot: "1f" is not a PCI slot from "01" to "1e", in hexadecimal as lspci shows it',
            ),
            (
                "[memory.hugepages]\nsize = '4M'",
                "2:1: memory.hugepages.size: 4M is not a hugepage size: 2M or 1G",
            ),
            (
                "[memory.hugepages]\nsource = 'huge'",
                '2:1: memory.hugepages.source: "huge" is not memfd or an absolute path of at most 4,095 characters '
                "such as /dev/hugepages",
            ),
            ("[memory.hugepages]\nnodes = [0, 1, 0]", "2:16: memory.hugepages.nodes[2]: node 0 is listed twice"),
            (
                "[memory.hugepages]\nnodes = ['a']",
                '2:10: memory.hugepages.nodes[0]: "a" is not a whole number from 0 to 1,023',
            ),
            (
                "[boot]\nguest = 'demo'\nkernel = 'k'",
                '3:1: boot.kernel: guest = "demo" has its own kernel: keep one of the two',
            ),
            (
                "[boot]\nguest = 'demo'\ninitrd = 'k'",
                '3:1: boot.initrd: guest = "demo" has its own initrd: keep one of the two',
            ),
            ("[boot]\ninitrd = 'k'", "2:1: boot.initrd: an initrd needs a kernel"),
            ("[boot]\ncmdline = 'k'", "2:1: boot.cmdline: a command line needs a kernel"),
            (
                f"[boot]\nkernel = 'k'\ncmdline = '{'é' * 1024}'",
                "3:1: boot.cmdline: the command line has 2,048 bytes; the kernel reads at most 2,047",
            ),
            ("[boot]\nkernel = ''", '2:1: boot.kernel: "" is not a path of 1 to 4,095 characters'),
            (
                "[boot]\nkernel = 'a\tb'\ncmdline = \"a\\u0000\"",
                "3:1: boot.cmdline: contains U+0000, which cannot be passed on a command line",
            ),
            (
                '[rng]\nsource = "/dev/\\uFFFE"',
                "2:1: rng.source: contains U+FFFE, which cannot be passed on a command line",
            ),
            ("[[net]]\nid = '0net'", f'2:1: net[0].id: "0net" is not {AN_ID}'),
            ("[[net]]\nid = 'a,b'", f'2:1: net[0].id: "a,b" is not {AN_ID}'),
            (
                "[[net]]\nmac = 'x'",
                '2:1: net[0].mac: "x" is not a MAC address such as 52:54:00:12:34:56, its second digit even',
            ),
            (
                "[[net]]\nbackend = 'none'\nforward = ['tcp::1-:2']",
                '3:1: net[0].forward: backend = "none" cannot forward ports; only "user" can',
            ),
            (
                "[[net]]\nforward = ['tcp:a:1-:2']",
                "2:12: net[0].forward[0]: 'a' is not an IPv4 address such as 127.0.0.1",
            ),
            ("[[net]]\nforward = ['udp::0-:2']", "2:12: net[0].forward[0]: 0 is not a port: 1 to 65535"),
            (
                "[[net]]\nforward = ['tcp::1-:2,id=x']",
                "2:12: net[0].forward[0]: 'tcp::1-:2,id=x' is not a valid port forward: write tcp:127.0.0.1:2222-:22",
            ),
            ("[[scsi]]\n[[scsi.disk]]\nformat = 'raw'", "2:8: scsi[0].disk[0]: missing key: file"),
            ("[balloon]\ndeflate-on-oom = 1", "2:1: balloon.deflate-on-oom: 1 is not true or false"),
            ("[balloon]\nstatistics = 3601", "2:1: balloon.statistics: 3601 is not a whole number from 0 to 3,600"),
            ("[[rng]]\n[[rng]]\nperiod = 5", "3:1: rng[1].period: period has no effect without max-bytes"),
            ("[[rng]]\nid = 'net0'", '2:1: rng[0].id: two devices have the id "net0"'),
            ("[rng]\nid = 'net0'", '2:1: rng.id: two devices have the id "net0"'),
            ("[[rng]]\nid = 'a'\n[[rng]]\nid = 'a'", '4:1: rng[1].id: two devices have the id "a"'),
            ("rng = 'x'", '1:1: rng: "x" is not a list: write [[rng]]'),
            ("[rng]\nperiod = 5", "2:1: rng.period: period has no effect without max-bytes"),
            ("[rng]\nmax-bytes = 0", "2:1: rng.max-bytes: 0 is too small: at least 1"),
            (
                "[[serial]]\nkind = 'port'",
                '2:1: serial[0].kind: a port needs a name, such as name = "com.example.metrics"',
            ),
            ("[[serial]]\nname = 'x'", '2:1: serial[0].name: a console has no name; only kind = "port" has one'),
            ("[[serial]]\nbackend = 'file'", '2:1: serial[0].backend: backend = "file" needs a path'),
            ("[[serial]]\nbackend = 'pty'\npath = '/x'", '3:1: serial[0].path: backend = "pty" has no path'),
            ("[[serial]]\n" * 32, "1:3: serial: at most 31 entries, got 32"),
            (
                "[qemu]\nargs = ['-daemonize']",
                "2:9: qemu.args[0]: not allowed: the workbench detaches QEMU itself, and its sandbox kills a QEMU that forks",
            ),
            (
                "[qemu]\nargs = ['-pidfile', 'x']",
                "2:9: qemu.args[0]: not allowed: the workbench sets -pidfile itself, to find its guests",
            ),
        ],
    )
    def test_one_mistake(self, text: str, expected: str) -> None:
        assert complaints(text) == [expected]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("[[net]]\nid = 'balloon0'", '2:1: net[0].id: two devices have the id "balloon0"'),
            ("[[net]]\n[[net]]\nid = 'net0'", '3:1: net[1].id: two devices have the id "net0"'),
            (
                "[[scsi]]\nid = 'a'\n[[scsi.disk]]\nid = 'a'\nfile = 'f'",
                '4:1: scsi[0].disk[0].id: two devices have the id "a"',
            ),
            (
                "[[net]]\nmac = '52:54:00:bb:00:01'\n[[net]]\nmac = '52:54:00:BB:00:01'",
                "4:1: net[1].mac: two cards have the address 52:54:00:BB:00:01",
            ),
            (
                "[[net]]\nforward = ['tcp::80-:80', 'udp::80-:80', 'tcp::80-:81']",
                "2:42: net[0].forward[2]: tcp port 80 of the host is forwarded twice",
            ),
            (
                "[[net]]\nforward = ['tcp:127.0.0.1:80-:80']\n[[net]]\nforward = ['tcp::80-:80']",
                "4:12: net[1].forward[0]: tcp port 80 of the host is forwarded twice",
            ),
            (
                "[[serial]]\nkind = 'agent'\n[[serial]]\nkind = 'agent'",
                '4:1: serial[1].kind: two ports have the name "org.qemu.guest_agent.0"',
            ),
            (
                "[[serial]]\nkind = 'port'\nname = 'x'\n[[serial]]\nkind = 'port'\nname = 'x'",
                '6:1: serial[1].name: two ports have the name "x"',
            ),
            (
                "[display]\nvnc = 'loopback'\nport = 5901\n[[net]]\nforward = ['udp::5901-:22', 'tcp::5901-:22']",
                "5:29: net[0].forward[1]: tcp port 5901 of the host is the display's VNC port",
            ),
            (
                "".join(f"[[serial]]\nkind = 'port'\nname = 'n{n}'\n" for n in range(31)),
                "92:1: serial[30].kind: at most 30 ports and agents: the controller's first port must be a console",
            ),
            (
                "[memory]\nmaximum = '512M'\nslots = 1",
                "2:1: memory.maximum: slots need room to grow: set maximum above size",
            ),
            (
                "[[scsi]]\nqueues = 1023",
                "2:1: scsi[0].queues: 1023 is not a whole number from 1 to 1,022",
            ),
            ("[[net]]\n" * 31, "1:3: net: 31 cards and 0 SCSI controllers: the board has only 27 slots"),
        ],
    )
    def test_one_clash(self, text: str, expected: str) -> None:
        found = complaints(text)
        assert found == [expected]

    def test_all_mistakes_at_once_in_the_order_of_the_text(self) -> None:
        text = """\
accelerator = "kvmm"
[memory]
szie = "1G"
[boot]
kernal = "bzImage"
cmdline = "quiet"
[[net]]
id = "a"
forward = ["tcp:1:2", 5]
[[net]]
id = "a"
backend = true
[cpu]
count = 0
"""
        assert [line.split(": ")[0] + " " + line.split(": ")[1] for line in complaints(text)] == [
            "1:1 accelerator",
            "3:1 memory.szie",
            "5:1 boot.kernal",
            "9:12 net[0].forward[0]",
            "9:23 net[0].forward[1]",
            "11:1 net[1].id",
            "12:1 net[1].backend",
            "14:1 cpu.count",
        ]

    def test_a_wrong_value_is_not_also_a_missing_one(self) -> None:
        """If the kernel is a number, "an initrd needs a kernel" would be one message too many."""
        assert complaints("[boot]\nkernel = 5\ninitrd = 'i'") == [
            "2:1: boot.kernel: 5 is not a path of 1 to 4,095 characters"
        ]

    def test_two_addresses_are_two_places_for_one_port(self) -> None:
        guest = read_guest(
            "[[net]]\nforward = ['tcp:127.0.0.1:80-:80', 'tcp:127.0.0.2:80-:80', 'udp:127.0.0.1:80-:80']"
        )
        assert len(guest.net[0].forward) == 3

    def test_the_default_of_an_invalid_value_causes_no_clash(self) -> None:
        """A card with an invalid id is numbered like one without, and may get another one's id."""
        assert complaints("[[net]]\nid = 'net1'\n[[net]]\nid = 5") == [f"4:1: net[1].id: 5 is not {AN_ID}"]

    def test_a_key_that_needs_quotes_gets_them(self) -> None:
        assert complaints('"a b".c = 1')[0].startswith('1:1: "a b": unknown key: valid keys are extends, description,')

    def test_a_long_value_is_shown_in_part(self) -> None:
        assert complaints(f"accelerator = '{'x' * 10_000}'") == [
            f'1:1: accelerator: "{"x" * 37}…" is not one of auto, kvm, tcg'
        ]


class TestSyntax:
    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("a = 1\nb = ", (2, 5)),
            ("a = 1\na = 2", (2, 6)),
            ("[x", (1, 3)),
            ("a = 'é'\n\nb = [1,\n", (3, 8)),
            ("é = 1", (1, 1)),
        ],
    )
    def test_a_mistake_in_the_syntax_has_its_line(self, text: str, place: tuple[int, int]) -> None:
        profile, problems = parse_profile(text, name="demo", file="demo.toml")
        assert profile is None
        assert [(problem.line, problem.column) for problem in problems] == [place]
        assert problems[0].message.startswith("not valid TOML: ")

    def test_no_file_breaks_the_reader(self) -> None:
        assert complaints("a = " + "[" * 50_000) == ["lists or tables are nested too deeply"]
        assert "digits" in complaints("a = " + "1" * 5_000)[0]
        assert "too deep" in complaints("a = " + "{a=" * 50_000)[0]

    def test_a_byte_order_mark_is_accepted(self) -> None:
        assert complaints("\ufeffaccelerator = 1")[0].startswith("1:1: accelerator")

    @given(
        st.text()
        | st.lists(st.sampled_from(["[", "]", "net", "=", "\n", '"', ".", "1", "{", "}", ",", "#", " "])).map("".join)
    )
    @example("[[net]]\nid = {}")
    @settings(deadline=None)
    def test_any_text_is_a_guest_or_has_problems(self, text: str) -> None:
        parsed = parse(text, name="demo", file="f")
        assert (parsed.profile is None) == bool(parsed.problems)

    @given(st.data())
    @settings(deadline=None)
    def test_any_value_at_any_key_is_right_or_a_problem_of_that_key(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from([key for key in dotted_keys(GuestProfile) if "[]" not in key]))
        value = data.draw(
            st.sampled_from(["0", "-1", "true", "false", "''", "'x'", "[]", "[1]", "{}", "1.5", "9" * 30, "nan"])
        )
        parsed = parse(f"{key} = {value}", name="demo", file="f")
        assert {problem.key.split("[")[0].split(".")[0] for problem in parsed.problems} <= {key.split(".")[0]}
        assert all(problem.line == 1 for problem in parsed.problems)


class TestNames:
    @pytest.mark.parametrize("name", ["demo", "a", "0", "_x", "Debian-12.5", "a" * NAME_MAX])
    def test_names(self, name: str) -> None:
        assert check_name(name) is None

    @pytest.mark.parametrize(
        "name",
        ["", ".", "..", ".x", "-x", "a/b", "a b", "a[b]", "ä", "a\n", "a,b", "a=b", "a\0", "a" * (NAME_MAX + 1), "٣"],
    )
    def test_invalid_names(self, name: str) -> None:
        assert check_name(name)
        assert complaints("", name=name) == [str(check_name(name))]


class TestPlaces:
    def test_a_place_is_the_nearest_in_the_text(self) -> None:
        parsed = parse("[[net]]\n[balloon]\nstatistics = 1", name="demo", file="f")
        assert parsed.place(("balloon", "statistics")) == ("f", 3, 1)
        assert parsed.place(("balloon", "deflate-on-oom")) == ("f", 2, 2)
        assert parsed.place(("net", 0, "id")) == ("f", 1, 3)
        assert parsed.place(("rng", "source")) is None
        assert str(parsed.problem("f", ("rng", "source"), "gone")) == "f: rng.source: gone"
        assert parsed.problem("f", ("balloon",), "x") == Problem("f", 2, 2, "balloon", "x")

    def test_keys_as_text(self) -> None:
        assert key_text(("net", 1, "a.b", "c-d")) == 'net[1]."a.b".c-d'
