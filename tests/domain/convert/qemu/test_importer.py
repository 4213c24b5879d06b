"""Command lines as people write them: what becomes a profile, what stays, and that nothing is lost."""

from __future__ import annotations

import shlex
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.domain.command_line.options import ALONE, keys_of, size_of, split_options
from workbench.domain.convert.qemu.importer import Imported, import_qemu
from workbench.domain.profile.slots import slots_of
from workbench.domain.profile.text.parse import parse
from workbench.domain.profile.text.write import to_toml

BARE = "-nodefaults -display none -serial none"


def imported(line: str, **options: Any) -> Imported:
    found = import_qemu(["qemu-system-x86_64", *shlex.split(f"{BARE} {line}")], **options)
    assert parse(found.text, name="x", file="x").problems == (), found.text
    return found


def document(line: str) -> dict[str, Any]:
    return tomllib.loads(imported(line).text)


def args(line: str) -> list[str]:
    found: list[str] = document(line).get("qemu", {}).get("args", [])
    return found


class TestDefaults:
    def test_what_qemu_does_without_a_word_is_written_out(self) -> None:
        found = document("")
        assert (found["machine"], found["accelerator"], found["memory"]["size"]) == ("pc", "tcg", "128M")
        assert found["cpu"]["model"] == "qemu64"
        assert (found["balloon"], found["rng"], found["net"], found["root-ports"]) == (False, False, False, 0)

    def test_devices_that_qemu_adds_by_itself_are_added(self) -> None:
        found = import_qemu(["qemu-system-x86_64", "-M", "q35"])
        added = tomllib.loads(found.text)["qemu"]["args"]
        assert added == ["-vga", "std", "-nic", "user,model=e1000e", "-drive", "if=ide,index=2,media=cdrom"]
        assert "window" in " ".join(found.notes)
        assert args("-M q35") == []

    def test_a_balloon_without_options(self) -> None:
        plain = {"deflate-on-oom": False, "free-page-reporting": False, "statistics": 0}
        assert document("-device virtio-balloon")["balloon"] == plain
        assert document("-balloon virtio")["balloon"] == plain


class TestSpellings:
    @pytest.mark.parametrize(
        ("line", "key", "value"),
        [
            ("-enable-kvm", "accelerator", "kvm"),
            ("--enable-kvm", "accelerator", "kvm"),
            ("-M pc,accel=kvm:tcg", "accelerator", "auto"),
            ("-machine type=q35,accel=tcg", "machine", "q35"),
            ("-accel kvm -accel tcg", "accelerator", "auto"),
            ("-accel tcg,thread=single", "tcg", {"threads": "single"}),
            ("-m 1024", "memory", {"size": "1G"}),
            ("-m size=1.5G,slots=2,maxmem=4G", "memory", {"size": "1536M", "maximum": "4G", "slots": 2}),
            ("-smp 4,cores=2,threads=2", "cpu", {"model": "qemu64", "count": 4, "cores": 2, "threads": 2}),
            (
                "-smp 2,maxcpus=2,sockets=2,dies=1,clusters=1,cores=1,threads=1",
                "cpu",
                {"model": "qemu64", "count": 2, "sockets": 2, "cores": 1, "threads": 1},
            ),
            ("-cpu max,+avx -cpu host", "cpu", {"model": "host"}),
            ("-smp sockets=2,cores=2", "cpu", {"model": "qemu64", "count": 4, "sockets": 2, "cores": 2}),
            ("-cpu host,+svm,-avx,pdpe1gb=on", "cpu", {"model": "host", "features": ["+svm", "-avx", "+pdpe1gb"]}),
            ("-kernel /k -append 'a b'", "boot", {"kernel": "/k", "cmdline": "a b"}),
            ("-kernel /k", "boot", {"kernel": "/k", "cmdline": ""}),
            ("-nic none", "net", False),
            ("-nic user,model=virtio-net-pci", "net", [{"backend": "user"}]),
            ("-netdev user,id=n -device virtio-net-pci,netdev=n", "net", [{"backend": "user"}]),
            (
                '-netdev \'{"type":"tap","id":"n","ifname":"t0","script":"no","downscript":"no"}\' '
                '-device \'{"driver":"virtio-net-pci","netdev":"n"}\'',
                "net",
                [{"backend": "tap", "interface": "t0"}],
            ),
            ("-overcommit mem-lock=on", "memory", {"size": "128M", "lock": True}),
            ("-realtime mlock=on", "memory", {"size": "128M", "lock": True}),
        ],
    )
    def test_what_becomes_a_key(self, line: str, key: str, value: object) -> None:
        assert document(line)[key] == value
        assert args(line) == []

    def test_a_drive_and_its_disk(self) -> None:
        line = "-drive if=none,id=d,file=/a,,b.img,format=raw,cache=none,discard=on -device virtio-scsi-pci"
        line += " -device scsi-hd,drive=d"
        (controller,) = document(line)["scsi"]
        assert controller["disk"] == [{"file": "/a,b.img", "format": "raw", "cache": "none", "discard": "unmap"}]
        assert args(line) == []

    def test_uefi_by_drives(self) -> None:
        line = "-drive if=pflash,format=raw,readonly=on,file=/c.fd -drive if=pflash,format=raw,file=/v.fd"
        assert document(line)["firmware"] == {"type": "uefi", "code": "/c.fd", "vars": "/v.fd"}

    def test_paths_begin_where_it_was_run(self) -> None:
        found = tomllib.loads(imported("-kernel k", directory="/vm").text)
        assert found["boot"]["kernel"] == "/vm/k"
        assert any("relative paths" in note for note in imported("-kernel k").notes)


