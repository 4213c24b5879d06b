"""``workbench plug`` and ``unplug``: on the demo guest, which sees the devices come and go, and on one without a system."""

from __future__ import annotations

import json
import socket
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.commandline import CHECKOUT, DEADLINE, wait_until
from workbench.domain.hotplug.unplug import Kind
from workbench.engine.hotplug.plugged import plugged

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import CommandLine, Done

PROFILE = """\
# A guest of mine.
memory.size = "64M"
accelerator = "tcg"
rng = false  # none at first

[balloon] # the balloon
deflate-on-oom = true

[[scsi]]
# Disks come here.

# The end.
"""


def said_in(workbench: CommandLine, command: str, name: str = "demo") -> str:
    """What a command of the guest's shell prints."""
    with closing(socket.socket(socket.AF_UNIX)) as line:
        line.settimeout(DEADLINE)
        line.connect(str(workbench.state / name / "serial.sock"))
        mark = f"done{time.monotonic_ns()}"
        line.sendall(f"\n{command}; echo {mark[:4]}''{mark[4:]}\n".encode())
        text = b""
        while f"\n{mark}" not in text.decode(errors="replace").replace("\r", ""):
            got = line.recv(4096)
            assert got, text
            text += got
    return text.decode(errors="replace")


def functions(workbench: CommandLine, id_: str) -> int:
    """How many PCI functions with this vendor and device the guest sees."""
    vendor, device = id_.split(":")
    text = said_in(
        workbench,
        f"n=0; for d in /sys/bus/pci/devices/*; do "
        f"[ $(cat $d/vendor)$(cat $d/device) = 0x{vendor}0x{device} ] && n=$((n+1)); done; echo count=$n.",
    )
    return int(text.rpartition("count=")[2].partition(".")[0])


def ids(workbench: CommandLine, name: str) -> str:
    return workbench("qmp", name, "qom-list", "path=/machine/peripheral").stdout


def done(found: Done) -> Done:
    assert found.code == 0, found
    return found


@pytest.mark.parametrize(("kind", "function"), [(Kind.NET, "1af4:1041"), (Kind.RNG, "1af4:1044")])
def test_the_guest_sees_a_device_come_and_go(running_demo: CommandLine, kind: Kind, function: str) -> None:
    before = functions(running_demo, function)
    plug = done(running_demo("plug", "demo", kind, "--json")).json
    assert (plug["id"], plug["bus"], plug["kept"]) == (f"{kind}1", "pcie-port0", None)
    wait_until(lambda: functions(running_demo, function) == before + 1, f"the guest to see its {kind}")
    assert "not in the profile" in running_demo("tree", "demo", "--diff").stdout
    gone = done(running_demo("unplug", "demo", f"{kind}1", "--timeout", "30", "--json")).json
    assert gone == {"guest": "demo", "id": f"{kind}1", "state": "gone", "left": []}
    assert functions(running_demo, function) == before
    assert done(running_demo("tree", "demo", "--diff")).stdout == "demo matches its profile\n", "no backend is left"
    assert plugged(running_demo.state / "demo") == {}


def test_the_guest_sees_a_disk_and_a_port(running_demo: CommandLine, tmp_path: Path) -> None:
    image = tmp_path / "d.qcow2"
    done(running_demo("plug", "demo", "disk", f"file={image}", "size=16M"))
    done(running_demo("plug", "demo", "serial", "kind=port", "name=org.example", "id=talk"))
    assert image.exists()
    assert (running_demo.state / "demo" / "port-talk.sock").is_socket()
    wait_until(lambda: "0:0:0:0" in said_in(running_demo, "ls /sys/class/scsi_device"), "the guest to see the disk")
    wait_until(lambda: "org.example" in said_in(running_demo, "cat /sys/class/virtio-ports/*/name"), "the port")
    for name in ("disk0", "talk"):
        assert done(running_demo("unplug", "demo", name)).stdout == f"{name} unplugged from demo\n"
    wait_until(lambda: "0:0:0:0" not in said_in(running_demo, "ls /sys/class/scsi_device"), "the disk to go")
    assert "demo matches its profile" in running_demo("tree", "demo", "--diff").stdout


