"""Export the processors, the clock and the Hyper-V enlightenments to a libvirt domain."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from workbench.domain.convert.libvirt.exporter_text import add_text
from workbench.domain.profile.cpu import HYPERV, HYPERV_CLOCK, SPINLOCK_RETRIES, STIMER_DIRECT
from workbench.domain.units import KIB

if TYPE_CHECKING:
    from workbench.domain.profile.cpu import Cpu
    from workbench.domain.profile.guest import GuestProfile

NO_HPET = ("hpet", "off")
"""The only machine option that is exported."""
LIBVIRT_HYPERV = frozenset(
    "relaxed vapic spinlocks vpindex runtime synic stimer reset frequencies reenlightenment tlbflush ipi evmcs avic".split()  # noqa: SIM905
)
"""The enlightenments of libvirt 9 (src/conf/schemas/domaincommon.rng, hyperv)."""


def cpu(domain: Element, profile: GuestProfile, notes: list[str]) -> None:
    processors = profile.cpu
    add_text(domain, "vcpu", str(processors.count), placement="static")
    if processors.pin:
        tune = SubElement(domain, "cputune")
        for number in range(processors.count):
            SubElement(tune, "vcpupin", vcpu=str(number), cpuset=processors.pin[number % len(processors.pin)])
    mode = {"host": "host-passthrough", "max": "maximum", None: None}.get(processors.model, "custom")
    element = SubElement(domain, "cpu")
    if mode == "custom":
        element.set("mode", "custom")
        element.set("match", "exact")
        add_text(element, "model", str(processors.model), fallback="forbid")
    else:
        element.set("mode", mode or ("host-passthrough" if domain.get("type") == "kvm" else "maximum"))
    SubElement(element, "topology", {name: str(value) for name, value in _topology(processors).items()})
    for feature in processors.features:
        policy = "require" if feature[0] == "+" else "disable"
        SubElement(element, "feature", policy=policy, name=feature[1:])
    if profile.memory.grows_to is not None:
        # libvirt can only plug memory into NUMA nodes (src/qemu/qemu_command.c, qemuBuildMemCommandLine()).
        cells = SubElement(element, "numa")
        size = str(profile.memory.size // KIB)
        SubElement(cells, "cell", id="0", cpus=f"0-{processors.count - 1}", memory=size, unit="KiB")
        key = "virtio-mem" if profile.memory.virtio_mem else "maximum"
        notes.append(f"memory.{key}: libvirt requires a NUMA node in the guest: one was added")
    if profile.tcg.threads or profile.tcg.buffer:
        notes.append("tcg.threads, tcg.buffer")


def _topology(cpu: Cpu) -> dict[str, int]:
    """The topology that QEMU derives from ``-smp`` (hw/core/machine-smp.c, machine_parse_smp_config()).

    libvirt by default would use only sockets.
    """
    threads = cpu.threads or 1
    if cpu.cores is None:
        sockets = cpu.sockets or 1
        return {"sockets": sockets, "cores": cpu.count // (sockets * threads), "threads": threads}
    if cpu.sockets is None:
        return {"sockets": cpu.count // (cpu.cores * threads), "cores": cpu.cores, "threads": threads}
    return {"sockets": cpu.sockets, "cores": cpu.cores, "threads": cpu.count // (cpu.sockets * cpu.cores)}


def features(domain: Element, profile: GuestProfile, notes: list[str]) -> None:
    features = SubElement(domain, "features")
    SubElement(features, "acpi")
    SubElement(features, "apic")
    names = profile.cpu.enlightenments()
    if names:
        hyperv = SubElement(features, "hyperv", mode="custom")
        for name in HYPERV:
            if name in names and name in LIBVIRT_HYPERV:
                retries = {"retries": str(SPINLOCK_RETRIES)} if name == "spinlocks" else {}
                one = SubElement(hyperv, name, {"state": "on", **retries})
                if name == "stimer" and STIMER_DIRECT in names:
                    SubElement(one, "direct", state="on")
            elif name in names and name not in ("time", STIMER_DIRECT):
                notes.append(f"cpu.hyperv {name}: not supported by libvirt")


def clock(domain: Element, profile: GuestProfile) -> None:
    timers = {"hpet": "no"} if NO_HPET in profile.machine_options else {}
    timers |= {HYPERV_CLOCK: "yes"} if "time" in profile.cpu.enlightenments() else {}
    if timers:
        element = SubElement(domain, "clock", offset="utc")
        for name, present in timers.items():
            SubElement(element, "timer", name=name, present=present)