class TestNothingIsLost:
    @pytest.mark.parametrize(
        "line",
        [
            "-hda disk.img",
            "-cdrom a.iso -boot d",
            "-soundhw hda",
            "-net nic,model=rtl8139 -net user",
            "-drive file=a.img,if=virtio",
            "-device e1000,netdev=n -netdev user,id=n",
            "-readconfig machine.cfg",
            "-vga qxl -spice port=5900",
            "-usb -device usb-tablet",
            "-rtc base=localtime -no-reboot -s",
            "-cpu host,phys-bits=40",
            "-smp 4,maxcpus=8",
            "-M microvm",
            "-qmp unix:/tmp/q,server=on,wait=off",
            "-device virtio-net-pci,netdev=n,mac=52:54:00:00:00:01,disable-legacy=on -netdev user,id=n",
            "-device virtio-balloon,deflate-on-oom=on,ats=on",
            "-netdev user,id=n,net=10.1.0.0/16 -device virtio-net-pci,netdev=n",
            "disk.img",
            "-smbios type=1,manufacturer=a",
            "-fw_cfg name=opt/x,string='a b'",
        ],
    )
    def test_what_no_key_is_for_stays_as_it_was_and_in_its_order(self, line: str) -> None:
        assert args(line) == shlex.split(line)

    def test_old_spellings_and_odd_words_stay(self) -> None:
        line = "-global PIIX4_PM.disable_s3=1 -trace virtio* -d guest_errors"
        assert args(line) == shlex.split(line)

    def test_what_a_profile_refuses_stays(self) -> None:
        line = "-device virtio-net-pci,mac=53:54:00:00:00:01,netdev=n -netdev user,id=n"
        assert sorted(args(line)) == sorted(shlex.split(line))
        assert document(line)["net"] is False
        two = f"-netdev user,id=a -device virtio-net-pci,netdev=a {line}"
        assert len(document(two)["net"]) == 1
        assert "53:54" in " ".join(args(two))

    @pytest.mark.parametrize("cpu", ["max,hv_relaxed,+pae", "max,+aes,+aes"])
    def test_a_processor_that_a_profile_refuses_stays_whole(self, cpu: str) -> None:
        found = document(f"-accel tcg -cpu {cpu}")
        assert found["cpu"] == {"model": "qemu64"}
        assert found["qemu"]["args"] == ["-cpu", cpu]
        assert document("-accel kvm -cpu host,hv_relaxed,+pae")["cpu"]["hyperv"] == ["relaxed"]

    @pytest.mark.parametrize(
        ("program", "line", "accelerator"),
        [
            ("kvm", "", "kvm"),
            ("/usr/bin/kvm", "-cpu host", "kvm"),
            ("kvm", "-accel tcg", "tcg"),
            ("/usr/libexec/qemu-kvm", "", "auto"),
            ("qemu-system-x86_64", "", "tcg"),
        ],
    )
    def test_default_accelerators_of_programs(self, program: str, line: str, accelerator: str) -> None:
        """The first one is Debian's script that adds -enable-kvm."""
        found = tomllib.loads(import_qemu([program, *shlex.split(f"{BARE} {line}")]).text)
        assert found["accelerator"] == accelerator

    def test_what_is_left_out_is_reported(self) -> None:
        notes = " ".join(imported("-serial mon:stdio -daemonize -pidfile /run/x -name 'my vm'").notes)
        for word in ("console", "detached", "-pidfile", "'my vm'"):
            assert word in notes

    def test_a_moved_device_is_reported(self) -> None:
        serial = "-device virtio-serial,addr=0x9 -device virtserialport,chardev=c,name=a -chardev null,id=c"
        found = imported(f"-M q35 -device virtio-scsi-pci,id=s,addr=0x2 {serial}")
        assert any("the serial controller: moved from slot 0x9 to 04.0" in note for note in found.notes)

    def test_devices_stay_in_their_slots(self) -> None:
        """As Proxmox has them: a guest calls its network cards by their slots."""
        line = "-M q35 -device virtio-balloon,addr=0x3 -device virtio-scsi-pci,id=s,addr=0x8 -vga std -device vmgenid "
        line += "-netdev user,id=n -device virtio-net-pci,netdev=n,addr=0x12 -device virtio-rng-pci,rng=r,addr=0x1.0x2 "
        found = imported(line + "-object rng-random,id=r,filename=/dev/urandom")
        parsed = parse(found.text, name="x", file="x").profile
        assert parsed is not None
        slots = [slots_of(parsed)[path] for path in (("balloon",), ("scsi", 0), ("net", 0))]
        assert slots == ["03.0", "08.0", "12.0"]
        assert sum("moved from slot" in note for note in found.notes) == 1, (
            "a function beside 0 is none that a profile can say"
        )

    def test_a_bridge_may_have_the_name_of_the_other_boards_root_bus(self) -> None:
        line = "-device pci-bridge,id=pci.0,chassis_nr=1 -device virtio-balloon,bus=pci.0,addr=0x3"
        assert any("moved from pci.0 to the root bus" in note for note in imported(f"-M q35 {line}").notes)
        assert not any("root bus" in note for note in imported("-M pc -device virtio-balloon,bus=pci.0,addr=0x4").notes)

    @pytest.mark.parametrize(
        ("line", "reported"),
        [
            ("-nic user,model=virtio", False),
            ("-nic user,model=virtio -device virtio-balloon", True),
            ("-nic user,model=virtio -device e1000", True),
            ("-netdev user,id=n -device virtio-net-pci,netdev=n,addr=0x5 -device e1000", False),
        ],
    )
    def test_cards_without_a_slot_are_reported(self, line: str, reported: bool) -> None:
        assert any("network cards without a slot" in note for note in imported(f"-M q35 {line}").notes) == reported

    def test_a_slot_that_arguments_get_automatically_is_not_kept(self) -> None:
        found = imported("-M q35 -device e1000e -device virtio-balloon,addr=0x1")
        assert "slot =" not in found.text
        assert any("the balloon: moved from slot 0x1" in note for note in found.notes)

    def test_a_slot_in_use_by_the_profile_is_not_kept(self) -> None:
        line = "-M q35 -device virtio-serial,addr=0x9 -device virtserialport,chardev=c,name=a -chardev null,id=c "
        found = imported(line + "-device virtio-balloon,addr=0x4")
        assert "slot =" not in found.text
        assert any("the balloon: moved from slot 0x4" in note for note in found.notes)

    def test_devices_that_stand_together_stay_where_they_are(self) -> None:
        found = imported("-M q35 -device virtio-balloon,addr=0x9 -device virtio-scsi-pci,id=s,addr=0x8")
        assert found.notes == ()
        parsed = parse(found.text, name="x", file="x").profile
        assert parsed is not None
        assert (slots_of(parsed)["balloon",], slots_of(parsed)["scsi", 0]) == ("09.0", "08.0")

    @given(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12), max_size=6)
    )
    @settings(deadline=None)
    def test_any_words_give_a_profile_that_can_be_read(self, words: list[str]) -> None:
        found = import_qemu(["qemu-system-x86_64", *words])
        tomllib.loads(found.text)

    OPTIONS = st.sampled_from(
        [
            "-m",
            "-smp",
            "-cpu",
            "-device",
            "-netdev",
            "-drive",
            "-S",
            "-machine",
            "-object",
            "-chardev",
            "-serial",
            "-accel",
        ]
    )
    VALUES = st.sampled_from(
        ["virtio-net-pci,netdev=n", "user,id=n", "1G", "4", "max", "q35", "virtio-balloon", "x,y=z", "{}", "", "kvm",
         "if=none,id=d,file=a,format=raw", "scsi-hd,drive=d", "virtio-scsi-pci,id=s", "id=", "stdio", "=,=", '{"driver":1}']
    )  # fmt: skip

    @given(st.lists(st.tuples(OPTIONS, VALUES), max_size=8))
    @settings(deadline=None, max_examples=300)
    def test_every_word_is_converted_kept_or_reported(self, pairs: list[tuple[str, str]]) -> None:
        """Any command line can be imported, and the profile is valid."""
        argv = [word for option, value in pairs for word in ((option,) if option == "-S" else (option, value))]
        found = import_qemu(["qemu-system-x86_64", "-nodefaults", *argv])
        tomllib.loads(found.text)
        assert found.text.count('"-S"') == argv.count("-S")


