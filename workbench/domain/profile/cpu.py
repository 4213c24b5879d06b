"""``[cpu]`` and ``[tcg]``: the processors, and how QEMU emulates them where no hardware runs them."""

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
"""Each Hyper-V enlightenment, and those that it needs (QEMU: docs/system/i386/hyperv.rst). Without ``syndbg``, for which
there must be a VMBus, and ``no-nonarch-coresharing``, which may lie to the guest."""

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
"""What ``hyperv = true`` means: those that QEMU's manual advises for Windows on every processor."""

HYPERV_CLOCK = "hypervclock"
"""libvirt's name for ``time``, which is a timer there."""
STIMER_DIRECT = "stimer-direct"
"""The one that libvirt has inside another: ``<stimer><direct state="on"/></stimer>``."""
SPINLOCK_RETRIES = 0x1FFF
"""Tries for a lock until a Windows guest tells its hypervisor (the value of QEMU: docs/system/i386/hyperv.rst)."""

_FEATURE = re.compile(r"[+-][A-Za-z0-9._-]{1,40}", re.ASCII)


def _feature_trouble(text: str) -> str:
    return "" if _FEATURE.fullmatch(text) else f"{text!r} is not a feature: write +pdpe1gb to add one, -svm to take one"


def _pin_trouble(text: str) -> str:
    """A list of host CPUs as taskset(1) and cpuset(7) write it."""
    try:
        host_cpus(text)
    except ValueError:
        return f"{text!r} is not a list of the host's CPUs: write 0, 2-3 or 0,4-7"
    return ""


def host_cpus(text: str) -> frozenset[int]:
    """The CPUs of a list such as ``0,4-7``.

    :raise ValueError: when it is no such list, or names a CPU above 8191 (Linux: NR_CPUS).
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
    """A model of ``qemu-system-x86_64 -cpu help``; when not given ``host`` on KVM and ``max`` on TCG."""
    features: tuple[Annotated[str, judged(_feature_trouble)], ...] = ()
    """Features of the model that are added or taken away, as ``["+pdpe1gb", "-svm"]``."""
    count: Annotated[int, Meta(ge=1, le=COUNT_MAX)] = 1
    """Virtual CPUs; with sockets, cores and threads given, their product must be the same."""
    sockets: Annotated[int | None, Meta(ge=1, le=COUNT_MAX)] = None
    """Sockets that the guest sees; as many as are needed when not given."""
    cores: Annotated[int | None, Meta(ge=1, le=COUNT_MAX)] = None
    """Cores of a socket."""
    threads: Annotated[int | None, Meta(ge=1, le=2)] = None
    """Threads of a core."""
    pin: tuple[Annotated[str, judged(_pin_trouble)], ...] = ()
    """The host's CPUs that each virtual CPU may run on, in their order, as ``["0", "2-3"]``; where the list is
    shorter it begins again. The workbench sets it after the start (sched_setaffinity(2))."""
    hyperv: Annotated[tuple[Literal[tuple(HYPERV)], ...], usual(USUAL_HYPERV)] = ()  # type: ignore[valid-type]
    """What a Windows guest is told to make it faster under a hypervisor, by QEMU's names without ``hv-``; ``true``
    means those that suit every Windows. What one needs comes along. TCG has none of them."""

    def check(self) -> Iterator[tuple[Path, str]]:
        told = {name: value for name in ("sockets", "cores", "threads") if (value := getattr(self, name)) is not None}
        product = 1
        for value in told.values():
            product *= value
        if self.count % product or (len(told) == 3 and product != self.count):
            words = " × ".join(f"{value} {name}" for name, value in told.items())
            yield ("count",), f"{self.count} CPUs are not {words}"
        for index, feature in enumerate(self.features):
            if any(feature[1:] == other[1:] for other in self.features[:index]):
                yield ("features", index), f"{feature[1:]} stands here twice"

    def smp(self) -> str:
        """The value of ``-smp``."""
        told = [f"{name}={value}" for name in ("sockets", "cores", "threads") if (value := getattr(self, name))]
        return ",".join([str(self.count), *told])

    def options(self, default: str) -> str:
        """The value of ``-cpu``.

        :param default: the model where the profile names none.
        """
        features = [f"{text[1:]}={'on' if text[0] == '+' else 'off'}" for text in self.features]
        hyperv = [f"hv-{name}={hyperv_value(name)}" for name in self.enlightenments()]
        return ",".join([self.model or default, *features, *hyperv])

    def enlightenments(self) -> tuple[str, ...]:
        """Those that are named and those that they need, in QEMU's order."""
        wanted = {need for name in self.hyperv for need in (name, *HYPERV[name])}
        return tuple(name for name in HYPERV if name in wanted)


def hyperv_value(name: str) -> str:
    return f"{SPINLOCK_RETRIES:#x}" if name == "spinlocks" else "on"


class Tcg(Part, frozen=True, kw_only=True):
    """``[tcg]``: how QEMU emulates processors where no hardware runs them. KVM does not look at it."""

    threads: Literal["multi", "single"] | None = None
    """``multi``: one thread of the host for each virtual CPU; ``single``: one for all, which repeats runs more exactly.
    QEMU's choice when not given: ``multi`` where it is safe."""
    buffer: Annotated[Size | None, Meta(ge=MIB, le=2047 * MIB), judged(_mib_trouble)] = None
    """Memory for translated code, whole MiB; QEMU's choice when not given."""

    def options(self) -> str:
        """What follows ``-accel tcg``."""
        told = [f"thread={self.threads}"] if self.threads else []
        told += [f"tb-size={self.buffer // MIB}"] if self.buffer else []
        return ",".join(["tcg", *told])
