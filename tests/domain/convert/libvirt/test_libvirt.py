"""libvirt domains: to profiles and back; what cannot be carried is listed."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.domain.convert.random_profiles import PROFILE, launch
from tests.profile_files import CORPUS, read_guest
from workbench.domain.convert.libvirt.exporter import export_libvirt
from workbench.domain.convert.libvirt.importer import LibvirtError, import_libvirt
from workbench.domain.profile.devices.serial import AGENT
from workbench.domain.profile.slots import slots_of
from workbench.domain.profile.text.parse import parse
from workbench.domain.profile.text.write import to_toml

if TYPE_CHECKING:
    from pathlib import Path

DOMAIN = """
<domain type='kvm'>
  <name>web</name><uuid>c7a5fdbd-cdaf-9455-926a-d65c16db1809</uuid>
  <memory unit='KiB'>2097152</memory><currentMemory unit='KiB'>2097152</currentMemory>
  <memoryBacking><hugepages><page size='2' unit='MiB'/></hugepages></memoryBacking>
  <vcpu placement='static'>4</vcpu>
  <cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/><vcpupin vcpu='2' cpuset='2-3'/>
    <vcpupin vcpu='3' cpuset='2-3'/><shares>2048</shares></cputune>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <loader readonly='yes' type='pflash'>/fw/code.fd</loader><nvram>/fw/web.fd</nvram><boot dev='hd'/><boot dev='network'/></os>
  <features><acpi/><apic/><hyperv><relaxed state='on'/><spinlocks state='on' retries='8191'/><vapic state='off'/></hyperv>
    <vmport state='off'/></features>
  <cpu mode='host-passthrough'><topology sockets='1' dies='1' cores='2' threads='2'/><feature policy='disable' name='svm'/></cpu>
  <clock offset='utc'><timer name='hpet' present='no'/></clock>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none' discard='unmap'/>
      <source file='/vm/web.qcow2'/><target dev='sda' bus='scsi'/><serial>W1</serial></disk>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/vm/v.img'/>
      <target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><target dev='sdb' bus='scsi'/><readonly/></disk>
    <controller type='scsi' index='0' model='virtio-scsi'/><controller type='pci' model='pcie-root'/>
    <interface type='bridge'><mac address='52:54:00:aa:bb:01'/><source bridge='br7'/><model type='virtio'/></interface>
    <interface type='user'><model type='e1000'/></interface>
    <serial type='pty'><target port='0'/></serial><console type='pty'><target type='serial' port='0'/></console>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <graphics type='vnc' port='-1' autoport='yes'><listen type='address' address='127.0.0.1'/></graphics>
    <video><model type='virtio'/></video><sound model='ich9'/>
    <memballoon model='virtio' autodeflate='on' freePageReporting='on'><stats period='5'/></memballoon>
    <rng model='virtio'><rate bytes='1024' period='1000'/><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