def test_what_cannot_be_is_refused_and_changes_nothing(running_demo: CommandLine) -> None:
    before = ids(running_demo, "demo")
    running_demo("plug", "demo", "net", "bakend=user").check_error(2, "bakend", "did you mean backend")
    running_demo("plug", "demo", "net", "mac").check_error(2, "KEY=VALUE")
    running_demo("plug", "demo", "net", "id=net0").check_error(2, "already exists")
    running_demo("plug", "demo", "disk", "file=/nonexistent/d").check_error(1, "blockdev-add", "No such file")
    running_demo("plug", "demo", "net", "rx_queue_size=300").check_error(1, "device_add", "power of 2")
    running_demo("unplug", "demo", "net0").check_error(1, "does not support hotplugging")
    running_demo("unplug", "demo", "net9").check_error(3, "net9", "net0")
    running_demo("plug", "nosuch", "net").check_error(3, "nosuch")
    dry = done(running_demo("plug", "demo", "net", "--dry-run")).stdout.splitlines()
    assert [line.split()[0] for line in dry] == ["netdev_add", "device_add"]
    assert ids(running_demo, "demo") == before
    assert running_demo("tree", "demo", "--diff").code == 0


def test_without_an_operating_system_it_is_not_said_to_be_gone(workbench: CommandLine) -> None:
    workbench.profile("fw", f"root-ports = 1\n{PROFILE}")
    workbench.start("fw")
    done(workbench("plug", "fw", "net"))
    workbench("plug", "fw", "net").check_error(1, "no hot-pluggable slot is free", "root-ports")
    late = workbench("unplug", "fw", "net1", "--timeout", "0.3")
    late.check_error(4, "did not release net1 within 0.3 s", "without an operating system")
    assert "net1" in ids(workbench, "fw")
    late.check_error(4, "netdev net1-host stays until then", "unplug net1 again")
    again = workbench("unplug", "fw", "net1", "--timeout", "0.3", "--json")
    assert (again.code, again.json["state"]) == (4, "overdue")
    done(workbench("pause", "fw"))
    workbench("unplug", "fw", "net1", "--timeout", "0.3").check_error(4, "state paused")
    done(workbench("resume", "fw"))
    workbench("plug", "fw", "serial").check_error(
        1, "no virtio serial controller", "no hot-pluggable slot", "[[serial]]"
    )
    # The reset carries it out, and nobody is there to see it.
    done(workbench("reset", "fw"))
    wait_until(lambda: '"net1"' not in ids(workbench, "fw"), "the reset to carry it out")
    left = workbench("tree", "fw", "--diff")
    assert (left.code, left.stdout.split()[1]) == (1, "net1-host"), "what stood behind it is told"
    workbench("plug", "fw", "net", "id=net1").check_error(2, "netdev net1-host", "unplug net1 again")
    assert (
        done(workbench("unplug", "fw", "net1")).stdout
        == "net1 was already unplugged from fw; removed: netdev net1-host\n"
    )
    workbench("unplug", "fw", "net1").check_error(3, "net1")
    assert done(workbench("tree", "fw", "--diff")).stdout == "fw matches its profile\n"


def test_it_is_kept_with_all_comments_and_runs_so_the_next_time(workbench: CommandLine, tmp_path: Path) -> None:
    file = workbench.profile("mine", PROFILE)
    workbench.start("mine")
    image = tmp_path / "d.img"
    done(workbench("plug", "mine", "net", "mac=52:54:00:aa:bb:cc", "--keep"))
    done(workbench("plug", "mine", "disk", f"file={image}", "format=raw", "size=1M", "--keep"))
    done(workbench("plug", "mine", "rng", "max-bytes=1024", "--keep"))
    text = file.read_text()
    for line in PROFILE.splitlines():
        assert line in text or line.startswith("rng"), line
    assert done(workbench("tree", "mine", "--diff")).stdout == "mine matches its profile\n"
    done(workbench("stop", "mine", "--timeout", "0", "--kill"))
    workbench.start("mine")
    now = ids(workbench, "mine")
    assert all(f'"{name}"' in now for name in ("net0", "net1", "disk0", "rng0")), now
    assert text.index("Disks come here") < text.index("disk0")


def test_it_is_kept_where_the_profile_has_its_tables_in_brackets(workbench: CommandLine, tmp_path: Path) -> None:
    text = 'net = [{ backend = "none" }]  # mine\nrng = false # not yet\nscsi = [{}]\nmemory.size = "64M"\naccelerator = "tcg"\n'
    file = workbench.profile("one", text)
    workbench.start("one")
    kept = done(workbench("plug", "one", "net", "--keep")).stdout
    assert kept.endswith(f"added to {file}:1\n")
    done(workbench("plug", "one", "rng", "--keep"))
    done(workbench("plug", "one", "disk", f"file={tmp_path / 'd.qcow2'}", "size=1M", "--keep"))
    lines = file.read_text().splitlines()
    assert lines[:2] == ['net = [{ backend = "none" }, { id = "net1" }]  # mine', 'rng = [{ id = "rng0" }] # not yet']
    assert lines[2].startswith('scsi = [{ disk = [{ id = "disk0", file = ')
    assert lines[3:] == text.splitlines()[3:]
    assert done(workbench("tree", "one", "--diff")).stdout == "one matches its profile\n"


