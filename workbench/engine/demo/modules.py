"""Kernel modules for the demo guest: which ones, in which order, as plain ELF files.

The order comes from the modules themselves: each names those it needs in ``depends=`` of its section ``.modinfo``
(scripts/mod/modpost.c, ``add_depends()``). A package has no ``modules.dep`` before it is installed, and so no depmod is
needed.
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
"""Without these, as modules or inside the kernel, there is no demo guest."""

POWER_BUTTON = ("button", "evdev")
"""Loaded first: a guest that already answers elsewhere, and does not hear its power button, looks stuck."""

WELCOME = ("virtio_rng", "virtio_blk", "sd_mod", "af_packet")
"""Loaded where the kernel has them as modules: entropy, disks, DHCP's raw sockets."""

WANTED = (*POWER_BUTTON, *NEEDED, *WELCOME)
"""All of them, in the order of loading."""

_SUFFIXES = (".ko", ".ko.xz", ".ko.zst", ".ko.gz")


class Module(NamedTuple):
    name: str
    """As the kernel names it, with underscores."""
    image: bytes
    """The ELF file, not compressed: busybox's insmod loads nothing else."""


def ordered_modules(tree: Path) -> list[Module]:
    """The modules that the guest loads, each after those it needs.

    :param tree: a kernel's own directory, such as ``/lib/modules/6.1.0-13-amd64``.
    :raise HostError: when one that is needed is neither a module nor inside the kernel.
    """
    files = {_name(path): path for path in sorted(tree.rglob("*.ko*")) if path.name.endswith(_SUFFIXES)}
    built_in = _built_in(tree)
    # Without the list nobody can tell what is inside the kernel: let it try.
    absent = set() if built_in is None else set(NEEDED) - set(files) - built_in
    if absent:
        raise HostError(
            f"the kernel {tree.name} has no {', '.join(sorted(absent))}",
            hint="name another kernel in a profile: [boot] kernel = ... and initrd = ...",
        )
    loaded: dict[str, bytes] = {}
    for name in WANTED:
        _load(name, files, loaded)
    return [Module(name, image) for name, image in loaded.items()]


def _load(name: str, files: Mapping[str, Path], loaded: dict[str, bytes], asking: Iterable[str] = ()) -> None:
    """Put a module behind all that it needs. What is no file is inside the kernel, or only welcome."""
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
    """The names in ``modules.builtin``: modules that this kernel has inside; None when there is no such list."""
    try:
        lines = (tree / "modules.builtin").read_text().split()
    except FileNotFoundError:
        return None
    return {line.rpartition("/")[2].removesuffix(".ko").replace("-", "_") for line in lines}


def read_module(path: Path) -> bytes:
    """A module's ELF file, whatever it is compressed with.

    :raise HostError: when it cannot be decompressed.
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
        raise HostError(f"{path.name} cannot be decompressed: {error}") from error


def _zstd(path: Path) -> bytes:
    # Python has zstd from 3.14 only (compression.zstd), and then not in every build: the tool serves all.
    if shutil.which("zstd") is None:
        raise HostError(
            f"{path.name} is compressed with zstd, and there is no zstd here", hint="sudo apt-get install zstd"
        )
    done = subprocess.run(["zstd", "-dcq", str(path)], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        raise HostError(f"{path.name} cannot be decompressed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def depends(image: bytes) -> list[str]:
    """The names of the modules that a module needs.

    :raise HostError: when this is no kernel module.
    """
    for entry in _section(image, b".modinfo").split(b"\0"):
        key, _, value = entry.partition(b"=")
        if key == b"depends":
            return [name.decode(errors="replace").replace("-", "_") for name in value.split(b",") if name]
    raise HostError("a kernel module without depends= in .modinfo: damaged, or not a module")


def _section(image: bytes, wanted: bytes) -> bytes:
    """One section of a 64-bit little-endian ELF file; empty when it has none of that name.

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
