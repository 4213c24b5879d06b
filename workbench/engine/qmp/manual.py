"""Find QEMU's manual page ``qemu-qmp-ref(7)`` on this host and look up a command in it."""

from __future__ import annotations

import gzip
import os
import zlib
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.qmp.manual import Paragraph, Shape, read_manual

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOMES = (Path("/usr/local/share/man"), Path("/usr/share/man"))
NAMES = ("qemu-qmp-ref.7.gz", "qemu-qmp-ref.7")
MISSING = (
    "QEMU's manual page qemu-qmp-ref(7) is not installed. On Debian and Ubuntu, install qemu-system-common. "
    "If you build QEMU from source, configure it with --enable-docs."
)
"""``dpkg -S qemu-qmp-ref.7.gz`` on Debian 12."""


def manual_of(command: str, pid: int | None = None) -> tuple[Paragraph, ...]:
    """The section on a command, followed by the page's path; or the reason why there is none.

    :param pid: QEMU's process: a page installed alongside its program takes precedence over the system's.
    """
    file = next(_files(pid), None)
    if file is None:
        return (Paragraph(Shape.TEXT, MISSING),)
    try:
        sections = _read(file, file.stat().st_mtime_ns)
    except (OSError, EOFError, zlib.error) as error:
        return (Paragraph(Shape.TEXT, f"Cannot read {file}: {error}"),)
    section = sections.get(command)
    if section is None:
        return (Paragraph(Shape.TEXT, f"{file} does not document {command}."),)
    return (*section, Paragraph(Shape.TEXT, f"From {file}."))


def _files(pid: int | None) -> Iterator[Path]:
    homes = [Path(place) for place in os.environ.get("MANPATH", "").split(":") if place]
    if pid is not None:
        with suppress(OSError):  # it exited or belongs to another user: use the system's pages
            homes.insert(0, Path(os.readlink(f"/proc/{pid}/exe")).parent.parent / "share" / "man")
    for home in (*homes, *HOMES):
        for name in NAMES:
            if (file := home / "man7" / name).is_file():
                yield file


@lru_cache(maxsize=4)
def _read(file: Path, _changed: int) -> Mapping[str, tuple[Paragraph, ...]]:
    raw = file.read_bytes()
    return read_manual((gzip.decompress(raw) if file.suffix == ".gz" else raw).decode("utf-8", "replace"))
