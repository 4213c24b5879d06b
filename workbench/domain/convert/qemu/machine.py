"""The board, processors, memory and boot of a command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workbench.domain.command_line.options import Keys, doubled, is_on, keys_of
from workbench.domain.convert.qemu.disks import block_node
from workbench.domain.convert.qemu.memory import memory_backend
from workbench.domain.profile.cpu import HYPERV, SPINLOCK_RETRIES
from workbench.domain.profile.rules import TAKEN_OPTIONS

if TYPE_CHECKING:
    from workbench.domain.convert.qemu.draft import Gathered

_OPTION = re.compile(r"[a-z][a-z0-9-]{0,40}\Z", re.ASCII)
CPU = ("cpu", "model")
"""What a ``-cpu`` is taken to: the model, with its features and enlightenments."""
COUNT = ("cpu", "count")
"""What ``-smp`` is taken to, with its topology."""
_OF_ONE = ("dies", "clusters", "modules", "books", "drawers")
"""Parts of a topology that libvirt names even where there is one of them (QEMU: qapi/machine.json, SMPConfiguration)."""
UNTOLD_CPU = "qemu64"
"""QEMU's processor where no option names one."""
_BOARD = re.compile(r"(q35|pc|pc-(q35|i440fx)-[A-Za-z0-9.]{1,32})\Z")


def machine(found: Gathered) -> None:
    """``-machine`` and what says the same elsewhere; QEMU's own defaults are written out, since a profile's are others."""
    document = found.document
    document["machine"] = "pc"
    document["root-ports"] = 0
    for index in found.named("machine", "M"):
        keys = found.options[index].keys
        board = keys.take("type") or keys.implied
        if board and not _BOARD.match(board):
            found.foreign_board = board
            found.keep(index, f"a profile has no board {board}: it stands behind the one that a profile must have")
            continue
        if board:
            document["machine"] = board
        if accelerator := keys.take("accel"):
            _accelerators(found, accelerator.split(":"))
        _flash(found, keys)
        memory_backend(found, keys.take("memory-backend"))
        _options(found, keys)
        found.say(("machine",), index)
    if any(option.name == "nographic" for option in found.options):
        # The firmware then speaks on the serial port (QEMU: system/vl.c, qemu_disable_default_devices()).
        found.table("machine-options")["graphics"] = "off"
    accelerators = []
    for index in found.named("accel", "enable-kvm", "no-kvm"):
        option = found.options[index]
        keys = option.keys
        name = {"enable-kvm": "kvm", "no-kvm": "tcg"}.get(option.name) or keys.take("accel") or keys.implied
        if name == "tcg" and not _tcg(found, keys):
            found.keep(index, "a profile has no keys for these options of TCG")
            continue
        if name == "kvm" and keys:
            found.keep(index, "a profile has no keys for options of KVM")
        else:
            found.say(("accelerator",), index)
        accelerators.append(name)
    _accelerators(found, accelerators)
    document.setdefault("accelerator", "tcg")


def _options(found: Gathered, keys: Keys) -> None:
    """What is left of a board's options; old spellings have an underscore (QEMU: hw/core/machine.c)."""
    for name, given in keys.items():
        value, key = str(given), name.replace("_", "-")
        if isinstance(given, bool):
            value = "on" if given else "off"
        if key in TAKEN_OPTIONS or not _OPTION.match(key) or len(value) > 200:
            found.more.append((("-machine", f"{name}={doubled(value)}"), "a profile has no key for this option"))
        else:
            found.table("machine-options")[key] = value


def _accelerators(found: Gathered, names: list[str]) -> None:
    known = [name for name in names if name in ("kvm", "tcg")]
    if known:
        found.document["accelerator"] = "auto" if known[:2] == ["kvm", "tcg"] else known[0]


def _tcg(found: Gathered, keys: Keys) -> bool:
    threads, buffer = keys.take("thread"), keys.take("tb-size")
    if keys or threads not in (None, "single", "multi") or not (buffer is None or str(buffer).isdigit()):
        return False
    if threads:
        found.table("tcg")["threads"] = threads
    if buffer:
        found.table("tcg")["buffer"] = f"{buffer}M"
    return True