class TestWhatAProfileRefuses:
    """An import is always a profile without problems; `imported` looks after that."""

    @pytest.mark.parametrize(
        "line",
        [
            "-smp threads=4",
            "-smp 3,sockets=2",
            "-smp 4,cores=3,threads=2",
            "-m 2G,maxmem=1G",
            "-m 1G,slots=300,maxmem=8G",
            "-M q35,memory-backend=r -object memory-backend-ram,id=r,size=8M -m 8",
        ],
    )
    def test_what_it_refuses_stays_whole(self, line: str) -> None:
        found = args(line)
        assert [word for word in shlex.split(line) if word != "-M" and not word.startswith("q35")] == [
            word for word in found if word in shlex.split(line) and not word.startswith("q35")
        ]

    @pytest.mark.parametrize("size", ["1000000K", "8"])
    def test_ram_of_a_size_that_a_profile_cannot_say(self, size: str) -> None:
        *memory, option, value = args(f"-m {size}")
        wanted = size_of(size, 1 << 20)
        assert (option, value) == ("-m", size)
        ram = f"memory-backend-ram,id=pc.ram,size={wanted}"
        assert memory == ["-object", ram, "-machine", "memory-backend=pc.ram"]

    def test_ram_of_such_a_size_on_nodes_has_no_other(self) -> None:
        line = "-m 8 -object memory-backend-ram,id=a,size=8M -numa node,memdev=a"
        assert args(line) == shlex.split(line)

    def test_a_backend_is_named_as_it_was(self) -> None:
        found = args("-M q35,memory-backend=r -object memory-backend-ram,id=r,size=8M -m 8")
        assert found[:2] == ["-machine", "memory-backend=r"]
        assert found.count("-object") == 1


