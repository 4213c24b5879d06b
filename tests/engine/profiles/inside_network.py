"""What tests/engine/profiles/test_host_interfaces.py runs in a separate network namespace: ``python -m … NAME``."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.commandline import CommandLine, command_line


def links(*more: str) -> dict[str, dict[str, object]]:
    done = subprocess.run(["ip", "-j", "-d", "link", "show", *more], check=True, capture_output=True, text=True)
    return {link["ifname"]: link for link in json.loads(done.stdout)}


def has_open(pid: int, interface: str) -> int:
    """How many queues of a tap a process has open (proc(5): fdinfo of /dev/net/tun)."""
    infos = [path.read_text() for path in Path(f"/proc/{pid}/fdinfo").iterdir()]
    return sum(f"iff:\t{interface}\n" in info for info in infos)


def taps(workbench: CommandLine) -> None:
    """Names with a comma cannot be in a profile; each tap is opened with as many queues as it says."""
    workbench.profile("bad", 'memory.size = "64M"\n[[net]]\nbackend = "tap"\ninterface = "tap,b=1"\n')
    assert "is not an interface name such as tap0" in workbench("check", "bad").stdout
    subprocess.run(["ip", "link", "set", "tap,b=1", "name", "tap1"], check=True)
    text = 'memory.size = "64M"\ncpu.count = 2\n[[net]]\nbackend = "tap"\ninterface = "tap0"\n'
    text += '[[net]]\nbackend = "tap"\ninterface = "tap1"\nqueues = 2\nmac = "52:54:00:00:00:42"\n'
    workbench.profile("box", text)
    done = workbench("check", "box")
    assert done.code == 0, done
    pid = workbench.start("box")
    assert (has_open(pid, "tap0"), has_open(pid, "tap1")) == (1, 2)
    done = workbench("qmp", "box", "query-rx-filter", "--json")
    cards = {card["name"]: card for card in json.loads(done.stdout)}
    assert cards["net1"]["main-mac"] == "52:54:00:00:00:42"
    assert "LOWER_UP" in links("tap0")["tap0"]["flags"]  # type: ignore[operator]
    network = workbench("qmp", "box", "--hmp", "info network").stdout
    assert "ifname=tap0" in network
    assert network.count("ifname=tap1") == 2
    properties = [
        workbench("qmp", "box", "qom-get", f"path=/machine/peripheral/{n}", "property=mq", "--json")
        for n in ("net0", "net1")
    ]
    assert [json.loads(one.stdout) for one in properties] == [False, True]


def taken(workbench: CommandLine) -> None:
    text = 'memory.size = "64M"\n[[net]]\nbackend = "tap"\ninterface = "tap0"\n'
    workbench.profile("one", text)
    workbench.profile("two", text)
    workbench.start("one")
    said = "two.toml:4:1: net[0].interface: tap0 is in use by the running guest one"
    assert said in workbench("check", "two").stdout
    workbench("start", "two").check_error(1, "tap0 is in use by the running guest one")
    assert workbench("check", "one").code == 0


def queues(workbench: CommandLine) -> None:
    """QEMU says "Invalid argument" of it."""
    workbench.profile("box", 'memory.size = "64M"\n[[net]]\nbackend = "tap"\ninterface = "tap0"\nqueues = 2\n')
    workbench("start", "box").check_error(1, "could not configure /dev/net/tun", "multi_queue")


def bridge(workbench: CommandLine) -> None:
    """The helper's list of bridges is QEMU's own file: here in a mount namespace of this process."""
    workbench.profile("box", 'memory.size = "64M"\n[[net]]\nbackend = "bridge"\ninterface = "br7"\n')
    assert workbench("check", "box").code == 0
    etc = workbench.base / "etc"
    shutil.copytree("/etc", etc, symlinks=True, ignore=shutil.ignore_patterns("qemu"))
    subprocess.run(["mount", "--bind", str(etc), "/etc"], check=True)
    try:
        workbench("start", "box").check_error(1, "write allow br7 into /etc/qemu/bridge.conf")
        Path("/etc/qemu").mkdir()
        Path("/etc/qemu/bridge.conf").write_text("allow br7\n")
        workbench.start("box")
        (tap,) = (name for name, link in links().items() if link.get("master") == "br7")
        assert "helper" in workbench("qmp", "box", "--hmp", "info network").stdout, tap
        workbench.end_guests()
    finally:
        subprocess.run(["umount", "/etc"], check=True)


if __name__ == "__main__":
    with command_line() as line:
        {"taps": taps, "taken": taken, "queues": queues, "bridge": bridge}[sys.argv[1]](line)
