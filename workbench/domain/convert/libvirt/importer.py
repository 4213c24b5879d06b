"""Import a libvirt domain as a profile (libvirt: docs/formatdomain.rst). What has no equivalent is listed, not dropped silently.

Each imported element is marked as done; the rest is reported by path.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from workbench.domain.convert.libvirt.devices import devices
from workbench.domain.convert.libvirt.exporter_text import QEMU_NAMESPACE
from workbench.domain.convert.libvirt.memory import memory
from workbench.domain.convert.libvirt.xml import Domain, number
from workbench.domain.convert.qemu.importer import Imported
from workbench.domain.convert.qemu.positions import RESERVE_MAX
from workbench.domain.profile.cpu import HYPERV, HYPERV_CLOCK, SPINLOCK_RETRIES, STIMER_DIRECT
from workbench.domain.profile.names import check_name
from workbench.domain.profile.slots import slots_of
from workbench.domain.profile.text.parse import parse
from workbench.domain.profile.text.write import arguments_toml, comment, to_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from xml.etree.ElementTree import Element

    from workbench.domain.profile.devices.part import Path

SILENT = frozenset("alias address features/acpi features/apic features/pae devices/memballoon/stats".split())  # noqa: SIM905
"""Elements that libvirt numbers itself or that every PC has."""
COMMON = frozenset(
    """
    uuid emulator currentMemory on_poweroff on_reboot on_crash pm resource seclabel iothreads os/bootmenu metadata
    devices/controller devices/input devices/hub devices/audio clock clock/timer
    """.split()  # noqa: SIM905
)
"""Elements of nearly every domain that a guest of the workbench has in its own way or not at all; reported in one line."""


class LibvirtError(ValueError):
    """The text is not a libvirt domain."""


def import_libvirt(text: str) -> Imported:
    """
    :raise LibvirtError: if the text is not a libvirt domain.
    """
    # Entities could read files or grow without bound, and libvirt's domains have none.
    if re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise LibvirtError("a libvirt domain cannot have a DOCTYPE or entities")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise LibvirtError(f"not valid XML: {error}") from error
    if root.tag == "domstatus" and root.find("domain") is not None:
        root = root.find("domain")  # type: ignore[assignment]
    if root.tag != "domain":
        raise LibvirtError(f"not a libvirt domain: the root element is <{root.tag}>")
    domain = Domain(root)
    domain.document.update({"balloon": False, "rng": False, "net": False, "root-ports": 0})
    for part in (_general, memory, _cpu, _hyperv, _boot, devices, _commandline):
        part(domain)
    return _finished(domain)


def _finished(domain: Domain) -> Imported:
    name = domain.text("name") or ""
    _settle(domain)
    _keep_slots(domain)
    _settle(domain)
    common: list[str] = []
    notes = [*domain.notes, *(f"not imported: {path}" for path in _left(domain, common))]
    if common:
        notes.append(f"not imported (set by the workbench or not supported): {', '.join(dict.fromkeys(common))}")
    unique = tuple(dict.fromkeys(" ".join(note.split()) for note in notes))
    lines = ["# Imported from a libvirt domain by workbench import."]
    if unique:
        lines += ["#", "# Changed or left out:", *(f"# - {comment(note)}" for note in unique)]
    good = name if name and check_name(name) is None else ""
    text = "\n".join(lines) + "\n\n" + to_toml(domain.document)
    reserve = min(domain.slots, RESERVE_MAX) if domain.args else 0
    return Imported(good, text + arguments_toml(reserve, list(_options(domain.args))), unique)


def _settle(domain: Domain) -> None:
    """Remove values that are not valid in a profile, one by one, since removing one may fix another."""
    reserve = {"qemu": {"reserve": min(domain.slots, RESERVE_MAX), "args": domain.args}} if domain.args else {}
    for _ in range(100):
        problems = parse(to_toml({**domain.document, **reserve}), name="imported", file="profile").problems
        if not problems:
            return
        key, message = problems[0].key, problems[0].message
        topology = [f"cpu.{name}" for name in ("sockets", "cores", "threads") if name in domain.document["cpu"]]
        # Better another topology than fewer processors.
        dropped = [_drop(domain.document, one) for one in (topology if key == "cpu.count" and topology else [key])]
        domain.notes.append(f"{key}: {message}: left out")
        if not any(dropped):
            domain.document.pop(re.split(r"[.\[]", key)[0], None)


def _keep_slots(domain: Domain) -> None:
    """Keep the devices in their slots unless an argument gets the slot: QEMU places those first."""
    profile = parse(to_toml(domain.document), name="imported", file="profile").profile
    if profile is None:
        return
    base = 1 if "q35" in profile.machine else 2
    free = [slot for slot in range(base, 0x1F) if slot not in domain.named]
    others = set(free[: domain.slots])
    now = {id(_table(domain.document, path)): slot for path, slot in slots_of(profile).items()}
    for entry, slot in domain.wanted:
        if slot <= 0x1E and slot not in others and now.get(id(entry), "") != f"{slot:02x}.0":
            entry["slot"] = f"{slot:02x}"


def _table(document: dict[str, Any], path: Path) -> object:
    """The table of a device in the document."""
    table: Any = document.get(str(path[0]))
    if len(path) == 2 and isinstance(path[1], int):
        return table[path[1]] if isinstance(table, list) and path[1] < len(table) else None
    return table


def _options(args: Sequence[str]) -> Iterator[tuple[list[str], str]]:
    """The words of each option."""
    words: list[str] = []
    for arg in args:
        if words and arg.startswith("-"):
            yield words, ""
            words = []
        words.append(arg)
    if words:
        yield words, ""


def _drop(document: dict[str, Any], key: str) -> bool:
    """Remove the value at a problem's key; whether there was one."""
    steps = [int(step) if step.isdecimal() else step for step in re.findall(r"[^.\[\]]+", key)]
    table: Any = document
    for step in steps[:-1]:
        if isinstance(table, dict) and step not in table:
            return False
        table = table[step]
    last = steps[-1]
    if isinstance(last, int):
        del table[last]
        return True
    return table.pop(last, None) is not None if isinstance(table, dict) else False


