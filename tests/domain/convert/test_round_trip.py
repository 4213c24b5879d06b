"""profile → command → profile → command gives the same command."""

from __future__ import annotations

from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, Phase, given, settings

from tests.domain.convert.random_profiles import (
    PROFILE,
    launch,
)
from tests.profile_files import CORPUS, read_guest, set_keys
from workbench.domain.command_line.argv import qemu_argv
from workbench.domain.convert.qemu.importer import import_qemu
from workbench.domain.profile.guest import GuestProfile
from workbench.domain.profile.text.parse import parse
from workbench.domain.profile.text.shape import dotted_keys


def again(argv: list[str]) -> tuple[list[str], str]:
    imported = import_qemu(argv)
    parsed = parse(imported.text, name=imported.name or "demo", file="imported")
    assert parsed.profile is not None, (parsed.problems, imported.text)
    return qemu_argv(parsed.profile, launch(parsed.profile)), imported.text


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_every_profile_of_the_tests_comes_back(path: Any) -> None:
    guest = read_guest(path.read_text())
    argv = qemu_argv(guest, launch(guest))
    back, text = again(argv)
    assert back == argv, text
    assert ("[qemu]" in text) == bool(guest.qemu.args), "nothing that a profile can say stays an argument"


ELSEWHERE = {
    "extends", "description", "cpu.pin", "boot.guest", "scsi[].disk[].size", "balloon.floor", "balloon.ramp",
    "balloon.guard", "balloon.presets",
}  # fmt: skip
"""Keys without an option: the workbench applies them itself."""
SEEN: set[str] = set()


@given(PROFILE)
@settings(
    deadline=None,
    max_examples=400,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def collect_keys(document: dict[str, Any]) -> None:
    SEEN.update(set_keys(document))


def test_every_key_of_the_model_goes_round() -> None:
    # What is drawn depends on chance, also when it is derandomized: on the modules that happen to be imported.
    for _ in range(20):
        collect_keys()
        if set(dotted_keys(GuestProfile)) - SEEN == ELSEWHERE:
            break
    assert set(dotted_keys(GuestProfile)) - SEEN == ELSEWHERE


@given(PROFILE)
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_any_profile_comes_back(document: dict[str, Any]) -> None:
    parsed = parse(tomli_w.dumps(document).replace("${", "$${"), name="demo", file="f")
    if parsed.profile is None:  # hyperv on TCG, root ports on a pc, a mac twice
        return
    argv = qemu_argv(parsed.profile, launch(parsed.profile))
    back, text = again(argv)
    assert back == argv, text
    assert ("[qemu]" in text) == bool(parsed.profile.qemu.args)