class TestLibvirtsProcess:
    """What /var/log/libvirt/qemu and the command line of a running domain have."""

    def test_what_was_open_in_libvirt_is_left_out(self) -> None:
        line = (
            "-chardev socket,id=charmonitor,fd=36,server=on,wait=off -mon chardev=charmonitor,id=monitor,mode=control "
        )
        line += '-object \'{"qom-type":"secret","id":"masterKey0","format":"raw","file":"/var/lib/libvirt/k.aes"}\''
        found = imported(line)
        assert "qemu" not in tomllib.loads(found.text)
        assert any("-mon on a socket that was open" in note for note in found.notes)
        assert any("libvirt's key" in note for note in found.notes)

    def test_a_key_that_something_uses_stays(self) -> None:
        key = '-object {"qom-type":"secret","id":"masterKey0","format":"raw","file":"/k"}'
        user = '-object {"qom-type":"secret","id":"a","keyid":"masterKey0","data":"x","format":"base64"}'
        assert args(shlex.join(f"{key} {user}".split())) == f"{key} {user}".split()

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            (
                "-netdev tap,fd=17,id=n -device virtio-net-pci,netdev=n",
                "its fd was open in the program that started QEMU",
            ),
            (
                "-chardev socket,id=c,fd=4 -device isa-serial,chardev=c",
                "its fd was open in the program that started QEMU",
            ),
            ("-S", "until workbench resume"),
        ],
    )
    def test_unexpected_effects_of_arguments_are_noted(self, line: str, why: str) -> None:
        assert why in imported(line).text
        assert args(line) == shlex.split(line)


