"""Finds UEFI firmware on this host by its descriptors, and makes a variable store for each guest."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from workbench.domain.host.images import image_format
from workbench.domain.profile.boot import Flash
from workbench.engine.host.images import read_head
from workbench.engine.storage.files import write_atomic
from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workbench.domain.profile.guest import GuestProfile

DIRECTORIES = ("/etc/qemu/firmware", "/usr/share/qemu/firmware")
"""Where firmware descriptors are, in order of precedence (QEMU: docs/interop/firmware.json)."""
UNWANTED = frozenset({"requires-smm", "enrolled-keys", "amd-sev-es", "intel-tdx", "amd-sev-snp"})
"""Features of firmware that a plain guest cannot start with, or that come with enrolled keys."""
HINT = "Debian and Ubuntu: sudo apt-get install ovmf\nor set firmware.code and firmware.vars in the profile"


class Uefi(Struct, frozen=True):
    """A UEFI firmware on this host."""

    code: Path
    template: Path
    """The variable store for a new guest."""
    format: Literal["raw", "qcow2"]


def find_uefi(machine: str, directories: Sequence[str] = DIRECTORIES) -> Uefi | None:
    """The first plain UEFI for a PC in the descriptors' order; None if there is none."""
    for descriptor in _descriptors(directories):
        found = _usable(descriptor, machine)
        if found is not None:
            return found
    return None


def flash(profile: GuestProfile, *, base: str, home: str, data: Path) -> Flash | None:
    """Contents of the board's flash, as absolute paths; None for a guest with a BIOS. Writes nothing.

    :param data: the workbench's data directory, for a guest's variables if its profile does not set them.
    :raise HostError: if this host has no UEFI.
    """
    from workbench.domain.profile.devices.part import resolve

    firmware = profile.firmware
    if firmware.type == "bios":
        return None
    found = find_uefi(profile.machine)
    if firmware.code is None and found is None:
        raise HostError(f"{profile.name} needs UEFI, but this host has no UEFI firmware", hint=HINT)
    code = resolve(firmware.code, base=base, home=home) if firmware.code is not None else ""
    own = str(data / "uefi" / f"{profile.name}.fd")
    variables = resolve(firmware.vars, base=base, home=home) if firmware.vars is not None else own
    if code or found is None:
        return Flash(code, variables, _format_of(Path(code)))
    return Flash(str(found.code), variables, found.format)


def _format_of(code: Path) -> Literal["raw", "qcow2"]:
    """Fedora also ships UEFI as qcow2 images; an unreadable image is reported elsewhere."""
    try:
        return "qcow2" if image_format(read_head(code)) == "qcow2" else "raw"
    except OSError:
        return "raw"


def make_variables(profile: GuestProfile, flash: Flash) -> bool:
    """Make the guest's variable store from the host's template if it is missing; returns whether it was made.

    :raise HostError: if there is no template, or it cannot be written.
    """
    path = Path(flash.vars)
    if path.exists():
        return False
    found = find_uefi(profile.machine)
    if found is None:
        raise HostError(f"{profile.name}: no UEFI variables at {path}, and no template on this host", hint=HINT)
    if profile.firmware.code is not None and Path(flash.code).stat().st_size != found.code.stat().st_size:
        raise HostError(
            f"{profile.name}: no UEFI variables at {path}, and this host's template is for another firmware",
            hint="copy the variables that came with the firmware there",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, found.template.read_bytes())
    except OSError as error:
        raise HostError(f"{profile.name}: cannot write UEFI variables to {path}: {error.strerror}") from error
    return True


def _descriptors(directories: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Descriptors by name; one in an earlier directory overrides those of the same name, and an empty one disables them."""
    files: dict[str, Path] = {}
    for directory in reversed(directories):
        files |= {path.name: path for path in Path(directory).glob("*.json")}
    for name in sorted(files):
        try:
            value = json.loads(files[name].read_bytes() or b"null")
        except (OSError, ValueError):
            continue  # not our file: its firmware is not offered
        if isinstance(value, dict):
            yield value


def _usable(descriptor: dict[str, Any], machine: str) -> Uefi | None:
    try:
        mapping = descriptor["mapping"]
        if "uefi" not in descriptor["interface-types"] or mapping["device"] != "flash":
            return None
        if UNWANTED & set(descriptor["features"]) or not any(_fits(one, machine) for one in descriptor["targets"]):
            return None
        code, template = mapping["executable"], mapping["nvram-template"]
        if code["format"] != template["format"] or code["format"] not in ("raw", "qcow2"):
            return None
        uefi = Uefi(Path(code["filename"]), Path(template["filename"]), code["format"])
    except (KeyError, TypeError):
        return None
    return uefi if uefi.code.is_file() and uefi.template.is_file() else None


def _fits(target: dict[str, Any], machine: str) -> bool:
    """A profile's ``q35`` and ``pc`` mean their newest versions."""
    full = {"q35": "pc-q35-0", "pc": "pc-i440fx-0"}.get(machine, machine)
    return target["architecture"] == "x86_64" and any(fnmatch(full, pattern) for pattern in target["machines"])
