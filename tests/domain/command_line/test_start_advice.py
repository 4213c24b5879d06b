"""Advice for failed starts, from QEMU's output."""

from __future__ import annotations

import pytest

from tests.profile_files import read_guest
from workbench.domain.command_line.start_advice import start_advice

TAP = "[[net]]\nbackend = 'tap'\ninterface = 'tap0'\n"
BRIDGE = "[[net]]\nbackend = 'bridge'\n[[net]]\nbackend = 'bridge'\ninterface = 'br7'\n"


@pytest.mark.parametrize(
    ("profile", "output", "advice"),
    [
        (
            TAP,
            "could not configure /dev/net/tun (tap0): Operation not permitted\n",
            "you have no access to tap0: sudo ip tuntap",
        ),
        (TAP, "could not configure /dev/net/tun (tap0): Device or resource busy\n", "another process uses tap0"),
        (TAP, "could not configure /dev/net/tun (tap0): Invalid argument\n", "tap0 was not created for queues = 1"),
        (TAP + "queues = 2", "could not configure /dev/net/tun (tap0): Invalid argument\n", "user $USER multi_queue"),
        (
            BRIDGE,
            "failed to parse default acl file `/x/bridge.conf'\n",
            "write allow br0; allow br7 into /x/bridge.conf",
        ),
        (BRIDGE, "access denied by acl file\n", "write allow br0; allow br7 into /etc/qemu/bridge.conf"),
        (BRIDGE, "failed to create tun device: Operation not permitted\n… bridge helper failed", "sudo chmod u+s"),
        ("memory.lock = true", "qemu: locking memory failed", "memory.lock needs a higher limit"),
        ("", "Could not set up host forwarding rule 'tcp::80-:80'", "run workbench check to see which"),
        ("qemu.args = ['-device', 'e1000']", "PCI: slot 1 function 0 not available", "reserve = 4 under [qemu]"),
    ],
)
def test_advice(profile: str, output: str, advice: str) -> None:
    (found,) = start_advice(output, read_guest(profile))
    assert advice in found


def test_no_advice_for_unknown_output() -> None:
    assert list(start_advice("something else failed", read_guest(TAP + BRIDGE))) == []
