"""The boards, CPU models, device types and properties of a QEMU build, and what a profile uses that it lacks."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct, field

from workbench.domain.command_line.options import keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from workbench.domain.command_line.argv import ArgvPart
    from workbench.domain.profile.devices.part import Path
    from workbench.domain.profile.guest import GuestProfile

GENERAL = frozenset({"driver", "id", "bus", "qom-type", "addr"})
"""Keys of every device or object that are not among its properties."""
EVERY_FEATURE = "max"
"""The CPU model with every feature that QEMU supports, used in place of the default model."""


ALIASES = {
    **{
        f"virtio-{name}": f"virtio-{name}-pci"
        for name in (
            "9p", "balloon", "blk", "gpu", "input-host", "iommu", "keyboard", "mouse", "net", "rng", "scsi", "serial",
            "sound", "tablet",
        )
    },
    "ahci": "ich9-ahci",
    "lsi": "lsi53c895a",
    "e1000-82540em": "e1000",
    "ac97": "AC97",
    "es1370": "ES1370",
}  # fmt: skip
"""Aliases of devices on a PC (QEMU: system/qdev-monitor.c, qdev_alias_table): ``-device`` accepts them, QMP does not."""
SUGAR = frozenset({"kernel-irqchip", "kvm-shadow-mem", "igd-passthru"})
"""Options of ``-machine`` that belong to the accelerator or a device (QEMU: system/vl.c,
qemu_apply_legacy_machine_options())."""


class Build(Struct, frozen=True):
    """What is known about a QEMU build so far."""

    version: str
    machines: Mapping[str, str]
    """Name or alias of each board -> its QOM type."""
    cpus: Mapping[str, str]
    """CPU model -> its QOM type."""
    properties: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    """Type -> its properties, for the types queried so far; None if this QEMU does not have the type."""
    types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Kind, ``device`` or ``object`` -> all its types, if a profile uses one that this QEMU does not have."""


def types_of(profile: GuestProfile, parts: Iterable[ArgvPart], build: Build) -> set[tuple[str, str]]:
    """The types to query before a profile can be checked: the kind (``device``, ``object``) and the name."""
    wanted: set[tuple[str, str]] = set()
    parts = tuple(parts)
    if profile.machine in build.machines and (profile.machine_options or any(_board_keys(part) for part in parts)):
        wanted.add(("object", build.machines[profile.machine]))
    model = profile.cpu.model or EVERY_FEATURE
    if (profile.cpu.features or profile.cpu.hyperv) and model in build.cpus:
        wanted.add(("object", build.cpus[model]))
    for part in parts:
        kind = part.options[0].removeprefix("-")
        if kind in ("device", "object") and len(part.options) > 1:
            wanted.add((kind, _type(kind, part)))
    return {(kind, name) for kind, name in wanted if name and name != "help" and name not in build.properties}


def _board_keys(part: ArgvPart) -> tuple[str, ...]:
    """The options that a raw ``-machine`` sets for the profile's board."""
    if (
        part.path[:2] != ("qemu", "args")
        or part.options[0].lstrip("-") not in ("machine", "M")
        or len(part.options) < 2
    ):
        return ()
    board, keys = _parsed(part.options[1])
    return () if board or "type" in keys else tuple(key for key in keys if key != "accel" and "." not in key)


def _type(kind: str, part: ArgvPart) -> str:
    name, _ = _parsed(part.options[1])
    return ALIASES.get(name, name) if kind == "device" else name


@lru_cache(maxsize=4096)
def _parsed(value: str) -> tuple[str, tuple[str, ...]]:
    """The type in an option's value, and its keys; cached since many profiles share most options."""
    keys = keys_of(value)
    return keys.implied, tuple(keys)


def build_problems(profile: GuestProfile, parts: Iterable[ArgvPart], build: Build) -> Iterator[tuple[Path, str]]:
    """What a profile uses that this QEMU does not have, by key."""
    qemu = f"QEMU {build.version}"
    if profile.machine not in build.machines:
        yield ("machine",), f"{qemu} has no board {profile.machine}{_near(profile.machine, build.machines)}"
    else:
        known = build.properties.get(build.machines[profile.machine])
        for name, _ in profile.machine_options if known is not None else ():
            if known is not None and name not in known and name not in SUGAR:
                yield (
                    ("machine-options", name),
                    f"{qemu}: the board {profile.machine} has no {name}{_near(name, known)}",
                )
        for part in parts:
            for key in _board_keys(part) if known is not None else ():
                if known is not None and key not in known and key not in SUGAR:
                    yield part.path, f"{qemu}: the board {profile.machine} has no {key}{_near(key, known)}"
    yield from _cpu(profile, build, qemu)
    for part in parts:
        yield from _device(part, build, qemu)


def _cpu(profile: GuestProfile, build: Build, qemu: str) -> Iterator[tuple[Path, str]]:
    model = profile.cpu.model or EVERY_FEATURE
    if model not in build.cpus and profile.cpu.model is None:
        return
    if model not in build.cpus:
        yield ("cpu", "model"), f"{qemu} has no CPU model {model}{_near(model, build.cpus)}"
        return
    known = build.properties.get(build.cpus[model])
    whose = f"{model} has no" if profile.cpu.model else "no CPU model has the"
    for name in profile.cpu.enlightenments():
        if known is not None and f"hv-{name}" not in known:
            yield ("cpu", "hyperv"), f"{qemu} has no Hyper-V enlightenment {name}"
    for index, feature in enumerate(profile.cpu.features):
        name = feature[1:]
        # QEMU accepts _ for - in feature names (target/i386/cpu.c, x86_cpu_parse_featurestr()).
        if known is not None and name not in known and name.replace("_", "-") not in known:
            yield ("cpu", "features", index), f"{qemu}: {whose} feature {name}{_near(name, known)}"


def _device(part: ArgvPart, build: Build, qemu: str) -> Iterator[tuple[Path, str]]:
    kind = part.options[0].removeprefix("-")
    if kind not in ("device", "object") or len(part.options) < 2 or not part.path:
        return
    given, keys = _parsed(part.options[1])
    name = _type(kind, part)
    if name not in build.properties:
        return
    known = build.properties[name]
    if known is None:
        yield part.path, f"{qemu} has no {kind} {given}{_near(given, build.types.get(kind, ()))}"
        return
    for key in keys:
        if key not in GENERAL and key not in known and "." not in key and "[" not in key:
            yield part.path, f"{qemu}: {given} has no property {key}{_near(key, known)}"


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), 1)
    return f": did you mean {near[0]}?" if near else ""
