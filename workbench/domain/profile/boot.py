"""``[boot]`` and ``[firmware]``: the guest's kernel or boot order, and its firmware."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from workbench.domain.profile.devices.part import File, Option, Part, Path, json_option, judged

CONSOLE = "console=ttyS0"
"""The default kernel command line: Linux uses the serial console that the workbench shows."""
CODE, VARS = "uefi-code", "uefi-vars"
"""The block nodes of the UEFI code and its variables."""


def _cmdline_trouble(text: str) -> str:
    size = len(text.encode())
    return f"the command line has {size:,} bytes; the kernel reads at most 2,047" if size > 2047 else ""


class Boot(Part, frozen=True, kw_only=True):
    """``[boot]``: what the guest boots. Default: whatever the firmware finds on its disks."""

    guest: Literal["demo"] | None = None
    """``demo``: the small Linux that comes with the workbench."""
    kernel: File | None = None
    """A Linux kernel (bzImage) for QEMU to load directly."""
    initrd: File | None = None
    """Its initramfs."""
    cmdline: Annotated[str | None, judged(_cmdline_trouble)] = None
    """The kernel command line, at most 2,047 bytes (Linux on x86: COMMAND_LINE_SIZE). Default: ``console=ttyS0``;
    ``guest = "demo"`` has its own."""
    order: Annotated[tuple[Literal["disk", "cdrom", "net"], ...], Meta(max_length=3)] = ()
    """The kinds of device that the firmware tries, in this order. Default: the firmware's own order."""

    def check(self) -> Iterator[tuple[Path, str]]:
        if self.guest is not None and self.kernel is not None:
            yield ("kernel",), f'guest = "{self.guest}" has its own kernel: keep one of the two'
        if self.kernel is None and self.initrd is not None:
            if self.guest is None:
                yield ("initrd",), "an initrd needs a kernel"
            else:
                yield ("initrd",), f'guest = "{self.guest}" has its own initrd: keep one of the two'
        if self.cmdline is not None and self.kernel is None and self.guest is None:
            yield ("cmdline",), "a command line needs a kernel"
        for index, kind in enumerate(self.order):
            if kind in self.order[:index]:
                yield ("order", index), f"{kind} is listed twice"


class Firmware(Part, frozen=True, kw_only=True):
    """``[firmware]``: the guest's BIOS or UEFI."""

    type: Literal["bios", "uefi"] = "bios"
    """``bios``: SeaBIOS; ``uefi``: OVMF, which keeps its variables (boot entries, keys) between runs."""
    code: File | None = None
    """The UEFI code image. Default: the one named by the host's firmware descriptors (QEMU:
    docs/interop/firmware.json)."""
    vars: File | None = None
    """The UEFI variables, created from the host's template if missing. Default: a file for this guest in the
    workbench's data directory."""

    def check(self) -> Iterator[tuple[Path, str]]:
        for key in ("code", "vars"):
            if getattr(self, key) is not None and self.type != "uefi":
                yield (key,), f'{key} is for type = "uefi"'


class Flash(Struct, frozen=True):
    """The UEFI found on this host: two images for the board's flash."""

    code: str
    """Absolute path of the code image, which is never written to."""
    vars: str
    """Absolute path of this guest's variables."""
    format: Literal["raw", "qcow2"] = "raw"
    """The format of both images."""

    def options(self) -> Iterator[Option]:
        for node, file, read_only in ((CODE, self.code, True), (VARS, self.vars, False)):
            values = {"driver": self.format, "node-name": node, "read-only": read_only}
            yield json_option("-blockdev", {**values, "file": {"driver": "file", "filename": file}})
