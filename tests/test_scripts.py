"""The set-up of script/run and script/test: what it installs and prints, when it does nothing. No network, no root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent.parent
BASH = shutil.which("bash") or "bash"
TOOLS = (
    *("bash", "basename", "cat", "cut", "dirname", "env", "flock", "grep", "head", "id", "paste", "rm", "sed", "sha256sum"),
)  # fmt: skip


class Host:
    """A checkout, and a PATH with only the tools that a test provides."""

    def __init__(self, directory: Path) -> None:
        self.checkout = directory / "checkout"
        self.bin = directory / "bin"
        self.log = directory / "log"
        self.bin.mkdir(parents=True)
        shutil.copytree(ROOT / "script", self.checkout / "script", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "requirements", self.checkout / "requirements")
        shutil.copy(ROOT / "pyproject.toml", self.checkout)
        for name in TOOLS:
            path = shutil.which(name)
            assert path, name
            (self.bin / name).symlink_to(path)
        # Never root, whichever user runs the test; sudo asks for a password.
        self.tool("id", "echo 1000")
        self.tool("sudo", "exit 1")
        self.has("zstd")  # wanted on Ubuntu only

    def tool(self, name: str, script: str) -> None:
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f'#!{BASH}\necho "{name} $*" >> {self.log}\n{script}\n')
        path.chmod(0o755)

    def has(self, *names: str) -> None:
        for name in names:
            self.tool(name, "exit 0")

    def run(self, *argv: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BASH, *argv],
            cwd=self.checkout,
            env={"PATH": str(self.bin), "HOME": str(self.checkout), **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_user_without_root_gets_the_list_of_packages_and_nothing_is_installed(host: Host) -> None:
    host.has("apt-get", "qemu-img")
    done = host.run("script/run")
    assert done.returncode == 1
    assert "will install with apt-get: python3 python3-venv qemu-system-x86" in done.stderr
    assert re.search(r"hint: .*apt-get install python3 python3-venv qemu-system-x86$", done.stderr.strip())
    assert not any(call.startswith("apt-get") for call in host.calls)
    assert not (host.checkout / ".venv").exists()


def test_a_system_without_apt_gets_the_list_of_missing_packages(host: Host) -> None:
    host.has("qemu-system-x86_64")
    done = host.run("script/run")
    assert done.returncode == 1
    assert "missing packages (Debian names): python3 python3-venv qemu-utils" in done.stderr
    assert "Python 3.11 or newer" in done.stderr


def test_the_tests_need_more_than_a_run(host: Host) -> None:
    host.has("apt-get")
    assert "tmux" in host.run("script/test").stderr
    assert "tmux" not in host.run("script/run").stderr


def test_a_python_that_is_too_old_is_ignored(host: Host) -> None:
    host.has("qemu-system-x86_64", "qemu-img")
    host.tool("python3", "exit 1")
    assert "missing packages (Debian names): python3 python3-venv" in host.run("script/run").stderr


def test_sudo_installs_exactly_the_listed_packages(host: Host) -> None:
    host.has("qemu-img", "apt-get")
    host.tool("sudo", 'shift $(( $(echo "$*" | grep -c "^-n") )); [ "$1" = true ] || "$@"')
    done = host.run("script/run")
    installs = [call for call in host.calls if call.startswith("apt-get install")]
    assert installs == ["apt-get install -y -q --no-install-recommends python3 python3-venv qemu-system-x86"]
    # The fake installs nothing, and the script checks that.
    assert done.returncode == 1
    assert "still missing: python3 python3-venv qemu-system-x86" in done.stderr


@pytest.fixture
def ready(host: Host) -> Host:
    """A host with everything installed, and an environment like the one script/run makes."""
    host.has("qemu-system-x86_64", "qemu-img")
    (host.bin / "python3").symlink_to(sys.executable)
    venv = host.checkout / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    site = next(venv.glob("lib/python*/site-packages"))
    (site / "pip").mkdir()
    (site / "pip/__init__.py").touch()
    for name in ("pip", "workbench"):
        (venv / "bin" / name).write_text(f'#!{venv}/bin/python\nimport sys; print("{name}", sys.argv[1:])\n')
        (venv / "bin" / name).chmod(0o755)
    source = ". script/lib.sh; fingerprint run"
    stamp = host.run("-c", source, "script/run").stdout
    assert re.fullmatch(r"[0-9a-f]{64}\n", stamp)
    (venv / ".workbench-run").write_text(stamp)
    return host


def test_a_second_run_only_starts_the_workbench(ready: Host) -> None:
    done = ready.run("script/run", "list", "--json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "workbench ['list', '--json']\n", "")
    assert ready.calls == []


def test_without_arguments_it_runs_the_demo(ready: Host) -> None:
    assert ready.run("script/run").stdout == "workbench ['demo']\n"


def test_the_environment_for_the_tests_is_enough_for_a_run(ready: Host) -> None:
    venv = ready.checkout / ".venv"
    (venv / ".workbench-run").unlink()
    stamp = ready.run("-c", ". script/lib.sh; fingerprint test", "script/run").stdout
    (venv / ".workbench-test").write_text(stamp)
    assert ready.run("script/run").stdout == "workbench ['demo']\n"


@pytest.mark.parametrize("file", ["pyproject.toml", "requirements/run.txt"])
def test_changed_dependencies_are_installed(ready: Host, file: str) -> None:
    with (ready.checkout / file).open("a") as text:
        text.write("# changed\n")
    done = ready.run("script/run")
    assert "installing the locked dependencies" in done.stderr
    assert done.returncode == 1  # the fake pip cannot be run as a module
    assert "pip failed to install the dependencies" in done.stderr
    assert not (ready.checkout / ".venv/.workbench-run").exists()  # so the next run tries again


def _moved(venv: Path) -> None:
    (venv / "bin/pip").write_text("#!/elsewhere/.venv/bin/python\n")


def _other_python(venv: Path) -> None:
    site = next(venv.glob("lib/python*/site-packages"))
    site.parent.rename(site.parent.parent / "python3.9")


def _without_python(venv: Path) -> None:
    for name in ("python", "python3"):
        (venv / "bin" / name).unlink()
        (venv / "bin" / name).symlink_to("/nonexistent/python3")


@pytest.mark.parametrize("damage", [_moved, _other_python, _without_python])
def test_an_environment_that_does_not_work_is_recreated(ready: Host, damage: object) -> None:
    assert callable(damage)
    damage(ready.checkout / ".venv")
    (ready.checkout / ".venv/old").touch()
    # The new environment is made by a fake Python that only logs the call: a real one takes seconds.
    real = (ready.bin / "python3").readlink()
    ready.tool("python3", f'[ "$1" = -m ] && [ "$2" = venv ] && exit 3; exec {real} "$@"')
    done = ready.run("script/run")
    assert "recreating .venv" in done.stderr
    assert not (ready.checkout / ".venv").exists()
    assert f"python3 -m venv {ready.checkout}/.venv" in ready.calls


def test_every_dependency_is_locked_with_hashes_and_names_no_host() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    wanted = {
        "run": [*project["project"]["dependencies"], *groups["editable"]],
        "test": [*project["project"]["dependencies"], *groups["editable"], *groups["test"]],
    }
    locked = {kind: _locked(ROOT / f"requirements/{kind}.txt") for kind in wanted}
    for kind, requirements in wanted.items():
        names = {_normal(re.split(r"[\s<>=!~;\[]", requirement)[0]) for requirement in requirements}
        assert names <= set(locked[kind])
    assert locked["run"].items() <= locked["test"].items()


def _locked(file: Path) -> dict[str, str]:
    """Name -> version of a requirements file; checks that each has a hash."""
    text = file.read_text()
    assert not re.search(r"^\s*(--(extra-)?index|--find-links|-[fi] )|://", text, re.MULTILINE)
    found = {}
    for entry in re.split(r"\n(?=\S)", text):
        if entry.startswith("#"):
            continue
        match = re.match(r"([\w.-]+)==([\w.]+)", entry)
        assert match, entry
        assert "--hash=sha256:" in entry
        found[_normal(match[1])] = match[2]
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("script", ["run", "test", "lock", "try-bare", "lib.sh", "../.ci/run"])
def test_bash_can_parse_each_script(script: str) -> None:
    subprocess.run([BASH, "-n", str(ROOT / "script" / script)], check=True)
    if script != "lib.sh":
        assert os.access(ROOT / "script" / script, os.X_OK)
