"""Shell arithmetic (POSIX.1-2017, XCU 2.6.4), as far as scripts that start QEMU use it."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\s*(\d{1,18}|[-+*/%()])")
_RANK = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2}


def arithmetic(text: str) -> int | None:
    """The value of an expression of numbers, ``+ - * / %`` and parentheses; None for any other."""
    tokens = _TOKEN.findall(text)
    if len(tokens) > 64 or _TOKEN.sub("", text).strip():
        return None
    try:
        value, rest = _expression(tokens, 0)
    except (IndexError, ValueError, ZeroDivisionError):
        return None
    return value if not rest else None


def _expression(tokens: list[str], rank: int) -> tuple[int, list[str]]:
    left, tokens = _term(tokens)
    while tokens and _RANK.get(tokens[0], 0) > rank:
        operator = tokens[0]
        right, tokens = _expression(tokens[1:], _RANK[operator])
        left = _applied(operator, left, right)
    return left, tokens


def _term(tokens: list[str]) -> tuple[int, list[str]]:
    first, rest = tokens[0], tokens[1:]
    if first == "-":
        value, rest = _term(rest)
        return -value, rest
    if first == "(":
        value, rest = _expression(rest, 0)
        if rest[0] != ")":
            raise ValueError(first)
        return value, rest[1:]
    return int(first), rest


def _applied(operator: str, left: int, right: int) -> int:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    whole = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)  # towards zero, as in C
    return whole if operator == "/" else left - whole * right
