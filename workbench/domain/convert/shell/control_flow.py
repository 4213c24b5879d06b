"""Decide which commands of a script run (POSIX.1-2017, XCU 2.9.4): branches, ``case`` and loops, as far as known."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from workbench.domain.convert.shell.words import Reader

_PLAIN = ("{", "}", "time", "coproc")
"""Words that do not affect which commands run."""


class _Block(Struct):
    """An open compound command."""

    kind: Literal["if", "loop", "case"]
    live: bool = True
    """Whether its current part runs."""
    sure: bool = True
    """Whether that is known."""
    entered: bool = False
    """Whether one of its parts has run."""
    testing: bool = False
    """Whether its condition is being read."""
    verdict: bool | None = None
    until: bool = False
    subject: str | None = None
    """The word of a ``case``; None if unknown."""
    patterns: list[str] | None = None
    """The patterns of an arm while they are being read."""
    variable: str = ""
    values: list[str] = field(default_factory=list)
    """The remaining words of a loop."""
    start: int = 0


class Flow:
    """Follows a script's compound commands, word by word and command by command."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._blocks: list[_Block] = []
        self._skip = False
        """Whether the next command is skipped because of ``&&`` or ``||``."""
        self._joined = ""
        self._negated = False
        self._skipped: set[str] = set()
        self._assumed: set[str] = set()

    @property
    def live(self) -> bool:
        """Whether the current command runs, as far as known."""
        return not self._skip and all(block.live for block in self._blocks)

    def sets(self, name: str) -> bool:
        """Handle an assignment to a variable; whether it is executed."""
        if not self.live:
            self._skipped.add(name)
        elif not all(block.sure for block in self._blocks):
            self._assumed.add(name)
        return self.live

    def notes(self, used: Set[str]) -> list[str]:
        """Notes about assumptions on these variables."""
        return [
            *(f"{name} is set under an unknown condition: assumed to be true"
              for name in sorted(self._assumed & used)),
            *(f"{name} is also set in a branch that is not taken: that value is left out"
              for name in sorted(self._skipped & used)),
        ]  # fmt: skip

    def word(self, words: Sequence[str]) -> bool:
        """Handle one more word of a command; whether it is a reserved word, after which the command begins."""
        top = self._blocks[-1] if self._blocks else None
        if top is not None and top.patterns is not None:
            if list(words) == ["esac"]:
                self._blocks.pop()
                return True
            return False
        if len(words) == 3 and words[0] == "case" and words[2] == "in":
            self._blocks.append(_Block("case", live=False, subject=self._reader.value(words[1]), patterns=[]))
            return True
        if len(words) != 1:
            return False
        match words[0]:
            case "if":
                self._blocks.append(_Block("if", testing=True))
            case "while" | "until":
                self._blocks.append(_Block("loop", testing=True, until=words[0] == "until"))
            case "then" | "elif" | "else" if top is not None and top.kind == "if":
                self._branch(top, words[0])
            case "do" if top is not None and top.kind == "loop":
                self._body(top)
            case "fi" | "esac" if top is not None and top.kind in ("if", "case"):
                self._blocks.pop()
            case "done" if top is not None and top.kind == "loop":
                self._again(top)
            case "!":
                self._negated = not self._negated
            case word:
                return word in _PLAIN
        return True

    def command(self, words: Sequence[str], end: str, *, empty: bool) -> None:
        """Handle the end of a command, an operator; ``words`` is without reserved words and assignments.

        :param empty: whether the command was empty.
        """
        top = self._blocks[-1] if self._blocks else None
        if top is not None and top.patterns is not None:
            top.patterns += words
            if end == ")":
                self._arm(top, top.patterns)
            return
        if end.startswith(";") and len(end) > 1 and top is not None and top.kind == "case":
            top.live, top.patterns = False, []
        elif words[:1] == ["for"] or words[:1] == ["select"]:
            self._loop(words)
        elif words:
            self._judge(top, words, end)
        if end in ("&&", "||"):
            self._joined = end
        elif not empty or end != "\n":
            self._joined, self._skip = "", False
        if not empty:
            self._negated = False

    def _judge(self, top: _Block | None, words: Sequence[str], end: str) -> None:
        """Use the outcome of a command for a condition, or for ``&&`` and ``||``."""
        outcome = _outcome([self._reader.value(word) for word in words])
        if self._negated and outcome is not None:
            outcome = not outcome
        if top is not None and top.testing:
            before = top.verdict
            match self._joined:
                case "&&":
                    outcome = False if False in (before, outcome) else None if None in (before, outcome) else True
                case "||":
                    outcome = True if True in (before, outcome) else None if None in (before, outcome) else False
            top.verdict = outcome
            return
        if end in ("&&", "||") and not self._skip:
            self._skip = outcome is (end == "||")
        elif end in ("&&", "||"):
            self._skip = self._joined == end

    def _branch(self, block: _Block, word: str) -> None:
        if word == "elif" and not block.entered:
            block.live, block.testing, block.verdict = True, True, None
        elif word == "then" and block.testing:
            block.testing = False
            block.live, block.sure = block.verdict is not False, block.verdict is not None
            block.entered = block.entered or block.live
        else:
            block.testing, block.live = False, not block.entered and word == "else"

    def _body(self, block: _Block) -> None:
        if block.testing:
            verdict = block.verdict if not block.until or block.verdict is None else not block.verdict
            block.testing, block.live, block.sure = False, verdict is not False, verdict is not None
        block.start = self._reader.at

    def _loop(self, words: Sequence[str]) -> None:
        """Start ``for NAME in WORDS`` with the first word; ``for ((…))`` is run once."""
        block = _Block("loop")
        if len(words) > 2 and words[2] == "in":
            block.variable, block.values = words[1], list(words[3:])
            block.live = bool(block.values)
            if block.values:
                self._reader.variables[block.variable] = (block.values.pop(0),)
        else:
            block.sure = False
        self._blocks.append(block)

    def _again(self, block: _Block) -> None:
        if block.values and block.live:
            self._reader.variables[block.variable] = (block.values.pop(0),)
            self._reader.at = block.start
        else:
            self._blocks.pop()

    def _arm(self, block: _Block, patterns: Sequence[str]) -> None:
        subject = block.subject
        matches = subject is not None and any(fnmatchcase(subject, pattern) for pattern in patterns)
        block.live = matches and not block.entered
        block.entered, block.patterns = block.entered or block.live, None


def _outcome(words: Sequence[str | None]) -> bool | None:
    """The result of a test; None if it depends on something outside the script."""
    if words in (["true"], [":"]):
        return True
    if words == ["false"]:
        return False
    if len(words) < 2 or words[0] not in ("[", "[[", "test"):
        return None
    parts = list(words[1:] if words[0] == "test" else words[1:-1])
    if parts[:1] == ["!"]:
        inner = _outcome(["test", *parts[1:]])
        return None if inner is None else not inner
    match parts:
        case [None] | [_, None] | [None, _, _] | [_, _, None]:
            return None
        case [str() as text]:
            return text != ""
        case ["-n" | "-z" as how, str() as text]:
            return (text != "") == (how == "-n")
        case [str() as left, "=" | "==" | "!=" as how, str() as right]:
            return (left == right) == (how != "!=")
        case [str() as left, str() as how, str() as right] if left.isdecimal() and right.isdecimal():
            numbers = int(left), int(right)
            order = {"-eq": "=", "-ne": "<>", "-gt": ">", "-ge": ">=", "-lt": "<", "-le": "<="}.get(how, "")
            sign = "=" if numbers[0] == numbers[1] else ">" if numbers[0] > numbers[1] else "<"
            return sign in order if order else None
    return None
