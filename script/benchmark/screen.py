"""The screen in a terminal with a running guest: time to start, time to react, and its cost when idle."""

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
"""Texts that are on the screen when each pane shows the running guest: balloon, devices, host."""
STARTS = 9
PRESSES = 150
CHANGES = 20
REST = 20.0
"""Seconds for which an idle screen is observed."""
CALM = 6.0
"""Seconds that a screen gets to settle after its first frame."""
RAM = 512
"""MiB of the demo guest."""


def measure(wanted: set[str]) -> list[Figure]:
    """All figures that need a guest, measured on one guest."""
    steps: dict[str, Callable[[Bench], list[Figure]]] = {
        "tree": tree.measure,
        "start": _start,
        "idle": _idle,
        "change": _change,
        "sampling": sampling.measure,
        "month": _month,
        "keys": _keys,  # last: it puts the tap between the screen and the monitor
    }
    with running_guest() as bench:
        return [figure for name, step in steps.items() if name in wanted for figure in step(bench)]


@contextmanager
def _opened(bench: Bench) -> Iterator[Terminal]:
    """The screen, after its first frame is complete."""
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
        if number:  # the first one fills the byte code and page caches
            pairs.append(pair)
    return [ratio("start to first frame", [own for own, _ in pairs], [other for _, other in pairs], 1.3, "bare app")]


def _month(bench: Bench) -> list[Figure]:
    """Open the screen on a guest with a month of history and on one with a minute, alternately."""
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
    """From a key to its command on the socket. In live mode each key is sent at once: with small steps, and with large
    ones, which keep the balloon moving, so that the guest is read ten times a second.

    Changes are sent one at a time, and QEMU takes up to 90 ms to reply while it discards pages: the large steps are
    further apart, so that none waits for the previous reply.
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
                detail = f"{events.rate:,.0f} events a second"
    finally:
        tap.stop()
    return [
        latency("key to wire", still, 0.99, 20.0),
        latency("key to wire, moving", moving, 0.99, 20.0),
        latency("key to wire, in a storm", stormy, 0.9, 33.0, detail),
    ]


class Storm(threading.Thread):
    """Stops and resumes the guest as fast as QEMU answers: two events each time."""

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
    """:param apart: range of seconds between two keys, so that keys fall anywhere between two readings."""
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
    """Another client sets a target and the balloon starts to move: from QEMU's event to the new number on the screen.

    The guest's driver writes ``actual`` to the config space, and QEMU sends BALLOON_CHANGE at once. The time that the
    guest takes is not part of the figure; it is shown in the detail.
    """
    times, guests = [], []
    client = BareClient(bench.guest / "qmp-cli.sock")
    try:
        with _opened(bench) as terminal:
            for number in range(CHANGES):
                # BALLOON_CHANGE is sent at most once a second, and a delayed one delays the next (QEMU: monitor/monitor.c,
                # monitor_qapi_event_queue_no_reenter()): after two seconds the next one is sent at once.
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
    """The screen and the bare app idle at the same time, under the same load."""
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
