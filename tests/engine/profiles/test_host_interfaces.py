"""Cards on a real tap and a real bridge, in a separate network namespace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commandline import CHECKOUT

HELPERS = (Path("/usr/lib/qemu/qemu-bridge-helper"), Path("/usr/libexec/qemu-bridge-helper"))


def own_network() -> str:
    """Why no network of its own can be had here; empty when it can."""
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists() or shutil.which("unshare") is None:
        return "a tap in a network of its own wants root, unshare and /dev/net/tun"
    done = subprocess.run(
        ["unshare", "-mn", "ip", "tuntap", "add", "t", "mode", "tap"], check=False, capture_output=True
    )
    return done.stderr.decode().strip() if done.returncode else ""


pytestmark = pytest.mark.skipif(bool(own_network()), reason=own_network() or "-")


def inside(name: str, *set_up: str) -> None:
    """Run one of the functions below in a namespace of its own, after some commands."""
    script = " && ".join([*set_up, f"exec {sys.executable} -m tests.engine.profiles.inside_network {name}"])
    command = ["unshare", "-mn", "sh", "-c", script]
    done = subprocess.run(command, check=False, cwd=CHECKOUT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_cards_on_taps() -> None:
    inside("taps", "ip tuntap add tap0 mode tap", "ip tuntap add 'tap,b=1' mode tap multi_queue", "ip link set tap0 up")


def test_a_tap_that_another_guest_has() -> None:
    inside("taken", "ip tuntap add tap0 mode tap")


def test_a_tap_without_the_queues_that_are_wanted() -> None:
    inside("queues", "ip tuntap add tap0 mode tap")


@pytest.mark.skipif(not any(path.exists() for path in HELPERS), reason="QEMU's bridge helper is not here")
def test_a_card_on_a_bridge() -> None:
    inside("bridge", "ip link add br7 type bridge", "ip link set br7 up")