def _left(domain: Domain, common: list[str]) -> Iterator[str]:
    """The paths of the elements that are not imported, except those below another one.

    :param common: receives those that are reported in one line.
    """

    def walk(element: Element, path: str) -> Iterator[str]:
        for child in element:
            where = f"{path}/{child.tag}" if path else str(child.tag)
            if child.tag in SILENT or where in SILENT:
                continue
            if id(child) not in domain.done and (where in COMMON or child.tag in COMMON):
                kinds = [child.get(name) for name in ("name", "type", "model", "bus", "mode") if child.get(name)]
                words = (child.text or "").strip() if not len(child) else ""
                common.append(" ".join([where.removeprefix("devices/"), *map(str, kinds), words]).strip())
            elif id(child) not in domain.done:
                attributes = "".join(f' {key}="{value}"' for key, value in child.attrib.items())
                words = (child.text or "").strip()
                yield f"{where}{attributes}" + (f" ({words})" if words else "")
            else:
                yield from walk(child, where)

    yield from walk(domain.root, "")


def _general(domain: Domain) -> None:
    kind = domain.root.get("type")
    domain.document["accelerator"] = {"kvm": "kvm", "qemu": "tcg"}.get(str(kind), "auto")
    words = domain.text("description") or domain.text("title")
    if words:
        domain.document["description"] = " ".join(words.split())[:1000]
    uuid = domain.text("uuid")
    if uuid:
        domain.args += ["-uuid", uuid]
    board = domain.find("os/type")
    if board is not None:
        machine = board.get("machine") or "pc"
        if board.get("arch") not in (None, "x86_64"):
            domain.notes.append(f"the domain is for {board.get('arch')}, and profiles are for x86_64")
        domain.document["machine"] = machine
    clock = domain.find("clock")
    for timer in domain.root.findall("clock/timer"):
        if timer.get("name") == "hpet" and timer.get("present") == "no":
            domain.table("machine-options")["hpet"] = "off"
            domain.tick(timer)
    if clock is not None and clock.get("offset") == "localtime":
        domain.args += ["-rtc", "base=localtime"]
    elif clock is not None and clock.get("offset") not in (None, "utc"):
        domain.notes.append(f'not imported: clock offset="{clock.get("offset")}"')


