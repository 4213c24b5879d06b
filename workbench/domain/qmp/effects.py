"""What a command would end, lose or overwrite: for the question before it is sent.

QEMU asks nothing. The table holds commands of QMP (qapi/*.json) and of the human monitor (hmp-commands.hx) whose work
cannot be taken back; a guest's own program may still lose more than these words say. Commands inside a ``transaction``
or a ``human-monitor-command`` count as themselves.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.versions import version_of

if TYPE_CHECKING:
    from collections.abc import Iterator


VIRTIO_STATUS = "x-query-virtio-status"
VIRTIO_STATUS_SAFE = (10, 0)
"""The newest version on which it was seen to be safe; it came with 7.2."""


class Effect(Struct, frozen=True):
    """One thing that cannot be taken back."""

    command: str
    """The command that does it: the one that was asked about, or one inside it."""
    words: str
    """What it does, as a sentence."""
    file: str = ""
    """Only where this file exists, as QEMU's process sees it: it would be overwritten. Empty: in any case."""
    is_defect: bool = False
    """Whether nobody means it by this command: it only asks, and some QEMUs die of it."""


def effects_of(command: str, arguments: Mapping[str, object] | None = None, version: str = "") -> tuple[Effect, ...]:
    """What a command would do that cannot be taken back, in the order of what stands in it; nothing is looked up.

    :param version: QEMU's, such as ``7.2.22``; empty while it is not known.
    """
    return tuple(_effects(command, arguments or {}, version))


def _effects(command: str, arguments: Mapping[str, object], version: str) -> Iterator[Effect]:
    if command == "human-monitor-command":
        yield from _of_hmp(str(arguments.get("command-line", "")), version)
    elif command == "transaction":
        actions = arguments.get("actions")
        for action in actions if isinstance(actions, list) else ():
            if isinstance(action, Mapping):
                data = action.get("data")
                yield from _effects(str(action.get("type", "")), data if isinstance(data, Mapping) else {}, version)
    elif command == VIRTIO_STATUS:
        yield from _of_virtio_status(command, version)
    elif command in _QMP:
        yield Effect(command, _QMP[command])
    elif command in _QMP_FILES:
        file = _inner(arguments, _QMP_FILES[command])
        if isinstance(file, str) and file:
            yield _overwritten(command, file.removeprefix("file:"))
    elif command in _CHARDEVS:
        backend = _inner(arguments, "backend.data")
        yield from _truncated(command, backend if isinstance(backend, Mapping) else {}, "out")
    elif command == "object-add" and arguments.get("qom-type") == "filter-dump":
        yield from _truncated(command, arguments, "file")


def _of_virtio_status(command: str, version: str) -> Iterator[Effect]:
    """QEMU 11.1 aborts on it (``visit_start_struct``), and with HMP's ``info virtio-status`` dies of SIGSEGV."""
    numbers = version_of(version)
    if (0, 0) < numbers <= VIRTIO_STATUS_SAFE:
        return
    lost = "what the guest has not written is lost."
    if version and numbers == (11, 1):
        words = f"QEMU 11.1 has a defect: it dies of this query, and {lost}"
    else:
        words = f"QEMU 11.1 dies of this query by a defect; it was not tried on {version or 'this QEMU'}. If it dies, {lost}"
    yield Effect(command, words, is_defect=True)


def _of_hmp(line: str, version: str) -> Iterator[Effect]:
    try:
        words = shlex.split(line)
    except ValueError:  # a quote that never ends
        words = line.split()
    if not words:
        return
    command = words[0]
    if command == "info" and words[1:2] == ["virtio-status"]:
        yield from _of_virtio_status("info virtio-status", version)
    elif command in _HMP:
        yield Effect(command, _HMP[command])
    elif command in (*_CHARDEVS, "object_add"):
        first, *rest = (words[-1] if words[1:] else "").split(",")
        options: dict[str, object] = dict(part.partition("=")[::2] for part in rest)
        names = {"file": "path", "backend=file": "path", "filter-dump": "file", "qom-type=filter-dump": "file"}
        yield from _truncated(command, options, names.get(first, ""))
    elif command in _HMP_FILES:
        operands = [word for word in words[1:] if not word.startswith("-")]
        if len(operands) > _HMP_FILES[command]:
            yield _overwritten(command, operands[_HMP_FILES[command]])


def _inner(arguments: Mapping[str, object], path: str) -> object:
    """The value at a path; None where there is none."""
    value: object = arguments
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _truncated(command: str, options: Mapping[str, object], name: str) -> Iterator[Effect]:
    """The files that a character device or a ``filter-dump`` begins anew, unless it is told to go on at their end.

    chardev/char-file.c, ``qmp_chardev_open_file()``; chardev/char.c, ``qemu_char_open()``; net/dump.c.
    """
    for file, goes_on in ((name, "append"), ("logfile", "logappend")):
        path = options.get(file)
        if isinstance(path, str) and path and options.get(goes_on) not in (True, "on", "yes", "true", "y"):
            yield _overwritten(command, path)


def _overwritten(command: str, file: str) -> Effect:
    return Effect(command, f"The file {file} is there already, and is overwritten.", file)


