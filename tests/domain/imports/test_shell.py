"""Scripts that start QEMU, read as a shell would."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.domain.imports.shell import read_script

Q = "qemu-system-x86_64"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{Q} -m 512", ["-m", "512"]),
        ("{Q} -m 512 \\\n  -S # the end\n", ["-m", "512", "-S"]),
        ("{Q} -name 'my vm' -append \"a 'b' \\\"c\\\" \\$x\"", ["-name", "my vm", "-append", "a 'b' \"c\" $x"]),
        ("{Q} -name a\\ b -x#y", ["-name", "a b", "-x#y"]),
        ("M=1G\n{Q} -m $M -name \"${M}b\" -x '$M'", ["-m", "1G", "-name", "1Gb", "-x", "$M"]),
        ("M=${NO:-2G}; {Q} -m $M", ["-m", "2G"]),
        ("O='-m 512 -S'\n{Q} $O \"$O\"", ["-m", "512", "-S", "-m 512 -S"]),
        ('A=(-m 512 # memory\n -S)\nA+=(-snapshot)\n{Q} "${A[@]}" -s', ["-m", "512", "-S", "-snapshot", "-s"]),
        ("A=1\nA+=2\n{Q} -m $A", ["-m", "12"]),
        ("echo hello && {Q} -S; echo done", ["-S"]),
        ("cd /vm || exit\nset -e\n{Q} -S", ["-S"]),
        ("({Q} -S)", ["-S"]),
        ("exec /usr/bin/{Q} -S", ["-S"]),
        ("X=1 {Q} -S", ["-S"]),
        ('{Q} -device \'{"driver":"x","a":[1]}\'', ["-device", '{"driver":"x","a":[1]}']),
        ("{Q} -append ''", ["-append", ""]),
        ("{Q} -m 1\r\n", ["-m", "1"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    found = read_script(text.replace("{Q}", Q))
    assert list(found.argv[1:]) == words


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("sudo -E nice -n 5 {Q} -S", "sudo -E nice -n 5 in front of QEMU"),
        ("{Q} -S >log 2>&1", "the redirection >log"),
        ("{Q} -S &", "in the background"),
        ("{Q} -m $UNKNOWN", "$UNKNOWN is not set in the script"),
        ("{Q} -m $(nproc)", "$(nproc) cannot be known"),
        ("{Q} -m `nproc`", "`nproc` cannot be known"),
        ("{Q} -S\n{Q} -s", "1 more times"),
    ],
)
def test_what_is_left_out_is_told(text: str, note: str) -> None:
    found = read_script(text.replace("{Q}", Q))
    assert any(note in one for one in found.notes), found.notes


def test_a_script_without_qemu() -> None:
    assert read_script("echo hello\n").argv == ()
    assert read_script("").argv == ()


def test_variables_from_outside() -> None:
    assert read_script(f"{Q} -m $M", {"M": "1G"}).argv[1:] == ("-m", "1G")


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20), max_size=6))
@settings(deadline=None)
def test_quoted_words_are_what_a_shell_makes_of_them(words: list[str]) -> None:
    # Lines may end as on Windows, in quotes too: that a word has such an end of its own is not told apart.
    words = [word.replace("\r\n", "\n") for word in words]
    assert list(read_script(shlex.join([Q, *words])).argv) == [Q, *words]


PIECES = st.sampled_from(["'", '"', "\\", " ", "a", "b=c", ",", "#", "$V", "${V}", "x", "\t", "{", "}", "=", "/"])


@given(st.lists(PIECES, max_size=10).map("".join))
@settings(deadline=None, max_examples=60)
def test_what_a_real_shell_accepts_is_read_the_same(text: str) -> None:
    script = f"V='one two'\n{Q} {text}\n"
    run = script.replace(Q, "printf '%s\\0'")
    done = subprocess.run(["bash", "+B", "-fc", run], capture_output=True, check=False)
    if done.returncode != 0 or done.stderr:
        return
    real = done.stdout.decode().split("\0")[:-1]
    script_read = read_script(script)
    if script_read.notes:  # a variable that nobody has set is left as it stands
        return
    found = list(script_read.argv[1:])
    assert found == real or (found == [] and real == [""])  # printf without words prints an empty one


@given(st.text())
@settings(deadline=None)
def test_any_text_is_read_to_its_end(text: str) -> None:
    read_script(text)
    read_script(f"{Q} {text}")
