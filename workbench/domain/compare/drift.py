"""Drift: the differences between a running guest and its current profile.

It compares the command line that QEMU was started with, the one that the profile generates now, and the devices and
objects in QEMU.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

from workbench.domain.command_line.options import settings_of, split_argv
from workbench.domain.hotplug.leftovers import ENDINGS, Backends, Behind, Sort

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from workbench.domain.profile.devices.part import Option


class Kind(StrEnum):
    """The kind of a difference."""

    EXTRA = "not in the profile"
    """The guest has it, the profile does not."""
    MISSING = "does not run"
    """The profile has it, the guest does not."""
    CHANGED = "differs"
    """Both have it, with other settings."""


class Said(Struct, frozen=True):
    """One option of a command line and its place in the profile."""

    option: Option
    key: str = ""
    """The profile's key, such as ``net[0]``; empty if every guest has it."""
    place: str = ""
    """File and line, such as ``demo.toml:14``; empty if it is a default."""


class Difference(Struct, frozen=True):
    """One difference between guest and profile."""

    kind: Kind
    name: str
    """The id of a device or object, its QOM path if it has none, or an option such as ``-m``."""
    words: str
    """What differs, for the user."""
    type: str = ""
    """QOM type of a device or object."""
    path: str = ""
    """QOM path in the guest; empty if the guest does not have it."""
    place: str = ""
    """Place in the profile, such as ``demo.toml:14``; empty if not in it."""


class Live(Struct, frozen=True):
    """The devices and objects in QEMU, except those of the board."""

    devices: Mapping[str, str] = field(default_factory=dict)
    """Id -> QOM type of each device that has an id."""
    anonymous: Mapping[str, str] = field(default_factory=dict)
    """QOM path -> QOM type of each device without one."""
    objects: Mapping[str, str] = field(default_factory=dict)
    """Id -> QOM type of each ``-object``."""
    backends: Backends = field(default_factory=Backends)
    """The backends in QEMU."""


_COMMON_OPTIONS = frozenset({"-D", "-pidfile", "-msg", "-sandbox", "-name", "-mon", "-L"})
"""Options of every guest, which may differ between versions of the workbench; and ``-L``, which a wrapper script of an
uninstalled QEMU adds."""
_COMMON_IDS = re.compile(r"qmp(-\w+)?(-monitor)?\Z|serial0\Z")
"""Ids of the workbench's monitors and console."""
_BACKEND_OPTIONS = {"netdev": Sort.NETDEV, "chardev": Sort.CHARDEV, "blockdev": Sort.NODE}
"""Options that create backends, and the sort of each."""
_MADE = {"-device": "driver", "-object": "qom-type"}
"""Options that create a typed object, and the key of the type."""


def drift(live: Live, started: Sequence[str], now: Sequence[Said]) -> tuple[Difference, ...]:
    """All differences: devices, objects, then everything else.

    :param started: the arguments that QEMU was started with, without the executable; empty if unknown.
    :param now: the options that the profile generates now.
    """
    options = [Said(option) for option in split_argv(started)]
    return (
        *_made("-device", live.devices, "/machine/peripheral", options, now),
        *_anonymous(live, now),
        *_made("-object", live.objects, "/objects", options, now),
        *_left(live, options),
        *(_rest(options, [one for one in now if not _is_implied(one, options, now)]) if started else ()),
    )


def device_places(now: Sequence[Said]) -> dict[str, str]:
    """Id -> place of each device in the current profile, except those that are defaults."""
    return {name: said.place for name, (_, said) in _with_ids("-device", now).items() if said.place}


def _is_implied(one: Said, started: Sequence[Said], now: Sequence[Said]) -> bool:
    """Whether an option is the backend of a device added since the start: it was plugged in, or is reported as missing."""
    if one.option[0].lstrip("-") not in ("netdev", "blockdev", "chardev") or not one.key:
        return False
    then = _with_ids("-device", started)
    return any(said.key == one.key and name not in then for name, (_, said) in _with_ids("-device", now).items())


def _made(
    option: str, live: Mapping[str, str], above: str, started: Sequence[Said], now: Sequence[Said]
) -> Iterator[Difference]:
    """Differences in devices or objects with an id."""
    then = {name: values for name, (values, _) in _with_ids(option, started).items()}
    wanted = _with_ids(option, now)
    for name, kind in live.items():
        if name in wanted or _COMMON_IDS.match(name):
            continue
        words = "removed from the profile since the start" if name in then else _plugged(option)
        yield Difference(Kind.EXTRA, name, words, kind, f"{above}/{name}")
    for name, (values, said) in wanted.items():
        kind = str(values.get(_MADE[option], ""))
        if _COMMON_IDS.match(name):
            continue
        if name not in live:
            words = "unplugged since the start" if name in then else "new in the profile since the start"
            yield Difference(Kind.MISSING, name, words, kind, place=said.place)
        elif changes := _changes(then.get(name, {_MADE[option]: live[name]}), values, whole=name in then):
            yield Difference(Kind.CHANGED, name, changes, live[name], f"{above}/{name}", said.place)


