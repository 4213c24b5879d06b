"""Tests whether KVM really runs a guest: QEMU with our own 64 KiB firmware, which reports through a port and exits.

Opening /dev/kvm and creating a virtual machine proves little: if KVM itself runs under a hypervisor, both may work while
a guest still hangs, or QEMU aborts on its first MSR. So the probe follows the path of every kernel, from the reset vector
through paging to 64-bit code, with the CPU model that offers everything this host has. It takes some 50 ms.
"""

from __future__ import annotations

import asyncio
import resource
import tempfile
from contextlib import suppress
from pathlib import Path

DEADLINE = 5.0
"""Seconds until a silent probe counts as hung."""
HUNG = "the test guest hangs"


class ProbeHung(Exception):
    """The guest did not end in time."""


_VALUE = 0x15
"""What the guest writes to the port; QEMU then exits with ``(value << 1) | 1`` (hw/misc/debugexit.c)."""
SUCCESS = _VALUE << 1 | 1

_CODE = bytes.fromhex(
    # 16-bit, at 0xffff0000: page tables 0x1000 -> 0x2000 -> 0x3000 (lowest 2 MiB), 0x4000 (highest 2 MiB below 4 GiB).
    "fa"                                    # cli
    "31c0 8ed8"                             # xor %ax,%ax; mov %ax,%ds
    "66c7060010 03200000"                   # movl $0x2003, 0x1000          PML4[0]
    "66c7060410 00000000"
    "66c7060020 03300000"                   # movl $0x3003, 0x2000          PDPT[0]
    "66c7060420 00000000"
    "66c7061820 03400000"                   # movl $0x4003, 0x2018          PDPT[3]
    "66c7061c20 00000000"
    "66c7060030 83000000"                   # movl $0x83, 0x3000            2 MiB page at 0
    "66c7060430 00000000"
    "66c706f84f 8300e0ff"                   # movl $0xffe00083, 0x4ff8      2 MiB page that holds this code
    "66c706fc4f 00000000"
    "2e660f0116 b800"                       # lgdtl %cs:gdtr
    "66b8a0000000 0f22e0"                   # mov $0xa0,%eax; mov %eax,%cr4         PAE, PGE
    "66b800100000 0f22d8"                   # mov $0x1000,%eax; mov %eax,%cr3
    "66b9800000c0 0f32"                     # mov $0xc0000080,%ecx; rdmsr           EFER
    "660d00010000 0f30"                     # or $0x100,%eax; wrmsr                 LME
    "66b811000080 0f22c0"                   # mov $0x80000011,%eax; mov %eax,%cr0   PG, ET, PE
    "66ea 9900ffff 0800"                    # ljmpl $8,$long
    # 64-bit: cpuid is sure to cause one VM exit, then the port.
    "31c0 0fa2"                             # long: xor %eax,%eax; cpuid
    f"baf4000000 b0{_VALUE:02x} ee"         # mov $0xf4,%edx; mov $value,%al; out %al,(%dx)
    "f4 ebfd"                               # hlt; jmp to hlt
    "0000000000000000"                      # gdt: null
    "00000000009a2000"                      #      64-bit code
    "0f00 a800ffff"                         # gdtr: limit, address of gdt
)  # fmt: skip
_RESET = bytes.fromhex("e90d00")  # at 0xfffffff0: jmp to the first byte, 64 KiB round
IMAGE = _CODE.ljust(0xFFF0, b"\0") + _RESET.ljust(16, b"\0")
"""The firmware: mapped with its last byte just below 4 GiB."""


async def run_probe(binary: str, accelerator: str = "kvm", *, deadline: float = DEADLINE) -> str:
    """Run the guest once.

    :param accelerator: ``kvm``; tests also use ``tcg``, to show that the guest itself is correct.
    :return: empty if it ran to its end; else why not, in a few words.
    :raise ProbeHung: if it did neither in time.
    """
    with tempfile.TemporaryDirectory(prefix="workbench-probe-") as directory:
        image = Path(directory) / "probe.bin"
        image.write_bytes(IMAGE)
        argv = [
            binary, "-accel", accelerator, "-cpu", "max", "-machine", "q35", "-m", "16M", "-bios", str(image),
            "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
        ]  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        with suppress(ProcessLookupError, PermissionError):  # QEMU aborts if KVM is broken: no core file needed
            resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
        try:
            async with asyncio.timeout(deadline):
                _, output = await process.communicate()
        except TimeoutError as error:
            raise ProbeHung from error
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode == SUCCESS:
        return ""
    return _reason(process.returncode, output.decode(errors="replace"))


def _reason(code: int | None, output: str) -> str:
    """QEMU's first error, without its program name; else how it ended."""
    for line in output.splitlines():
        reason = line.partition(": ")[2].removeprefix("error: ")
        if reason and not reason.startswith("warning:"):
            return reason
    return f"a test guest ended QEMU with status {code}"
