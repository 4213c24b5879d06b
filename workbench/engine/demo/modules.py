"""Selects and orders the demo guest's kernel modules, as plain ELF files.

The order comes from the modules: each names those it needs in ``depends=`` in its section ``.modinfo``
(scripts/mod/modpost.c, ``add_depends()``). Packages have no ``modules.dep`` before they are installed, and this way depmod
is not needed.
"""

from __future__ import annotations

import gzip
import lzma
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

NEEDED = ("virtio_pci", "virtio_balloon", "virtio_console", "virtio_net", "virtio_scsi")
"""Required, as modules or built in."""

POWER_BUTTON = ("button", "evdev")
"""Loaded first: a guest that already responds but ignores its power button looks stuck."""

OPTIONAL = ("virtio_rng", "virtio_blk", "sd_mod", "af_packet")
"""Loaded if the kernel has them as modules: entropy, disks, DHCP's raw sockets."""

WANTED = (*POWER_BUTTON, *NEEDED, *OPTIONAL)
"""All of them, in load order."""

_SUFFIXES = (".ko", ".ko.xz", ".ko.zst", ".ko.gz")


class Module(NamedTuple):
    name: str
    """The kernel's name for it, with underscores."""
    image: bytes
    """The uncompressed ELF file, as busybox's insmod requires."""


def ordered_modules(tree: Path) -> list[Module]:
    """The modules that the guest loads, each after those it needs.

    :param tree: a kernel's modules directory, such as ``/lib/modules/6.1.0-13-amd64``.
    :raise HostError: if a required one is neither a module nor built in.
    """
    files = {_name(path): path for path in sorted(tree.rglob("*.ko*")) if path.name.endswith(_SUFFIXES)}
    built_in = _built_in(tree)
    # Without the list it is unknown what is built in: assume that it is all there.
    absent = set() if built_in is None else set(NEEDED) - set(files) - built_in
    if absent:
        raise HostError(
            f"the kernel {tree.name} has no {', '.join(sorted(absent))}",
            hint="set another kernel in a profile: [boot] kernel = ... and initrd = ...",
        )
    loaded: dict[str, bytes] = {}
    for name in WANTED:
        _load(name, files, loaded)
    return [Module(name, image) for name, image in loaded.items()]


def _load(name: str, files: Mapping[str, Path], loaded: dict[str, bytes], asking: Iterable[str] = ()) -> None:
    """Add a module after those it needs. One without a file is built in, or optional."""
    if name in loaded or name not in files or name in asking:
        return
    image = read_module(files[name])
    for needed in depends(image):
        _load(needed, files, loaded, (*asking, name))
    loaded[name] = image


def _name(path: Path) -> str:
    """``virtio-rng.ko.zst`` is the module ``virtio_rng``."""
    return path.name.partition(".ko")[0].replace("-", "_")


def _built_in(tree: Path) -> set[str] | None:
    """The names in ``modules.builtin``: modules built into this kernel; None if there is no such list."""
    try:
        lines = (tree / "modules.builtin").read_text().split()
    except FileNotFoundError:
        return None
    return {line.rpartition("/")[2].removesuffix(".ko").replace("-", "_") for line in lines}


def read_module(path: Path) -> bytes:
    """A module's ELF file, decompressed.

    :raise HostError: if it cannot be decompressed.
    """
    try:
        match path.suffix:
            case ".xz":
                return lzma.decompress(path.read_bytes())
            case ".gz":
                return gzip.decompress(path.read_bytes())
            case ".zst":
                return _zstd(path)
            case _:
                return path.read_bytes()
    except (lzma.LZMAError, EOFError, gzip.BadGzipFile) as error:
        raise HostError(f"cannot decompress {path.name}: {error}") from error


def _zstd(path: Path) -> bytes:
    # Python has zstd only since 3.14 (compression.zstd), and not in every build.
    if shutil.which("zstd") is None:
        raise HostError(f"cannot decompress {path.name}: zstd is not installed", hint="sudo apt-get install zstd")
    done = subprocess.run(["zstd", "-dcq", str(path)], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        raise HostError(f"cannot decompress {path.name}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def depends(image: bytes) -> list[str]:
    """The names of the modules that a module needs.

    :raise HostError: if this is not a kernel module.
    """
    for entry in _section(image, b".modinfo").split(b"\0"):
        key, _, value = entry.partition(b"=")
        if key == b"depends":
            return [name.decode(errors="replace").replace("-", "_") for name in value.split(b",") if name]
    raise HostError("kernel module without depends= in .modinfo: damaged, or not a module")


def _section(image: bytes, wanted: bytes) -> bytes:
    """One section of a 64-bit little-endian ELF file; empty if it has none of that name.

    Offsets: elf(5), ``Elf64_Ehdr`` (e_shoff at 40, e_shentsize, e_shnum and e_shstrndx at 58) and ``Elf64_Shdr``.
    """
    if image[:6] != b"\x7fELF\x02\x01":
        return b""
    try:
        (table,) = struct.unpack_from("<Q", image, 40)
        entry_size, count, names_index = struct.unpack_from("<HHH", image, 58)
        # sh_name (4 bytes), then sh_offset and sh_size at 24.
        headers = [
            (*struct.unpack_from("<I", image, at), *struct.unpack_from("<QQ", image, at + 24))
            for at in range(table, table + count * entry_size, entry_size)
        ]
        names = headers[names_index][1]
    except (struct.error, IndexError, ValueError, OverflowError):
        return b""
    for name, offset, size in headers:
        if image.startswith(wanted + b"\0", names + name):
            return image[offset : offset + size]
    return b""