BARE = """\
memory.size = "256M"
accelerator = "tcg"

[boot]
guest = "demo"  # the little one
"""


def test_a_missing_controller_is_plugged_in_first_and_kept_with_its_device(
    workbench: CommandLine, tmp_path: Path
) -> None:
    file = workbench.profile("demo", BARE)
    workbench.start("demo")
    workbench.wait_for_boot()
    dry = done(workbench("plug", "demo", "disk", "media=cdrom", "--dry-run")).stdout.splitlines()
    assert [line.split()[0] for line in dry] == ["device_add", "device_add"]
    assert ["virtio-scsi-pci" in line for line in dry] == [True, False]
    disk = done(workbench("plug", "demo", "disk", f"file={tmp_path / 'd.qcow2'}", "size=16M", "--keep")).stdout
    assert "on scsi0.0 of the new controller scsi0" in disk
    assert (
        "of the new controller virtio-serial0"
        in done(workbench("plug", "demo", "serial", "kind=port", "name=org.example", "--keep")).stdout
    )
    wait_until(lambda: "0:0:0:0" in said_in(workbench, "ls /sys/class/scsi_device"), "the guest to see the disk")
    wait_until(lambda: "org.example" in said_in(workbench, "cat /sys/class/virtio-ports/*/name"), "the port")
    assert file.read_text().startswith(f'{BARE}\n[[scsi]]\nid = "scsi0"\n\n[[scsi.disk]]\nid = "disk0"\n')
    assert done(workbench("tree", "demo", "--diff")).stdout == "demo matches its profile\n"
    done(workbench("unplug", "demo", "scsi0"))
    assert json.loads(workbench("qmp", "demo", "query-named-block-nodes").stdout) == [], "its disk's image went with it"
    wait_until(lambda: "0:0:0:0" not in said_in(workbench, "ls /sys/class/scsi_device"), "the disk to go")


def test_what_a_profile_cannot_hold_is_not_kept(workbench: CommandLine) -> None:
    base = workbench.profile("base", '[[net]]\nbackend = "none"\n')
    file = workbench.profile("one", 'extends = "base.toml"\nmemory.size = "64M"\naccelerator = "tcg"\n')
    workbench.start("one")
    before = file.read_text()
    refused = workbench("plug", "one", "net", "--keep")
    refused.check_error(1, "net comes from base.toml", f"by hand to {base}", '[[net]]\nhint: id = "net1"')
    assert file.read_text() == before
    assert "net1" not in ids(workbench, "one")


def test_a_guest_that_refuses_is_said_to_refuse(workbench: CommandLine) -> None:
    """A memory module whose pages the guest's kernel itself uses: it tells so by ACPI's _OST (QEMU: hw/acpi/memory_hotplug.c)."""
    text = (CHECKOUT / "profiles/demo.toml").read_text()
    workbench.profile("demo", text.replace('size = "512M"', 'size = "256M"\nmaximum = "1G"\nslots = 1'))
    workbench.start("demo")
    workbench.wait_for_boot()
    done(workbench("qmp", "demo", "object-add", "qom-type=memory-backend-ram", "id=m0", "size=128M"))
    done(workbench("qmp", "demo", "device_add", "driver=pc-dimm", "id=dimm0", "memdev=m0"))
    module = "/sys/devices/system/memory/memory32"
    wait_until(lambda: "state" in said_in(workbench, f"ls {module}"), "the guest to see the module")
    said_in(workbench, f"echo online_kernel > {module}/state")
    said_in(workbench, "i=0; while [ $i -lt 1500 ]; do mkdir -p /tmp/many/$i; i=$((i+1)); done")
    refused = workbench("unplug", "demo", "dimm0", "--timeout", "20", "--json")
    assert (refused.code, refused.json["state"]) == (1, "refused"), refused
    refused.check_error(1, "demo refused to release dimm0")
    assert "dimm0" in ids(workbench, "demo")
