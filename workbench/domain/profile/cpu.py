"""``[cpu]`` and ``[tcg]``: the processors, and how QEMU emulates them without KVM."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from workbench.domain.profile.devices.part import Part, Path, Size, judged, usual, words
from workbench.domain.units import MIB, format_size

COUNT_MAX = 255
"""Virtual CPUs without an interrupt remapper (QEMU: hw/i386/pc.c, apic ids of 8 bits)."""

HYPERV = {
    "relaxed": (),
    "vapic": (),
    "spinlocks": (),
    "vpindex": (),
    "runtime": (),
    "crash": (),
    "time": (),
    "synic": ("vpindex",),
    "stimer": ("vpindex", "synic", "time"),
    "tlbflush": ("vpindex",),
    "ipi": ("vpindex",),
    "reset": (),
    "frequencies": (),
    "reenlightenment": (),
    "evmcs": ("vapic",),
    "stimer-direct": ("vpindex", "synic", "time", "stimer"),
    "avic": (),
    "emsr-bitmap": (),
    "xmm-input": (),
    "tlbflush-ext": ("vpindex", "tlbflush"),
    "tlbflush-direct": ("vapic",),
}
"""Each Hyper-V enlightenment and those that it needs (QEMU: docs/system/i386/hyperv.rst). ``syndbg`` is left out because
it needs a VMBus, ``no-nonarch-coresharing`` because it may be untrue."""

USUAL_HYPERV = (
    "relaxed",
    "vapic",
    "spinlocks",
    "vpindex",
    "runtime",
    "synic",
    "stimer",
    "time",
    "frequencies",
    "reset",
    "tlbflush",
    "ipi",
)
"""What ``hyperv = true`` means: those that QEMU's manual recommends for Windows on every processor."""

HYPERV_CLOCK = "hypervclock"
"""libvirt's name for ``time``, which it treats as a timer."""
STIMER_DIRECT = "stimer-direct"
"""The one that libvirt nests in another: ``<stimer><direct state="on"/></stimer>``."""
SPINLOCK_RETRIES = 0x1FFF
"""Lock attempts before a Windows guest notifies the hypervisor (the value in QEMU: docs/system/i386/hyperv.rst)."""

_FEATURE = re.compile(r"[+-][A-Za-z0-9._-]{1,40}", re.ASCII)


def _feature_trouble(text: str) -> str:
    return (
        "" if _FEATURE.fullmatch(text) else f"{text!r} is not a feature: write +pdpe1gb to add one, -svm to remove one"
    )


def _pin_trouble(text: str) -> str:
    """A list of host CPUs as taskset(1) and cpuset(7) write it."""
    try:
        host_cpus(text)
    except ValueError:
        return f"{text!r} is not a list of host CPUs: write 0, 2-3 or 0,4-7"
    return ""


def host_cpus(text: str) -> frozenset[int]:
    """The CPUs of a list such as ``0,4-7``.

    :raise ValueError: if it is not such a list or names a CPU above 8191 (Linux: NR_CPUS).
    """
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part, re.ASCII)
        if match is None:
            raise ValueError(text)
        low, high = int(match[1]), int(match[2] or match[1])
        if high < low or high > 8191:
            raise ValueError(text)
        found.update(range(low, high + 1))
    return frozenset(found)


def _mib_trouble(size: int) -> str:
    return "" if size % MIB == 0 else f"{format_size(size)} is not a whole number of MiB"


class Cpu(Part, frozen=True, kw_only=True):
    """``[cpu]``: the processors."""

    model: Annotated[
        str | None, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z"), words("a CPU model such as max or Skylake-Client")
    ] = None
    """A model listed by ``qemu-system-x86_64 -cpu help``. Default: ``host`` on KVM, ``max`` on TCG."""
    features: tuple[Annotated[str, judged(_feature_trouble)], ...] = ()
    """Features to add to or remove from the model, such as ``["+pdpe1gb", "-svm"]``."""
    count: Annotated[int, Meta(ge=1, le=COUNT_MAX)] = 1
    """Virtual CPUs. If sockets, cores and threads are all given, it must be their product."""
    sockets: Annotated[int | None, Meta(ge=1, le=COUNT_MAX)] = None
    """Sockets that the guest sees. Default: as many as needed."""
    cores: Annotated[int | None, Meta(ge=1, le=COUNT_MAX)] = None
    """Cores per socket."""
    threads: Annotated[int | None, Meta(ge=1, le=2)] = None
    """Threads per core."""
    pin: tuple[Annotated[str, judged(_pin_trouble)], ...] = ()
    """The host CPUs that each virtual CPU may run on, such as ``["0", "2-3"]``; a shorter list is repeated. The
    workbench sets the affinity after the start (sched_setaffinity(2))."""
    hyperv: Annotated[tuple[Literal[tuple(HYPERV)], ...], usual(USUAL_HYPERV)] = ()  # type: ignore[valid-type]
    """Hyper-V enlightenments, which make a Windows guest faster, by QEMU's names without ``hv-``. ``true`` means those
    that suit every Windows. Those that one depends on are added. TCG has none."""

    def check(self) -> Iterator[tuple[Path, str]]:
        given = {name: value for name in ("sockets", "cores", "threads") if (value := getattr(self, name)) is not None}
        product = 1
        for value in given.values():
            product *= value
        if self.count % product or (len(given) == 3 and product != self.count):
            words = " × ".join(f"{value} {name}" for name, value in given.items())
            yield ("count",), f"{self.count} CPUs do not match {words}"
        for index, feature in enumerate(self.features):
            if any(feature[1:] == other[1:] for other in self.features[:index]):
                yield ("features", index), f"{feature[1:]} is listed twice"

    def smp(self) -> str:
        """The value of ``-smp``."""
        given = [f"{name}={value}" for name in ("sockets", "cores", "threads") if (value := getattr(self, name))]
        return ",".join([str(self.count), *given])

    def options(self, default: str) -> str:
        """The value of ``-cpu``.

        :param default: the model if the profile does not name one.
        """
        features = [f"{text[1:]}={'on' if text[0] == '+' else 'off'}" for text in self.features]
        hyperv = [f"hv-{name}={hyperv_value(name)}" for name in self.enlightenments()]
        return ",".join([self.model or default, *features, *hyperv])

    def enlightenments(self) -> tuple[str, ...]:
        """The enlightenments of the profile and those that they need, in QEMU's order."""
        wanted = {need for name in self.hyperv for need in (name, *HYPERV[name])}
        return tuple(name for name in HYPERV if name in wanted)


def hyperv_value(name: str) -> str:
    return f"{SPINLOCK_RETRIES:#x}" if name == "spinlocks" else "on"


class Tcg(Part, frozen=True, kw_only=True):
    """``[tcg]``: how QEMU emulates processors. KVM ignores it."""

    threads: Literal["multi", "single"] | None = None
    """``multi``: a host thread for each virtual CPU; ``single``: one for all, which makes runs more reproducible.
    Default: QEMU's choice, ``multi`` where it is safe."""
    buffer: Annotated[Size | None, Meta(ge=MIB, le=2047 * MIB), judged(_mib_trouble)] = None
    """Memory for translated code, in whole MiB. Default: QEMU's choice."""

    def options(self) -> str:
        """The value of ``-accel``."""
        given = [f"thread={self.threads}"] if self.threads else []
        given += [f"tb-size={self.buffer // MIB}"] if self.buffer else []
        return ",".join(["tcg", *given])
