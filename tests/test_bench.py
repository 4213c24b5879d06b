"""The benchmark's own instruments: its figures are only as reliable as these."""

from __future__ import annotations

import math
import os
import socket
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from script.benchmark.figures import Figure, latency, percentile, ratio
from script.benchmark.terminal import COLUMNS, LAST, LINES, Terminal
from script.benchmark.wire import BareClient, Tap
from tests.real import running_qemu

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(values: list[float], share: float) -> None:
    value = percentile(values, share)
    assert value in values
    assert sum(other <= value for other in values) >= math.ceil(share * len(values))
    assert sum(other < value for other in values) < math.ceil(share * len(values))


def test_figures_against_their_limits() -> None:
    assert ratio("r", [3.0, 100.0, 2.0], [2.0, 1.0, 90.0], 1.5, "x").value == 1.5
    assert ratio("r", [3.0], [2.0], 1.5, "x").ok
    assert not Figure("f", 1.51, 1.5, "x").ok
    assert "OVER" in str(Figure("f", 1.51, 1.5, "x"))
    assert latency("l", [0.001, 0.002, 0.03], 0.99, 20).value == pytest.approx(30)


@pytest.fixture
def cat() -> Iterator[Terminal]:
    script = "import sys,tty; tty.setraw(0); sys.stdout.write('ready'); sys.stdout.flush(); " + (
        "[(sys.stdout.write(c), sys.stdout.flush()) for c in iter(lambda: sys.stdin.read(1), 'q')]"
    )
    terminal = Terminal([sys.executable, "-c", script], dict(os.environ))
    terminal.wait_for(["ready"])
    yield terminal
    terminal.close("q")


def test_output_after_a_key_is_timed_from_the_key(cat: Terminal) -> None:
    since = cat.written
    pressed = cat.press("x")
    assert pressed <= cat.wait_for(["x"], since) <= time.perf_counter()


def test_earlier_output_does_not_count(cat: Terminal) -> None:
    with pytest.raises(TimeoutError, match="ready not seen"):
        cat.wait_for(["ready"], cat.written, deadline=0.05)


def test_control_sequences_are_removed_even_in_pieces(cat: Terminal) -> None:
    since = cat.written
    for piece in ("one\x1b[3", "1mtwo\x1b]0;tit", "le\x07three\x1b", "[5;1Hfour\x1b[?2026h", "!"):
        cat.press(piece)
    cat.wait_for(["onetwothree\nfour!$"], since, deadline=5)


def test_the_end_of_the_output_is_available(cat: Terminal) -> None:
    since = cat.written
    cat.press("x" * 3000 + "!")
    cat.wait_for(["!"], since)
    assert cat.last == "x" * (LAST - 1) + "!"


def test_waiting_for_a_program_that_ended_fails(cat: Terminal) -> None:
    cat.press("q")
    with pytest.raises(TimeoutError, match="the program ended"):
        cat.wait_for(["never"])


def test_the_program_sees_the_size() -> None:
    terminal = Terminal([sys.executable, "-c", "import os; print(os.get_terminal_size())"], dict(os.environ))
    try:
        terminal.wait_for([f"columns={COLUMNS}, lines={LINES}"])
    finally:
        terminal.close()


def test_the_tap_forwards_everything_and_logs_balloon_commands() -> None:
    with running_qemu() as (_, path):
        tap = Tap(path)
        tap.start()
        client = BareClient(path)
        try:
            assert client.execute("query-status") != {}
            assert tap.seen == []
            before = time.perf_counter()
            assert client.execute("balloon", value=64 << 20) == {"return": {}}
            assert before <= tap.wait(1, 5) <= time.perf_counter()
            with pytest.raises(TimeoutError):
                tap.wait(2, 0.01)
        finally:
            client.close()
            tap.stop()


def test_the_tap_survives_a_connection_that_both_ends_close(tmp_path: Path) -> None:
    path = tmp_path / "qmp.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        tap = Tap(path)
        tap.start()
        try:
            for _ in range(50):
                with connected(path) as client:
                    server, _ = listener.accept()
                    with server:
                        client.sendall(b"ready")
                        assert server.recv(5) == b"ready"  # from here on the tap waits for both
                        server.sendall(b"last words")
            assert tap.is_alive()
            with connected(path) as client, listener.accept()[0] as server:
                client.sendall(b"still there")
                assert server.recv(64) == b"still there"
        finally:
            tap.stop()


def connected(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(str(path))
    return client


def test_a_bare_client_sends_many_commands_before_it_reads() -> None:
    with running_qemu(devices=(), paused=True) as (_, path):
        client = BareClient(path)
        paths = ["/machine", "/nosuch", "/objects"] * 200
        replies = client.execute_all("qom-list", [{"path": one} for one in paths])
        client.close()
        kinds = ["error" if isinstance(one, dict) and "error" in one else "return" for one in replies]
        assert kinds == ["return", "error", "return"] * 200, "in order, every one"
