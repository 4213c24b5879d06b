"""Random TOML documents, written in random ways."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from workbench.domain.profile.text.places import Path

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


def paths(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every key and element below a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in items:
        yield (*path, step), inner
        yield from paths(inner, (*path, step))


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
