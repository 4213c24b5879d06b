"""``workbench qmp NAME -`` and ``--replay`` as processes, against a real QEMU."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.verbs.guest import done, running_guest, workbench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("home") / "state"
    with running_guest(directory):
        yield directory


def piped(state: Path, text: str, *options: str) -> tuple[int, list[dict[str, object]], str]:
    """What ``qmp demo -`` makes of a text: exit code, its lines, and standard error."""
    code, out, err = done(workbench(state, "qmp", "demo", "-", *options, stdin=subprocess.PIPE), text=text)
    return code, [json.loads(line) for line in out.splitlines()], err


# Standard input.


def test_each_line_is_answered_by_a_line(state: Path) -> None:
    text = """# what is there
query-status

qom-get path=/machine property=type
qom-get {"path": "/machine", "property": "type"}
  {"execute": "qom-get", "arguments": {"path": "/machine", "property": "type"}}
!info status
balloon value=64M"""
    code, lines, err = piped(state, text)
    assert (code, err) == (0, "")
    assert [line["line"] for line in lines] == [2, 4, 5, 6, 7, 8]
    assert lines[1] == {"line": 4, "command": "qom-get", "return": lines[1]["return"]}
    assert str(lines[1]["return"]).startswith("pc-q35")
    assert lines[1]["return"] == lines[2]["return"] == lines[3]["return"]
    assert lines[4] == {"line": 7, "command": "!info status", "return": "VM status: running\r\n"}
    assert lines[5]["return"] == {}


def test_it_ends_at_the_first_error_with_its_class(state: Path) -> None:
    code, lines, err = piped(state, "query-name\nqom-get path=/no property=x\nquery-name\n")
    assert code == 1
    assert err == "workbench: qom-get: DeviceNotFound: Device '/no' not found\nhint: line 2\n"
    assert [set(line) for line in lines] == [{"line", "command", "return"}, {"line", "command", "error"}]
    assert lines[1]["error"] == {"class": "DeviceNotFound", "desc": "Device '/no' not found"}


def test_a_mistake_is_wrong_usage_and_not_sent(state: Path) -> None:
    code, lines, err = piped(state, "ballon value=1\nquery-name")
    assert code == 2
    assert "line 1: this QEMU has no command 'ballon'" in err
    assert [line["text"] for line in lines] == ["ballon value=1"]


def test_it_can_keep_going_and_still_fails(state: Path) -> None:
    code, lines, err = piped(state, "qom-get path=/no property=x\nballon\n{\nquery-name\n", "--keep-going")
    assert code == 1
    assert "DeviceNotFound" in err
    assert ["error" in line for line in lines] == [True, True, True, False]


def test_lines_of_hmp(state: Path) -> None:
    code, lines, _ = piped(state, "info status\n!info status\n", "--hmp")
    assert code == 0
    assert [line["return"] for line in lines] == ["VM status: running\r\n"] * 2


def test_lines_are_answered_as_they_come(state: Path) -> None:
    process = workbench(state, "qmp", "demo", "-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    for _ in range(3):
        process.stdin.write("query-name\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["command"] == "query-name"
    process.stdin.close()
    process.stdin = None
    assert done(process)[0] == 0


def test_a_qemu_that_ends_is_told_while_nobody_types(tmp_path: Path) -> None:
    with running_guest(tmp_path / "state") as qemu:
        process = workbench(tmp_path / "state", "qmp", "demo", "-", stdin=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("query-name\n")
        process.stdin.flush()
        process.stdout.readline()
        qemu.kill()
        assert process.wait(20) == 1  # and its standard input is open still
        assert process.stderr is not None
        assert "the connection to QEMU ended" in process.stderr.read()
        process.communicate()


def test_quit_is_a_good_end(tmp_path: Path) -> None:
    with running_guest(tmp_path / "state"):
        code, lines, err = piped(tmp_path / "state", "query-name\nquit\n")
        assert (code, err, lines[-1]["return"]) == (0, "", {})


# A record.


RECORD = [
    {"time": 1.0, "origin": "screen", "execute": "no-such"},
    {"time": 1.0, "origin": "user", "execute": "qom-get", "arguments": {"path": "/machine", "property": "type"}},
    {"time": 1.1, "origin": "user", "command": "qom-get", "return": "pc"},
    {"time": 1.2, "event": "RESET", "data": {}},
    {"time": 1.3, "note": "connection closed"},
    {"execute": "query-name"},
]


def recorded(directory: Path, *lines: object) -> str:
    file = directory / "record.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return str(file)


def test_the_users_commands_of_a_record_are_sent_in_order(state: Path, tmp_path: Path) -> None:
    code, out, err = done(workbench(state, "qmp", "demo", "--replay", recorded(tmp_path, *RECORD)))
    assert (code, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(line["line"], line["command"]) for line in lines] == [(2, "qom-get"), (6, "query-name")]
    assert lines[0]["return"].startswith("pc-q35")


def test_a_replay_ends_at_the_first_error_or_keeps_going(state: Path, tmp_path: Path) -> None:
    file = recorded(tmp_path, {"execute": "no-such"}, {"execute": "query-name"})
    for options, count in ([], 1), (["--keep-going"], 2):
        code, out, err = done(workbench(state, "qmp", "demo", "--replay", file, *options))
        assert (code, len(out.splitlines())) == (1, count)
        assert err.startswith("workbench: no-such: CommandNotFound: ")


def test_what_may_harm_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    hmp = {"execute": "human-monitor-command", "arguments": {"command-line": "quit"}}
    file = recorded(tmp_path, {"execute": "query-name"}, hmp)
    with running_guest(tmp_path / "state"):
        code, out, err = done(workbench(tmp_path / "state", "qmp", "demo", "--replay", file))
        assert (code, out) == (1, "")
        assert "nothing was sent\nhint: line 2: quit: " in err
        assert done(workbench(tmp_path / "state", "qmp", "demo", "query-name"))[0] == 0
        code, out, _ = done(workbench(tmp_path / "state", "qmp", "demo", "--replay", file, "--yes"))
        assert len(out.splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("query-name\n", "line 1 is not valid JSON"),
        ("[]\n", "line 1 is not a JSON object"),
        ('{"execute": "query-name"}\n{"execute": 5}\n', "line 2: "),
        ("", "no user commands in this file"),
    ],
)
def test_what_is_no_record_is_told(state: Path, tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "x"
    file.write_text(text)
    code, out, err = done(workbench(state, "qmp", "demo", "--replay", str(file)))
    assert (code, out) == (2, "")
    assert words in err
    assert done(workbench(state, "qmp", "demo", "--replay", str(tmp_path / "none")))[0] == 1
