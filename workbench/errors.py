"""The error tree. Every error that a user can meet says what happened and what to do.

::

    WorkbenchError                exit 1   what happened; hint: what to do
    ├── UsageError                exit 2   a value on the command line that cannot be meant
    ├── NotFound                  exit 3   no such guest or profile
    ├── NotReached                exit 4   the guest did not get there in time
    ├── ProfileError              exit 1   a profile with problems, all of them
    ├── ProfileChanged            exit 1   a profile's file that something else wrote since it was read
    ├── StartError                exit 1   a guest that did not start; nothing is left behind
    ├── HostError                 exit 1   something this host lacks: QEMU, hugepages, a directory
    │   └── HugepageShortage               a pool with fewer pages than the guest needs: it can be grown
    └── MonitorError              exit 1   the talk with QEMU went wrong
        ├── MonitorUnavailable             no socket, or nobody listening
        │   └── MonitorCrowded             another client holds it, and so many wait that no more can
        ├── MonitorTimeout                 QEMU did not answer within the deadline
        │   └── MonitorSilent              it did not even greet: it is frozen, or another client holds it
        ├── MonitorClosed                  the connection ended
        └── CommandFailed                  QEMU answered with an error
"""

from __future__ import annotations


class WorkbenchError(Exception):
    """What happened, in one sentence for the user, and what to do about it."""

    exit_code = 1
    title = "That did not work"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        """What the user can do, one or more lines; empty when there is nothing to say."""


class UsageError(WorkbenchError):
    """A value that cannot be meant."""

    exit_code = 2
    title = "That cannot be meant"


class NotFound(WorkbenchError):
    """No guest or profile of that name."""

    exit_code = 3
    title = "Not found"


class NotReached(WorkbenchError):
    """The guest did not get there within the time that the user gave."""

    exit_code = 4
    title = "Not reached in time"


class StartError(WorkbenchError):
    """A guest that did not start. Its state directory is gone again."""

    title = "The guest did not start"

    def __init__(self, message: str, *, output: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.output = output
        """What QEMU wrote to its standard error, unchanged."""


class HostError(WorkbenchError):
    """Something that this host lacks or refuses."""

    title = "This host lacks something"


class MonitorError(WorkbenchError):
    """The talk with QEMU went wrong."""

    title = "QEMU's monitor"


class MonitorUnavailable(MonitorError):
    """No socket, or nobody who listens and talks QMP."""


class MonitorCrowded(MonitorUnavailable):
    """Another client holds the one place, or QEMU is frozen, and so many wait already that no more can."""


class MonitorTimeout(MonitorError):
    """QEMU did not answer within the deadline. It may be frozen, stopped by a signal, or busy."""

    def __init__(self, message: str, *, hint: str = "", sent: str = "") -> None:
        super().__init__(message, hint=hint)
        self.sent = sent
        """The command that waits in QEMU's socket: it may still be carried out."""


class MonitorSilent(MonitorTimeout):
    """QEMU accepts the connection and says nothing: it is frozen, or another client holds the monitor."""


class MonitorClosed(MonitorError):
    """The connection ended, as it does when QEMU ends."""

    def __init__(self, message: str, *, hint: str = "", sent: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.sent = sent
        """Whether a command was on its way by then: QEMU may have carried it out."""


class CommandFailed(MonitorError):
    """QEMU understood the command and answered with an error."""

    def __init__(self, command: str, error_class: str, description: str) -> None:
        super().__init__(f"{command}: {description}")
        self.command = command
        self.error_class = error_class
        """QMP's error class, such as ``GenericError`` or ``DeviceNotFound``."""
        self.description = description
