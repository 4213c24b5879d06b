"""The screen under a terminal, with a guest that runs: how soon it is there, how soon it reacts, what it costs at rest."""

from __future__ import annotations

import random
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

import psutil

from . import past, sampling, tree
from .bare import MARKERS as BARE
from .figures import Figure, latency, ratio
from .guest import Bench, running_guest
from .terminal import Terminal
from .wire import BareClient, Tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

COMPLETE = ("settled", "virtio-balloon", r"Memory +\d", "QEMU \\d")
"""What stands on the workbench's screen when each pane shows the running guest: balloon, devices, host."""
STARTS = 9
PRESSES = 150
CHANGES = 20
REST = 20.0
"""Seconds over which a screen at rest is watched."""
CALM = 6.0
"""Seconds that a screen gets to finish what it does after its first frame."""
RAM = 512
"""MiB of the demo guest."""


def measure(wanted: set[str]) -> list[Figure]:
    """All figures that need a guest, in one guest's life."""
    steps: dict[str, Callable[[Bench], list[Figure]]] = {
        "tree": tree.measure,
        "start": _start,
        "idle": _idle,
        "change": _change,
        "sampling": sampling.measure,
        "month": _month,
        "keys": _keys,  # last: from then on the tap stands in the way of the monitor
    }
    with running_guest() as bench:
        return [figure for name, step in steps.items() if name in wanted for figure in step(bench)]


@contextmanager
def _opened(bench: Bench) -> Iterator[Terminal]:
    """The screen, complete."""
    terminal = Terminal(bench.screen, bench.environment)
    try:
        terminal.wait_for(COMPLETE)
        yield terminal
    finally:
        terminal.close()


def _start(bench: Bench) -> list[Figure]:
    ours, bare = (bench.screen, COMPLETE), (bench.bare, BARE)
    pairs = []
    for number in range(STARTS + 1):
        pair = []
        for argv, markers in (ours, bare):
            terminal = Terminal(argv, bench.environment)
            try:
                pair.append(terminal.wait_for(markers) - terminal.begun)
            finally:
                terminal.close()
        if number:  # the first is for the byte code and the page cache
            pairs.append(pair)
    return [ratio("start to first frame", [own for own, _ in pairs], [other for _, other in pairs], 1.3, "bare app")]


def _month(bench: Bench) -> list[Figure]:
    """The screen opened on a guest that was recorded for a month, and on one that was for a minute, in turn."""
    times: dict[float, list[float]] = {past.MONTH: [], 60.0: []}
    for number in range(STARTS + 1):
        for length, found in times.items():
            past.write(bench.guest, time.time(), length)
            terminal = Terminal(bench.screen, bench.environment)
            try:
                took = terminal.wait_for(COMPLETE) - terminal.begun
            finally:
                terminal.close()
            if number:  # as in _start
                found.append(took)
    return [ratio("open with a month", times[past.MONTH], times[60.0], 1.2, "with a minute")]


def _keys(bench: Bench) -> list[Figure]:
    """In live mode each key goes to the guest at once: from the key to the command on the socket, with small steps, and
    with large ones, which keep the balloon moving and so read ten times a second.

    Changes go one at a time, and a QEMU that discards pages answers after as much as 90 ms: the large steps come further
    apart, so that none waits for the answer to the one before.
    """
    tap = Tap(bench.guest / "qmp.sock")
    tap.start()
    try:
        with _opened(bench) as terminal:
            time.sleep(1.0)
            terminal.press("bl")
            time.sleep(0.5)
            still = _pressed(terminal, tap, "-+", (0.05, 0.2))
            moving = _pressed(terminal, tap, "[]", (0.15, 0.4))
            with _storm(bench) as events:
                stormy = _pressed(terminal, tap, "-+", (0.05, 0.2))
                told = f"{events.rate:,.0f} events a second"
    finally:
        tap.stop()
    return [
        latency("key to wire", still, 0.99, 20.0),
        latency("key to wire, moving", moving, 0.99, 20.0),
        latency("key to wire, in a storm", stormy, 0.9, 33.0, told),
    ]


