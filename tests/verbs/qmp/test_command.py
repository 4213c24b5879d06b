"""``workbench qmp`` and ``workbench events`` as processes, against a real QEMU."""

from __future__ import annotations

import json
import select
import signal
from typing import TYPE_CHECKING

import pytest

from tests.real import each_qemu
from tests.verbs.guest import done, running_guest, workbench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("home") / "state"
    with running_guest(directory):
        yield directory


def qmp(state: Path, *arguments: str) -> tuple[int, str, str]:
    return done(workbench(state, "qmp", *arguments))


def test_a_reply_is_json(state: Path) -> None:
    code, out, err = qmp(state, "demo", "query-status")
    assert (code, err) == (0, "")
    assert json.loads(out)["status"] == "running"


def test_values_are_typed_by_the_schema(state: Path) -> None:
    assert qmp(state, "demo", "balloon", "value=64M")[0] == 0
    code, out, _ = qmp(state, "demo", "qom-get", "path=/machine", "property=type", "--json")
    assert code == 0
    assert json.loads(out).startswith("pc-q35")


def test_a_line_of_the_console_is_one_word(state: Path) -> None:
    code, out, _ = qmp(state, "demo", "qom-get path='/machine' property=type", "--json")
    assert (code, out.count("\n")) == (0, 1)
    assert json.loads(out).startswith("pc-q35")


def test_a_json_object_is_sent_as_it_stands(state: Path) -> None:
    code, out, _ = qmp(state, "demo", '{"execute": "qom-list", "arguments": {"path": "/"}}')
    assert code == 0
    assert "machine" in {each["name"] for each in json.loads(out)}
    code, _, err = qmp(state, "demo", '{"execute": "no-such"}')
    assert (code, err) == (1, "workbench: no-such: CommandNotFound: The command no-such has not been found\n")


def test_hmp_is_text_with_its_options(state: Path) -> None:
    code, out, _ = qmp(state, "demo", "--hmp", "info", "status")
    assert (code, out) == (0, "VM status: running\n")
    code, out, _ = qmp(state, "demo", "--hmp", "info", "mtree", "-f")
    assert code == 0
    assert "FlatView #0" in out
    code, out, _ = qmp(state, "demo", "--hmp", "--json", "info status")
    assert json.loads(out) == "VM status: running\r\n"
    for words in (["!info status"], ["!info", "status"]):
        assert qmp(state, "demo", *words)[:2] == (0, "VM status: running\n")


def test_qemus_error_ends_with_its_class(state: Path) -> None:
    code, out, err = qmp(state, "demo", "qom-get", "path=/no/such", "property=x")
    assert (code, out) == (1, "")
    assert err.startswith("workbench: qom-get: DeviceNotFound: Device '/no/such' not found")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ballon"], "this QEMU has no command 'ballon': did you mean 'balloon'"),
        (["balloon"], "missing argument 'value' (integer)"),
        (["balloon", "value=abc"], "value must be an integer, not a string"),
        (["balloon", "value"], "expected key=value, not 'value'"),
        (["balloon", "64M"], "hint: write arguments as key=value: value=64M"),
        (["{"], "JSON: "),
        (["--hmp", ""], "no HMP command"),
        ([], "give either a command, - to read from standard input, or --replay FILE"),
        (["query-name", "--replay", "x"], "give either a command, - to read from standard input, or --replay FILE"),
    ],
)
def test_mistakes_are_wrong_usage(state: Path, words: list[str], message: str) -> None:
    code, out, err = qmp(state, "demo", *words)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_no_such_guest(state: Path) -> None:
    code, _, err = qmp(state, "nobody", "query-status")
    assert code == 3
    assert "running: demo" in err


def test_a_frozen_qemu_is_told(tmp_path: Path) -> None:
    with running_guest(tmp_path / "state") as process:
        process.send_signal(signal.SIGSTOP)
        code, _, err = done(workbench(tmp_path / "state", "qmp", "demo", "query-status"))
        assert code == 1
        assert "stopped" in err or "does not answer" in err
        assert "Traceback" not in err


