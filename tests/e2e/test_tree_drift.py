"""``workbench tree NAME --diff`` on a guest that runs, whose profile changes meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.commandline import CommandLine

PROFILE = """\
memory.size = "64M"
rng = false

[balloon]
deflate-on-oom = true

[qemu]
args = ["-device", "edu,addr=10", "-device", "edu,id=two,addr=11"]
"""


def test_drift_both_ways(workbench: CommandLine) -> None:
    file = workbench.profile("one", PROFILE)
    workbench.start("one")
    same = workbench("tree", "one", "--diff")
    assert (same.code, same.stdout) == (0, "one matches its profile\n")
    assert workbench("tree", "one", "--diff", "--json").list == []

    # A value that was set since is no drift: that is about what was made, and how.
    path = "/machine/peripheral/balloon0"
    value = ("guest-stats-polling-interval", "7")
    assert workbench("qmp", "one", "qom-set", f"path={path}", f"property={value[0]}", f"value={value[1]}").code == 0
    assert workbench("tree", "one", "--diff").stdout == "one matches its profile\n"

    plugged = workbench("qmp", "one", "device_add", "driver=virtio-rng-pci", "id=late0", "bus=pcie-port0")
    assert plugged.code == 0, plugged
    file.write_text(PROFILE.replace("= true", "= false").replace("64M", "80M") + '\n[[net]]\nid = "second"\n')
    done = workbench("tree", "one", "--diff")
    assert done.code == 1
    lines = {line.split()[1]: line for line in done.stdout.splitlines()}
    assert lines["late0"].startswith("+ ")
    assert "since the start" in lines["late0"]
    assert lines["second"].startswith("- ")
    assert "one.toml:10" in lines["second"]
    assert "net[0]" not in lines, "its netdev is not told of besides"
    assert "deflate-on-oom: running with on, the profile has off" in lines["balloon0"]
    assert "running with 64M, the profile has 80M" in lines["memory.size"]
    assert "one.toml:1" in lines["memory.size"]
    assert "two" not in lines, "the profile's own arguments, in comma syntax"
    kinds = {one["name"]: one["kind"] for one in workbench("tree", "one", "--diff", "--json").list}
    assert (kinds["late0"], kinds["second"], kinds["balloon0"]) == ("extra", "missing", "changed")

    file.write_text("memory.size = 'many'\n")
    workbench("tree", "one", "--diff").check_error(1, "problem")
    file.unlink()
    workbench("tree", "one", "--diff").check_error(3, "is gone", "profile.toml")
    assert workbench("tree", "one", "--diff", "--depth", "2").code == 2