class TestBooting:
    CARD = "-netdev user,id=n -device virtio-net-pci,netdev=n,bootindex={}"

    def test_places_before_those_of_arguments_become_an_order(self) -> None:
        found = document(f"{self.CARD.format(1)} -device ide-cd,bootindex=2")
        assert found["boot"]["order"] == ["net"]
        assert found["qemu"]["args"] == ["-device", "ide-cd,bootindex=2"]

    @pytest.mark.parametrize(
        "other",
        [
            "-device ide-cd,bootindex=0",
            "-device ide-cd,bootindex=1",
            "-global isa-fdc.bootindexA=4",
            "-nic user,model=virtio -nic user,model=virtio -device ide-cd,bootindex=3",
        ],
    )
    def test_places_among_those_of_arguments_stay_there(self, other: str) -> None:
        found = document(f"{self.CARD.format(2)} {other}")
        assert "order" not in found.get("boot", {})
        assert "virtio-net-pci,netdev=n,bootindex=2" in found["qemu"]["args"]

    def test_what_stays_an_argument_has_no_part_in_the_order(self) -> None:
        found = document(f"{self.CARD.format(1)},ats=on -netdev user,id=m -device virtio-net-pci,netdev=m")
        assert "boot" not in found


class TestWhatArgumentsNeed:
    """What stays an argument names other things, and has names and places of its own."""

    @pytest.mark.parametrize(
        ("line", "kept"),
        [
            ("-netdev user,id=n -device virtio-net-pci,netdev=n", "-object filter-dump,id=f,netdev=n,file=/d"),
            ("-device virtio-net-pci,id=lan", "-set device.lan.mac=52:54:00:00:00:01"),
            ("-device virtio-scsi-pci,id=hba", "-device scsi-block,bus=hba.0"),
            (
                "-device virtio-serial,id=vs -chardev null,id=c -device virtserialport,chardev=c,name=a",
                "-mon chardev=c",
            ),
        ],
    )
    def test_what_an_argument_names_stays_with_it(self, line: str, kept: str) -> None:
        assert args(f"{line} {kept}") == shlex.split(f"{line} {kept}")
        assert args(line) == []

    def test_a_device_of_the_profile_has_no_name_of_an_argument(self) -> None:
        found = document(
            "-netdev user,id=n -device virtio-net-pci,netdev=n -device e1000,id=net0 -device e1000,id=net1"
        )
        assert found["net"] == [{"id": "net2", "backend": "user"}]
        assert args("-device virtio-balloon -device e1000,id=balloon0")[:2] == ["-device", "virtio-balloon"]

    def test_a_chardev_that_the_workbench_has_too_gets_another_name(self) -> None:
        line = "-chardev socket,id=qmp,path=/q,server=on -mon chardev=qmp,mode=control -chardev null,id=serial0 "
        found = imported(line + '-serial chardev:serial0 -device \'{"driver":"isa-serial","chardev":"serial0"}\'')
        kept = tomllib.loads(found.text)["qemu"]["args"]
        assert kept == [
            "-chardev", "socket,id=qmp-1,path=/q,server=on", "-mon", "chardev=qmp-1,mode=control",
            "-chardev", "null,id=serial0-1", "-serial", "chardev:serial0-1",
            "-device", '{"driver":"isa-serial","chardev":"serial0-1"}',
        ]  # fmt: skip
        assert any("qmp was renamed to qmp-1" in note for note in found.notes)

    def test_slots_that_arguments_name_are_not_taken(self) -> None:
        found = imported("-M q35 -device virtio-balloon -device pcie-root-port,id=r,addr=0x3 -device e1000,addr=4.0")
        profile = parse(found.text, name="x", file="x").profile
        assert profile is not None
        assert slots_of(profile)["balloon",] not in ("03.0", "04.0")

    def test_memory_on_nodes_is_the_arguments_own(self) -> None:
        line = "-m 256M -object memory-backend-ram,id=a,size=256M -numa node,memdev=a"
        parsed = parse(imported(line).text, name="x", file="x").profile
        assert parsed is not None
        assert parsed.memory.size == 256 << 20
        assert parsed.qemu.gives_memory
        assert not parse("", name="x", file="x").profile.qemu.gives_memory  # type: ignore[union-attr]

    def test_memory_and_flash_without_a_key_stay_in_the_machine_option(self) -> None:
        assert args("-machine pc,memory-backend=a -object memory-backend-epc,id=a,size=1G")[:2] == [
            "-machine", "memory-backend=a",
        ]  # fmt: skip
        assert args("-machine q35,pflash0=f -blockdev qcow2,node-name=f,file.driver=file,file.filename=/f")[:2] == [
            "-machine", "pflash0=f",
        ]  # fmt: skip
        assert args("-m 64 -mem-path /dev/shm")[:4] == [
            "-object", "memory-backend-file,id=pc.ram,size=64M,mem-path=/dev/shm", "-machine", "memory-backend=pc.ram",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("device", "adds"),
        [("virtio-vga", False), ("VGA", False), ("ramfb", True), ("virtio-gpu-pci", True), ("e1000", True)],
    )
    def test_a_graphics_card_keeps_qemu_from_adding_one(self, device: str, adds: bool) -> None:
        found = tomllib.loads(import_qemu(["qemu-system-x86_64", "-device", device]).text)
        assert ("-vga" in found["qemu"]["args"]) == adds

    @pytest.mark.parametrize(
        ("line", "adds"),
        [
            ("-device ide-hd", False),
            ("-hdc x", False),
            ("-drive index=2,file=x", False),
            ("-hda x", True),
            ("-drive file=a -drive file=b -drive file=c", False),
            ("-drive file=a -drive file=b", True),
            ("-drive file=a,if=virtio -drive file=b -drive file=c", True),
        ],
    )
    def test_a_drive_keeps_qemu_from_adding_a_cd(self, line: str, adds: bool) -> None:
        found = tomllib.loads(import_qemu(["qemu-system-x86_64", *line.split()]).text)
        assert ("if=ide,index=2,media=cdrom" in found["qemu"]["args"]) == adds

    def test_invalid_numbers_stay(self) -> None:
        for line in (
            "-device virtio-scsi-pci,num_queues=x",
            "-device virtio-balloon,guest-stats-polling-interval=y",
            "-netdev tap,id=n,ifname=t,script=no,downscript=no,queues=z -device virtio-net-pci,netdev=n",
            "-object rng-random,id=r -device virtio-rng-pci,rng=r,max-bytes=1k",
            "-device virtio-scsi-pci,id=s -device scsi-cd,bus=s.0,lun=q",
        ):
            assert args(line) == line.split()

    def test_what_uses_the_terminal_is_left_out_and_reported(self) -> None:
        found = imported("-chardev stdio,mux=on,id=m -mon chardev=m -serial chardev:m -qmp stdio")
        assert "args" not in found.text
        assert len([note for note in found.notes if "workbench" in note]) >= 4

    def test_what_the_sandbox_forbids_is_noted(self) -> None:
        assert "sandbox forbids" in imported("-netdev tap,id=t").text
        assert document("-netdev tap,id=n,br=br1,helper=/h -device virtio-net-pci,netdev=n")["net"] == [
            {"backend": "bridge", "interface": "br1"}
        ]
        assert "-sandbox off" in " ".join(imported("-sandbox off").notes)

    def test_old_spellings_of_the_board(self) -> None:
        found = document("-machine q35,kernel_irqchip=split,dump_guest_core=off -nographic")
        assert found["machine-options"] == {"kernel-irqchip": "split", "dump-guest-core": "off", "graphics": "off"}

    def test_another_program_is_reported(self) -> None:
        for program, reported in (
            ("qemu-system-aarch64", True),
            ("/opt/q/qemu-system-x86_64", True),
            ("/usr/bin/kvm", False),
        ):
            notes = import_qemu([program, "-nodefaults", "-serial", "none"]).notes
            assert any(program.rpartition("/")[2] in note for note in notes) == reported

    def test_arguments_begin_where_it_was_run(self) -> None:
        line = "-hda d.img -drive if=virtio,file=e.img,format=raw -cdrom /a -drive file=nbd:x -serial file:s.txt"
        assert args_of(imported(line, directory="/vm")) == shlex.split(
            "-hda /vm/d.img -drive if=virtio,file=/vm/e.img,format=raw -cdrom /a -drive file=nbd:x -serial file:/vm/s.txt"
        )