# Events.


def test_events_are_followed_until_the_guest_ends(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running_guest(state):
        follower = workbench(state, "events", "demo", "--json")
        assert follower.stdout is not None
        while not select.select([follower.stdout], [], [], 0)[0]:
            assert qmp(state, "demo", "system_reset")[0] == 0
        first = json.loads(follower.stdout.readline())
        assert first["event"] == "RESET"
        assert set(first["data"]) == {"guest", "reason"}  # both sides reset a machine that is still starting
        assert first["time"] > 1.6e9
        assert qmp(state, "demo", "quit")[0] == 0
        code, out, err = done(follower)
        assert (code, err) == (0, "")
        assert [json.loads(line)["event"] for line in out.splitlines()][-1:] == ["SHUTDOWN"]


def test_events_for_people_and_a_count(state: Path) -> None:
    follower = workbench(state, "events", "demo", "--count", "1")
    while follower.poll() is None:
        assert qmp(state, "demo", "system_reset")[0] == 0
    code, out, err = done(follower)
    assert (code, err) == (0, "")
    clock, name, data = out.strip().split(maxsplit=2)
    assert len(clock) == len("14:02:11.123")
    assert name == "RESET"
    assert set(json.loads(data)) == {"guest", "reason"}  # both sides reset a machine that is still starting


def test_a_second_follower_is_told_why(state: Path) -> None:
    follower = workbench(state, "events", "demo")
    wait_for_follower(state)
    code, _, err = done(workbench(state, "events", "demo"))
    assert code == 1
    assert "another client is reading the events of demo" in err
    assert "hint: stop the other client" in err
    follower.send_signal(signal.SIGINT)
    code, _, err = done(follower)
    assert (code, err) == (0, "")


def test_a_qemu_that_is_silent_is_not_taken_for_a_held_monitor(tmp_path: Path) -> None:
    with running_guest(tmp_path / "state") as process:
        assert qmp(tmp_path / "state", "demo", "query-status")[0] == 0
        process.send_signal(signal.SIGSTOP)
        code, _, err = done(workbench(tmp_path / "state", "events", "demo"))
    assert code == 1
    assert "demo does not answer" in err
    assert "another client" not in err


def test_the_end_of_patience(state: Path) -> None:
    assert done(workbench(state, "events", "demo", "--timeout", "0.1"))[0] == 0
    code, _, err = done(workbench(state, "events", "demo", "--timeout", "0.1", "--count", "5"))
    assert code == 4
    assert "of 5 events within 0.1 s" in err


def wait_for_follower(state: Path) -> None:
    """Return when somebody is connected to the event monitor, as QEMU sees it."""
    while True:
        code, out, _ = qmp(state, "demo", "query-chardev")
        assert code == 0
        names = {each["label"]: each["filename"] for each in json.loads(out)}
        if "disconnected" not in names["qmp-events"]:
            return


@each_qemu()
def test_no_query_ends_a_qemu_unasked(tmp_path: Path, qemu: str) -> None:
    state = tmp_path / "state"
    with running_guest(state, qemu=qemu) as process:
        version = json.loads(qmp(state, "demo", "query-version", "--json")[1])["qemu"]
        backend = "/machine/peripheral-anon/device[0]/virtio-backend"
        lines = (
            ("x-query-virtio-status", f"path={backend}"),
            (json.dumps({"execute": "x-query-virtio-status", "arguments": {"path": backend}}),),
            ("--hmp", "info", "virtio-status", backend),
        )
        for line in lines:
            code, _, err = qmp(state, "demo", *line)
            if (version["major"], version["minor"]) > (10, 0):
                assert code == 1
                assert "was not sent: QEMU 11.1" in err
                assert "--yes" in err
        assert qmp(state, "demo", "query-status")[0] == 0
        assert process.poll() is None
