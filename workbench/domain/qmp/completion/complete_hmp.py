"""Complete a line for the human monitor (HMP): commands, and the values of arguments known here.

``help`` only gives the names of a command's arguments. Which of them name something in the guest is taken from
hmp-commands.hx, hmp-commands-info.hx and the ``*_completion()`` functions of monitor/hmp-cmds.c.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workbench.domain.qmp.completion.candidates import Candidates, Completion, matching
from workbench.domain.qmp.hmp import ARGUMENTS_END, GROUPS, split_line, usage_of
from workbench.domain.qmp.lookups import Kind, Known, Lookup, levels
from workbench.domain.qmp.schema import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from workbench.domain.qmp.completion.candidates import Ask
    from workbench.domain.qmp.schema import Schema

_CHOICE = re.compile(r"[\w-]+(?:\|[\w-]+)+")
_DISKS = (Kind.DRIVE, Kind.NODE)
_KINDS: Mapping[tuple[str, str], tuple[Kind, ...]] = {
    ("device_del", "device"): (Kind.DEVICE,),
    ("screendump", "device"): (Kind.DEVICE,),
    ("pcie_aer_inject_error", "id"): (Kind.DEVICE,),
    ("object_del", "id"): (Kind.OBJECT,),
    ("chardev-remove", "id"): (Kind.CHARDEV,),
    ("chardev-change", "id"): (Kind.CHARDEV,),
    ("chardev-send-break", "id"): (Kind.CHARDEV,),
    ("ringbuf_read", "device"): (Kind.CHARDEV,),
    ("ringbuf_write", "device"): (Kind.CHARDEV,),
    ("netdev_del", "id"): (Kind.NETDEV,),
    ("set_link", "name"): (Kind.NET,),
    ("trace-event", "name"): (Kind.TRACE,),
    ("info trace-events", "name"): (Kind.TRACE,),
    ("cpu", "index"): (Kind.CPU,),
    ("mce", "cpu"): (Kind.CPU,),
    ("info registers", "vcpu"): (Kind.CPU,),
    ("eject", "device"): (Kind.DRIVE,),
    ("change", "device"): (Kind.DRIVE,),
    ("commit", "device|all"): (Kind.DRIVE,),
    ("info block", "device"): _DISKS,
    **{
        (command, "device"): _DISKS
        for command in (
            "drive_del", "drive_backup", "drive_mirror", "block_resize", "block_set_io_throttle", "block_stream",
            "nbd_server_add", "qemu-io", "snapshot_blkdev", "snapshot_blkdev_internal",
            "snapshot_delete_blkdev_internal",
        )
    },
    **{
        (f"block_job_{what}", "device"): (Kind.JOB,)
        for what in ("cancel", "complete", "pause", "resume", "set_speed")
    },
}  # fmt: skip
_IN_QMP = {
    ("migrate_set_capability", "capability"): ("migrate-set-capabilities", ("capabilities", "0", "capability")),
    ("migrate_set_capability", "state"): ("migrate-set-capabilities", ("capabilities", "0", "state")),
}
"""Operands with the same values as an argument of a QMP command."""
_OF_PROPERTIES = {
    "device_add": ("device_add", "driver"),
    "netdev_add": ("netdev_add", "type"),
    "object_add": ("object-add", "qom-type"),
}
"""Commands with an operand ``TYPE,property=value,…`` -> the corresponding QMP command, and its argument for the type."""


def complete_hmp(schema: Schema, head: str, start: int, ask: Ask) -> list[Completion]:
    """Complete a line for the human monitor.

    :param head: the line up to the cursor.
    :param start: where the HMP command starts, after the ``!``.
    """
    command, given, word = split_line(head[start:])
    at = len(head) - len(word)
    if command in GROUPS and not given:
        known = {str(one.value): one for one in ask(Lookup(Kind.HMP, command))}
        return [
            Completion(f"{name} " if known[name].arguments else name, at, name, _in_one_line(_whole(known[name])))
            for name in matching(known, word)
        ]
    if command in _OF_PROPERTIES and not given:
        return _of_properties(Candidates(schema, _OF_PROPERTIES[command][0], ask), command, word, at)
    return [
        Completion(str(one.value), at, str(one.value), one.detail) for one in _values(schema, command, given, word, ask)
    ]


def known_command(command: str, ask: Ask) -> Known | None:
    """The help of a command, such as ``info block`` or ``device_del``; None when unknown."""
    above, _, name = command.rpartition(" ")
    return next((one for one in ask(Lookup(Kind.HMP, above)) if one.value == name), None)


def _values(schema: Schema, command: str, given: Sequence[str], word: str, ask: Ask) -> list[Known]:
    """The values and options that fit after a command and its words so far."""
    known = known_command(command, ask)
    if known is None:
        return []
    usage = usage_of(known)
    before, operands = "", []
    for each in given:
        if before not in usage.valued and each not in usage.options:
            operands.append(each)
        before = each if before not in usage.valued else ""
    if before in usage.valued:
        return []
    options = [Known(option, "option") for option in usage.options if option.startswith(word) and option not in given]
    if len(operands) >= len(usage.operands):
        return options
    return [*_operand(schema, command, usage.operands[len(operands)], operands, word, ask), *options]


def _operand(schema: Schema, command: str, name: str, before: list[str], word: str, ask: Ask) -> Iterable[Known]:
    if (command, name) in _IN_QMP:
        qmp, path = _IN_QMP[command, name]
        if qmp not in schema.commands:
            return []
        found = Candidates(schema, qmp, ask).values(path, {}, word)
        return [Known({"true": "on", "false": "off"}.get(str(one.value), one.value)) for one in found]
    lookups = [Lookup(kind) for kind in _KINDS.get((command, name), ())]
    if name == "path" and command.startswith(("qom-", "info qom-", "info virtio-")):
        lookups = list(levels(word))
    if name == "property" and command in ("qom-get", "qom-set"):
        lookups = [Lookup(Kind.PROPERTY, path) for path in before[-1:]]
    known = {str(one.value): one for lookup in lookups for one in ask(lookup)}
    for choice in name.split("|") if _CHOICE.fullmatch(name) else ():
        if choice not in ("device", "id", "name"):  # a placeholder, next to "all"
            known.setdefault(choice, Known(choice))
    return [known[each] for each in matching(known, word)]


def _of_properties(candidates: Candidates, command: str, word: str, at: int) -> list[Completion]:
    """Complete ``TYPE,property=value,…``."""
    qmp, tag = _OF_PROPERTIES[command]
    if qmp not in candidates.schema.commands:
        return []
    type_, *pieces = word.split(",")
    if not pieces:
        return [
            Completion(str(one.value), at, str(one.value), one.detail) for one in candidates.values((tag,), {}, word)
        ]
    given: dict[str, object] = dict(piece.partition("=")[::2] for piece in pieces[:-1])
    given = {**given, tag: type_}
    key, equals, value = pieces[-1].partition("=")
    begin = at + len(word) - len(pieces[-1])
    if equals:
        begin += len(key) + 1
        found = candidates.values((key,), given, value)
        return [Completion(str(one.value), begin, str(one.value), one.detail) for one in found]
    return [
        Completion(f"{one.name}=", begin, one.name, describe(candidates.schema, one))
        for one in candidates.members((), given, key)
    ]


def _whole(command: Known) -> str:
    """The arguments and the description, as printed by ``help``."""
    return ARGUMENTS_END.join(part for part in (command.arguments, command.detail) if part)


def _in_one_line(text: str) -> str:
    return " ".join(text.split())
