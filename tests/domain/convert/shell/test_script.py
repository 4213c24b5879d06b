"""Scripts that start QEMU, read as a shell would."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.domain.convert.shell.script import read_script

if TYPE_CHECKING:
    from pathlib import Path

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
        ("sudo -E nice -n 5 {Q} -S", "sudo -E nice -n 5 before QEMU"),
        ("{Q} -S >log 2>&1", "the redirection >log"),
        ("tmux new -d -s vm '{Q} -S >log'", "tmux new -d -s vm before QEMU"),
        ("su - me -c '{Q} -S >log'", "the redirection >log"),
        ("{Q} -S &", "in the background"),
        ("{Q} -m $UNKNOWN", "$UNKNOWN is not set in the script"),
        ("{Q} -m $(nproc)", "$(nproc) is unknown"),
        ("{Q} -m `nproc`", "`nproc` is unknown"),
        ("{Q} -S\n{Q} -s", "1 more times"),
    ],
)
def test_what_is_left_out_is_reported(text: str, note: str) -> None:
    found = read_script(text.replace("{Q}", Q))
    assert any(note in one for one in found.notes), found.notes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('if [ -n "$GUI" ]; then D=gtk; else D=none; fi\n{Q} -display $D', ["-display", "none"]),
        ("G=1\nif [[ $G ]]; then D=gtk; else D=none; fi\n{Q} -display $D", ["-display", "gtk"]),
        ("D=; if [ -z $G ]; then :; elif true; then D=1; else D=2; fi; {Q} -m 1$D", ["-m", "1"]),
        ("if ! [ 2 -gt 1 ]; then M=1; else M=2; fi; {Q} -m $M", ["-m", "2"]),
        ("if [ 2 -gt 1 ] && [ a = b ]; then M=1; else M=2; fi; {Q} -m $M", ["-m", "2"]),
        ("if [ -e /dev/kvm ]; then K=-enable-kvm; fi\n{Q} $K", ["-enable-kvm"]),
        ("M=a\ncase $M in a|b) X=1;; *) X=2;; esac\n{Q} -m $X", ["-m", "1"]),
        ("M=z\ncase $M in (a|b) X=1;; z*) X=2;; *) X=3;; esac\n{Q} -m $X", ["-m", "2"]),
        ("case $1 in start) {Q} -S;; *) {Q} -s;; esac", ["-s"]),
        ("[ a = b ] && X=1\n[ a = a ] && X=2\n[ a = a ] || X=3\n{Q} -m $X", ["-m", "2"]),
        ("X=; while [ $# -gt 0 ]; do X=1; shift; done; {Q} -m 2$X", ["-m", "2"]),
        ("for d in a b; do A+=(-drive file=$d); done; {Q} ${A[@]}", ["-drive", "file=a", "-drive", "file=b"]),
        ("for d in; do X=1; done; {Q} -m 1", ["-m", "1"]),
        ("if [[ $D ]]; then {Q} -S; else {Q} -s; fi", ["-s"]),
        ("cat <<EOF\ndon't {Q} -x\nEOF\n{Q} -S", ["-S"]),
        ("cat <<-'E' >f\n\t{Q} -x\n\tE\n{Q} -S", ["-S"]),
        ("command -v {Q} || exit\nmodprobe kvm\necho {Q}\n{Q} -S", ["-S"]),
        ("{Q} --version\n{Q} -S", ["-S"]),
        ("export M=1G; declare -i N=2; local x=3; {Q} -m $M -smp $N", ["-m", "1G", "-smp", "2"]),
        ('{Q} -S "$@"', ["-S"]),
        ('set -- -m 1G; set -- "$@" -S\n{Q} "$@"', ["-m", "1G", "-S"]),
        ("{Q} -hda ${1:-disk.img} -m ${M:=2G} ${X:+-S}", ["-hda", "disk.img", "-m", "2G"]),
        ("{Q} -hda ${D:-$H/disk.img}", ["-hda", "$H/disk.img"]),
        ("M=4; {Q} -m $((M * 1024 - (2+1) % 2)) -smp $((1 + 7 / 2))", ["-m", "4095", "-smp", "4"]),
        ('D=$(dirname "$0"); {Q} -hda $D/a -cdrom ${PWD}/b', ["-hda", "./a", "-cdrom", "./b"]),
        ('D="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"\n{Q} -hda $D/a', ["-hda", "./a"]),
        ("Q=$(which {Q}); $Q -S", ["-S"]),
        ("$QEMU_BIN -m 1 -S", ["-m", "1", "-S"]),
        ('A=(a \'b c\'); {Q} "${A[*]}" "${A[@]}"', ["a b c", "a", "b c"]),
        ("f() { {Q} -S; }\nf", ["-S"]),
        ("M=1\nread -r x <<< $M\n{Q} -m 2", ["-m", "2"]),
        ("read -ra l <<<'a b'\n{Q} -S", ["-S"]),
        ("{Q} -smp ${N:='4'},cores=${C:=2} -m ${N}G", ["-smp", "4,cores=2", "-m", "4G"]),
        (
            "{Q} -nic ${N:-user,x=(y);z} ${E:-} -m ${M:-1  2} ${D:-'a b'\"c d\" e}",
            ["-nic", "user,x=(y);z", "-m", "1", "2", "a bc d", "e"],
        ),
        ("sh -c '{Q} -m 1G -S'", ["-m", "1G", "-S"]),
        ('M=2G; bash -c "exec {Q} -m $M"', ["-m", "2G"]),
        ("C=\"{Q} -name 'a b'\"; echo $C; eval $C -S", ["-name", "a b", "-S"]),
        ("N='a b'; eval {Q} -name '$N' '\"$N\"'", ["-name", "a", "b", "a b"]),
        ("echo sh '{Q} -x'\n{Q} -S", ["-S"]),
        ("{Q} $EXTRA -S ${MORE} -m 1", ["-S", "-m", "1"]),
        ("QEMU_IMG=qemu-img\n$QEMU_IMG -q a\n{Q} -M none -S 2>&1 | grep -q x && A=1\n{Q} -S", ["-S"]),
        ("{Q} -name \"${N:='a b'}\" -m ${M:-'1 2'}", ["-name", "'a b'", "-m", "1 2"]),
    ],
)
def test_what_a_shell_would_run(text: str, words: list[str], tmp_path: Path) -> None:
    """Compared with bash, unless it depends on the user's environment."""
    script = text.replace("{Q}", Q)
    found = read_script(script)
    assert list(found.argv[1:]) == words, found.notes
    if any("kept unchanged" in note or "is taken as the base of relative paths" in note for note in found.notes):
        return
    (tmp_path / Q).write_text('#!/bin/sh\n[ "$1" = --version ] || printf "%s\\0" "$@" >"${0%/*}/words"\n')
    (tmp_path / Q).chmod(0o755)
    (tmp_path / "modprobe").symlink_to("/bin/true")
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "QEMU_BIN": Q}
    subprocess.run(["bash", "-c", script], env=environment, cwd=tmp_path, capture_output=True, check=False)
    assert (tmp_path / "words").read_text().split("\0")[:-1] == words


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("if [ -e /x ]; then M=1; else M=2; fi; {Q} -m $M", "M is set under an unknown condition"),
        ("if [ $G ]; then M=1; else M=2; fi; {Q} -m $M", "M is also set in a branch that is not taken"),
        ("{Q} -S $@", "the script's arguments are left out"),
        ("{Q} -m $1", "$1 is an argument of the script"),
        ("{Q} -S | tee log", "the pipe after QEMU"),
        ("{Q} -m 1 \\\n # a comment \\\n -S\n", "-S: not part of QEMU's command"),
        ("{Q} -hda ${PWD}/a", "is taken as the base of relative paths"),
        ("N=$(nproc)\n{Q} -smp $N", "$(nproc) is unknown"),
    ],
)
def test_what_was_assumed_is_reported(text: str, note: str) -> None:
    assert any(note in one for one in read_script(text.replace("{Q}", Q)).notes)


