"""The error tree: every error that a user may see, with its exit code.

::

    WorkbenchError                exit 1   what happened; hint: what to do
    ├── UsageError                exit 2   an invalid value on the command line
    ├── NotFound                  exit 3   no such guest or profile
    ├── NotReached                exit 4   the guest did not reach its target or state in time
    ├── ProfileError              exit 1   a profile with problems; lists all of them
    ├── ProfileChanged            exit 1   a profile that changed on disk since it was read
    ├── StartError                exit 1   a guest that did not start; nothing is left behind
    ├── HostError                 exit 1   something missing on this host: QEMU, hugepages, a directory
    │   └── HugepageShortage               a pool with fewer pages than the guest needs; it can be grown
    └── MonitorError              exit 1   the QMP connection failed
        ├── MonitorUnavailable             no socket, or nothing listens on it
        │   └── MonitorCrowded             another client holds it, and its queue of waiting clients is full
        ├── MonitorTimeout                 QEMU did not answer within the deadline
        │   └── MonitorSilent              no greeting: QEMU is frozen, or another client holds the monitor
        ├── MonitorClosed                  the connection ended
        └── CommandFailed                  QEMU answered with an error

Errors that carry values of a subject are defined with it: those of profiles in ``domain/profile/problems.py``,
``HugepageShortage`` in ``domain/host/hugepages.py``.
"""

from __future__ import annotations


class WorkbenchError(Exception):
    """What happened, in one sentence, and a hint about what to do."""

    exit_code = 1
    title = "Failed"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        """What the user can do, one or more lines; empty if there is nothing to suggest."""


class UsageError(WorkbenchError):
    """An invalid value on the command line."""

    exit_code = 2
    title = "Invalid value"


class NotFound(WorkbenchError):
    """No guest or profile with that name."""

    exit_code = 3
    title = "Not found"


class NotReached(WorkbenchError):
    """The guest did not reach its target or state within the given time."""

    exit_code = 4
    title = "Not reached in time"


class StartError(WorkbenchError):
    """A guest that did not start. Its state directory has been removed."""

    title = "The guest did not start"

    def __init__(self, message: str, *, output: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.output = output
        """QEMU's standard error, unchanged."""


class HostError(WorkbenchError):
    """Something is missing on this host, or the host refuses it."""

    title = "Host error"


class MonitorError(WorkbenchError):
    """The QMP connection failed."""

    title = "QMP error"


class MonitorUnavailable(MonitorError):
    """No socket, or nothing that speaks QMP listens on it."""


class MonitorCrowded(MonitorUnavailable):
    """Another client holds the monitor or QEMU is frozen, and the socket's backlog is full."""


class MonitorTimeout(MonitorError):
    """QEMU did not answer within the deadline: it may be frozen, stopped by a signal, or busy."""

    def __init__(self, message: str, *, hint: str = "", sent: str = "") -> None:
        super().__init__(message, hint=hint)
        self.sent = sent
        """The command left in QEMU's socket; QEMU may still run it."""


class MonitorSilent(MonitorTimeout):
    """QEMU accepts the connection but sends no greeting: it is frozen, or another client holds the monitor."""


class MonitorClosed(MonitorError):
    """The connection was closed, as when QEMU exits."""

    def __init__(self, message: str, *, hint: str = "", sent: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.sent = sent
        """Whether a command had been sent by then; QEMU may have run it."""


class CommandFailed(MonitorError):
    """QEMU understood the command and answered with an error."""

    def __init__(self, command: str, error_class: str, description: str) -> None:
        super().__init__(f"{command}: {description}")
        self.command = command
        self.error_class = error_class
        """QMP's error class, such as ``GenericError`` or ``DeviceNotFound``."""
        self.description = description
