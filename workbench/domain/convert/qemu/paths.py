"""Make the paths of a command line absolute if its working directory is known."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.domain.convert.qemu.draft import Draft

_PATHS = frozenset(["hda", "hdb", "hdc", "hdd", "cdrom", "fda", "fdb", "pflash", "dtb", "mtdblock", "sd", "readconfig"])
"""Options whose value is a path."""
_WITH_PATHS = frozenset(["drive", "chardev", "blockdev", "object", "fsdev", "virtfs", "fw_cfg", "smbios", "serial"])
_KEY = re.compile(
    r"(?P<key>(?:\A|,)(?:[a-z.]*\.)?(?:file|path|mem-path|filename)=|\Afile:)(?P<path>[^/,:{][^,:]*)(?=,|\Z)"
)


def resolve(found: Draft, directory: str | None) -> None:
    """Make the paths of the document absolute if the directory is known."""
    tables = [
        (found.document.get("boot"), ("kernel", "initrd")),
        (found.document.get("firmware"), ("code", "vars")),
        *((one, ("source",)) for one in found.document.get("rng") or ()),
        *((one, ("path",)) for key in ("net", "serial") for one in found.document.get(key) or ()),
        *((disk, ("file",)) for one in found.document.get("scsi") or () for disk in one.get("disk", ())),
    ]
    relative = False
    for table, keys in tables:
        for key in keys:
            path = table.get(key) if isinstance(table, dict) else None
            if isinstance(path, str) and not path.startswith("/"):
                relative = True
                if directory is not None:
                    table[key] = posixpath.join(directory, path)
                elif path.startswith("./") and ".." not in path:
                    table[key] = posixpath.normpath(path)
    if relative and directory is None:
        found.notes.append("relative paths are now relative to the profile's directory")


def make_absolute(found: Draft, directory: str) -> None:
    """Make paths in the remaining arguments absolute, for options that are known to have one.

    Values with a colon are not paths: ``nbd:…``, ``json:…``.
    """
    for index, option in found.kept():
        *name, value = found.words.get(index, option.words)
        if option.name in _PATHS and option.value and ":" not in value and not value.startswith("/"):
            value = posixpath.join(directory, value)
        elif option.name in _WITH_PATHS:
            value = _KEY.sub(lambda match: match["key"] + posixpath.join(directory, match["path"]), value)
        found.words[index] = (*name, value)
