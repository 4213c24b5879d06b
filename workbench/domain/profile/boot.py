"""``[boot]`` and ``[firmware]``: what the guest starts, and what starts it."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from workbench.domain.profile.devices.part import File, Option, Part, Path, json_option, judged

CONSOLE = "console=ttyS0"
"""The kernel command line when a profile gives none: Linux speaks on the serial console that the workbench shows."""
CODE, VARS = "uefi-code", "uefi-vars"
"""The block nodes of UEFI's program and of its variables."""


def _cmdline_trouble(text: str) -> str:
    size = len(text.encode())
    return f"the command line has {size:,} bytes, and a kernel reads at most 2,047" if size > 2047 else ""


class Boot(Part, frozen=True, kw_only=True):
    """``[boot]``: what the guest starts. Without it: the firmware, which looks for a disk."""

    guest: Literal["demo"] | None = None
    """``demo``: the workbench's own small Linux."""
    kernel: File | None = None
    """A Linux kernel (bzImage) that QEMU loads itself."""
    initrd: File | None = None
    """Its initramfs."""
    cmdline: Annotated[str | None, judged(_cmdline_trouble)] = None
    """The kernel's command line, at most 2,047 bytes (Linux on x86: COMMAND_LINE_SIZE). When not given
    ``console=ttyS0``, and for ``guest = "demo"`` its own."""
    order: Annotated[tuple[Literal["disk", "cdrom", "net"], ...], Meta(max_length=3)] = ()
    """What the firmware tries, one kind of device after the other; as it likes when not given."""

    def check(self) -> Iterator[tuple[Path, str]]:
        if self.guest is not None and self.kernel is not None:
            yield ("kernel",), f'guest = "{self.guest}" brings its own kernel: keep one of the two'
        if self.kernel is None and self.initrd is not None:
            if self.guest is None:
                yield ("initrd",), "an initrd needs a kernel"
            else:
                yield ("initrd",), f'guest = "{self.guest}" brings its own initrd: keep one of the two'
        if self.cmdline is not None and self.kernel is None and self.guest is None:
            yield ("cmdline",), "a command line needs a kernel"
        for index, kind in enumerate(self.order):
            if kind in self.order[:index]:
                yield ("order", index), f"{kind} stands here twice"


class Firmware(Part, frozen=True, kw_only=True):
    """``[firmware]``: what runs first in the guest."""

    type: Literal["bios", "uefi"] = "bios"
    """``bios``: QEMU's SeaBIOS; ``uefi``: OVMF, which keeps its variables (boot entries, keys) from run to run."""
    code: File | None = None
    """UEFI's program; the one that the host's firmware descriptors name when not given (QEMU:
    docs/interop/firmware.json)."""
    vars: File | None = None
    """UEFI's variables, made from the host's template when missing; a file of the guest's own in the workbench's data
    directory when not given."""

    def check(self) -> Iterator[tuple[Path, str]]:
        for key in ("code", "vars"):
            if getattr(self, key) is not None and self.type != "uefi":
                yield (key,), f'{key} is for type = "uefi"'


class Flash(Struct, frozen=True):
    """UEFI as it was found on this host: two images for the board's flash."""

    code: str
    """Absolute path of its program, which is never written."""
    vars: str
    """Absolute path of the guest's own variables."""
    format: Literal["raw", "qcow2"] = "raw"
    """Of both."""

    def options(self) -> Iterator[Option]:
        for node, file, read_only in ((CODE, self.code, True), (VARS, self.vars, False)):
            values = {"driver": self.format, "node-name": node, "read-only": read_only}
            yield json_option("-blockdev", {**values, "file": {"driver": "file", "filename": file}})
