"""What a command would end, lose or overwrite, for the confirmation before it is sent.

QEMU never asks. The tables list the commands of QMP (qapi/*.json) and of the human monitor (hmp-commands.hx) that cannot
be undone; programs in the guest may lose more than is stated here. Commands inside a ``transaction`` or a
``human-monitor-command`` are looked up as themselves.
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
"""The newest version known to be safe; the command exists since 7.2."""


class Effect(Struct, frozen=True):
    """One thing that cannot be undone."""

    command: str
    """The command that does it: the one asked about, or one inside it."""
    words: str
    """What it does, in full sentences."""
    file: str = ""
    """The file that would be overwritten: the effect applies only if QEMU's process sees it. Empty: always applies."""
    is_defect: bool = False
    """Whether it is a bug: the command is only a query, but crashes some versions of QEMU."""


def effects_of(command: str, arguments: Mapping[str, object] | None = None, version: str = "") -> tuple[Effect, ...]:
    """What a command would do that cannot be undone, in order. No file is looked up.

    :param version: QEMU's version, such as ``7.2.22``; empty while unknown.
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
    """QEMU 11.1 aborts on it (``visit_start_struct``), and crashes on HMP's ``info virtio-status`` (SIGSEGV)."""
    numbers = version_of(version)
    if (0, 0) < numbers <= VIRTIO_STATUS_SAFE:
        return
    if version and numbers == (11, 1):
        words = f"This query crashes QEMU 11.1 (a known bug). {_UNWRITTEN}"
    else:
        words = (
            f"This query crashes QEMU 11.1 (a known bug) and is untested on {version or 'this version'}. "
            "A crash loses all unwritten guest data."
        )
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
    """The value at a path, or None."""
    value: object = arguments
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _truncated(command: str, options: Mapping[str, object], name: str) -> Iterator[Effect]:
    """The files that a character device or a ``filter-dump`` truncates, unless it is set to append.

    chardev/char-file.c, ``qmp_chardev_open_file()``; chardev/char.c, ``qemu_char_open()``; net/dump.c.
    """
    for file, append in ((name, "append"), ("logfile", "logappend")):
        path = options.get(file)
        if isinstance(path, str) and path and options.get(append) not in (True, "on", "yes", "true", "y"):
            yield _overwritten(command, path)


def _overwritten(command: str, file: str) -> Effect:
    return Effect(command, f"The file {file} exists and will be overwritten.", file)


_UNWRITTEN = "Unwritten guest data is lost."
_QUIT = f"QEMU exits immediately. {_UNWRITTEN}"
_RESET = f"The guest restarts immediately. {_UNWRITTEN}"
_NMI = "The guest gets an NMI. Many guests treat it as a fatal error and panic."
_DEVICE = "The guest loses the device and what depends on it, such as mounted disks or connections."
_BACKEND = "The guest's network device loses its backend: all connections break."
_CHARDEV = "The port loses its backend: what the guest writes to it is lost."
_OBJECT = "The object is gone until it is created again. Devices added later may need it."
_MEDIUM = "The medium is removed even if it is mounted. Unwritten data is lost."
_MIGRATE = (
    "Once migration completes, the guest stops here and runs on the destination. "
    "Resuming it here would let two guests write to the same disks."
)
_POSTCOPY = (
    "The guest's memory is split between two hosts until this completes. If the connection breaks, the guest is lost."
)
_LOAD = "Memory and disks revert to the snapshot. Everything since then is lost."
_DELETE = "The snapshot is deleted permanently."
_RESIZE = "A smaller size cuts off the data beyond it permanently."
_COMMIT = "This writes to the backing file and corrupts every other image based on it."
_COPY = "The contents of the target are overwritten."
_BITMAP = "Changes since the last backup are forgotten. The next backup must be a full one."
_SERVE = "Any client that reaches the server's address can read the disk, and write to it if the export is writable."
_UNSERVE = "Clients of the export are disconnected. Their unwritten data is lost."
_NODE = "The block node is closed and gone until it is added again."

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
    "x-colo-lost-heartbeat": "This side considers the other one dead and continues alone.",
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
"""Command -> path of the argument that names a file which the command truncates."""

_HMP = {
    "quit": _QUIT,
    "q": _QUIT,
    "system_reset": _RESET,
    "nmi": _NMI,
    "mce": "The guest gets a machine check and may panic.",
    "device_del": _DEVICE,
    "netdev_del": _BACKEND,
    "chardev-remove": _CHARDEV,
    "object_del": _OBJECT,
    "eject": _MEDIUM,
    "change": _MEDIUM,
    "drive_del": "The drive loses its image immediately. All further guest reads and writes fail.",
    "migrate": _MIGRATE,
    "migrate_start_postcopy": _POSTCOPY,
    "loadvm": _LOAD,
    "delvm": _DELETE,
    "savevm": "The guest is paused while the snapshot is written. An existing snapshot of that name is replaced.",
    "snapshot_delete_blkdev_internal": _DELETE,
    "block_resize": _RESIZE,
    "commit": _COMMIT,
    "nbd_server_start": _SERVE,
    "nbd_server_add": _SERVE,
    "nbd_server_stop": _UNSERVE,
    "nbd_server_remove": _UNSERVE,
    "o": "This writes to an I/O port behind the driver's back. The device may do anything.",
    "gdbserver": "Any client that reaches the address can read and change the guest's memory and registers.",
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
"""Command -> index of the operand that names a file which the command truncates."""
_CHARDEVS = ("chardev-add", "chardev-change")
"""Commands whose character device truncates its file, if it has one, and its log."""