def _flash(found: Gathered, keys: Keys) -> None:
    """UEFI by block nodes, as the workbench itself and libvirt have it."""
    nodes = [keys.take("pflash0"), keys.take("pflash1")]
    if nodes == [None, None]:
        return
    files = []
    indexes: list[int] = []
    for node in nodes:
        image = block_node(found, node)
        if image is not None and image.keys.implied == "raw":
            files.append(image.filename)
            indexes += image.indexes
    if len(files) == 2:
        found.table("firmware").update({"type": "uefi", "code": files[0], "vars": files[1]})
        found.say(("firmware",), *indexes)
        return
    said = ",".join(
        f"{name}={doubled(str(node))}" for name, node in zip(("pflash0", "pflash1"), nodes, strict=True) if node
    )
    found.more.append((("-machine", said), "the board's flash, which a profile has as two raw files only"))


def cpu(found: Gathered) -> None:
    """``-cpu`` and ``-smp``."""
    found.table("cpu")["model"] = UNTOLD_CPU
    for index in found.named("cpu"):
        parts = (found.options[index].value or "").split(",")
        features, hyperv = [], []
        understood = True
        for part in parts[1:]:
            name, _, value = part.partition("=")
            if name.startswith(("+", "-")) and not value:
                features.append(part)
            elif name.startswith(("hv-", "hv_")):
                name = name[3:].replace("_", "-")
                wanted = f"{SPINLOCK_RETRIES:#x}" if name == "spinlocks" else "on"
                understood = understood and name in HYPERV and (value or "on") == wanted
                hyperv.append(name)
            elif (state := is_on(value or "on")) is not None and name:
                features.append(f"{'+' if state else '-'}{name}")
            else:
                understood = False
        if not understood:
            found.keep(index, "a profile has no keys for all of these features: this option replaces its own")
            continue
        table = found.table("cpu")
        table["model"] = parts[0]
        for name in ("features", "hyperv"):
            table.pop(name, None)  # those of an option before: the last one counts, whole
        if features:
            table["features"] = features
        if hyperv:
            table["hyperv"] = hyperv
        found.say(CPU, index)
    for index in found.named("smp"):
        keys = found.options[index].keys
        told = {name: keys.take(name) for name in ("sockets", "cores", "threads")}
        count = keys.take("cpus") or keys.implied
        for name in _OF_ONE:
            if keys.get(name) == "1":
                keys.take(name)
        if count and keys.get("maxcpus") == count:
            keys.take("maxcpus")
        numbers = {name: int(value) for name, value in told.items() if value is not None and str(value).isdigit()}
        if keys or len(numbers) != sum(value is not None for value in told.values()) or (count and not count.isdigit()):
            found.keep(index, "a profile has no keys for this topology: this option replaces its own")
            continue
        product = 1
        for number in numbers.values():
            product *= number
        found.table("cpu")["count"] = int(count) if count else product
        found.table("cpu").update(numbers)
        found.say(COUNT, index)


def boot(found: Gathered) -> None:
    """A kernel that QEMU loads itself; QEMU gives it no command line of its own."""
    for name, key in (("kernel", "kernel"), ("initrd", "initrd"), ("append", "cmdline")):
        for index in found.named(name):
            found.table("boot")[key] = found.options[index].value or ""
            found.say(("boot", key), index)
    table = found.document.get("boot", {})
    if "kernel" in table:
        table.setdefault("cmdline", "")
    for index, where in list(found.taken.items()):
        if where[:1] == ("boot",) and "kernel" not in table:
            del found.taken[index]
    if "kernel" not in table:
        found.document.pop("boot", None)


def pflash_drives(found: Gathered) -> None:
    """UEFI by two ``-drive if=pflash``, the first of them read-only."""
    drives = []
    for index in found.named("drive"):
        keys = keys_of(found.options[index].value or "")
        if keys.get("if") == "pflash":
            drives.append((index, keys))
    if len(drives) != 2 or "firmware" in found.document:
        return
    files = []
    for _, keys in drives:
        keys.take("if")
        file, shape = keys.take("file"), keys.take("format")
        read_only = is_on(keys.take("readonly", "read-only") or "off")
        keys.take("unit", "index", "id")
        files.append((file, shape, read_only, not keys))
    (code, code_format, code_ro, code_plain), (variables, vars_format, vars_ro, vars_plain) = files
    if (
        code
        and variables
        and code_ro
        and not vars_ro
        and code_plain
        and vars_plain
        and {code_format, vars_format} == {"raw"}
    ):
        found.table("firmware").update({"type": "uefi", "code": code, "vars": variables})
        found.say(("firmware",), *(index for index, _ in drives))
