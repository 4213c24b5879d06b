"""Leave out the options that the workbench sets for every guest, and report those with other values."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from workbench.domain.command_line.argv import MONITORS, SANDBOX, SANDBOX_HELPER
from workbench.domain.command_line.options import is_on

if TYPE_CHECKING:
    from workbench.domain.convert.qemu.draft import Draft

CONSOLE_NOTE = "the guest's first serial port is the workbench's console"
MONITOR_NOTE = "use workbench qmp NAME"
DROPPED = {
    "no-user-config": "",
    "nodefconfig": "",
    "nodefaults": "",
    "daemonize": "-daemonize: the workbench always starts guests detached",
    "nographic": f"-nographic: {CONSOLE_NOTE}",
}


def leave_own_options(found: Draft) -> None:
    for index in found.named(*DROPPED):
        found.leave(DROPPED[found.options[index].name], index)
    for index in found.named("name"):
        keys = found.options[index].keys
        found.name = keys.take("guest") or keys.implied
        found.leave(
            "" if not keys else "-name: only the guest's name is kept; it is the name of the profile's file", index
        )
    for index in found.named("display"):
        if found.options[index].value == "none":
            found.leave("", index)
    for index in found.named("msg"):
        found.leave(
            "" if found.options[index].value == "timestamp=on" else "-msg: the workbench always uses timestamp=on",
            index,
        )
    for index in found.named("sandbox"):
        ours = found.options[index].value in (SANDBOX, SANDBOX_HELPER)
        found.leave("" if ours else f"-sandbox {found.options[index].value}: the workbench sets its own", index)
    for index in found.named("pidfile"):
        found.leave("" if _own(found, index, "pid") else "-pidfile: the workbench sets its own", index)
    for index in found.named("D"):
        if _own(found, index, "trace.log"):
            found.leave("", index)
    _monitors(found)
    _open_files(found)
    _terminal(found)
    _console(found)


def _own(found: Draft, index: int, name: str) -> bool:
    """Whether an option names a file with this name, as in a guest's state directory."""
    return posixpath.basename(found.options[index].value or "") == name


def _monitors(found: Draft) -> None:
    """Leave out the workbench's monitors, and others on a terminal; all other monitors stay."""
    for name in MONITORS:
        chardev = found.backend("chardev", name)
        if chardev is not None and str(found.options[chardev].keys.get("path", "")).endswith(f"/{name}.sock"):
            found.leave("", chardev)
            for index in found.named("mon"):
                if found.options[index].keys.get("chardev") == name:
                    found.leave("", index)
    for index in found.named("object"):
        keys = found.options[index].keys
        if keys.implied == "monitor-qmp" and keys.get("chardev") in MONITORS:
            found.leave("", index)
    for index in found.named("monitor", "qmp", "qmp-pretty"):
        option = found.options[index]
        if option.value in ("stdio", "none", "vc", "/dev/null", "null"):
            hmp = " --hmp" if option.name == "monitor" else ""
            found.leave("" if option.value == "none" else f"-{option.name}: use workbench qmp NAME{hmp}", index)


def _open_files(found: Draft) -> None:
    """Leave out options for files that were open in the program that started QEMU, such as libvirt."""
    for index in found.named("chardev"):
        keys = found.options[index].keys
        if "fd" not in keys:
            continue
        users = [other for other in found.named("mon", "serial", "device") if _uses(found, other, keys.get("id"))]
        if users and all(found.options[other].name == "mon" for other in users):
            found.leave(
                f"-mon on a socket that was open in the program that started QEMU: {MONITOR_NOTE}", index, *users
            )
    for index in found.named("object"):
        keys = found.options[index].keys
        name = str(keys.get("id"))
        others = (option.value or "" for other, option in enumerate(found.options) if other != index)
        if keys.implied == "secret" and name == "masterKey0" and not any(name in value for value in others):
            found.leave("-object secret masterKey0: libvirt's key, which no device uses", index)


def _uses(found: Draft, index: int, chardev: object) -> bool:
    option = found.options[index]
    return option.value == f"chardev:{chardev}" or option.keys.get("chardev") == chardev


def _terminal(found: Draft) -> None:
    """Leave out what uses the terminal that QEMU was started in, since guests of the workbench have none."""
    for index in found.named("chardev"):
        keys = found.options[index].keys
        if keys.implied != "stdio":
            continue
        name = str(keys.get("id"))
        users = [
            other
            for other in found.named("serial", "mon", "device")
            if found.options[other].value == f"chardev:{name}" or found.options[other].keys.get("chardev") == name
        ]
        if any(found.options[other].name == "device" for other in users):
            found.keep(index, "guests have no standard input, and their standard output goes to qemu.log")
            continue
        found.leave(f"-chardev stdio: {CONSOLE_NOTE}", index)
        for other in users:
            what = "use workbench qmp NAME --hmp" if found.options[other].name == "mon" else CONSOLE_NOTE
            found.leave(f"-{found.options[other].name} on QEMU's standard input and output: {what}", other)


def _console(found: Draft) -> None:
    """Handle the first serial port, which is the workbench's console."""
    names = {option.name for option in found.options}
    if "nodefaults" in names and not names & {"serial", "nographic"}:
        found.notes.append("a serial port was added: the workbench's console")
    chardev = found.backend("chardev", "serial0")
    for number, index in enumerate(found.named("serial")):
        value = found.options[index].value or ""
        if value == "chardev:serial0" and chardev is not None and is_on(found.options[chardev].keys.get("logappend")):
            found.leave("", index, chardev)
        elif value in ("stdio", "mon:stdio", "none", "vc", "mon:vc", "pty", "mon:pty"):
            found.leave("" if value == "none" else f"-serial {value}: {CONSOLE_NOTE}", index)
        elif number == 0:
            found.keep(index, f"{CONSOLE_NOTE}; this one is now the second")
