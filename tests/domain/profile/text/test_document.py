"""Profiles that extend others, and expansion of ${…}."""

from __future__ import annotations

from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.profile.text.document import DEPTH, Source
from workbench.domain.profile.text.parse import Parsed, parse

ENVIRONMENT = {"HOME": "/home/me", "EMPTY": "", "NASTY": 'a",b=c\n${dir}'}


def read(files: dict[str, str], name: str = "own.toml") -> Parsed:
    """A profile in a directory of these files."""

    def base(_source: Source, wanted: str) -> Source:
        if wanted not in files:
            raise FileNotFoundError(2, "No such file or directory")
        return Source(files[wanted], wanted, f"/dir-of-{wanted}", wanted)

    return parse(
        files[name], name="demo", file=name, directory="/dir", identity=name, read=base, environment=ENVIRONMENT
    )


def complaints(files: dict[str, str]) -> list[str]:
    return [str(problem) for problem in read(files).problems]


def document(files: dict[str, str]) -> Any:
    found = read(files)
    assert not found.problems
    return found.document


class TestExtends:
    def test_tables_are_joined_and_the_nearer_file_wins(self) -> None:
        files = {
            "own.toml": "extends = 'base.toml'\n[memory]\nsize = '1G'\n[balloon.presets]\nidle = '256M'",
            "base.toml": "machine = 'pc'\n[memory]\nsize = '2G'\nlock = true\n[balloon.presets]\nbusy = '1G'",
        }
        found = read(files)
        assert found.profile is not None
        assert found.profile.machine == "pc"
        assert (found.profile.memory.size, found.profile.memory.lock) == (1 << 30, True)
        assert found.profile.balloon is not None
        assert sorted(found.profile.balloon.presets) == [("busy", "1G"), ("idle", "256M")]
        assert not found.plain

    def test_lists_are_replaced_whole(self) -> None:
        files = {
            "own.toml": "extends = 'base.toml'\n[[net]]\nid = 'only'",
            "base.toml": "[[net]]\nid = 'a'\nmac = 'wrong'\n[[net]]\nid = 'b'",
        }
        found = read(files)
        assert found.problems == (), "what was replaced is not judged"
        assert found.profile is not None
        assert [net.id for net in found.profile.net] == ["only"]
        assert ("net", 1) not in found.places

    def test_a_problem_is_reported_in_its_own_file(self) -> None:
        files = {
            "own.toml": "extends = 'base.toml'\n[cpu]\ncount = 0",
            "base.toml": "machine = 'x'\n[cpu]\nmodel = 'a b'",
        }
        assert complaints(files) == [
            'base.toml:1:1: machine: "x" is not a PC machine type such as q35, pc or pc-q35-7.2',
            'base.toml:3:1: cpu.model: "a b" is not a CPU model such as max or Skylake-Client',
            "own.toml:3:1: cpu.count: 0 is not a whole number from 1 to 255",
        ]

    def test_a_chain_of_files(self) -> None:
        files = {
            "own.toml": "extends = 'a'\n",
            "a": "extends = 'b'\nmachine = 'pc'",
            "b": "machine = 'q35'\ncpu.count = 3",
        }
        found = read(files).profile
        assert found is not None
        assert (found.machine, found.cpu.count) == ("pc", 3)

    @pytest.mark.parametrize(
        ("files", "words"),
        [
            ({"own.toml": "extends = 'gone'"}, "own.toml:1:1: extends: gone: No such file or directory"),
            ({"own.toml": "extends = 'own.toml'"}, "own.toml:1:1: extends: own.toml extends itself"),
            (
                {"own.toml": "extends = 'a'", "a": "extends = 'own.toml'"},
                "a:1:1: extends: own.toml extends itself",
            ),
            ({"own.toml": "extends = 5"}, "own.toml:1:1: extends: 5 is not a path of 1 to 4,095 characters"),
            ({"own.toml": "extends = 'a'", "a": "x = "}, "a:1:5: not valid TOML: invalid value"),
        ],
    )
    def test_what_cannot_be_extended(self, files: dict[str, str], words: str) -> None:
        assert complaints(files) == [words]

    def test_a_chain_of_files_has_a_limit(self) -> None:
        files = {str(i): f"extends = '{i + 1}'" for i in range(DEPTH + 3)} | {"own.toml": "extends = '0'"}
        (problem,) = complaints(files)
        assert "extend each other" in problem


class TestFilledIn:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("${dir}/a", "/dir/a"),
            ("${env:HOME}/vm", "/home/me/vm"),
            ("x${env:EMPTY}y", "xy"),
            ("$${dir}", "${dir}"),
            ("$HOME $ $$ {dir}", "$HOME $ $$ {dir}"),
            ("${env:NASTY}", 'a",b=c\n${dir}'),
        ],
    )
    def test_expansion(self, text: str, value: str) -> None:
        assert document({"own.toml": tomli_w.dumps({"description": text})})["description"] == value

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("${home}", "${home} is neither ${dir} nor ${env:NAME}; write $${ for a literal ${"),
            ("${env:NO_SUCH}", "${env:NO_SUCH}: NO_SUCH is not set in the environment"),
            ("${env:a b}", "${env:a b} is neither ${dir} nor ${env:NAME}; write $${ for a literal ${"),
            ("a ${dir", "${ without }: write $${ for a literal ${"),
        ],
    )
    def test_invalid_expansions(self, text: str, words: str) -> None:
        assert complaints({"own.toml": f"machine = 'pc'\nboot.kernel = '{text}'"}) == [
            f"own.toml:2:6: boot.kernel: {words}"
        ]

    def test_each_file_has_a_directory_of_its_own(self) -> None:
        files = {"own.toml": "extends = 'base'\nboot.kernel = '${dir}/k'", "base": "boot.initrd = '${dir}/i'"}
        assert document(files)["boot"] == {"kernel": "/dir/k", "initrd": "/dir-of-base/i"}

    def test_inside_lists_and_tables(self) -> None:
        text = "[[scsi]]\n[[scsi.disk]]\nfile = '${dir}/a'\n[qemu]\nargs = ['-x', '${dir}']"
        found = document({"own.toml": text})
        assert found["scsi"][0]["disk"][0]["file"] == "/dir/a"
        assert found["qemu"]["args"] == ["-x", "/dir"]

    def test_keys_are_left_alone(self) -> None:
        assert '"${dir}": unknown key' in complaints({"own.toml": "'${dir}' = 1"})[0]

    @given(st.text())
    def test_a_text_without_the_two_characters_is_as_it_was(self, text: str) -> None:
        if "${" in text:
            text = text.replace("${", "")
        found = read({"own.toml": tomli_w.dumps({"description": text[:1000]})})
        if not found.problems:
            assert found.document["description"] == text[:1000]
            assert found.plain

    @given(st.text(max_size=200))
    def test_any_text_can_be_written(self, text: str) -> None:
        found = read({"own.toml": tomli_w.dumps({"description": text.replace("${", "$${")})})
        if not found.problems:
            assert found.document["description"] == text
