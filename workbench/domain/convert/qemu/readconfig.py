"""Expand ``-readconfig`` files into options (QEMU: util/qemu-config.c, qemu_config_parse())."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workbench.domain.command_line.options import Given, doubled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_GROUP = re.compile(r'\[\s*([A-Za-z0-9_-]+)(?:\s+"([^"]*)")?\s*\]\Z')
_VALUE = re.compile(r'([A-Za-z0-9_.-]+)\s*=\s*"([^"]*)"\Z')
_OPTIONS = {"memory": "m", "smp-opts": "smp", "boot-opts": "boot", "realtime": "realtime"} | {
    name: name
    for name in (
        "accel", "audiodev", "chardev", "device", "drive", "fsdev", "fw_cfg", "global", "icount", "machine", "mon",
        "name", "netdev", "object", "overcommit", "rtc", "sandbox", "spice", "vnc",
    )
}  # fmt: skip
"""Group -> option."""
_FIRST = {"device": "driver", "object": "qom-type", "chardev": "backend", "netdev": "type", "fsdev": "fsdriver"}
"""Option -> the key whose value comes first on the command line, without its name."""


def inlined(options: list[Given], read: Callable[[str], str]) -> tuple[list[Given], list[str]]:
    """The options with each ``-readconfig`` replaced by its file's options, and notes about files that could not be read.

    :param read: returns a file's text; raises ValueError with the reason if it cannot.
    """
    found: list[Given] = []
    notes = []
    for option in options:
        if option.name != "readconfig" or not option.value:
            found.append(option)
            continue
        try:
            found += _options(read(option.value))
        except ValueError as error:
            found.append(option)
            notes.append(
                f"-readconfig {option.value}: {error}; its machine and memory settings conflict with the profile"
            )
    return found, notes


def _options(text: str) -> Iterator[Given]:
    """:raise ValueError: for an unknown group or an invalid line."""
    groups: list[tuple[str, dict[str, str]]] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if group := _GROUP.match(line):
            if group[1] not in _OPTIONS:
                raise ValueError(f"line {number}: unknown group {group[1]}")
            groups.append((group[1], {"id": group[2]} if group[2] else {}))
        elif (pair := _VALUE.match(line)) and groups:
            groups[-1][1][pair[1]] = pair[2]
        else:
            raise ValueError(f"line {number}: syntax error")
    return (_option(_OPTIONS[name], values) for name, values in groups)


def _option(name: str, values: dict[str, str]) -> Given:
    first = values.pop(_FIRST[name], None) if name in _FIRST else None
    parts = [doubled(first)] if first is not None else []
    parts += [f"{key}={doubled(value)}" for key, value in values.items()]
    value = ",".join(parts)
    return Given(name, value, (f"-{name}", value))
