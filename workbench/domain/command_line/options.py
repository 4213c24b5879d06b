"""Parse QEMU's command line: options, and their values in comma syntax or JSON.

QEMU: qemu-options.hx (which options take a value), util/qemu-option.c and util/keyval.c (the comma syntax).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workbench.domain.profile.devices.part import Option

ALONE = frozenset(
    """
    S alt-grab async-teardown ctrl-grab curses daemonize enable-fips enable-kvm enable-sync-profile full-screen h help
    localtime mem-prealloc no-acpi no-fd-bootchk no-frame no-hpet no-kvm no-kvm-irqchip no-kvm-pit no-quit no-reboot
    no-shutdown no-user-config nodefaults nodefconfig nographic old-param only-migratable portrait preconfig
    rtc-td-hack s sdl semihosting singlestep snapshot std-vga usb version win2k-hack xen-attach xen-domid-restrict
    """.split()  # noqa: SIM905
)
"""The options without a value, in all versions from 2 to 11."""

SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([bkmgtpeBKMGTPE]?)(?:i?[bB])?\Z", re.ASCII)
SCALE = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50, "e": 1 << 60}


class Given(Struct, frozen=True):
    """One option as given."""

    name: str
    """Without its dashes."""
    value: str | None
    words: tuple[str, ...]
    """As on the command line."""

    @property
    def keys(self) -> Keys:
        return keys_of(self.value or "")


class Keys(dict[str, Any]):
    """The keys of a value; ``implied`` is its first part if that has no ``=``."""

    implied: str = ""
    repeated: bool = False
    """Whether a key was given twice: the last one wins, unless it is a list."""
    lists: dict[str, list[str]]

    def take(self, *names: str) -> Any:
        """Remove and return the first of these keys that exists, or None."""
        for name in names:
            if name in self:
                return self.pop(name)
        return None


def split_options(arguments: Sequence[str]) -> Iterator[Given]:
    """The options of a command line without the executable; a word that is not an option means ``-hda``."""
    index = 0
    while index < len(arguments):
        word = arguments[index]
        index += 1
        if not word.startswith("-") or word == "-":
            yield Given("hda", word, (word,))
            continue
        name = word.removeprefix("-").removeprefix("-")
        if name in ALONE or index >= len(arguments):
            yield Given(name, None, (word,))
            continue
        yield Given(name, arguments[index], (word, arguments[index]))
        index += 1


def keys_of(value: str) -> Keys:
    """The keys of a value in JSON or in comma syntax, in which a doubled comma is a literal one."""
    if value.startswith("{"):
        return _json(value)
    keys = Keys()
    keys.lists = {}
    for index, part in enumerate(split_commas(value)):
        name, equals, text = part.partition("=")
        if not equals:
            if index == 0:
                keys.implied = part
                continue
            name, text = (part.removeprefix("no"), "off") if part.startswith("no") else (part, "on")
        if name in keys:
            keys.repeated = True
        keys.lists.setdefault(name, []).append(text)
        keys[name] = text
    return keys


def split_commas(value: str) -> list[str]:
    return [part.replace("\0", ",") for part in value.replace(",,", "\0").split(",")] if value else []


def _json(value: str) -> Keys:
    keys = Keys()
    keys.lists = {}
    try:
        found = json.loads(value)
    except ValueError:
        return keys
    keys.update(cast("dict[str, Any]", found) if isinstance(found, dict) else {})
    keys.implied = str(keys.pop("driver", keys.pop("qom-type", keys.pop("type", ""))))
    return keys


def nested(keys: Keys) -> Keys:
    """The keys of a block node, with dotted ones such as ``file.driver`` as tables (util/keyval.c)."""
    found = Keys()
    found.implied, found.repeated, found.lists = keys.implied, keys.repeated, keys.lists
    for name, value in keys.items():
        *tables, last = name.split(".")
        table: dict[str, Any] = found
        for step in tables:
            inner = table.setdefault(step, {})
            table = inner if isinstance(inner, dict) else {}
        table[last] = value
    return found


def doubled(text: str) -> str:
    """A value in comma syntax: commas are doubled."""
    return text.replace(",", ",,")


def whole(value: object) -> int | None:
    """A whole number of at most 18 digits, or None if it is not one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def is_on(value: object) -> bool | None:
    """A QEMU boolean (qapi/opts-visitor, util/cutils.c), or None if it is not one."""
    if isinstance(value, bool):
        return value
    if value in ("on", "yes", "true", "y"):
        return True
    return False if value in ("off", "no", "false", "n") else None


def size_of(value: object, unit: int = 1) -> int | None:
    """A size in bytes as QEMU parses it (util/cutils.c, qemu_strtosz()), or None if it is not one.

    :param unit: bytes per unit of a number without a suffix.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = SIZE.match(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    scale = SCALE[match[2].lower()] if match[2] else unit
    size = float(match[1]) * scale if "." in match[1] else int(match[1]) * scale
    return int(size) if size == int(size) else None


def split_argv(argv: Sequence[str]) -> Iterator[Option]:
    """The options of a command line, each with its value, if any."""
    begin = 0
    for index in range(1, len(argv) + 1):
        if index == len(argv) or (argv[index].startswith("-") and argv[index] != "-"):
            yield tuple(argv[begin:index])
            begin = index


def settings_of(option: Option, first: str = "type") -> dict[str, object]:
    """The value of an option as keys and values, from JSON or comma syntax.

    :param first: the key implied for the first word: ``driver`` in ``-device edu,id=x``.
    """
    keys = keys_of(option[1] if len(option) > 1 else "")
    return {first: keys.implied, **keys} if keys.implied else {**keys}