class Storm(threading.Thread):
    """Stops the guest and lets it run on, as fast as QEMU answers: two events each time."""

    def __init__(self, path: Path) -> None:
        super().__init__(name="storm", daemon=True)
        self._client = BareClient(path)
        self._over = threading.Event()
        self._turns, self._begun = 0, time.monotonic()

    @property
    def rate(self) -> float:
        return 2 * self._turns / (time.monotonic() - self._begun)

    def run(self) -> None:
        while not self._over.is_set():
            self._client.execute("stop")
            self._client.execute("cont")
            self._turns += 1

    def end(self) -> None:
        self._over.set()
        self.join()
        self._client.close()


@contextmanager
def _storm(bench: Bench) -> Iterator[Storm]:
    storm = Storm(bench.guest / "qmp-cli.sock")
    storm.start()
    try:
        yield storm
    finally:
        storm.end()


def _pressed(terminal: Terminal, tap: Tap, keys: str, apart: tuple[float, float]) -> list[float]:
    """:param apart: seconds between two keys, so that they fall anywhere between two readings."""
    times = []
    sent = len(tap.seen)
    for number in range(PRESSES):
        pressed = terminal.press(keys[number % 2])
        try:
            times.append(tap.wait(sent + number + 1, 10.0) - pressed)
        except TimeoutError as error:
            raise TimeoutError(f"{error} after key {number + 1} of {keys}. Last: {terminal.last}") from error
        time.sleep(random.uniform(*apart))
    return times


def _change(bench: Bench) -> list[Figure]:
    """Somebody else sets a target and the guest begins to move: from QEMU's event to the new number on the screen.

    The guest's driver writes ``actual`` into the config space, and QEMU tells at once with BALLOON_CHANGE. How long the
    guest took to get there is its own affair, and stands in the detail.
    """
    times, guests = [], []
    client = BareClient(bench.guest / "qmp-cli.sock")
    try:
        with _opened(bench) as terminal:
            for number in range(CHANGES):
                # BALLOON_CHANGE comes at most once a second, and a late one puts the next off (QEMU: monitor/monitor.c,
                # monitor_qapi_event_queue_no_reenter()): after two seconds the first one comes at once again.
                time.sleep(random.uniform(2.2, 2.6))
                target = RAM - 11 - 7 * (number % 10)
                since = terminal.written
                asked = time.perf_counter()
                client.execute("balloon", value=target << 20)
                changed = client.wait_event("BALLOON_CHANGE")
                guests.append(changed - asked)
                times.append(max(0.0, terminal.wait_for([rf"\b{target}\b"], since) - changed))
            client.execute("balloon", value=RAM << 20)
            terminal.wait_for(["settled"], terminal.written)
    finally:
        client.close()
    figure = latency("change to pixels", times, 0.95, 150.0)
    return [replace(figure, detail=f"{figure.detail}; the guest took {1e3 * median(guests):.0f} ms")]


def _idle(bench: Bench) -> list[Figure]:
    """Both at once, so that the machine is the same for both."""
    bare = Terminal(bench.bare, bench.environment)
    try:
        bare.wait_for(BARE)
        with _opened(bench) as ours:
            time.sleep(CALM)
            processes = [psutil.Process(terminal.pid) for terminal in (ours, bare)]
            before = [sum(process.cpu_times()[:2]) for process in processes]
            time.sleep(REST)
            shares = [
                100 * (sum(process.cpu_times()[:2]) - spent) / REST
                for process, spent in zip(processes, before, strict=True)
            ]
            resident = [process.memory_info().rss / (1 << 20) for process in processes]
    finally:
        bare.close()
    return [
        Figure("idle, one core", shares[0], 3.0, "%", f"bare app {shares[1]:.2f} %, over {REST:g} s"),
        Figure("resident memory", resident[0], 90.0, "MiB", f"bare app {resident[1]:.0f} MiB"),
    ]
