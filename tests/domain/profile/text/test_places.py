"""Places in TOML: whatever tomllib reads, every key and element is found, and the text there is that key."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.domain.profile.text.places import locate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from workbench.domain.profile.text.places import Path

RAW_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")

KEYS = st.one_of(
    st.text("abz_-09", min_size=1, max_size=4),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f"), max_size=4),
    st.sampled_from(["", "a.b", "#", "=", "[x]", '"', "'", "\\", "ключ", "\n", "]"]),
)
STRINGS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(['"', '""', '"""', "'''", "\\", "# no", "[[x]]", "a = 1", "line\nline", "\n", '"\\"', "'", "}]"]),
)
SCALARS = st.one_of(STRINGS, st.integers(-(10**6), 10**6), st.booleans(), st.dates(date(1000, 1, 1)), st.just(1.5))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=5)


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


def paths(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every key and element below a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in items:
        yield (*path, step), inner
        yield from paths(inner, (*path, step))


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


class Writer:
    """Writes a document in any of the ways that TOML has."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def document(self, tree: dict[str, object]) -> str:
        return "".join(self.table(tree, []))

    def table(self, tree: dict[str, object], path: list[str]) -> Iterator[str]:
        later: list[tuple[str, Any]] = []
        for key, value in tree.items():
            tables = isinstance(value, list) and value and all(isinstance(element, dict) for element in value)
            if (tables or isinstance(value, dict)) and self.random.random() < 0.6:
                later.append((key, value))
            else:
                yield from self.pair(key, value)
        self.random.shuffle(later)
        for key, value in later:
            inside = [*path, key]
            for element in value if isinstance(value, list) else [value]:
                dots = f"{self.gap()}.{self.gap()}".join(map(self.key, inside))
                header = f"[[{dots}]]" if isinstance(value, list) else f"[{dots}]"
                yield f"{self.gap()}{header}{self.comment()}\n"
                yield from self.table(element, inside)

    def pair(self, key: str, value: object) -> Iterator[str]:
        if isinstance(value, dict) and value and self.random.random() < 0.5:
            for inner, leaf in value.items():
                dotted = f"{self.key(key)}{self.gap()}.{self.gap()}{self.key(inner)}"
                yield f"{self.gap()}{dotted}{self.gap()}={self.gap()}{self.value(leaf)}{self.comment()}\n"
        else:
            yield f"{self.gap()}{self.key(key)}{self.gap()}={self.gap()}{self.value(value)}{self.comment()}\n"
        if self.random.random() < 0.2:
            yield f"{self.comment()}\n"

    def key(self, key: str) -> str:
        forms = [basic(key)]
        if re.fullmatch(r"[A-Za-z0-9_-]+", key, re.ASCII):
            forms.append(key)
        if literal_fits(key):
            forms.append(f"'{key}'")
        return self.random.choice(forms)

    def value(self, value: object) -> str:
        if isinstance(value, str):
            forms = [basic(value), f'"""\n{basic(value)[1:-1]}"""', f'"""{basic(value)[1:-1]}\\\n  """']
            if literal_fits(value):
                forms += [f"'{value}'", f"'''\n{value}'''"]
            if re.fullmatch(r'[a-z #=\[\]"]*\n?[a-z]*', value) and '"""' not in value and not value.endswith('"'):
                forms.append(f'"""\n{value}"""')
            return self.random.choice(forms)
        if isinstance(value, list):
            elements = [f"{self.space()}{self.value(element)}{self.space()}" for element in value]
            tail = self.random.choice(["", ","]) if elements else ""
            return f"[{','.join(elements)}{tail}{self.space()}]"
        if isinstance(value, dict):
            pairs = [
                f"{self.gap()}{self.key(k)}{self.gap()}={self.gap()}{self.value(v)}{self.gap()}"
                for k, v in value.items()
            ]
            return "{" + ",".join(pairs) + "}"
        return str(value).lower() if isinstance(value, bool) else str(value)

    def gap(self) -> str:
        return self.random.choice(["", " ", "\t "])

    def comment(self) -> str:
        return self.random.choice(["", " # [x] = \"'", "  #"])

    def space(self) -> str:
        """Between the elements of a list lines may end."""
        return self.random.choice(["", " ", "\n", " # it's, ] \n\t"])


def basic(text: str) -> str:
    """A basic string with everything escaped that must be."""
    return '"' + "".join(c if c.isalnum() or c in " .,#='[]{}" else f"\\U{ord(c):08x}" for c in text) + '"'


def literal_fits(text: str) -> bool:
    return "'" not in text and all(c == "\t" or (c >= " " and c != "\x7f") for c in text)
