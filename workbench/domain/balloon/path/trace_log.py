"""Parse the balloon's trace events in QEMU's log, in the formats of different versions.

The ``log`` backend writes one line per event (scripts/tracetool/backend/log.py, util/log.c)::

    7.2 to 10.0   11591@1795480531.976822:virtio_balloon_get_config num_pages: 1024 actual: 0     thread, Unix time
    11            2026-11-24T00:37:14.819604Z virtio_balloon_get_config num_pages: 512 actual: 0  UTC, no thread
    without ``-msg timestamp=on``    virtio_balloon_get_config num_pages: 512 actual: 0

Reading the config space with HMP ``xp``, as the workbench does, fires the same event as a read by the guest. The thread
distinguishes them: the monitor runs in QEMU's main thread, and vCPUs do not. In lines without a thread, the events around
an HMP command do: no vCPU can come in between, as QEMU holds the BQL.
"""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct

COMMAND = "balloon_event"
TARGET = "virtio_balloon_to_target"
READ = "virtio_balloon_get_config"
WRITTEN = "virtio_balloon_set_config"
EVENTS = (COMMAND, TARGET, READ, WRITTEN)
"""The events of a change. Without ``virtio_balloon_handle_output``, which fires for every page."""
HMP_BEGINS = "qmp_enter_human_monitor_command"
HMP_ENDS = "qmp_exit_human_monitor_command"
HMP_EVENTS = (HMP_BEGINS, HMP_ENDS)
THREADLESS = (10, 1)
"""From this version on, lines may lack the thread (10.0 has it, 11.1 does not)."""

_LINE = re.compile(
    r"(?:(?P<thread>\d{1,10})@(?P<seconds>\d{1,12})\.(?P<micros>\d{6}):"
    r"|(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})Z )?"
    r"(?P<event>[a-z_]\w{2,80})(?: (?P<rest>.*))?",
    re.ASCII,
)
_ARGUMENTS = {
    COMMAND: re.compile(r"opaque (?:0x)?[0-9a-f]+ addr (\d{1,20})", re.ASCII),
    TARGET: re.compile(r"balloon target: 0x([0-9a-f]{1,16}) num_pages: (-?\d{1,11})", re.ASCII),
    READ: re.compile(r"num_pages: (-?\d{1,11}) actual: (-?\d{1,11})", re.ASCII),
    WRITTEN: re.compile(r"actual: (-?\d{1,11}) oldactual: (-?\d{1,11})", re.ASCII),
}


class TraceLine(Struct, frozen=True):
    """One trace event."""

    event: str
    at: int | None
    """Microseconds of Unix time; None if the line has no timestamp."""
    thread: int | None
    """The thread id, if the line has one."""
    values: tuple[int, ...] = ()
    """``balloon_event``: target in bytes. ``…_to_target``: target in bytes, num_pages. ``…_get_config``: num_pages, actual.
    ``…_set_config``: actual, previous actual. Pages are unsigned, even where the format prints them signed."""


def parse_line(text: str) -> TraceLine | None:
    """Parse a line of the log; None if it is not one of the events above, or is truncated."""
    match = _LINE.fullmatch(text.rstrip("\r\n"))
    if match is None:
        return None
    event = match["event"]
    thread = int(match["thread"]) if match["thread"] else None
    if event in HMP_EVENTS:
        return TraceLine(event, _micros(match), thread)
    form = _ARGUMENTS.get(event)
    found = form.fullmatch(match["rest"] or "") if form is not None else None
    if found is None:
        return None
    if event == TARGET:
        values: tuple[int, ...] = (int(found[1], 16), int(found[2]) & 0xFFFFFFFF)
    elif event == COMMAND:
        values = (int(found[1]),)
    else:
        values = tuple(int(number) & 0xFFFFFFFF for number in found.groups())
    try:
        return TraceLine(event, _micros(match), thread, values)
    except ValueError:  # a date such as the 99th of a month
        return None


def _micros(match: re.Match[str]) -> int | None:
    if match["seconds"]:
        return int(match["seconds"]) * 1_000_000 + int(match["micros"])
    if not match["iso"]:
        return None
    whole, micros = match["iso"].split(".")
    return int(datetime.fromisoformat(f"{whole}+00:00").timestamp()) * 1_000_000 + int(micros)


class Sieve:
    """Keeps the events of a change, and drops the config space reads made by the monitor."""

    def __init__(self, main_thread: int) -> None:
        """:param main_thread: the thread that runs QEMU's monitors: its pid."""
        self._main = main_thread
        self._within = False

    def take(self, text: str) -> TraceLine | None:
        """Parse a line; None if it does not belong to a change."""
        line = parse_line(text)
        if line is None or line.event in HMP_EVENTS:
            if line is not None:
                self._within = line.event == HMP_BEGINS
            return None
        if line.event == READ and (self._within if line.thread is None else line.thread == self._main):
            return None
        return line
