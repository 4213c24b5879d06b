"""Adding whole tables to a document's text: what is there stays there, letter by letter."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profile_files import SAMPLES
from workbench.domain.profile.text.edit import add_table, remove
from workbench.domain.profile.text.layout import EditError
from workbench.domain.profile.text.places import headers
from workbench.domain.profile.text.write import pairs_text

DEMO = (SAMPLES / "demo.toml").read_text()


def table_text(path: tuple[str | int, ...], values: dict[str, object]) -> str:
    """A table of an array as it should stand in the text."""
    return f"[[{'.'.join(str(step) for step in path if isinstance(step, str))}]]\n{pairs_text(values)}"


def append_table(text: str, path: tuple[str | int, ...], values: dict[str, object]) -> str:
    """One more element of an array of tables."""
    there: Any = tomllib.loads(text)
    for step in path:
        there = there[step] if isinstance(step, int) else there.get(step, [])
    return add_table(text, (*path, len(there)), pairs_text(values))


def rest(before: str, after: str, table: str) -> bool:
    """Whether the text is the old one with the table in it, and nothing but blank lines besides."""
    lines = after.replace(table.rstrip("\n"), "", 1).split("\n")
    return [line for line in lines if line.strip()] == [line for line in before.split("\n") if line.strip()]


def test_a_disk_is_added_to_its_controller_before_the_next_table_s_comment() -> None:
    values: dict[str, object] = {"id": "d0", "file": "a.qcow2"}
    table = table_text(("scsi", 0, "disk"), values)
    text = append_table(DEMO, ("scsi", 0, "disk"), values)
    assert rest(DEMO, text, table)
    assert tomllib.loads(text)["scsi"] == [{"disk": [{"id": "d0", "file": "a.qcow2"}]}]
    again = append_table(text, ("scsi", 0, "disk"), values | {"id": "d1"})
    assert [one["id"] for one in tomllib.loads(again)["scsi"][0]["disk"]] == ["d0", "d1"]


def test_of_two_controllers_the_right_one_gets_it() -> None:
    text = '[[scsi]]\nid = "a"\n[[scsi.disk]]\nfile = "1"\n# about b\n[[scsi]]\nid = "b"\n'
    found = append_table(text, ("scsi", 0, "disk"), {"file": "2"})
    assert [len(one.get("disk", [])) for one in tomllib.loads(found)["scsi"]] == [2, 0]
    assert "# about b\n[[scsi]]" in found, "a comment stays with what it is about"


def test_a_card_is_added_after_the_last_one_and_comments_stay_with_theirs() -> None:
    table = table_text(("net",), {"id": "net1"})
    text = append_table(DEMO, ("net",), {"id": "net1"})
    assert rest(DEMO, text, table)
    assert text.index("# forward =") < text.index("net1") < text.index("# A SCSI controller.")
    assert append_table("a = 1", ("net",), {"id": "net1"}) == 'a = 1\n\n[[net]]\nid = "net1"\n'
    assert append_table("", ("net",), {"id": "net1"}) == table


def test_line_ends_stay_as_they_are() -> None:
    text = append_table("[[net]]\r\n\r\n[rng]\r\n", ("net",), {"id": "x"})
    assert text == '[[net]]\r\n\r\n[[net]]\r\nid = "x"\r\n\r\n[rng]\r\n'


def test_headers_are_found_and_nothing_that_looks_like_one() -> None:
    text = 'a = """\n[[net]]\n"""\nb = [\n  ["x"],\n]\n  [ "q.r" . s ] # [no]\n[[t]]\n[[t]]\n[t.u]\n'
    assert [path for path, _ in headers(text)] == [("q.r", "s"), ("t", 0), ("t", 1), ("t", 1, "u")]
    assert all(text[offset:].lstrip().startswith("[") for _, offset in headers(text))


def test_a_key_s_line_is_removed() -> None:
    assert remove("a = 1\nrng = false # none\n[t]\nrng = 2\n", ("rng",)) == "a = 1\n[t]\nrng = 2\n"
    with pytest.raises(EditError):
        remove("a = 1\n", ("rng",))


@pytest.mark.parametrize(
    ("text", "path", "result"),
    [
        ('net = [{ id = "a" }]  # one', ("net",), 'net = [{ id = "a" }, { id = "x", b = true }]  # one'),
        ("net = [\n  {}, # one\n]\n", ("net",), 'net = [\n  {}, { id = "x", b = true }, # one\n]\n'),
        ("net = []\n", ("net",), 'net = [{ id = "x", b = true }]\n'),
        ("scsi = [{}]\n", ("scsi", 0, "disk"), 'scsi = [{ disk = [{ id = "x", b = true }] }]\n'),
        (
            '[[scsi]]\ndisk = [{ id = "a" }] # mine\n',
            ("scsi", 0, "disk"),
            '[[scsi]]\ndisk = [{ id = "a" }, { id = "x", b = true }] # mine\n',
        ),
    ],
)
def test_a_table_is_inline_if_its_neighbours_are(text: str, path: tuple[str], result: str) -> None:
    assert append_table(text, path, {"id": "x", "b": True}) == result


TABLES = st.lists(
    st.sampled_from(
        ["[[net]]", "[[net]] # one", 'mac = "x"', "# word", "", "[rng]", "[[scsi]]", "[[scsi.disk]]", "[memory]"]
    ),
    max_size=12,
)


@given(TABLES, st.sampled_from([("net",), ("serial",)]))
def test_any_document_that_can_be_read_has_one_more_and_loses_nothing(lines: list[str], path: tuple[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    table = table_text(path, {"id": "new"})
    after = append_table(text, path, {"id": "new"})
    values = tomllib.loads(after)
    assert values.pop(path[0])[-1] == {"id": "new"}
    kept = {key: value for key, value in before.items() if key != path[0]}
    assert values == kept
    assert rest(text, after, table)


@pytest.mark.parametrize("name", ["demo", "firmware", "hugepages"])
def test_every_sample_can_take_a_card(name: str) -> None:
    text = (SAMPLES / f"{name}.toml").read_text()
    assert tomllib.loads(append_table(text, ("net",), {"id": "late"}))["net"][-1] == {"id": "late"}
