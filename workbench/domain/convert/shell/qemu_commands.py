"""Find the commands of a script that start QEMU, directly or through another program."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.convert.shell.words import Reader

PROGRAM = re.compile(r"(?:.*/)?(?:qemu-system-[a-z0-9_]+|qemu-kvm|kvm|qemu)\Z", re.DOTALL)
"""The names of QEMU's executable in distributions."""

_SURE = re.compile(r"(?:.*/)?qemu-system-[a-z0-9_]+\Z", re.DOTALL)
_WRAPPERS = frozenset(
    """
    sudo doas exec env nice ionice taskset numactl chrt nohup setsid time command builtin stdbuf strace ltrace gdb valgrind
    perf systemd-run systemd-inhibit cgexec unshare firejail bwrap prlimit timeout script schedtool setpriv runuser su
    chpst daemonize screen tmux catchsegv rr optirun primusrun gamemoderun mangohud nsenter ip sg authbind xvfb-run eval
    """.split()  # noqa: SIM905
)
"""Programs that run the command in their arguments."""
_SHELLS = frozenset(
    "sh bash dash ash zsh ksh ssh su runuser tmux screen script watch flock xterm konsole gnome-terminal".split()  # noqa: SIM905
)
"""Programs that run one of their arguments as a script, like ``sh -c``."""
_STARTS = re.compile(r"(?:^|[\s;&|(/])(?:qemu-system-[a-z0-9_]+|qemu-kvm|kvm)\s")
_ASKERS = frozenset(
    "which type hash echo printf man whereis pidof pgrep pkill killall grep ps ls file test [ [[".split()  # noqa: SIM905
)
_QUESTIONS = frozenset(["-version", "--version", "-h", "-help", "--help", "help", "?", "-v", "-V"])
"""Arguments that only query QEMU."""
_OTHER_TOOLS = re.compile(r"qemu[_-]?(img|nbd|io|ga|image)")
"""Names of QEMU's other programs in variable names."""


def asks(words: Sequence[str]) -> bool:
    """Whether a command only queries QEMU; the machine "none" cannot run a guest."""
    boards = any(words[at : at + 2] in (["-M", "none"], ["-machine", "none"]) for at in range(len(words)))
    return boards or bool(_QUESTIONS.intersection(words))


def start_of(words: list[str], reader: Reader) -> int | None:
    """The index of QEMU's executable in a command that runs it, or None."""
    if words[:2] in (["command", "-v"], ["command", "-V"]):
        return None
    for index, word in enumerate(words):
        if not PROGRAM.match(word):
            continue
        if index == 0 or words[0].rpartition("/")[2] in _WRAPPERS:
            return index
        wraps = _SURE.match(word) and words[index + 1 : index + 2] and words[index + 1].startswith("-")
        return index if wraps and words[0] not in _ASKERS else None
    # A variable that the script does not set: "$QEMU -m 1G".
    if len(words) > 1 and words[0].startswith("\0"):
        name = reader.known(words[0], []).lower()
        return 0 if "qemu" in name and not _OTHER_TOOLS.search(name) else None
    return None


def inner_script(words: Sequence[str], reader: Reader) -> tuple[int, str] | None:
    """The script in a command's arguments: its index and text, or None."""
    if words[:1] == ["eval"]:
        text = reader.known(" ".join(words[1:]), [])
        return (1, text) if _STARTS.search(f"{text} ") else None
    if (words[:1] and words[0] in _ASKERS) or not any(word.rpartition("/")[2] in _SHELLS for word in words):
        return None
    for index, word in enumerate(words[1:], 1):
        text = reader.known(word, [])
        if any(char.isspace() for char in word) and _STARTS.search(text):
            return index, text
    return None
