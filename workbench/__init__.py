"""A terminal workbench for people who run QEMU themselves. For its Python API see ``docs/scripting.md``."""

# A constant, not importlib.metadata: reading the metadata takes longer than the rest of `--version`.
__version__ = "0.1.0"

TYPE_CHECKING = False  # as typing's, which takes longer to import than this module
if TYPE_CHECKING:
    from workbench.api.blocking import BlockingEngine, BlockingGuest, connect
    from workbench.api.opening import open
    from workbench.domain.balloon.diagnosis.causes import Cause, State
    from workbench.domain.balloon.safety.protection import Safety
    from workbench.domain.balloon.safety.ramp import Ramp
    from workbench.domain.guest.lifecycle import Exit, Phase
    from workbench.domain.guest.snapshot import GuestSnapshot, settled
    from workbench.domain.host.hugepages import HugepageShortage, Supply
    from workbench.domain.profile.problems import ProfileChanged, ProfileError
    from workbench.domain.units import GIB, KIB, MIB
    from workbench.engine.base import Engine, Event, Guest
    from workbench.errors import (
        CommandFailed,
        HostError,
        MonitorClosed,
        MonitorCrowded,
        MonitorError,
        MonitorSilent,
        MonitorTimeout,
        MonitorUnavailable,
        NotFound,
        NotReached,
        StartError,
        UsageError,
        WorkbenchError,
    )

__all__ = [
    "GIB",
    "KIB",
    "MIB",
    "BlockingEngine",
    "BlockingGuest",
    "Cause",
    "CommandFailed",
    "Engine",
    "Event",
    "Exit",
    "Guest",
    "GuestSnapshot",
    "HostError",
    "HugepageShortage",
    "MonitorClosed",
    "MonitorCrowded",
    "MonitorError",
    "MonitorSilent",
    "MonitorTimeout",
    "MonitorUnavailable",
    "NotFound",
    "NotReached",
    "Phase",
    "ProfileChanged",
    "ProfileError",
    "Ramp",
    "Safety",
    "StartError",
    "State",
    "Supply",
    "UsageError",
    "WorkbenchError",
    "connect",
    "open",
    "settled",
]

_HOMES = {
    "api.blocking": "BlockingEngine BlockingGuest connect",
    "api.opening": "open",
    "domain.balloon.diagnosis.causes": "Cause State",
    "domain.balloon.safety.protection": "Safety",
    "domain.balloon.safety.ramp": "Ramp",
    "domain.guest.lifecycle": "Exit Phase",
    "domain.guest.snapshot": "GuestSnapshot settled",
    "domain.host.hugepages": "HugepageShortage Supply",
    "domain.profile.problems": "ProfileChanged ProfileError",
    "domain.units": "GIB KIB MIB",
    "engine.base": "Engine Event Guest",
    "errors": (
        "CommandFailed HostError MonitorClosed MonitorCrowded MonitorError MonitorSilent MonitorTimeout"
        " MonitorUnavailable NotFound NotReached StartError UsageError WorkbenchError"
    ),
}
"""The module of each name; imported when the name is first used."""


if not TYPE_CHECKING:  # a type checker would take any name for one that exists

    def __getattr__(name):
        from importlib import import_module

        for home, names in _HOMES.items():
            if name in names.split():
                value = globals()[name] = getattr(import_module(f"workbench.{home}"), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})