_QUIT = "It ends QEMU now: what the guest has not written is lost."
_RESET = "The guest starts over at once: what it has not written is lost."
_NMI = "The guest gets an NMI: many take it for a fatal fault and panic."
_DEVICE = "The guest loses the device, with whatever it has on it: a mounted disk, a connection."
_BACKEND = "The guest's network device loses its other end: its connections break."
_CHARDEV = "The port's other end is gone: what the guest writes there is lost."
_OBJECT = "The object is gone until it is made again; a device that is added later may need it."
_MEDIUM = "The medium leaves the drive, mounted or not: what the guest has not written to it is lost."
_MIGRATE = (
    "The guest stops here when it is done, and runs on at the other end. "
    "To go on here as well would let two guests write the same disks."
)
_POSTCOPY = "The guest's memory is at two places from now on: if the connection breaks, the guest may be lost."
_LOAD = "Memory and disks go back to the snapshot: all that the guest did since is lost."
_DELETE = "The snapshot is gone for good."
_RESIZE = "A smaller size cuts off what lies behind it, for good."
_COMMIT = "It writes into the backing file: every other image that stands on that file breaks."
_COPY = "Whatever the target holds is overwritten."
_BITMAP = "What changed since the last backup is forgotten: the next one must be a full one."
_SERVE = (
    "Whoever reaches the server's address can read the disk while the guest writes it, and write it if so exported."
)
_UNSERVE = "Clients of the export are cut off: what they have not written is lost."
_NODE = "The block node is closed, and gone until it is added again."

_QMP = {
    "quit": _QUIT,
    "system_reset": _RESET,
    "inject-nmi": _NMI,
    "device_del": _DEVICE,
    "netdev_del": _BACKEND,
    "chardev-remove": _CHARDEV,
    "object-del": _OBJECT,
    "eject": _MEDIUM,
    "blockdev-remove-medium": _MEDIUM,
    "blockdev-change-medium": _MEDIUM,
    "blockdev-open-tray": _MEDIUM,
    "migrate": _MIGRATE,
    "migrate-start-postcopy": _POSTCOPY,
    "snapshot-load": _LOAD,
    "snapshot-delete": _DELETE,
    "blockdev-snapshot-delete-internal-sync": _DELETE,
    "block_resize": _RESIZE,
    "block-commit": _COMMIT,
    "blockdev-del": _NODE,
    "x-blockdev-del": _NODE,
    "blockdev-backup": _COPY,
    "blockdev-mirror": _COPY,
    "block-dirty-bitmap-clear": _BITMAP,
    "block-dirty-bitmap-remove": _BITMAP,
    "nbd-server-start": _SERVE,
    "nbd-server-add": _SERVE,
    "block-export-add": _SERVE,
    "nbd-server-stop": _UNSERVE,
    "nbd-server-remove": _UNSERVE,
    "block-export-del": _UNSERVE,
    "x-colo-lost-heartbeat": "This side takes the other one for dead, and goes on alone.",
}
_QMP_FILES = {
    "memsave": "filename",
    "pmemsave": "filename",
    "screendump": "filename",
    "dumpdtb": "filename",
    "dump-guest-memory": "protocol",
    "xen-save-devices-state": "filename",
    "drive-backup": "target",
    "drive-mirror": "target",
    "blockdev-snapshot-sync": "snapshot-file",
    "blockdev-create": "options.filename",
}
"""The argument, with the members below it, that names a file which the command writes from its start."""

_HMP = {
    "quit": _QUIT,
    "q": _QUIT,
    "system_reset": _RESET,
    "nmi": _NMI,
    "mce": "The guest gets a machine check: it may panic.",
    "device_del": _DEVICE,
    "netdev_del": _BACKEND,
    "chardev-remove": _CHARDEV,
    "object_del": _OBJECT,
    "eject": _MEDIUM,
    "change": _MEDIUM,
    "drive_del": "The drive loses its image at once: every read and write of the guest fails from then on.",
    "migrate": _MIGRATE,
    "migrate_start_postcopy": _POSTCOPY,
    "loadvm": _LOAD,
    "delvm": _DELETE,
    "savevm": "The guest stands still while it is written; an older snapshot of that name is replaced.",
    "snapshot_delete_blkdev_internal": _DELETE,
    "block_resize": _RESIZE,
    "commit": _COMMIT,
    "nbd_server_start": _SERVE,
    "nbd_server_add": _SERVE,
    "nbd_server_stop": _UNSERVE,
    "nbd_server_remove": _UNSERVE,
    "o": "It writes to a device's port behind the driver's back: the device may do anything.",
    "gdbserver": "Whoever reaches its address can read and change the guest's memory and registers.",
    "x_colo_lost_heartbeat": _QMP["x-colo-lost-heartbeat"],
}
_HMP_FILES = {
    "memsave": 2,
    "pmemsave": 2,
    "screendump": 0,
    "dumpdtb": 0,
    "dump-guest-memory": 0,
    "wavcapture": 0,
    "logfile": 0,
    "drive_backup": 1,
    "drive_mirror": 1,
    "snapshot_blkdev": 1,
}
"""Which word behind the command, options left out, names the file that it writes from its start."""
_CHARDEVS = ("chardev-add", "chardev-change")
"""Commands whose character device writes a file from its start, if it is one, and its log."""
