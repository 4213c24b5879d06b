"""Command lines as people write them give the same machine in a real QEMU before and after their import."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from tests.launched import launch, launched
from tests.profile_files import fake_kernel, qcow2
from tests.real import QEMU
from workbench.domain.convert.qemu.importer import import_qemu
from workbench.domain.profile.boot import Flash
from workbench.domain.profile.text.parse import parse
from workbench.engine.host.foreign_qemu import read_config
from workbench.engine.qmp.monitor import Monitor
from workbench.errors import MonitorUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ADDRESSES = ("addr", "chardev", "netdev", "drive", "memdev", "rng", "iothread", "bus-", "mac", "i8042")
"""Properties that refer to something with another place or name."""
OURS = {"isa-serial", "isa-parallel", "floppy"}
"""The console is the workbench's; QEMU's floppy drive and parallel port are left out, with a note."""

LINES = {
    "old spellings": "-hda d.img -cdrom e.iso -boot d -m 64 -net nic,model=rtl8139 -net user -usb -usbdevice tablet -vga std",
    "memory on nodes": "-nodefaults -m 128 -smp 2 -object memory-backend-file,id=a,size=64M,mem-path=.,share=on "
    "-object memory-backend-ram,id=b,size=64M -numa node,cpus=0,memdev=a -numa node,cpus=1,memdev=b",
    "names in use": "-nodefaults -M q35 -m 64 -chardev null,id=qmp -mon chardev=qmp,mode=control -device e1000,id=net0 "
    "-chardev null,id=serial0 -serial chardev:serial0 -netdev user,id=n -device virtio-net-pci,netdev=n,romfile= "
    "-device virtio-blk-pci,id=balloon0,drive=d -drive if=none,id=d,file=d.img,format=raw -device virtio-balloon",
    "named by arguments": "-nodefaults -M q35 -m 64 -netdev user,id=n -device virtio-net-pci,netdev=n,id=lan,romfile= "
    "-object filter-mirror,id=f,netdev=n,queue=tx,outdev=c -chardev null,id=c -device virtio-scsi-pci,id=s "
    "-device scsi-cd,bus=s.0,lun=3 -set device.lan.mac=52:54:00:00:00:09",
    "slots in use": "-nodefaults -M q35 -m 64 -device pcie-root-port,id=r,chassis=1,addr=0x3 -device virtio-balloon "
    "-device e1000e,addr=0x4,romfile= -device virtio-scsi-pci -vga std -device virtio-serial",
    "slots between": "-nodefaults -M pc -m 64 -vga std -netdev user,id=a -device virtio-net-pci,netdev=a,addr=0x3,romfile= "
    "-device virtio-balloon,addr=0x6 -device virtio-rng-pci,addr=0x5 -netdev user,id=b "
    "-device virtio-net-pci,netdev=b,addr=0x7,romfile=",
    "booted among arguments": "-nodefaults -M pc -m 64 -netdev user,id=n -device virtio-net-pci,netdev=n,bootindex=2 "
    "-device ide-cd,bootindex=1 -drive if=none,id=d,file=d.img,format=raw -device virtio-blk-pci,drive=d,bootindex=3",
    "little memory": "-nodefaults -M q35 -m 8 -smp 4,threads=4",
    "memory in KiB": "-nodefaults -M q35 -m 100000k -smp 2,sockets=2,dies=1,cores=1,threads=1",
    "a configuration": "-nodefaults -readconfig machine.cfg",
    "flash": "-nodefaults -M q35,pflash0=c,pflash1=v -m 64 -blockdev driver=raw,node-name=c,read-only=on,file.driver=file,"
    "file.filename=c.fd -blockdev driver=file,node-name=f,filename=v.fd -blockdev raw,node-name=v,file=f",
    "old options of the board": "-M q35,kernel_irqchip=split,sata=off,vmport=off,dump_guest_core=off -m 64 -nographic "
    "-kernel k -append 'a, b=c' -smp 4,cores=2,threads=2 -cpu max,-avx,+invtsc -device virtio-rng-pci",
    "a graphics card beside": "-M pc -m 64 -device bochs-display -device ide-hd,drive=d -drive if=none,id=d,file=q.qcow2 "
    "-fw_cfg name=opt/a,string=b,,c -smbios type=1,serial=ds=x -name 'my,, vm' -rtc base=localtime -nic none",
}  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name in ("d.img", "e.iso"):
        (tmp_path / name).write_bytes(bytes(1 << 20))
    for name in ("c.fd", "v.fd"):
        (tmp_path / name).write_bytes(bytes(64 << 10))
    qcow2(tmp_path / "q.qcow2")
    fake_kernel(tmp_path / "k")
    (tmp_path / "machine.cfg").write_text(
        '[machine]\n  type = "q35"\n[memory]\n  size = "64"\n[device "lan"]\n  driver = "virtio-net-pci"\n'
        '  netdev = "n"\n  romfile = ""\n[netdev "n"]\n  type = "user"\n[device]\n  driver = "usb-ehci"\n'
    )
    return tmp_path


@asynccontextmanager
async def as_it_is(words: list[str], directory: Path) -> AsyncIterator[Monitor]:
    """The command line with a monitor more."""
    socket, log = directory / "original.sock", directory / "original.log"
    argv = [QEMU, *words, "-S", "-display", "none", "-qmp", f"unix:{socket},server=on,wait=off"]
    with log.open("wb") as file:
        process = subprocess.Popen(argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        async with asyncio.timeout(60):
            while True:
                assert process.poll() is None, log.read_text()
                with suppress(MonitorUnavailable):  # it is bound a moment before it is listened to
                    monitor = await Monitor.connect(socket)
                    break
                await asyncio.sleep(0.005)
        try:
            yield monitor
        finally:
            await monitor.close()
    finally:
        process.kill()
        process.wait()


async def machine_of(monitor: Monitor) -> dict[str, Any]:
    """What a QEMU says of its machine that an import must not change."""
    devices: dict[str, list[tuple[str, ...]]] = {}
    found: list[str] | None = None
    for line in (await monitor.hmp("info qtree")).splitlines():
        if match := re.match(r'\s*dev: (\S+), id "', line):
            found = []
            devices.setdefault(match[1], []).append(found)  # type: ignore[arg-type]
        elif " = " in line and found is not None and not line.strip().startswith(ADDRESSES):
            found.append(line.strip())
    return {
        "devices": {name: sorted(map(tuple, each)) for name, each in devices.items() if name not in OURS},
        "board": await monitor.execute("qom-get", {"path": "/machine", "property": "type"}),
        "memory": await monitor.execute("query-memory-size-summary"),
        "nodes": await monitor.hmp("info numa"),
        "processors": [one["props"] for one in await monitor.execute("query-cpus-fast")],  # type: ignore[attr-defined]
        "images": sorted(
            (one["inserted"]["file"].rpartition("/")[2], one["inserted"]["drv"], one["inserted"]["ro"])
            for one in await monitor.execute("query-block")  # type: ignore[attr-defined]
            if "inserted" in one
        ),
        "options": [
            await monitor.execute("qom-get", {"path": "/machine", "property": name})
            for name in ("graphics", "append", "dump-guest-core", "usb")
        ],
    }


@pytest.mark.parametrize("name", LINES)
async def test_the_import_is_the_same_machine(name: str, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(LINES[name])
    async with as_it_is(words, files) as monitor:
        wanted = await machine_of(monitor)
    imported = import_qemu([QEMU, *words], read=lambda path: read_config(str(files), path))
    parsed = parse(imported.text, name="mine", file="mine.toml")
    assert parsed.profile is not None, (parsed.problems, imported.text)
    planned = launch(QEMU, files, kernel=str(files / "k") if parsed.profile.boot.kernel else None)
    if parsed.profile.firmware.code is not None:
        planned = replace(planned, flash=Flash(str(files / "c.fd"), str(files / "v.fd")))
    monkeypatch.chdir(files)  # where a start runs it
    async with launched(parsed.profile, planned) as monitor:
        found = await machine_of(monitor)
    assert found["devices"] == wanted["devices"], imported.text
    assert found == wanted, imported.text