CONFIG = """
# A comment
[machine]
  type = "q35"
[memory]
  size = "256"
[device "lan"]
  driver = "virtio-net-pci"
  netdev = "n"
[netdev "n"]
  type = "user"
[chardev "c,d"]
  backend = "null"
"""


class TestReadConfig:
    def test_a_file_is_understood(self) -> None:
        found = tomllib.loads(imported("-readconfig a.cfg", read=lambda _: CONFIG).text)
        assert (found["machine"], found["memory"], found["net"][0]["id"]) == ("q35", {"size": "256M"}, "lan")
        assert found["qemu"]["args"] == ["-chardev", "null,id=c,,d"]

    @pytest.mark.parametrize("text", ["x", "[nothing]", "[machine", 'a = "b"'])
    def test_an_invalid_file_stays_and_is_reported(self, text: str) -> None:
        found = imported("-readconfig a.cfg", read=lambda _: text)
        assert args_of(found) == ["-readconfig", "a.cfg"]
        assert any("a.cfg: line 1" in note for note in found.notes)


def args_of(found: Imported) -> list[str]:
    kept: list[str] = tomllib.loads(found.text)["qemu"]["args"]
    return kept


class TestOptions:
    def test_every_option_with_a_value_takes_it(self) -> None:
        found = list(split_options(["-S", "-m", "1", "--machine", "q35", "disk", "-append"]))
        assert [(one.name, one.value) for one in found] == [
            ("S", None),
            ("m", "1"),
            ("machine", "q35"),
            ("hda", "disk"),
            ("append", None),
        ]
        assert "enable-kvm" in ALONE

    @pytest.mark.parametrize(
        ("text", "size"),
        [
            ("1G", 1 << 30),
            ("512", 512),
            ("1.5k", 1536),
            ("1GiB", 1 << 30),
            ("x", None),
            ("1.3", None),
            ("", None),
            ("-1", None),
        ],
    )
    def test_sizes(self, text: str, size: int | None) -> None:
        assert size_of(text) == size

    def test_keys(self) -> None:
        keys = keys_of("user,id=n,hostfwd=a,hostfwd=b,nofoo,bar")
        assert keys.implied == "user"
        assert keys.lists["hostfwd"] == ["a", "b"]
        assert (keys["foo"], keys["bar"]) == ("off", "on")


