"""Edits of TOML in place: the result is as intended, and the rest of the text is unchanged."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.profile.text.documents import DOCUMENTS, KEYS, Writer, paths
from workbench.domain.profile.text.edit import add_table, remove, set_value
from workbench.domain.profile.text.layout import EditError
from workbench.domain.profile.text.write import toml_value
from workbench.ui.editor.text_area import changed_range

if TYPE_CHECKING:
    from random import Random

    from workbench.domain.profile.text.places import Path

NEW = st.one_of(st.integers(), st.booleans(), st.text(st.characters(exclude_categories=["Cs"]), max_size=6))
RANDOM = st.randoms(use_true_random=False)


def written(document: dict[str, object], random: Random, windows: bool) -> str:
    text = Writer(random).document(document)
    return text.replace("\n", "\r\n") if windows else text


def literal(value: object) -> str:
    text = toml_value(value)
    return text.replace("$${", "${") if isinstance(value, str) else text


@given(DOCUMENTS, RANDOM, st.booleans(), NEW)
@settings(max_examples=120, deadline=None)
def test_a_value_is_replaced_and_nothing_else(
    document: dict[str, object], random: Random, windows: bool, value: object
) -> None:
    text = written(document, random, windows)
    leaves = [path for path, old in paths(tomllib.loads(text)) if not isinstance(old, dict | list)]
    if not leaves:
        return
    path = random.choice(leaves)
    result = set_value(text, path, literal(value))
    assert at(tomllib.loads(result), path) == value
    # The place of the value is known by two others that differ in every character.
    one, other = set_value(text, path, "1"), set_value(text, path, "22")
    start, end, _ = changed_range(one, other)
    assert result[:start] == text[:start]
    assert text.endswith(one[end:])
    assert result.endswith(one[end:])
    assert without(tomllib.loads(text), path) == without(tomllib.loads(result), path)


@given(DOCUMENTS, RANDOM, st.booleans(), KEYS, NEW)
@settings(max_examples=120, deadline=None)
def test_a_key_is_added_by_an_insertion_alone(
    document: dict[str, object], random: Random, windows: bool, key: str, value: object
) -> None:
    text = written(document, random, windows)
    values = tomllib.loads(text)
    tables: list[Path] = [(), *(path for path, old in paths(values) if isinstance(old, dict))]
    path = (*random.choice(tables), key)
    if key in at(values, path[:-1]):
        return
    result = set_value(text, path, literal(value))
    said = tomllib.loads(result)
    assert at(said, path) == value
    assert without(said, path) == values
    start, before, _ = changed_range(text, result)
    assert start == before, "something was removed"


@given(DOCUMENTS, RANDOM, st.booleans())
@settings(max_examples=120, deadline=None)
def test_a_removal_leaves_the_rest_unchanged(document: dict[str, object], random: Random, windows: bool) -> None:
    text = written(document, random, windows)
    values = tomllib.loads(text)
    known = [path for path, _ in paths(values)]
    if not known:
        return
    path = random.choice(known)
    try:
        result = remove(text, path)
    except EditError:
        # Tables that are put together from dotted keys inside of one line may refuse.
        assert isinstance(at(values, path), dict | list)
        return
    assert pruned(tomllib.loads(result)) == pruned(without(values, path))
    if not isinstance(at(values, path), dict | list):
        start, _, after = changed_range(text, result)
        assert start == after, "something was put in"


def at(values: Any, path: Path) -> Any:
    for step in path:
        values = values[step]
    return values


def without(values: Any, path: Path) -> Any:
    if isinstance(values, dict):
        return {
            key: without(value, path[1:]) if path[:1] == (key,) else value
            for key, value in values.items()
            if path != (key,)
        }
    return [
        without(value, path[1:]) if path[:1] == (index,) else value
        for index, value in enumerate(values)
        if path != (index,)
    ]


def pruned(value: Any) -> Any:
    if isinstance(value, dict):
        inner = {key: pruned(one) for key, one in value.items()}
        return {key: one for key, one in inner.items() if one not in ({}, [])}
    return [pruned(one) for one in value] if isinstance(value, list) else value


TEXT = """\
# My guest.
machine = "q35"  # the board

# Memory.
[memory]
size = "1G"  # enough

# A card.
[[net]]
mac = "52:54:00:12:34:56"
# not yet:
# backend = "tap"

