"""The form's rows from the model and a text, and what is typed there as TOML."""

from __future__ import annotations

import tomllib

import pytest

from tests.profile_files import CORPUS
from workbench.domain.profile.guest import GuestProfile
from workbench.domain.profile.text.form import Row, form_rows, literal
from workbench.domain.profile.text.layout import EditError
from workbench.domain.profile.text.shape import dotted_keys

TEXT = """\
machine = 'pc'  # old
net = false

[memory]
size = "${env:SIZE}"

[[scsi]]
[[scsi.disk]]
file = "a.img"

[balloon.presets]
half = "50%"
"""


def rows(text: str) -> dict[str, Row]:
    found = form_rows(text, tomllib.loads(text))
    return {".".join(map(str, row.path)): row for row in found}


def test_each_key_has_its_value_default_and_words() -> None:
    found = rows(TEXT)
    machine = found["machine"]
    assert (machine.value, machine.plain, machine.here) == ("'pc'", "pc", True)
    assert machine.default == '"q35"'
    assert "QEMU's machine type" in machine.doc
    assert found["accelerator"].choices == ("auto", "kvm", "tcg")
    assert (found["accelerator"].value, found["accelerator"].here) == ("", False)
    assert found["memory.size"].plain == "${env:SIZE}"
    assert found["memory.lock"].choices == ("true", "false")
    assert (found["net"].off, found["scsi"].off) == (True, False)
    assert found["scsi"].value == "1"
    assert found["scsi.0.disk.0.file"].plain == "a.img"
    assert found["balloon.presets.half"].plain == "50%"
    assert not found["rng"].opened
    assert "rng.source" not in found


def test_which_tables_add_a_device_and_which_can_be_switched_off() -> None:
    found = rows(TEXT)
    adds = {key for key, row in found.items() if row.adds}
    assert adds == {"net", "scsi", "scsi.0.disk", "serial", "rng", "memory.hugepages", "memory.virtio-mem", "display"}
    off = {key for key, row in found.items() if row.can_be_off}
    assert off == adds | {"balloon"}
    found = rows("balloon = false\n[memory.hugepages]\n")
    assert (found["balloon"].adds, found["memory.hugepages"].adds, found["cpu"].adds) == (True, False, False)


def test_one_entropy_source_is_a_table_of_its_own_and_several_are_a_list() -> None:
    def shown(text: str) -> dict[str, str]:
        found = form_rows(text, tomllib.loads(text))
        return {".".join(map(str, row.path)): row.value for row in found if row.path[0] == "rng"}

    assert shown("") == {"rng": ""}
    one = shown("[rng]\nsource = '/dev/random'")
    assert (one["rng"], one["rng.source"]) == ("1", "'/dev/random'")
    many = shown("[[rng]]\n[[rng]]\nsource = '/dev/random'")
    assert (many["rng"], many["rng.1.source"], "rng.source" in many) == ("2", "'/dev/random'", False)


def test_every_key_of_the_model_can_be_opened_to() -> None:
    toggled = {("tcg",), ("cpu",), ("memory",), ("firmware",), ("boot",), ("rng",), ("display",), ("qemu",)}
    found = {".".join(map(str, row.path)) for row in form_rows("", {}, toggled)}
    for key in dotted_keys(GuestProfile):
        top, _, below = key.partition(".")
        if (top,) in toggled and "." not in below:
            assert key in found


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_every_profile_has_a_form(path: object) -> None:
    text = path.read_text()  # type: ignore[attr-defined]
    found = form_rows(text, tomllib.loads(text))
    assert all(row.doc for row in found if row.kind == "value")


def test_a_value_of_the_base_is_marked() -> None:
    found = form_rows("extends = 'b.toml'\n", {"memory": {"size": "4G"}})
    size = next(row for row in found if row.path == ("memory", "size"))
    assert (size.value, size.here) == ('"4G"', False)


def test_a_byte_order_mark_is_accepted() -> None:
    text = "\ufeffmachine = 'pc'\n[memory]\nsize = '1G'\n"
    found = {row.path: row.plain for row in form_rows(text, tomllib.loads(text[1:]))}
    assert (found["machine",], found["memory", "size"]) == ("pc", "1G")


def test_invalid_toml_has_no_form() -> None:
    with pytest.raises(EditError):
        form_rows("a = [", {})


@pytest.mark.parametrize(
    ("key", "typed", "written"),
    [
        ("machine", "q35", '"q35"'),
        ("machine", 'a"b\\', '"a\\"b\\\\"'),
        ("memory.size", "512M", '"512M"'),
        ("memory.size", "${env:SIZE}", '"${env:SIZE}"'),
        ("memory.lock", "true", "true"),
        ("memory.nodes", "0, 1", "[0, 1]"),
        ("memory.nodes", "[0]", "[0]"),
        ("memory.slots", "4", "4"),
        ("memory.slots", "four", '"four"'),
        ("root-ports", "1\nx = 2", '"1\\nx = 2"'),
    ],
)
def test_what_is_typed_is_written_as_a_value_and_never_more(key: str, typed: str, written: str) -> None:
    assert literal(rows(TEXT)[key], typed) == written
