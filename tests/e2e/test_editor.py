"""The editor as a person uses it: a profile that is changed, saved, started, and held against its guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.terminal import SCREEN, terminal

if TYPE_CHECKING:
    from tests.commandline import CommandLine
    from workbench.engine.demo import DemoGuest

MIB = 1 << 20


def test_a_copy_is_edited_saved_and_started(workbench: CommandLine, demo_guest: DemoGuest) -> None:
    workbench.sample("demo")
    path = workbench.profiles / "demo-copy.toml"
    with terminal(workbench.environment) as screen:
        screen.open(*SCREEN)
        screen.wait_for("demo", "stopped")
        screen.keys("g")
        screen.wait_for("e Edit")
        screen.keys("D")
        screen.wait_for("Duplicate demo", "demo-copy")
        screen.keys("Enter")
        screen.wait_for("demo-copy.toml", "QEMU command line", "-m 512M")

        screen.keys("F2")
        screen.wait_for("Change  del Default", "accelerator")
        screen.keys(*["Down"] * 16)
        screen.wait_for("a size such as 256M")
        screen.keys("Enter")
        screen.wait_for("\u256d\u2500 memory.size")
        screen.keys(*["BSpace"] * 4)
        screen.wait_for("'' is not a size")
        screen.type("320M")
        screen.wait_for("320M", without="is not a size")
        screen.keys("Enter")
        screen.wait_for('size = "320M"', "unsaved")
        screen.keys("C-s")
        screen.wait_for("Saved", without="unsaved")
        original = path.with_name("demo.toml").read_text()
        assert path.read_text() == original.replace('size = "512M"', 'size = "320M"')

        screen.keys("Escape")
        screen.wait_for("Form")
        screen.keys("Escape")
        screen.wait_for("Guests", "demo-copy")
        screen.keys("g")  # the copy is the one under the cursor
        screen.keys("s")
        screen.wait_for("running")
    assert workbench("balloon", "demo-copy", "--json").json["ram"] == 320 * MIB


def test_the_running_guest_is_compared_as_it_is_now(workbench: CommandLine) -> None:
    path = workbench.profile("box", 'memory.size = "64M"\n[[net]]\nid = "net0"\n')
    workbench.start("box")
    assert workbench("plug", "box", "net").code == 0
    by_hand = ("device_add", "driver=virtio-rng-pci", "id=mine", "bus=pcie-port2")
    assert workbench("qmp", "box", *by_hand).code == 0
    with terminal(workbench.environment) as screen:
        screen.open(*SCREEN)
        screen.wait_for("box", "running")
        screen.keys("g")
        screen.wait_for("e Edit")
        screen.keys("e")
        screen.wait_for("box.toml", "QEMU command line", "-m 64M")
        path.write_text(path.read_text().replace("64M", "96M"))
        screen.wait_for("-m 96M", "saved")
        screen.keys("F5")
        screen.wait_for("Compare the text with another profile")
        screen.keys("Enter")
        screen.wait_for(
            "with the guest as it is now",
            '~ memory.size  "64M" \u2192 "96M"',
            '\u2212 net[1]       { id = "net1" } \u2192 none',
            "\u2212 -device net1  driver virtio-net-pci",
            "\u2212 mine  virtio-rng-pci  plugged in, gone after a restart",
        )