# The balloon.
[balloon]
"""
ORDER = ("machine", "cpu", "memory", "boot", "net", "scsi", "balloon", "rng")


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (("machine",), '"pc"', 'machine = "q35"  #', 'machine = "pc"  #'),
        (("memory", "size"), '"2G"', 'size = "1G"  #', 'size = "2G"  #'),
        (("accelerator",), '"tcg"', "the board\n", 'the board\naccelerator = "tcg"\n'),
        (("memory", "lock"), "true", "enough\n", "enough\nlock = true\n"),
        (("net", 0, "id"), '"a"', '34:56"\n', '34:56"\nid = "a"\n'),
        (("balloon", "statistics"), "5", "[balloon]\n", "[balloon]\nstatistics = 5\n"),
        (("memory", "hugepages", "size"), '"2M"', "enough\n", 'enough\n\n[memory.hugepages]\nsize = "2M"\n'),
        (("cpu", "count"), "4", "board\n\n", "board\n\n[cpu]\ncount = 4\n\n"),
        (("boot", "guest"), '"demo"', "enough\n", 'enough\n\n[boot]\nguest = "demo"\n'),
        (("net", 1, "backend"), '"tap"', '"tap"\n\n', '"tap"\n\n[[net]]\nbackend = "tap"\n\n'),
        (("rng", "source"), '"x"', "[balloon]\n", '[balloon]\n\n[rng]\nsource = "x"\n'),
        (("rng",), "false", "board\n", "board\nrng = false\n"),
        (("balloon",), "false", "[balloon]\n", "balloon = false\n"),
    ],
)
def test_each_goes_where_a_person_would_write_it(path: Path, value: str, old: str, new: str) -> None:
    result = set_value(TEXT, path, value, order=ORDER)
    if path == ("balloon",):
        assert "[balloon]" not in result
        assert "the board\nballoon = false\n" in result
        return
    assert TEXT.count(old) == 1
    assert result == TEXT.replace(old, new)


def test_a_table_is_added_and_removed_again() -> None:
    more = add_table(TEXT, ("net", 1), order=ORDER)
    assert more == TEXT.replace('"tap"\n\n', '"tap"\n\n[[net]]\n\n')
    assert remove(more, ("net", 1)) in (TEXT, TEXT.replace('"tap"\n\n', '"tap"\n\n\n'))
    assert "[rng]" in add_table(TEXT, ("rng",), order=ORDER)
    with pytest.raises(EditError):
        add_table(TEXT, ("memory",))


@pytest.mark.parametrize(
    ("text", "path", "value", "result"),
    [
        ("", ("a",), "1", "a = 1\n"),
        ("# top", ("a",), "1", "# top\na = 1\n"),
        ("a = 1", ("b",), "2", "a = 1\nb = 2\n"),
        ("net = false  # none\n", ("net", 0, "id"), '"x"', 'net = [{ id = "x" }]  # none\n'),
        ("balloon = false\n", ("balloon", "floor"), '"1G"', 'balloon = { floor = "1G" }\n'),
        ("rng = {}\n", ("rng", "a"), "1", "rng = { a = 1 }\n"),
        ("rng = { a = 1 }\n", ("rng", "b"), "2", "rng = { a = 1, b = 2 }\n"),
        ("memory.size = 1\n", ("memory", "lock"), "true", "memory.size = 1\nmemory.lock = true\n"),
        ("x = [1, # one\n]\n", ("x", 1), "2", "x = [1, 2, # one\n]\n"),
        ("  [a]\n  b = 1\n", ("a", "c"), "2", "  [a]\n  b = 1\n  c = 2\n"),
        ("[a]\r\nb = 1\r\n", ("a", "c"), "2", "[a]\r\nb = 1\r\nc = 2\r\n"),
        (
            "[balloon.presets]\nx = 1\n",
            ("balloon", "guard"),
            "true",
            "[balloon]\nguard = true\n\n[balloon.presets]\nx = 1\n",
        ),
    ],
)
def test_each_way_of_writing_a_table(text: str, path: Path, value: str, result: str) -> None:
    assert set_value(text, path, value) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("# mine\n[rng] # one\nperiod = 1\n", '# mine\n[[rng]] # one\nperiod = 1\n\n[[rng]]\nid = "x"\n'),
        ("rng = { period = 1 } # one\n", 'rng = [{ period = 1 }, { id = "x" }] # one\n'),
        ("rng = true\n", 'rng = [{}, { id = "x" }]\n'),
    ],
)
def test_one_table_becomes_the_first_of_a_list(text: str, result: str) -> None:
    assert add_table(text, ("rng", 1), 'id = "x"\n') == result


def test_dotted_keys_cannot_become_a_list_in_place() -> None:
    with pytest.raises(EditError):
        add_table("rng.period = 1\n", ("rng", 1))


def test_invalid_toml_is_left_alone() -> None:
    with pytest.raises(EditError):
        set_value("a = [", ("a",), "1")
    with pytest.raises(EditError):
        set_value("a = 1", ("x", 4), "1")
    with pytest.raises(EditError):
        remove("a = 1", ("b",))


def test_a_byte_order_mark_stays_in_front() -> None:
    text = "\ufeffmachine = 'pc'\r\n[memory]\r\nsize = 1\r\n"
    assert set_value(text, ("memory", "size"), "2") == text.replace("1", "2")
    assert set_value(text, ("accelerator",), "'tcg'", order=()).startswith("\ufeffmachine")
    assert remove(text, ("machine",)).startswith("\ufeff[memory]")
    assert add_table(text, ("net", 0)).count("\ufeff") == 1
