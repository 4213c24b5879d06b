"""Profiles for tests, and the files that they name: images that QEMU takes and nothing boots."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.profile.text.document import Source
from workbench.domain.profile.text.parse import parse

if TYPE_CHECKING:
    from workbench.domain.profile.guest import GuestProfile

HERE = Path(__file__).parent / "profiles"
SAMPLES = Path(__file__).parent.parent / "profiles"

CORPUS = [*sorted(HERE.glob("*.toml")), *sorted(SAMPLES.glob("*.toml"))]
"""Every profile of the tests, and every sample."""

NASTY = [
    "a,b",
    ",,x=y,",
    "quo\"te's\\",
    "line\nline\ttab",
    "{'json': [1]}",
    "-daemonize",
    "id=serial0,path=x",
    "grüße 🖥 %n $HOME #",
    " leading and trailing ",
]
"""Texts that mean something to a shell, to JSON or to one of QEMU's parsers."""


def read_guest(text: str) -> GuestProfile:
    """The guest of a profile's text that must be right."""
    parsed = parse(text, name="demo", file="demo.toml", read=_beside)
    assert not parsed.problems
    assert parsed.profile is not None
    return parsed.profile


def _beside(_source: Source, name: str) -> Source:
    """A file of the tests' profiles that another one extends."""
    return Source((HERE / name).read_text(), name, str(HERE))


def copy_with_files(directory: Path) -> Path:
    """``every-key.toml`` in a directory of its own, with all the files that it names."""
    fake_kernel(directory / "vmlinuz")
    (directory / "initrd.img").write_bytes(b"initrd")
    qcow2(directory / "root.qcow2")
    (directory / "data.img").write_bytes(bytes(1 << 20))
    return Path(shutil.copy(HERE / "every-key.toml", directory))


def fake_kernel(path: Path) -> Path:
    """The header of a bzImage (Linux: Documentation/arch/x86/boot.rst), which is as far as a QEMU without CPUs running reads."""
    header = bytearray(8192)
    header[0x1F1] = 1  # setup_sects
    header[0x1FE:0x200] = b"\x55\xaa"
    header[0x202:0x206] = b"HdrS"
    header[0x206:0x208] = (0x020F).to_bytes(2, "little")  # protocol 2.15
    header[0x211] = 1  # loaded high
    header[0x22C:0x230] = (0x7FFFFFFF).to_bytes(4, "little")  # initrd_addr_max
    header[0x238:0x23C] = (2047).to_bytes(4, "little")  # cmdline_size
    path.write_bytes(header)
    return path


def qcow2(path: Path) -> Path:
    """An empty qcow2 image of 1 MiB (QEMU: docs/interop/qcow2.txt, version 2), written by hand: qemu-img may be missing."""
    cluster = 1 << 16
    words = [
        (0x514649FB, 4), (2, 4), (0, 8), (0, 4), (16, 4), (1 << 20, 8), (0, 4),
        (1, 4), (3 * cluster, 8), (cluster, 8), (1, 4), (0, 4), (0, 8),
    ]  # fmt: skip
    header = b"".join(value.to_bytes(size, "big") for value, size in words)
    table = (2 * cluster).to_bytes(8, "big")
    counts = (1).to_bytes(2, "big") * 4
    path.write_bytes(
        header.ljust(cluster, b"\0") + table.ljust(cluster, b"\0") + counts.ljust(cluster, b"\0") + bytes(cluster)
    )
    return path


def set_keys(value: object, prefix: str = "") -> set[str]:
    """The dotted keys that a document sets."""
    found: set[str] = set()
    for key, inner in value.items() if isinstance(value, dict) else ():
        found.add(f"{prefix}{key}")
        tables = [table for table in inner if isinstance(table, dict)] if isinstance(inner, list) else []
        for table in tables:
            found |= set_keys(table, f"{prefix}{key}[].")
        found |= set_keys(inner, f"{prefix}{key}.")
    return found
