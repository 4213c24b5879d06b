"""Import the machine, processors, firmware and boot options of a command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workbench.domain.command_line.options import Keys, doubled, is_on, keys_of
from workbench.domain.convert.qemu.disks import block_node
from workbench.domain.convert.qemu.memory import memory_backend
from workbench.domain.profile.cpu import HYPERV, SPINLOCK_RETRIES
from workbench.domain.profile.rules import TAKEN_OPTIONS

if TYPE_CHECKING:
    from workbench.domain.convert.qemu.draft import Draft

_OPTION = re.compile(r"[a-z][a-z0-9-]{0,40}\Z", re.ASCII)
CPU = ("cpu", "model")
"""The path for ``-cpu``: the model, with its features and enlightenments."""
COUNT = ("cpu", "count")
"""The path for ``-smp``, with its topology."""
_OF_ONE = ("dies", "clusters", "modules", "books", "drawers")
"""Levels of a topology that libvirt sets even to 1 (QEMU: qapi/machine.json, SMPConfiguration)."""
DEFAULT_CPU = "qemu64"
"""QEMU's default CPU model."""
_BOARD = re.compile(r"(q35|pc|pc-(q35|i440fx)-[A-Za-z0-9.]{1,32})\Z")


def machine(found: Draft) -> None:
    """Import ``-machine`` and its equivalents; QEMU's defaults are written out, since a profile's differ."""
    document = found.document
    document["machine"] = "pc"
    document["root-ports"] = 0
    for index in found.named("machine", "M"):
        keys = found.options[index].keys
        board = keys.take("type") or keys.implied
        if board and not _BOARD.match(board):
            found.foreign_board = board
            found.keep(index, f"{board} is not valid in a profile: this overrides the profile's machine type")
            continue
        if board:
            document["machine"] = board
        if accelerator := keys.take("accel"):
            _accelerators(found, accelerator.split(":"))
        _flash(found, keys)
        memory_backend(found, keys.take("memory-backend"))
        _options(found, keys)
        found.record(("machine",), index)
    if any(option.name == "nographic" for option in found.options):
        # The firmware then uses the serial port (QEMU: system/vl.c, qemu_disable_default_devices()).
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
            found.record(("accelerator",), index)
        accelerators.append(name)
    _accelerators(found, accelerators)
    document.setdefault("accelerator", "tcg")


def _options(found: Draft, keys: Keys) -> None:
    """Import the remaining machine options; old spellings have an underscore (QEMU: hw/core/machine.c)."""
    for name, given in keys.items():
        value, key = str(given), name.replace("_", "-")
        if isinstance(given, bool):
            value = "on" if given else "off"
        if key in TAKEN_OPTIONS or not _OPTION.match(key) or len(value) > 200:
            found.more.append((("-machine", f"{name}={doubled(value)}"), "a profile has no key for this option"))
        else:
            found.table("machine-options")[key] = value


def _accelerators(found: Draft, names: list[str]) -> None:
    known = [name for name in names if name in ("kvm", "tcg")]
    if known:
        found.document["accelerator"] = "auto" if known[:2] == ["kvm", "tcg"] else known[0]


def _tcg(found: Draft, keys: Keys) -> bool:
    threads, buffer = keys.take("thread"), keys.take("tb-size")
    if keys or threads not in (None, "single", "multi") or not (buffer is None or str(buffer).isdigit()):
        return False
    if threads:
        found.table("tcg")["threads"] = threads
    if buffer:
        found.table("tcg")["buffer"] = f"{buffer}M"
    return True


def _flash(found: Draft, keys: Keys) -> None:
    """Import UEFI on block nodes, as the workbench and libvirt use it."""
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
        found.record(("firmware",), *indexes)
        return
    given = ",".join(
        f"{name}={doubled(str(node))}" for name, node in zip(("pflash0", "pflash1"), nodes, strict=True) if node
    )
    found.more.append((("-machine", given), "the board's flash: a profile only supports two raw files"))


def cpu(found: Draft) -> None:
    """Import ``-cpu`` and ``-smp``."""
    found.table("cpu")["model"] = DEFAULT_CPU
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
            found.keep(index, "a profile has no keys for some of these features: this overrides its CPU")
            continue
        table = found.table("cpu")
        table["model"] = parts[0]
        for name in ("features", "hyperv"):
            table.pop(name, None)  # from an earlier option: the last one wins completely
        if features:
            table["features"] = features
        if hyperv:
            table["hyperv"] = hyperv
        found.record(CPU, index)
    for index in found.named("smp"):
        keys = found.options[index].keys
        given = {name: keys.take(name) for name in ("sockets", "cores", "threads")}
        count = keys.take("cpus") or keys.implied
        for name in _OF_ONE:
            if keys.get(name) == "1":
                keys.take(name)
        if count and keys.get("maxcpus") == count:
            keys.take("maxcpus")
        numbers = {name: int(value) for name, value in given.items() if value is not None and str(value).isdigit()}
        if (
            keys
            or len(numbers) != sum(value is not None for value in given.values())
            or (count and not count.isdigit())
        ):
            found.keep(index, "a profile has no keys for this topology: this overrides its own")
            continue
        product = 1
        for number in numbers.values():
            product *= number
        found.table("cpu")["count"] = int(count) if count else product
        found.table("cpu").update(numbers)
        found.record(COUNT, index)


def boot(found: Draft) -> None:
    """Import a kernel that QEMU loads directly; its command line is empty by default."""
    for name, key in (("kernel", "kernel"), ("initrd", "initrd"), ("append", "cmdline")):
        for index in found.named(name):
            found.table("boot")[key] = found.options[index].value or ""
            found.record(("boot", key), index)
    table = found.document.get("boot", {})
    if "kernel" in table:
        table.setdefault("cmdline", "")
    for index, where in list(found.converted.items()):
        if where[:1] == ("boot",) and "kernel" not in table:
            del found.converted[index]
    if "kernel" not in table:
        found.document.pop("boot", None)


def pflash_drives(found: Draft) -> None:
    """Import UEFI on two ``-drive if=pflash``, the first of them read-only."""
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
        found.record(("firmware",), *(index for index, _ in drives))
