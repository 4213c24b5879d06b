"""Places in TOML: whatever tomllib reads, every key and element is found, and the text there is that key."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.profile.text.documents import (
    DOCUMENTS,
    Writer,
    paths,
)
from workbench.domain.profile.text.places import locate

if TYPE_CHECKING:
    from random import Random


RAW_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")


@given(DOCUMENTS, st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=300, deadline=None)
def test_every_path_is_found_at_its_key(document: dict[str, object], random: Random, windows: bool) -> None:
    text = Writer(random).document(document)
    assert tomllib.loads(text) == document, "the writer of this test is wrong"
    if windows:
        text = text.replace("\n", "\r\n")
    document = tomllib.loads(text)
    places = locate(text)
    assert places.keys() == dict(paths(document)).keys()
    lines = text.split("\n")
    for path, value in paths(document):
        line, column = places[path]
        here = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        if isinstance(path[-1], str):
            assert read_key(here) == path[-1]
        elif not (isinstance(value, dict) and read_key(here) == next(k for k in path[::-1] if isinstance(k, str))):
            assert begins_with(here, value)


def test_each_way_of_writing_a_key() -> None:
    text = """\
# a comment with key = 1
top = 'x' # and = another
a.b."c d" = [ # a list
  1, [2, 3],
  { d = 4, e.f = 5 },
]
many = \"""
not = "a key"
[nor.a.table]
\"""
[memory.hugepages]
size = "2M"
[[net]]
id = "a"
[[net]]
id = "b"
[net.deep]
x = 1
  [[net.list]]
  y = 2
"""
    places = locate(text)
    assert places["top",] == (2, 1)
    assert [places["a", "b", "c d"], places["a", "b"], places["a",]] == [(3, 5), (3, 3), (3, 1)]
    assert [places["a", "b", "c d", 1], places["a", "b", "c d", 1, 1]] == [(4, 6), (4, 10)]
    assert [places["a", "b", "c d", 2, "e"], places["a", "b", "c d", 2, "e", "f"]] == [(5, 12), (5, 14)]
    assert [places["memory",], places["memory", "hugepages"]] == [(11, 2), (11, 9)]
    assert places["memory", "hugepages", "size"] == (12, 1)
    assert [places["net",], places["net", 0], places["net", 1], places["net", 1, "id"]] == [
        (13, 3),
        (13, 3),
        (15, 3),
        (16, 1),
    ]
    assert [places["net", 1, "deep", "x"], places["net", 1, "list", 0, "y"]] == [(18, 1), (20, 3)]


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", "a = 1", "a = []", "a = {}", "[a]", "[[a]]"])
def test_the_smallest_documents(text: str) -> None:
    assert locate(text).keys() == dict(paths(tomllib.loads(text))).keys()


@pytest.mark.parametrize(
    "value",
    [
        r'"\"\\"',
        r"'\'",
        '""',
        "''",
        '""""""',
        "''''''",
        '""""a""b"""""',
        "''''a''b'''''",
        r'"""\""" = 1\\"""',
        '"""\n[x]\n"""',
        "'''\\'''",
        "1979-05-27 07:32:00Z",
    ],
)
def test_each_kind_of_string_ends_where_it_ends(value: str) -> None:
    assert locate(f"a = {value}\nb = [{value}, {{ c = {value} }}]#") == {
        ("a",): (1, 1),
        ("b",): (2 + value.count("\n"), 1),
        ("b", 0): (2 + value.count("\n"), 6),
        ("b", 1): place_after(value, 2 + value.count("\n"), 6, ", "),
        ("b", 1, "c"): place_after(value, 2 + value.count("\n"), 6, ", { "),
    }


def place_after(value: str, line: int, column: int, between: str) -> tuple[int, int]:
    """Where a text continues that began at a place with a value."""
    *above, last = value.split("\n")
    return line + len(above), len(last) + len(between) + (1 if above else column)


def test_a_large_document_takes_a_linear_time() -> None:
    """A scanner that copied the rest of the text at each step would need minutes for this one."""
    text = "".join(f'[[net]]\nid = "n{number}"\nlist = [1, 2, 3]\n' for number in range(20_000))
    assert locate(text)["net", 19_999, "list", 2] == (60_000, 15)


def read_key(text: str) -> str | None:
    match = RAW_KEY.match(text)
    return next(iter(tomllib.loads(f"{match[0]}=0"))) if match else None


def begins_with(text: str, value: object) -> bool:
    """Whether a value's own text begins here."""
    if isinstance(value, str):
        return text[0] in "\"'"
    if isinstance(value, list | dict):
        return text[0] == ("[" if isinstance(value, list) else "{")
    token = re.match(r"[^,\]}#\s]+", text)
    return token is not None and bool(tomllib.loads(f"x={token[0]}")["x"] == value)
