"""The devices that a QEMU can create and their properties, to complete ``device_add``.

The guest's QEMU is never queried for a type that the guest does not have: ``device-list-properties`` loads its module,
and a missing or foreign module can crash the process (7.2: virtio-gpu-gl-pci). A second QEMU process is used instead.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.domain.qmp.lookups import Known
from workbench.engine.devices.types import parse_properties
from workbench.engine.qmp.empty_qemu import run_empty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.devices.type_info import PropertyInfo

_LINE = re.compile(r'name "([^"]+)"(?:, bus ([^,]+))?(?:, alias "([^"]+)")?(?:, desc "(.*)")?')
"""A line of ``-device help`` (system/qdev-monitor.c, ``qdev_print_devinfo()``)."""
_CHOICES = re.compile(r"[\w.-]+(?:/[\w.-]+)+")
"""A description that lists the values: ``on/off/auto``."""


class DriverBook:
    """Caches the drivers of one QEMU program; a failed query is repeated next time."""

    def __init__(self) -> None:
        self._drivers: Sequence[Known] | None = None
        self._names: dict[str, str] = {}
        """The driver of each alias."""
        self._properties: dict[str, Sequence[Known]] = {}

    async def drivers(self, program: str) -> Sequence[Known]:
        """All devices that a user can create, with bus and description; empty when QEMU cannot list them."""
        if self._drivers is None:
            out = await run_empty(program, "-device", "help")
            if out is None:
                return ()
            self._drivers, self._names = parse_drivers(out.decode(errors="replace"))
        return self._drivers

    async def properties(self, program: str, driver: str) -> Sequence[Known]:
        """The properties of a device; empty when this QEMU does not have it, or crashes on the query."""
        if driver not in self._properties:
            await self.drivers(program)  # for its aliases
            question = {"execute": "device-list-properties", "id": 1}
            question["arguments"] = {"typename": self._names.get(driver, driver)}
            stdin = "".join(map(json.dumps, ({"execute": "qmp_capabilities"}, question, {"execute": "quit"})))
            out = await run_empty(program, "-qmp", "stdio", stdin=stdin.encode())
            if out is None:
                return ()
            infos = sorted(_replied(out), key=lambda one: (one.name.startswith("x-"), one.name))
            self._properties[driver] = tuple(_known(one) for one in infos)
        return self._properties[driver]


def parse_drivers(text: str) -> tuple[Sequence[Known], dict[str, str]]:
    """The devices in the output of ``-device help``, by name, and the aliases."""
    found, names = {}, {}
    for match in map(_LINE.fullmatch, text.splitlines()):
        if match is not None:
            name, bus, alias, described = match.groups()
            words = ", ".join(word for word in (described, bus and f"bus {bus}") if word)
            found[name] = Known(name, words, bus=bus or "")
            if alias:
                names[alias] = name
    return tuple(found[name] for name in sorted(found)), names


def _replied(out: bytes) -> list[PropertyInfo]:
    for line in out.splitlines():
        with suppress(ValueError):
            message = json.loads(line)
            if isinstance(message, dict) and message.get("id") == 1:
                return parse_properties(message.get("return"))
    return []


def _known(info: PropertyInfo) -> Known:
    words = [info.type, info.description]
    if info.has_default:
        words.append(f"default {json.dumps(info.default)}")
    is_number = info.type == "size" or re.fullmatch(r"u?int\d*", info.type) is not None
    type_ = "bool" if info.type == "bool" else "int" if is_number else "str"
    choices = info.description.split("/") if type_ == "str" and _CHOICES.fullmatch(info.description) else ()
    return Known(info.name, ", ".join(word for word in words if word), type_, tuple(choices))