def _left(live: Live, started: Sequence[Said]) -> Iterator[Difference]:
    """Backends left over from removed devices. Objects are already reported."""
    devices = _with_ids("-device", started)
    ours = {
        Behind(sort, name)
        for said in started
        if (sort := _BACKEND_OPTIONS.get(said.option[0].lstrip("-")))
        for name in map(str, settings_of(said.option).values())
        if name.endswith(ENDINGS[sort]) and name.removesuffix(ENDINGS[sort]) not in devices
    }
    for name, left in live.backends.leftovers(live.devices, ours).items():
        for one in left:
            if one.sort is not Sort.OBJECT:
                words = f"{one.sort.words} named after {name}, which does not exist: unplug {name} again to remove it"
                yield Difference(Kind.EXTRA, one.name, words)


def _plugged(option: str) -> str:
    return "plugged in since the start" if option == "-device" else "created since the start"


def _with_ids(option: str, said: Iterable[Said]) -> dict[str, tuple[dict[str, object], Said]]:
    """Id -> values and option of each device or object with an id."""
    found = {}
    for one in said:
        if one.option[0].lstrip("-") == option.lstrip("-"):
            values = settings_of(one.option, _MADE.get(option, "type"))
            if isinstance(name := values.get("id"), str):
                found[name] = values, one
    return found


def _anonymous(live: Live, now: Sequence[Said]) -> Iterator[Difference]:
    """Differences in devices without an id: their number by type."""
    wanted: dict[str, list[Said]] = {}
    for one in now:
        if one.option[0].lstrip("-") == "device":
            values = settings_of(one.option, "driver")
            if "id" not in values:
                wanted.setdefault(str(values.get("driver", "")), []).append(one)
    counts = Counter({kind: len(said) for kind, said in wanted.items()})
    for path, kind in live.anonymous.items():
        if counts[kind] > 0:
            counts[kind] -= 1
        else:
            yield Difference(Kind.EXTRA, path, "plugged in without an id", kind, path)
    for kind, count in counts.items():
        for said in wanted.get(kind, ())[-count:] if count > 0 else ():
            yield Difference(Kind.MISSING, kind, "a device without an id", kind, place=said.place)


def _rest(started: Sequence[Said], now: Sequence[Said]) -> Iterator[Difference]:
    """Differences in all other options, matched by name and by the id in the value."""
    then, wanted = _by_name(started), _by_name(now)
    for name in dict.fromkeys((*wanted, *then)):
        old, new = then.get(name), wanted.get(name)
        if old is None and new is not None:
            yield Difference(Kind.MISSING, new.key or name, f"the profile has {_text(new)}", place=new.place)
        elif new is None and old is not None:
            yield Difference(Kind.EXTRA, name, f"running with {_text(old)}")
        elif old is not None and new is not None and old.option[1:] != new.option[1:]:
            changes = _changes(settings_of(old.option), settings_of(new.option), whole=True)
            short = len(old.option) == 2 and "=" not in old.option[1] and not old.option[1].startswith("{")
            words = f"running with {_value(old)}, the profile has {_value(new)}" if short or not changes else changes
            yield Difference(Kind.CHANGED, new.key or name, words, place=new.place)


def _by_name(said: Iterable[Said]) -> dict[str, Said]:
    found: dict[str, Said] = {}
    for one in said:
        name = f"-{one.option[0].lstrip('-')}"
        if name in _MADE or name in _COMMON_OPTIONS:
            continue
        id_ = settings_of(one.option).get("id", settings_of(one.option).get("node-name", ""))
        if isinstance(id_, str) and _COMMON_IDS.match(id_):
            continue
        key = f"{name} {id_}" if id_ else name
        number = 2
        while key in found:
            key, number = f"{name} {id_} {number}", number + 1
        found[key] = one
    return found


def _changes(then: Mapping[str, object], now: Mapping[str, object], *, whole: bool) -> str:
    """The differences between two sets of values, as text; empty if none.

    :param whole: whether ``then`` is complete; otherwise only its keys are compared.
    """
    words = []
    for key in dict.fromkeys((*now, *then)) if whole else then:
        old, new = then.get(key), now.get(key)
        if old != new:
            words.append(f"{key}: running with {_word(old)}, the profile has {_word(new)}")
    return "; ".join(words)


def _word(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _value(said: Said) -> str:
    return " ".join(said.option[1:]) or "set"


def _text(said: Said) -> str:
    return " ".join(said.option)
