"""Import the SCSI controllers of a command line with their disks and images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from workbench.domain.command_line.options import Keys, is_on, nested, whole
from workbench.domain.convert.qemu.placement import boots, name_of, place
from workbench.domain.profile.devices.scsi import CACHES, DEVICE_ID_MAX

if TYPE_CHECKING:
    from workbench.domain.convert.qemu.draft import Draft


def controller(found: Draft, index: int, keys: Keys) -> bool:
    entry: dict[str, Any] = {}
    indexes = [index]
    bus = keys.get("id")
    name_of(found, keys, entry, "a SCSI controller")
    thread = keys.take("iothread")
    if thread is not None:
        behind = found.backend("object", thread)
        object_keys = found.options[behind].keys if behind is not None else Keys()
        object_keys.take("id")
        if behind is None or object_keys or object_keys.implied != "iothread":
            return False
        entry["iothread"] = True
        indexes.append(behind)
    queues = keys.take("num_queues")
    if queues is not None:
        entry["queues"] = whole(queues)
    if queues is not None and entry["queues"] is None:
        return False
    if not place(found, keys, entry.get("id", "a SCSI controller"), entry) or keys:
        return False
    disks, disk_indexes = _disks(found, bus)
    if disks:
        entry["disk"] = disks
    found.append("scsi", entry, [*indexes, *disk_indexes])
    return True


def _disks(found: Draft, controller: object) -> tuple[list[dict[str, Any]], list[int]]:
    """The disks of a controller in the order of their LUNs, up to the first without an equivalent in a profile."""
    disks: list[dict[str, Any]] = []
    indexes: list[int] = []
    for index in found.named("device"):
        keys = found.options[index].keys
        if keys.implied not in ("scsi-hd", "scsi-cd"):
            continue
        bus = keys.take("bus")
        if bus is not None and bus != f"{controller}.0":
            continue
        made = _disk(found, index, keys, len(disks))
        if made is None:
            continue
        entry, behind = made
        disks.append(entry)
        indexes += [index, *behind]
    return disks, indexes


def _disk(found: Draft, index: int, keys: Keys, lun: int) -> tuple[dict[str, Any], list[int]] | None:
    """A disk and the options of its image; None if it has no equivalent in a profile."""
    cdrom = keys.implied == "scsi-cd"
    entry: dict[str, Any] = {"media": "cdrom"} if cdrom else {}
    name_of(found, keys, entry, "a disk")
    places = [keys.take("channel"), keys.take("scsi-id"), keys.take("lun")]
    if any(place is not None and whole(place) != wanted for place, wanted in zip(places, (0, 0, lun), strict=True)):
        return None
    write_cache = keys.take("write-cache")
    node, behind = keys.take("drive"), None
    indexes: list[int] = []
    if node is not None:
        image_node = block_node(found, node)
        behind = found.backend("drive", node)
        if image_node is not None:
            image = _blockdev(image_node, write_cache, cdrom)
            indexes += image_node.indexes
        elif behind is not None:
            image = _drive(found.options[behind].keys, write_cache, cdrom)
            indexes.append(behind)
        else:
            return None
        if image is None:
            return None
        entry |= image
    elif not cdrom:
        return None
    serial, boot = keys.take("serial"), keys.take("bootindex")
    if serial is not None:
        entry["serial"] = serial
        if len(str(serial)) > DEVICE_ID_MAX and keys.get("device_id") == serial:
            keys.take("device_id")
    if keys:
        return None
    if serial is None and indexes and behind is not None:
        found.notes.append("a disk on a -drive has its id as serial number: its name in /dev/disk/by-id changes")
    if lun and places[1:] == [None, None]:
        found.notes.append("disks without an address were separate SCSI targets; now they are LUNs of one target")
    boots(found, index, "cdrom" if cdrom else "disk", boot)
    return entry, indexes


def _blockdev(image: Image, write_cache: object, cdrom: bool) -> dict[str, Any] | None:
    keys, inner = image.keys, image.file
    if keys.implied not in ("qcow2", "raw"):
        return None
    cache = _booleans(keys.take("cache"))
    known = {"driver", "filename", "cache", "aio", "auto-read-only", "discard", "read-only"}
    if set(inner) - known or inner.get("aio", "threads") != "threads":
        return None
    if "cache" in inner and _booleans(inner["cache"]) != cache:
        return None
    read_only = bool(is_on(keys.take("read-only")))
    discard = keys.take("discard") or "ignore"
    keys.take("auto-read-only")
    if keys.take("backing") is not None:
        return None  # a backing chain other than the image's own
    mode = _cache_mode(write_cache, cache.get("direct", False), cache.get("no-flush", False))
    if keys or mode is None or (cdrom and not read_only):
        return None
    entry = {"file": image.filename, "format": keys.implied, "cache": mode, "discard": discard}
    return entry | ({"read-only": True} if read_only and not cdrom else {})


def _booleans(table: object) -> dict[str, bool]:
    """The cache options as booleans."""
    return {name: bool(is_on(value)) for name, value in table.items()} if isinstance(table, dict) else {}


def _cache_mode(write_cache: object, direct: bool, no_flush: bool) -> str | None:
    """The cache mode with these settings, or None. A device's write cache is on by default."""
    on = True if write_cache in (None, "auto") else is_on(write_cache)
    return next((name for name, state in CACHES.items() if state == (on, direct, no_flush)), None)


def _drive(keys: Keys, write_cache: object, cdrom: bool) -> dict[str, Any] | None:
    """Import ``-drive if=none``: an image and its options."""
    if keys.take("if") != "none":
        return None
    file, shape, mode = keys.take("file"), keys.take("format"), keys.take("cache") or "writeback"
    keys.take("id")
    discard = {"on": "unmap", "unmap": "unmap", "off": "ignore", "ignore": "ignore"}.get(
        keys.take("discard") or "ignore"
    )
    read_only, media = is_on(keys.take("readonly", "read-only") or "off"), keys.take("media")
    if keys or not file or shape not in ("qcow2", "raw") or mode not in CACHES or discard is None:
        return None
    if media not in ((None, "cdrom") if cdrom else (None, "disk")) or write_cache is not None:
        return None
    if cdrom and not read_only and media is None:
        return None
    entry = {"file": file, "format": shape, "cache": mode, "discard": discard}
    return entry | ({"read-only": True} if read_only and not cdrom else {})


class Image(Struct, frozen=True):
    """A format node on a plain file."""

    keys: Keys
    """The keys of the format node; ``implied`` is the format."""
    file: dict[str, Any]
    """The keys of the file node."""
    filename: str
    indexes: tuple[int, ...]
    """The options of both nodes."""


def block_node(found: Draft, name: object) -> Image | None:
    """The node with this name; None if there is none or it is not on a plain file."""
    index = found.backend("blockdev", name)
    if index is None:
        return None
    keys = _node(found, index)
    inner = keys.pop("file", None)
    indexes: tuple[int, ...] = (index,)
    if isinstance(inner, str):
        behind = found.backend("blockdev", inner)
        if behind is None:
            return None
        file = _node(found, behind)
        inner = {**file, "driver": file.implied}
        inner.pop("node-name", None)
        indexes = (index, behind)
    if not isinstance(inner, dict) or inner.get("driver") != "file" or not isinstance(inner.get("filename"), str):
        return None
    keys.pop("node-name", None)
    return Image(keys, inner, inner["filename"], indexes)


def _node(found: Draft, index: int) -> Keys:
    keys = nested(found.options[index].keys)
    keys.implied = str(keys.take("driver") or keys.implied)
    return keys
