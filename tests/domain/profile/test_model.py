"""The model itself: every key explained, and exercised by a profile of the tests with a value that is not its default."""

from __future__ import annotations

import ast
import inspect
import tomllib
from typing import TYPE_CHECKING

import msgspec

from tests.profile_files import CORPUS, SAMPLES, read_guest, set_keys
from workbench.domain.profile.guest import GuestProfile
from workbench.domain.profile.text.shape import dotted_keys, fields_of
from workbench.domain.units import MIB

if TYPE_CHECKING:
    from workbench.domain.profile.devices.part import Part


class TestModel:
    def test_every_key_is_exercised_by_a_profile_with_another_value_than_its_default(self) -> None:
        documents = [tomllib.loads(path.read_text()) for path in CORPUS]
        unused = [
            key for key in dotted_keys(GuestProfile) if not any(key in set_keys(document) for document in documents)
        ]
        assert not unused
        defaults = {key: value for part, prefix in parts_of(GuestProfile) for key, value in leaf_defaults(part, prefix)}
        for key, default in defaults.items():
            values = [value for path in CORPUS for value in values_at(read_guest(path.read_text()), key)]
            assert any(value != default for value in values), f"{key} is its default everywhere"

    def test_every_key_is_explained(self) -> None:
        """Each field of each table has its docstring beside it, from which a reference can be made."""
        for part, _ in parts_of(GuestProfile):
            body = ast.parse(inspect.getsource(part)).body[0]
            assert isinstance(body, ast.ClassDef)
            assert ast.get_docstring(body), part
            explained = {
                first.target.id
                for first, second in zip(body.body, body.body[1:], strict=False)
                if isinstance(first, ast.AnnAssign)
                and isinstance(first.target, ast.Name)
                and isinstance(second, ast.Expr)
                and isinstance(second.value, ast.Constant)
            }
            tables = {
                field.name
                for field in fields_of(part).values()
                if "table" in (field.shape.kind, getattr(field.shape.item, "kind", ""))
            }
            wanted = {field.name for field in fields_of(part).values() if not field.hidden}
            assert wanted - explained - tables == set(), part

    def test_the_samples_are_three(self) -> None:
        assert sorted(path.stem for path in SAMPLES.glob("*.toml")) == ["demo", "firmware", "hugepages"]

    def test_the_demo_has_what_it_promises(self) -> None:
        guest = read_guest((SAMPLES / "demo.toml").read_text())
        assert (guest.memory.size, guest.machine, guest.boot.guest) == (512 * MIB, "q35", "demo")
        assert len(guest.net) == len(guest.scsi) == len(guest.serial) == 1
        assert len(guest.rng) == 1
        assert guest.balloon is not None
        assert (guest.balloon.deflate_on_oom, guest.balloon.free_page_reporting, guest.balloon.statistics) == (
            True,
            True,
            2,
        )


def parts_of(part: type[Part], prefix: str = "") -> list[tuple[type[Part], str]]:
    """Every table of the model with the dotted prefix of its keys."""
    found = [(part, prefix)]
    for key, field in fields_of(part).items():
        inner = field.shape.item or field.shape
        if inner.kind == "table":
            found += parts_of(inner.bare, f"{prefix}{key}{'[]' if field.shape.kind == 'list' else ''}.")
    return found


def leaf_defaults(part: type[Part], prefix: str) -> list[tuple[str, object]]:
    return [
        (f"{prefix}{field.encode_name}", field.default)
        for field in msgspec.structs.fields(part)
        if field.name != "name" or part is not GuestProfile
    ]


def values_at(value: object, key: str) -> list[object]:
    """The values of a dotted key in a guest, one for each element of the lists on the way."""
    values = [value]
    for step in key.split("."):
        name = step.removesuffix("[]").replace("-", "_")
        values = [getattr(inner, name) for inner in values if inner is not None]
        if step.endswith("[]"):
            values = [element for inner in values for element in inner]  # type: ignore[attr-defined]
    return values
