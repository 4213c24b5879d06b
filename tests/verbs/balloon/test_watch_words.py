"""One line a guest: columns, cut at cells, and written in place."""

from __future__ import annotations

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from tests.ui.fake_engine import balloon, running
from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.diagnosis.judge import Verdict
from workbench.domain.units import MIB
from workbench.verbs.balloon.live_lines import InPlace
from workbench.verbs.balloon.watch_words import cut, json_line, table

NOW = 1_700_000_000.0
DEMO = running("demo", balloon=balloon(256 * MIB, 311 * MIB))
FROZEN = running("frozen", balloon=None, answering=False, trouble="QEMU's process is stopped (SIGSTOP)")


def test_each_guest_has_a_line_with_its_numbers() -> None:
    head, demo, frozen = table([DEMO, FROZEN])
    assert head.split() == ["NAME", "STATE", "TARGET", "ACTUAL", "DIFF", "RATE", "AVAIL", "RESIDENT", "UNRETURNED"]
    assert demo.split() == ["demo", "inflating", "256", "311", "+55", "\N{MINUS SIGN}28", "400", "100", "0"]
    assert "unknown" in frozen
    assert frozen.endswith("QEMU's process is stopped (SIGSTOP)")
    assert cell_len(frozen) < 60, "a narrow terminal shows why"
    for name in ("TARGET", "UNRETURNED"):
        end = head.index(name) + len(name)
        assert demo[end - 1].isdigit()


def test_a_guest_that_has_settled_since_the_last_look_moves_no_more() -> None:
    settled = replace(balloon(256 * MIB, 256 * MIB), rate=-47.0 * MIB)
    head, line = table([running("demo", balloon=settled)])
    assert line.split()[head.split().index("RATE")] == "0"


def test_numbers_do_not_move_their_columns() -> None:
    small, large = (table([replace(DEMO, balloon=balloon(size, size))])[0] for size in (MIB, 512 * MIB))
    assert small == large


def test_a_cause_is_told_and_made_harmless() -> None:
    stalled = replace(balloon(), verdict=Verdict(State.STALLED, "\x1b[2Jthe guest is paused"))
    line = table([running("demo", balloon=stalled)])[1]
    assert line.endswith("\\x1b[2Jthe guest is paused")


def test_a_cause_that_has_no_room_in_its_line_stands_below() -> None:
    stalled = replace(balloon(), verdict=Verdict(State.STALLED, "the guest has no more free pages to give"))
    seen = [running("demo", balloon=stalled), FROZEN, DEMO]
    assert table(seen, 200) == table(seen)
    narrow = table(seen, 80)
    assert narrow[-1] == "demo: the guest has no more free pages to give"
    assert len(narrow) == 5
    assert max(map(cell_len, narrow)) <= 80
    assert "SIGSTOP" in narrow[2]


@given(st.text(alphabet="abc 界é\N{FAMILY}", max_size=40), st.integers(1, 60))
def test_a_line_never_takes_more_cells_than_there_are(line: str, width: int) -> None:
    assert cell_len(cut(line, width)) <= width
    assert cell_len(line) > width or cut(line, width) == line


def test_wide_names_keep_the_columns_in_line() -> None:
    seen = [running("界界"), running("abcd")]
    _, wide, narrow = table(seen)
    assert cell_len(wide[: wide.index("settled")]) == cell_len(narrow[: narrow.index("settled")])


def test_a_json_line_has_all_that_balloon_gives_and_the_trouble() -> None:
    told = json.loads(json_line(DEMO, NOW))
    assert (told["guest"], told["actual"], told["state"], told["trouble"]) == ("demo", 311 * MIB, "inflating", "")
    told = json.loads(json_line(FROZEN, NOW))
    assert (told["guest"], told["state"], told["trouble"]) == ("frozen", None, FROZEN.trouble)
    assert "\n" not in json_line(DEMO, NOW)


class Terminal:
    """As much of a terminal as these lines need: text, line feed, and the three sequences."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.lines = [""] * rows
        self.y = 0

    def feed(self, text: str) -> None:
        for part in re.findall(r"\x1b\[\d*[A-Z]|\n|\r|[^\x1b\n\r]+", text):
            if part == "\n":
                self.y += 1
                if self.y == self.rows:
                    self.lines, self.y = [*self.lines[1:], ""], self.rows - 1
            elif part.endswith("A") and part.startswith("\x1b"):
                self.y = max(0, self.y - int(part[2:-1]))
            elif part == "\x1b[H":
                self.y = 0
            elif part == "\x1b[2K":
                self.lines[self.y] = ""
            elif part == "\x1b[J":
                self.lines[self.y :] = [""] * (self.rows - self.y)
            elif part != "\r":
                assert cell_len(part) <= self.columns
                self.lines[self.y] = part


@pytest.mark.parametrize("rounds", [[["a", "b"], ["c", "d"]], [["a", "b", "c"], ["d"]], [["a"], ["b", "c", "d"]]])
def test_a_round_takes_the_place_of_the_one_before(rounds: list[list[str]]) -> None:
    terminal, stream = Terminal(20, 10), io.StringIO()
    place = InPlace(stream, lambda: (terminal.columns, terminal.rows))
    terminal.feed("before\n")
    for lines in rounds:
        place.show(lines)
    terminal.feed(stream.getvalue())
    assert [line for line in terminal.lines if line] == ["before", *rounds[-1]]


def test_more_guests_than_lines_are_counted() -> None:
    terminal, stream = Terminal(20, 5), io.StringIO()
    place = InPlace(stream, lambda: (20, 5))
    for turn in range(3):
        place.show([f"guest {turn}-{number}" for number in range(9)])
    terminal.feed(stream.getvalue())
    assert terminal.lines == ["guest 2-0", "guest 2-1", "guest 2-2", "… and 6 more", ""]


def test_a_terminal_that_was_resized_has_one_picture() -> None:
    terminal, stream = Terminal(40, 6), io.StringIO()
    place = InPlace(stream, lambda: (terminal.columns, terminal.rows))
    place.again()
    assert stream.getvalue() == "", "nothing to show again"
    place.show(["NAME", "one", "two"])
    terminal.feed(stream.getvalue())
    for columns, rows in ((40, 3), (40, 8), (5, 8)):
        stream.truncate(stream.seek(0))
        terminal.columns, terminal.rows = columns, rows
        terminal.lines = [*terminal.lines, *[""] * rows][:rows]  # what a terminal does with old lines differs
        terminal.y = min(terminal.y, rows - 1)
        place.again()
        terminal.feed(stream.getvalue())
        assert [line for line in terminal.lines if line] == (
            ["NAME", "\u2026 and 2 more"] if rows == 3 else ["NAME", "one", "two"]
        )