def _cpu(domain: Domain) -> None:
    cpu = domain.table("cpu")
    count = domain.text("vcpu")
    cpu["count"] = number(count, 1)
    vcpu = domain.root.find("vcpu")
    if vcpu is not None:
        domain.rest(vcpu, "vcpu", "placement")
    element = domain.find("cpu")
    if element is None:
        cpu["model"] = "qemu64"
        return
    mode = element.get("mode")
    model = element.find("model")
    if mode in ("host-passthrough", "host-model", "maximum"):
        cpu["model"] = "max" if mode == "maximum" or domain.document["accelerator"] == "tcg" else "host"
        if mode == "host-model":
            domain.notes.append(f"cpu mode host-model: replaced with the model {cpu['model']}")
    elif model is not None and model.text:
        cpu["model"] = model.text.strip()
    else:
        cpu["model"] = "qemu64"
    domain.tick(element, "model")
    features = []
    for feature in element.findall("feature"):
        sign = {"force": "+", "require": "+", "disable": "-", "forbid": "-"}.get(feature.get("policy", "require"))
        if sign:
            features.append(f"{sign}{feature.get('name')}")
            domain.tick(feature)
    if features:
        cpu["features"] = features
    topology = element.find("topology")
    if topology is not None and all(topology.get(name, "1") == "1" for name in ("dies", "clusters")):
        for name in ("sockets", "cores", "threads"):
            value = topology.get(name)
            if number(value):
                cpu[name] = number(value)
        domain.tick(topology)
    pins = {number(pin.get("vcpu")): pin for pin in domain.root.findall("cputune/vcpupin")}
    if pins and set(pins) == set(range(cpu["count"])):
        cpu["pin"] = [pins[index].get("cpuset", "") for index in range(cpu["count"])]
        domain.find("cputune")
        for pin in pins.values():
            domain.tick(pin)


def _hyperv(domain: Domain) -> None:
    element = domain.find("features/hyperv")
    names = []
    for timer in domain.root.findall("clock/timer"):
        if timer.get("name") == HYPERV_CLOCK and timer.get("present") == "yes":
            names.append("time")
            domain.tick(timer)
    for one in element if element is not None else ():
        on = one.get("state") == "on"
        retries = one.get("retries")
        if one.tag in HYPERV and on and (retries is None or number(retries) == SPINLOCK_RETRIES):
            names.append(one.tag)
            domain.tick(one)
            direct = one.find("direct")
            if one.tag == "stimer" and direct is not None:
                names += [STIMER_DIRECT] if direct.get("state") == "on" else []
                domain.tick(direct)
        elif not on:
            domain.tick(one)
    if names:
        domain.table("cpu")["hyperv"] = names


def _boot(domain: Domain) -> None:
    for path, key in (("os/kernel", "kernel"), ("os/initrd", "initrd"), ("os/cmdline", "cmdline")):
        text = domain.text(path)
        if text is not None:
            domain.table("boot")[key] = text
    order = []
    for boot in domain.root.findall("os/boot"):
        kind = {"hd": "disk", "cdrom": "cdrom", "network": "net"}.get(boot.get("dev", ""))
        if kind:
            order.append(kind)
            domain.tick(boot)
    if order:
        domain.table("boot")["order"] = order
    loader, variables = domain.root.find("os/loader"), domain.root.find("os/nvram")
    os_element = domain.root.find("os")
    uefi = os_element is not None and os_element.get("firmware") == "efi"
    if loader is not None and loader.get("type") == "pflash" and (loader.text or "").strip():
        domain.document["firmware"] = {"type": "uefi", "code": str(loader.text).strip()}
        domain.tick(loader)
        if variables is not None and (variables.text or "").strip():
            domain.document["firmware"]["vars"] = str(variables.text).strip()
            domain.tick(variables)
    elif uefi:
        domain.document["firmware"] = {"type": "uefi"}
        for element in (loader, variables):
            if element is not None and not (element.text or "").strip():
                domain.tick(element)


def _commandline(domain: Domain) -> None:
    """Import arguments that libvirt passes to QEMU unchanged (libvirt: docs/drvqemu.rst)."""
    element = domain.root.find(f"{{{QEMU_NAMESPACE}}}commandline")
    if element is None:
        return
    domain.tick(element)
    for one in element.findall(f"{{{QEMU_NAMESPACE}}}arg"):
        domain.args.append(one.get("value", ""))
        domain.slots += domain.args[-1] in ("-device", "-nic")  # an upper bound: not every device is on the PCI bus
        domain.tick(one)