HOST = {"nproc": "6", "uname -m": "x86_64"}


@pytest.mark.parametrize(
    ("text", "words", "note"),
    [
        ("{Q} -smp $(nproc)", ["-smp", "6"], "$(nproc) is taken as 6, as on this host"),
        ("N=`nproc`; {Q} -smp $N", ["-smp", "6"], "`nproc` is taken as 6"),
        ("{Q} -smp $(( $(nproc) / 2 ))", ["-smp", "3"], "is taken as 3, as on this host"),
        ('if [ "$(uname -m)" = x86_64 ]; then A=-S; else A=-s; fi; {Q} $A', ["-S"], ""),
        ('if [ "$(uname -m)" = arm ]; then A=-S; else A=-s; fi; {Q} $A', ["-s"], ""),
    ],
)
def test_what_commands_say_on_this_host(text: str, words: list[str], note: str) -> None:
    found = read_script(text.replace("{Q}", Q), outputs=HOST)
    assert list(found.argv[1:]) == words
    assert not note or any(note in one for one in found.notes), found.notes
    assert not any("is unknown" in one for one in found.notes)


def test_an_unset_variable_is_left_out_only_as_an_option() -> None:
    found = read_script(f"{Q} -m $MEM $EXTRA $1 -S")
    assert list(found.argv[1:]) == ["-m", "$MEM", "$1", "-S"]
    assert "$EXTRA is not set in the script: left out" in found.notes


def test_only_notes_about_qemus_arguments_are_reported() -> None:
    """A script may have a hundred variables, and QEMU's command a few of them."""
    text = "if [ -e /x ]; then A=1; B=2; C=$B; fi\necho $A $C\nfor d in $C; do D=$d; done\n"
    notes = read_script(f"{text}{Q} -m $D").notes
    assert any(note.startswith("B is set under an unknown condition") for note in notes)
    assert not any(note.startswith("A is set under an unknown condition") for note in notes)
    assert read_script(f"{text}{Q} -S").notes == []
    positional = read_script(f'if [ -e /x ]; then A=1; fi\nset -- $A\n{Q} -m "$@"').notes
    assert any(note.startswith("A is set under an unknown condition") for note in positional)


def test_other_commands_do_not_matter() -> None:
    found = read_script(f"swtpm socket --tpmstate dir=$T >log 2>&1 &\nU=$(id -u)\n{Q} -S\nsleep 1 | cat\n")
    assert (found.argv[1:], found.notes) == (("-S",), [])


def test_a_script_without_qemu() -> None:
    assert read_script("echo hello\n").argv == ()
    assert read_script("").argv == ()


def test_variables_from_outside() -> None:
    assert read_script(f"{Q} -m $M", {"M": "1G"}).argv[1:] == ("-m", "1G")


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20), max_size=6))
@settings(deadline=None)
def test_quoted_words_are_what_a_shell_makes_of_them(words: list[str]) -> None:
    # Windows line ends in quotes cannot be distinguished from those of the script.
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
    if script_read.notes:  # an unset variable is kept unchanged
        return
    found = list(script_read.argv[1:])
    assert found == real or (found == [] and real == [""])  # printf without words prints an empty one


@given(st.text())
@settings(deadline=None)
def test_any_text_is_read_to_its_end(text: str) -> None:
    read_script(text)
    read_script(f"{Q} {text}")