"""


def test_a_domain() -> None:
    found = import_libvirt(DOMAIN)
    assert found.name == "web"
    profile = parse(found.text, name="web", file="x").profile
    assert profile is not None, found.text
    assert (profile.accelerator, profile.machine, profile.memory.size) == ("kvm", "pc-q35-7.2", 2 << 30)
    assert profile.memory.hugepages is not None
    assert (profile.cpu.count, profile.cpu.cores, profile.cpu.threads, profile.cpu.model) == (4, 2, 2, "host")
    assert (profile.cpu.features, profile.cpu.hyperv) == (("-svm",), ("relaxed", "spinlocks"))
    assert profile.cpu.pin == ("0", "1", "2-3", "2-3")
    assert (profile.firmware.code, profile.firmware.vars) == ("/fw/code.fd", "/fw/web.fd")
    assert profile.boot.order == ("disk", "net")
    assert dict(profile.machine_options) == {"hpet": "off"}
    (controller,) = profile.scsi
    assert [(disk.media, disk.file, disk.cache, disk.serial) for disk in controller.disk] == [
        ("disk", "/vm/web.qcow2", "none", "W1"),
        ("cdrom", None, "writeback", None),
    ]
    assert [(net.backend, net.interface) for net in profile.net] == [("bridge", "br7")]
    assert [port.kind for port in profile.serial] == ["agent"]
    assert profile.balloon is not None
    assert (profile.balloon.deflate_on_oom, profile.balloon.free_page_reporting, profile.balloon.statistics) == (
        True,
        True,
        5,
    )
    assert profile.display is not None
    assert len(profile.rng) == 1


def test_what_cannot_be_imported_is_listed() -> None:
    notes = import_libvirt(DOMAIN).notes
    listed = [note.removeprefix("not imported: ") for note in notes if note.startswith("not imported: ")]
    assert listed == [
        "cputune/shares (2048)",
        'features/vmport state="off"',
        'devices/interface type="user"',
        'devices/sound model="ich9"',
    ]
    assert any("vnc.sock" in note for note in notes)
    assert any(
        note
        == "not imported (set by the workbench or not supported): emulator /usr/bin/qemu-system-x86_64, controller pci pcie-root"
        for note in notes
    )


def profile_of(inside: str, machine: str = "q35") -> tuple[Any, tuple[str, ...]]:
    found = import_libvirt(
        f"<domain type='kvm'><memory unit='MiB'>512</memory><vcpu>2</vcpu><os><type machine='{machine}'>hvm</type></os>"
        f"{inside}</domain>"
    )
    parsed = parse(found.text, name="x", file="x")
    assert parsed.profile is not None, (parsed.problems, found.text)
    return parsed.profile, found.notes


def disk(bus: str, name: str, more: str = "", device: str = "disk") -> str:
    return (
        f"<disk type='file' device='{device}'><driver name='qemu' type='raw'/><source file='/a,b.img'/>"
        f"<target dev='{name}' bus='{bus}'/>{more}</disk>"
    )


def test_devices_keep_their_addresses() -> None:
    guest = read_guest('root-ports = 2\n[[net]]\n[[net]]\n[[scsi]]\n[[serial]]\nkind = "agent"\n[[rng]]\n[display]\n')
    root = ElementTree.fromstring(export_libvirt(guest, launch(guest)).text)
    paths = {
        "interface[1]": ("net", 0), "interface[2]": ("net", 1), "controller[@type='scsi']": ("scsi", 0), "video": ("display",),
        "memballoon": ("balloon",), "controller[@type='virtio-serial']": ("serial",), "rng": ("rng", 0),
    }  # fmt: skip
    for path, place in paths.items():
        address = root.find(f"devices/{path}/address")
        assert address is not None, path
        assert f"{int(address.get('slot', ''), 16):02x}.0" == slots_of(guest)[place], path
    ports = root.findall("devices/controller[@model='pcie-root-port']/address")
    assert [(port.get("slot"), port.get("function")) for port in ports][:2] == [("0x1c", "0x0"), ("0x1c", "0x1")]
    assert [port.get("multifunction") for port in ports][:2] == ["on", None]
    assert root.find("devices/controller[@type='usb'][@model='none']") is not None
    assert root.find("devices/interface/rom[@enabled='no']") is not None


def test_balloon_keys_without_an_equivalent_in_libvirt_are_listed() -> None:
    guest = read_guest("[balloon]\npage-poison = false\nfree-page-hint = true\n")
    assert export_libvirt(guest, launch(guest)).notes == ["balloon.page-poison", "balloon.free-page-hint"]


def test_devices_stay_in_their_slots() -> None:
    def at(slot: str, bus: str = "0x00") -> str:
        return f"<address type='pci' domain='0x0000' bus='{bus}' slot='{slot}' function='0x0'/>"

    card = "<interface type='user'><model type='virtio'/>{}</interface>"
    inside = card.format(at("0x12")) + card.format(at("0x00", "0x01")) + disk("virtio", "vda", at("0x02"))
    inside += f"<memballoon model='virtio'>{at('0x09')}</memballoon>"
    profile, notes = profile_of(f"<devices>{inside}</devices>", "pc")
    assert sum("moved from bus 0x01" in note for note in notes) == 1
    assert [card.slot for card in profile.net] == ["12", None]
    assert profile.balloon is not None
    assert profile.balloon.slot == "09"
    assert "virtio-blk-pci,drive=vda,addr=0x2" in profile.qemu.args


def test_the_uuid_goes_in_and_out() -> None:
    uuid = "c7a5fdbd-cdaf-9455-926a-d65c16db1809"
    profile, _ = profile_of(f"<uuid>{uuid}</uuid>")
    assert profile.qemu.args == ("-uuid", uuid)
    text = export_libvirt(profile, launch(profile)).text
    assert f"<uuid>{uuid}</uuid>" in text
    assert "qemu:arg" not in text


def test_attributes_that_are_not_imported_are_listed() -> None:
    driver = "<driver name='qemu' type='raw' io='native' detect_zeroes='unmap'/><source file='/a'/>"
    inside = f"<disk type='file' device='disk'>{driver}<target dev='sda' bus='scsi' rotation_rate='1'/></disk>"
    _, notes = profile_of(f"<devices>{inside}</devices>")
    assert 'not imported: disk sda: driver io="native" detect_zeroes="unmap"' in notes
    assert 'not imported: disk sda: target rotation_rate="1"' in notes
    found = import_libvirt("<domain><memory>65536</memory><vcpu current='1' cpuset='0-3'>2</vcpu></domain>")
    assert 'not imported: vcpu current="1" cpuset="0-3"' in found.notes


def test_several_refusals_at_once_leave_a_profile_without_problems() -> None:
    room = "<maxMemory slots='4' unit='KiB'>1000001</maxMemory>"
    cells = "<cpu><topology sockets='1' dies='2' cores='2' threads='1'/></cpu>"
    ports = "<channel type='pty'><target type='virtio'/></channel>" * 3
    found = import_libvirt(
        f"<domain><memory unit='MiB'>512</memory>{room}<vcpu>4</vcpu>{cells}<devices>{ports}</devices></domain>"
    )
    parsed = parse(found.text, name="x", file="x")
    assert parsed.problems == ()
    assert parsed.profile is not None
    assert parsed.profile.cpu.count == 4
    assert sum(note.startswith("not imported: devices/channel") for note in found.notes) == 1  # the same words once
    assert any(note.startswith("memory.maximum") for note in found.notes)


def test_a_topology_that_does_not_fit_goes_and_the_processors_stay() -> None:
    profile, notes = profile_of("<cpu><topology sockets='1' cores='3' threads='1'/></cpu>")
    assert (profile.cpu.count, profile.cpu.cores) == (2, None)
    assert any(note.startswith("cpu.count: 2 CPUs do not match") for note in notes)


def test_what_is_behind_a_port() -> None:
    target = "<target type='virtio' name='a'/>"
    profile, notes = profile_of(
        f"<devices><channel type='unix'><source mode='bind' path='/srv/a.sock'/>{target}</channel>"
        "<channel type='unix'><source mode='bind' path='/var/lib/libvirt/qemu/channel/target/x/b'/>"
        "<target type='virtio' name='b'/></channel>"
        "<console type='file'><source path='/srv/c.txt' append='on'/><target type='virtio'/></console>"
        "<channel type='unix'><source mode='connect' path='/srv/d.sock'/><target type='virtio' name='d'/></channel>"
        "</devices>"
    )
    assert [(port.backend, port.path) for port in profile.serial] == [
        ("socket", "/srv/a.sock"),
        ("socket", None),
        ("file", "/srv/c.txt"),
    ]
    assert 'not imported: devices/channel type="unix"' in notes


class TestBooting:
    CARD = "<interface type='user'><model type='virtio'/><boot order='{}'/></interface>"

    def test_places_of_the_profiles_devices_are_an_order(self) -> None:
        inside = disk("scsi", "sda", "<boot order='2'/>") + self.CARD.format(1)
        profile, notes = profile_of(f"<devices>{inside}</devices>")
        assert profile.boot.order == ("net", "disk")
        assert not any("boot" in note for note in notes)

    def test_places_of_arguments_stay_theirs(self) -> None:
        inside = disk("sata", "sda", "<boot order='2'/>") + disk("sata", "sdb", "<boot order='1'/>")
        profile, notes = profile_of(f"<devices>{inside}</devices>")
        places = [arg.partition("bootindex=")[2] for arg in profile.qemu.args if "bootindex" in arg]
        assert places == ["1001", "1000"]
        assert not any("boot order" in note for note in notes)

    @pytest.mark.parametrize(("card", "cd", "wanted", "reported"), [(2, 1, "0", False), (1, 2, "1001", False)])
    def test_one_of_the_arguments_before_or_behind(self, card: int, cd: int, wanted: str, reported: bool) -> None:
        inside = disk("sata", "sda", f"<boot order='{cd}'/>", device="cdrom") + self.CARD.format(card)
        profile, notes = profile_of(f"<devices>{inside}</devices>")
        assert profile.boot.order == ("net",)
        assert [arg.partition("bootindex=")[2] for arg in profile.qemu.args if "bootindex" in arg] == [wanted]
        assert any("boot order" in note for note in notes) == reported

    def test_an_impossible_order_is_reported(self) -> None:
        inside = (
            disk("sata", "sda", "<boot order='1'/>") + disk("sata", "sdb", "<boot order='2'/>") + self.CARD.format(3)
        )
        _, notes = profile_of(f"<devices>{inside}</devices>")
        assert any("boot order" in note for note in notes)


def test_disks_on_other_buses_are_arguments() -> None:
    inside = disk("virtio", "vda", "<serial>S</serial>") + disk("sata", "sda", device="cdrom") + disk("usb", "sdb")
    profile, notes = profile_of(f"<devices>{inside}</devices>")
    image = "file=/a,,b.img,format=raw,cache=writeback,discard=ignore"
    assert profile.qemu.args == (
        "-drive", f"if=none,id=vda,{image}", "-device", "virtio-blk-pci,drive=vda,serial=S",
        "-drive", f"if=none,id=sda,{image},media=cdrom", "-device", "ide-cd,bus=ide.0,drive=sda",
    )  # fmt: skip
    assert profile.qemu.reserve == 1
    assert [note for note in notes if note.startswith("not imported: devices/disk")] == [
        'not imported: devices/disk type="file" device="disk"'
    ]
    assert sum("moved to qemu.args" in note for note in notes) == 2
    on_pc, notes = profile_of(f"<devices>{disk('sata', 'sda')}</devices>", machine="pc")
    assert not on_pc.qemu.args
    assert any(note.startswith("not imported: devices/disk") for note in notes)


def test_scsi_controllers_keep_their_disks() -> None:
    where = "<address type='drive' controller='{}' bus='0' target='0' unit='0'/>"
    profile, notes = profile_of(
        "<devices><controller type='scsi' index='0' model='virtio-scsi'/>"
        "<controller type='scsi' index='1' model='virtio-scsi'><driver queues='4' iothread='1'/></controller>"
        "<controller type='scsi' index='2' model='lsilogic'/>"
        + disk("scsi", "sda", where.format(1))
        + disk("scsi", "sdb", where.format(0))
        + disk("scsi", "sdc", where.format(2))
        + "</devices>"
    )
    assert [(one.queues, one.iothread, len(one.disk)) for one in profile.scsi] == [(None, False, 1), (4, True, 1)]
    assert any("scsi lsilogic, with its disks" in note for note in notes)
    assert any("devices/disk" in note for note in notes)


def test_clocks_and_a_balloon_that_is_in_use() -> None:
    profile, notes = profile_of(
        "<currentMemory unit='MiB'>256</currentMemory><clock offset='localtime'><timer name='hpet' present='no'/>"
        "<timer name='rtc' tickpolicy='catchup'/></clock><on_reboot>destroy</on_reboot>"
    )
    assert profile.qemu.args == ("-rtc", "base=localtime")
    assert dict(profile.machine_options) == {"hpet": "off"}
    assert any("currentMemory 256M" in note for note in notes)
    assert any("clock/timer rtc" in note and "on_reboot destroy" in note for note in notes)
    assert any("variable" in note for note in profile_of("<clock offset='variable'/>")[1])


@pytest.mark.parametrize(
    ("cpu", "topology"),
    [
        ("count = 2", (1, 2, 1)),
        ("count = 8\nsockets = 2", (2, 4, 1)),
        ("count = 8\ncores = 2", (4, 2, 1)),
        ("count = 8\nsockets = 2\ncores = 2", (2, 2, 2)),
        ("count = 8\nthreads = 2", (1, 4, 2)),
    ],
)
def test_the_topology_is_that_of_qemu(cpu: str, topology: tuple[int, int, int]) -> None:
    """As ``-smp`` has them without a word; libvirt would make a socket of each."""
    guest = read_guest(f"[cpu]\n{cpu}\n")
    element = ElementTree.fromstring(export_libvirt(guest, launch(guest)).text).find("cpu/topology")
    assert element is not None
    assert tuple(int(element.get(name, "")) for name in ("sockets", "cores", "threads")) == topology


def test_hyperv_without_an_equivalent_in_libvirt_is_listed() -> None:
    guest = read_guest('accelerator = "kvm"\n[cpu]\nhyperv = ["stimer-direct", "crash", "xmm-input"]\n')
    exported = export_libvirt(guest, launch(guest))
    assert [note.split(":")[0] for note in exported.notes] == ["cpu.hyperv crash", "cpu.hyperv xmm-input"]
    back = parse(import_libvirt(exported.text).text, name="x", file="x").profile
    assert back is not None
    assert set(back.cpu.enlightenments()) == set(guest.cpu.enlightenments()) - {"crash", "xmm-input"}


def test_what_libvirt_requires_for_more_memory_and_serials() -> None:
    guest = read_guest(
        'memory.maximum = "1G"\n[[scsi]]\nqueues = 2\niothread = true\n[[scsi.disk]]\nfile = "/a"\nserial = "x=y"\n'
    )
    exported = export_libvirt(guest, launch(guest))
    root = ElementTree.fromstring(exported.text)
    assert root.find("cpu/numa/cell") is not None
    assert root.find("devices/disk/serial") is None
    assert [note.split(":")[0] for note in exported.notes] == ["memory.maximum", "scsi[0].disk[0].serial"]
    assert root.findtext("iothreads") == "1"
    back = parse(import_libvirt(exported.text).text, name="x", file="x").profile
    assert back is not None
    assert (back.memory.maximum, back.scsi[0].queues, back.scsi[0].iothread) == (1 << 30, 2, True)


PLUGGED = "<memory model='{}'>{}<target><size unit='MiB'>{}</size><node>0</node>{}</target></memory>"


def test_memory_counts_what_its_devices_can_have() -> None:
    """libvirt: docs/formatdomain.rst, ``memory``: "the maximum allocation … including memory devices"."""
    one = PLUGGED.format("virtio-mem", "", 128, "<block unit='MiB'>4</block><requested unit='MiB'>64</requested>")
    guest, notes = profile_of(f"<maxMemory unit='GiB'>1</maxMemory><devices>{one}</devices>")
    assert (guest.memory.size, guest.memory.maximum) == (384 << 20, 1 << 30)
    device = guest.memory.virtio_mem
    assert (device.size, device.requested, device.block) == (128 << 20, 64 << 20, 4 << 20)
    assert not any("memory" in note for note in notes)
    others = PLUGGED.format("virtio-mem", "<source><nodemask>1</nodemask></source>", 64, ""), one + one
    for plugged, left in ((others[0], 448), (others[1], 256), (PLUGGED.format("dimm", "", 64, ""), 448)):
        guest, notes = profile_of(f"<maxMemory slots='2' unit='GiB'>1</maxMemory><devices>{plugged}</devices>")
        assert guest.memory.size == left << 20
        assert guest.memory.virtio_mem is None
        assert any(note.startswith("not imported: devices/memory") for note in notes)


@pytest.mark.parametrize("more", ["", "block = '4M'\n", "requested = '64M'\n[memory.hugepages]\nsize = '2M'\n"])
def test_virtio_mem_goes_out_and_comes_back(more: str) -> None:
    guest = read_guest(f"[memory]\nsize = '256M'\n[memory.virtio-mem]\nsize = '128M'\n{more}")
    exported = export_libvirt(guest, launch(guest))
    root = ElementTree.fromstring(exported.text)
    assert root.findtext("memory") == str(384 << 10)
    assert root.findtext("maxMemory") == str(384 << 10)
    assert root.find("cpu/numa/cell").get("memory") == str(256 << 10)  # type: ignore[union-attr]
    assert [note.split(":")[0] for note in exported.notes] == ["memory.virtio-mem"]
    back = parse(import_libvirt(exported.text).text, name="x", file="x").profile
    assert back is not None
    assert back.memory.size == guest.memory.size
    one, other = guest.memory.virtio_mem, back.memory.virtio_mem
    assert one is not None
    assert other is not None
    assert (other.size, other.requested, other.block) == (one.size, one.requested, one.block or 2 << 20)


def test_arguments_for_qemu_are_kept() -> None:
    guest = read_guest('[qemu]\nargs = ["-device", "edu,id=a", "-global", "x.y=a<b"]\n')
    back = parse(import_libvirt(export_libvirt(guest, launch(guest)).text).text, name="x", file="x").profile
    assert back is not None
    assert back.qemu.args == guest.qemu.args
    assert back.qemu.reserve == 1
    found = import_libvirt(
        "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><memory>65536</memory>"
        "<qemu:commandline><qemu:arg value='-S'/><qemu:env name='A' value='b'/></qemu:commandline></domain>"
    )
    assert tomllib.loads(found.text)["qemu"]["args"] == ["-S"]
    assert [note for note in found.notes if 'name="A"' in note], "the rest of it is reported"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<a>",
        "<network/>",
        "<domain",
        '<!DOCTYPE x [<!ENTITY a "b">]><domain>&a;</domain>',
        "hello",
        "<domain>\0</domain>",
    ],
)
def test_what_is_not_a_domain(text: str) -> None:
    with pytest.raises(LibvirtError):
        import_libvirt(text)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_profile_goes_out_and_comes_back(path: Path) -> None:
    guest = read_guest(path.read_text())
    there_and_back(guest)


@given(PROFILE)
@settings(deadline=None, max_examples=150)
def test_any_profile_goes_out_and_comes_back(document: dict[str, Any]) -> None:
    parsed = parse(to_toml(document), name="demo", file="f")
    if parsed.profile is not None:
        there_and_back(parsed.profile)


def there_and_back(guest: Any) -> None:
    """What libvirt can say comes back as it was."""
    exported = export_libvirt(guest, launch(guest))
    ElementTree.fromstring(exported.text)
    imported = import_libvirt(exported.text)
    back = parse(imported.text, name="demo", file="x")
    assert back.profile is not None, (back.problems, exported.text)
    assert (back.profile.memory.size, back.profile.cpu.count) == (guest.memory.size, guest.cpu.count)
    assert (back.profile.balloon is None, len(back.profile.rng)) == (guest.balloon is None, len(guest.rng))
    assert back.profile.machine == guest.machine
    kept = [net.mac for net in guest.net if net.backend in ("user", "bridge")]
    assert [net.mac for net in back.profile.net] == kept
    images = [disk.file for scsi in guest.scsi for disk in scsi.disk]
    assert len([disk for scsi in back.profile.scsi for disk in scsi.disk]) == len(images)
    assert [port.name or AGENT for port in back.profile.serial if port.kind != "console"] == [
        port.name or AGENT
        for port in guest.serial
        if port.kind != "console" and port.backend in ("socket", "pty", "null")
    ]


@given(st.text())
@settings(deadline=None)
def test_texts_of_any_kind_stay_texts(text: str) -> None:
    guest = replace_description(text)
    if guest is None:
        return
    root = ElementTree.fromstring(export_libvirt(guest, launch(guest)).text)
    assert [child.tag for child in root][:2] == ["name", "description"] or not guest.description


def replace_description(text: str) -> Any:
    return parse(to_toml({"description": text[:900], "qemu": {"args": ["-x", text]}}), name="demo", file="f").profile


TAGS = st.sampled_from(
    ["domain", "memory", "vcpu", "cpu", "os", "type", "devices", "disk", "interface", "model", "source", "target", "rng",
     "memballoon", "features", "hyperv", "relaxed", "maxMemory", "channel", "graphics", "topology", "cputune", "vcpupin"]
)  # fmt: skip
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["type", "mode", "bus", "device", "unit", "model", "name", "slots", "state", "retries", "period", "bytes", "vcpu"]
    ),
    st.sampled_from(["", "x", "virtio", "scsi", "1", "KiB", "on", "disk", "vnc", "user", "random", "-1", "0"]),
    max_size=3,
)  # fmt: skip


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> str:
    tag = draw(TAGS)
    attributes = "".join(f' {key}="{value}"' for key, value in draw(ATTRIBUTES).items())
    inner = "".join(draw(st.lists(elements(depth - 1), max_size=3))) if depth else ""
    return f"<{tag}{attributes}>{draw(st.sampled_from(['', '1', 'x', ' 512 ', '-3']))}{inner}</{tag}>"


@given(st.lists(elements(), max_size=4))
@settings(deadline=None, max_examples=300)
def test_any_domain_gives_a_profile_or_says_why_not(parts: list[str]) -> None:
    found = import_libvirt(f"<domain>{''.join(parts)}</domain>")
    tomllib.loads(found.text)
    assert replace(found, name="").text == found.text
