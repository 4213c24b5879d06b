"""What a start makes for its guest: disk images, UEFI variables, pinned CPUs; and what a failed start leaves: nothing."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.commandline import wait_until
from workbench.engine.host.firmware import find_uefi
from workbench.engine.profiles.store import read_profile

if TYPE_CHECKING:
    from tests.commandline import CommandLine

DISK = """
[[scsi]]
[[scsi.disk]]
file = "made.qcow2"
size = "64M"
"""


def image_info(path: Path) -> str:
    return subprocess.run(["qemu-img", "info", "-U", str(path)], capture_output=True, text=True, check=True).stdout


def test_a_missing_image_is_made_and_one_that_is_there_is_left(workbench: CommandLine) -> None:
    workbench.profile("box", 'memory.size = "64M"\n' + DISK)
    image = workbench.profiles / "made.qcow2"
    assert workbench("check", "box").code == 0
    assert not image.exists(), "a check makes nothing"
    workbench.start("box")
    assert "64 MiB" in image_info(image)
    assert "qcow2" in image_info(image)
    assert workbench("stop", "box", "--timeout", "0", "--kill").code == 0
    before = image.stat().st_ino
    workbench.profile("box", 'memory.size = "64M"\n' + DISK.replace("64M", "128M"))
    workbench.start("box")
    assert image.stat().st_ino == before
    assert "64 MiB" in image_info(image)


def test_a_start_that_fails_leaves_no_image(workbench: CommandLine) -> None:
    workbench.profile("box", 'qemu.args = ["-nonsense"]\nmemory.size = "64M"\n' + DISK)
    workbench("start", "box").check_error(1, "nonsense")
    assert [path.name for path in workbench.profiles.iterdir()] == ["box.toml"]


def test_an_image_that_cannot_be_made_is_told(workbench: CommandLine) -> None:
    workbench.profile("box", 'memory.size = "64M"\n' + DISK.replace("64M", "64000000T"))
    done = workbench("start", "box")
    assert done.code == 1
    assert [path.name for path in workbench.profiles.iterdir()] == ["box.toml"]
    workbench.profile("lost", DISK.replace("made", "no/such/made"))
    workbench("start", "lost").check_error(1, "scsi[0].disk[0].file", "no such directory")


@pytest.mark.skipif(find_uefi("q35") is None, reason="no UEFI on this host (Debian: ovmf)")
def test_a_uefi_guest_keeps_its_variables(workbench: CommandLine) -> None:
    workbench.profile("box", 'memory.size = "128M"\nfirmware.type = "uefi"\nboot.order = ["net"]\n')
    pid = workbench.start("box")
    (store,) = workbench.base.glob("data/*/uefi/box.fd")
    template = find_uefi("q35")
    assert template is not None
    assert store.stat().st_size == template.template.stat().st_size
    fresh = template.template.read_bytes()
    wait_until(lambda: store.read_bytes() != fresh, "the firmware writes its first variables")
    opened = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.exists()}
    assert {str(store), str(template.code)} <= opened
    assert workbench("stop", "box", "--timeout", "0", "--kill").code == 0
    kept = store.read_bytes()
    assert kept != fresh
    workbench.start("box")
    assert workbench("pause", "box").code == 0
    assert store.read_bytes() != fresh, "what a guest has is not made anew"


def test_each_virtual_cpu_runs_where_its_profile_says(workbench: CommandLine) -> None:
    last = max(os.sched_getaffinity(0))
    workbench.profile(
        "box", f'memory.size = "64M"\ncpu.count = 2\ncpu.pin = ["{last}", "0-{last}"]\ntcg.threads = "multi"\n'
    )
    workbench.start("box")
    done = workbench("qmp", "box", "query-cpus-fast", "--json")
    assert done.code == 0, done
    threads = [cpu["thread-id"] for cpu in json.loads(done.stdout)]
    assert os.sched_getaffinity(threads[0]) == {last}
    assert os.sched_getaffinity(threads[1]) == set(range(last + 1)) & os.sched_getaffinity(0)


def test_a_cpu_that_is_not_there_is_told_before_the_start(workbench: CommandLine) -> None:
    workbench.profile("box", 'cpu.pin = ["8000"]\n')
    workbench("start", "box").check_error(1, 'no CPU of "8000" is available')


def test_hyperv_is_refused_where_nothing_can_give_it(workbench: CommandLine) -> None:
    workbench.profile("box", "cpu.hyperv = true\n")
    done = workbench("start", "box")
    if "wants Hyper-V" not in done.stderr:
        pytest.skip("KVM runs guests on this host")
    done.check_error(1, "TCG has none", "hint:")


def test_a_running_guest_keeps_the_profile_that_it_was_put_together_from(workbench: CommandLine) -> None:
    base = workbench.base / "base.toml"
    base.write_text('memory.size = "64M"\n[balloon.presets]\nidle = "32M"\n')
    workbench.profile("box", f'extends = "{base}"\ndescription = "costs $${{5}} in ${{dir}}"\n')
    workbench.start("box")
    base.write_text("nonsense = 1\n")
    kept = workbench.state / "box" / "profile.toml"
    loaded = read_profile(kept)
    assert loaded.profile is not None, loaded.problems
    assert loaded.profile.memory.size == 64 << 20
    assert loaded.profile.description == f"costs ${{5}} in {workbench.profiles}"
    assert str(base) in kept.read_text().splitlines()[0]
    done = workbench("check", "box")
    assert (done.code, done.stdout.startswith(f"{base}:1:1: nonsense: unknown key")) == (1, True)