class TestText:
    def test_it_reads_as_a_person_would_write_it(self) -> None:
        line = "-M q35 -m 1G -netdev user,id=n -device virtio-net-pci,netdev=n,id=lan,romfile=,addr=0x2 "
        line += "-device e1000,netdev=x,mac=02::1"
        assert imported(line).text == (
            '# Imported from a QEMU command line by workbench import.\n\nmachine = "q35"\naccelerator = "tcg"\nballoon = false\n'
            'rng = false\nroot-ports = 0\n\n[cpu]\nmodel = "qemu64"\n\n[memory]\nsize = "1G"\n\n[[net]]\nid = "lan"\n'
            'backend = "user"\n\n[qemu]\n# PCI slots for the devices in args.\nreserve = 1\n'
            "# Options without a key in the profile, unchanged and in their order.\nargs = [\n"
            '    "-device", "e1000,netdev=x,mac=02::1",\n]\n'
        )

    @given(st.dictionaries(st.text(max_size=8), st.recursive(
        st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ), max_size=5))  # fmt: skip
    def test_the_written_document_reads_back(self, document: dict[str, Any]) -> None:
        def plain(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: plain(one) for key, one in value.items()}
            if isinstance(value, list):
                return [plain(one) for one in value]
            return value.replace("${", "$${") if isinstance(value, str) else value

        assert tomllib.loads(to_toml(document)) == plain(document)


@pytest.mark.parametrize(
    ("cards", "reported"),
    [
        (["-device", "virtio-net-pci,netdev=a", "-device", "e1000,netdev=b"], True),
        (["-device", "virtio-net-pci,netdev=a", "-device", "e1000,netdev=b,mac=52:54:00:00:00:01"], False),
        (["-device", "virtio-net-pci,netdev=a,mac=52:54:00:00:00:01", "-device", "e1000,netdev=b"], False),
        (["-device", "virtio-net-pci,netdev=a", "-device", "virtio-net-pci,netdev=b"], False),
        (["-device", "virtio-net-pci,netdev=a", "-nic", "user,model=e1000"], True),
        (["-device", "e1000,netdev=b", "-device", "virtio-net-pci,netdev=a"], False),
    ],
)
def test_default_addresses_that_may_change_are_reported(cards: list[str], reported: bool) -> None:
    backs = ["-netdev", "user,id=a", "-netdev", "user,id=b"]
    notes = import_qemu(["qemu-system-x86_64", "-nodefaults", *backs, *cards]).notes
    assert any("may get another one" in note for note in notes) == reported, notes
