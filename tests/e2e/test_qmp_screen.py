"""The QMP console as a person uses it: the real screen in a real terminal, on a real guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.terminal import SCREEN, terminal

if TYPE_CHECKING:
    from tests.commandline import CommandLine


def test_typed_ahead_asked_and_jumped_from_an_event(running_demo: CommandLine) -> None:
    with terminal(running_demo.environment) as screen:
        screen.open(*SCREEN)
        screen.wait_for("settled", "command key=value")
        screen.type(":query-name\r!info status\r")  # in one burst
        screen.wait_for("▸  query-name", "▸  !info status", "VM status: running")

        screen.type("system_reset\r")
        screen.wait_for("system_reset on demo?", "restarts immediately", "Cancel")
        screen.keys("Enter")
        screen.wait_for("▸  !info status", without="on demo?")
        assert "RESET" not in screen.picture(), "Cancel is what enter chooses"

        running_demo("plug", "demo", "rng", "id=spare")
        running_demo("unplug", "demo", "spare")
        screen.wait_for("DEVICE_DELETED")
        screen.keys("Escape")
        screen.wait_for("? Help")
        screen.type("ffo")  # mine; events; the device of the last one
        screen.wait_for("only events")
        screen.wait_for("/machine/peripheral/spare", "is not a device of this guest")


def test_an_event_leads_to_its_device(running_demo: CommandLine) -> None:
    with terminal(running_demo.environment) as screen:
        screen.open(*SCREEN)
        screen.wait_for("settled", "command key=value", "virtio-serial")
        running_demo("qmp", "demo", "system_reset")  # the guest closes its serial port
        screen.wait_for("VSERPORT_CHANGE")
        screen.keys(":")
        screen.wait_for("command key=value", without="? Help")
        screen.keys("Escape")
        screen.wait_for("? Help")
        screen.type("/VSERPORT\ro")
        screen.wait_for("type     virtconsole")
