"""The main job as a person does it: the real screen in a real terminal, with keys, on a real guest."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.terminal import SCREEN, terminal

if TYPE_CHECKING:
    from tests.commandline import CommandLine
    from tests.terminal import Terminal
    from workbench.engine.demo import DemoGuest

MIB = 1 << 20


def balloon_of(picture: str) -> tuple[int, int]:
    """Target and actual in MiB, as the panel shows them."""
    target = re.search(r"target\s+([\d,]+) MiB", picture)
    actual = re.search(r"actual\s+([\d,]+) MiB", picture)
    return (int(target[1]), int(actual[1])) if target and actual else (-1, -1)


def wait_for_balloon(screen: Terminal, size: int) -> str:
    """The picture in which the balloon has settled at this many MiB."""
    return screen.wait_until(
        lambda seen: balloon_of(seen) == (size, size) and "settled" in seen, f"a balloon settled at {size} MiB"
    )


def test_the_main_job(workbench: CommandLine, demo_guest: DemoGuest) -> None:
    workbench.sample("demo")
    with terminal(workbench.environment) as screen:
        screen.open(*SCREEN)
        screen.wait_for("demo", "stopped", "starts it")

        screen.keys("g")
        screen.wait_for("s Start")
        screen.keys("s")
        screen.wait_for("running", "TCG")
        wait_for_balloon(screen, 512)
        screen.wait_for("virtio-balloon", "ok")

        screen.keys("b")
        screen.wait_for("Less", "More")
        screen.keys("[")  # 128 MiB less, staged
        screen.wait_for("staged", "384 MiB", "sends it")
        assert workbench("balloon", "demo", "--json").json["target"] == 512 * MIB, "staging sends nothing"
        screen.keys("Enter")
        wait_for_balloon(screen, 384)
        assert workbench("balloon", "demo", "--json").json["diff"] == 0

        screen.keys(":")  # a QMP command
        screen.wait_for("command key=value", without="Less")
        screen.type("query-status")
        screen.keys("Enter")
        screen.wait_for("query-status", '"status": "running"')
        screen.keys("Escape")
        screen.wait_for("? Help")  # out of the field: keys are commands again

        open_the_balloon_device(screen)

        screen.keys("C-q")  # leave
        screen.wait_for("exit status 0")
    guest = workbench.listed("demo")
    assert guest["state"] == "running"

    with terminal(workbench.environment) as screen:  # come back
        screen.open(*SCREEN)
        wait_for_balloon(screen, 384)
        screen.keys("c")
        screen.wait_for("Console", "workbench demo guest ready")
        screen.type("eat 60M")
        screen.keys("Enter")
        screen.wait_for("held 60M")
        screen.keys("C-q")
        screen.wait_for("exit status 0")


def test_the_files_of_keys_and_settings_are_heeded(workbench: CommandLine, demo_guest: DemoGuest) -> None:
    workbench.sample("demo")
    guest = psutil.Process(workbench.start("demo"))
    directory = Path(workbench.environment["XDG_CONFIG_HOME"]) / "qemu-workbench"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "keys.toml").write_text('"pane.qmp" = "f7"\n')
    (directory / "settings.toml").write_text('"qmp.ask" = false\n')
    with terminal(workbench.environment) as screen:
        screen.open(*SCREEN)
        screen.keys("F7")
        screen.wait_for("command key=value")
        screen.type("quit")
        screen.keys("Enter")
        guest.wait(timeout=60)
        screen.keys("C-q")
        screen.wait_for("exit status 0")
    (directory / "settings.toml").write_text('"qmp.aks" = false\n')
    with terminal(workbench.environment) as screen:
        screen.open(*SCREEN)
        screen.wait_for("settings.toml: qmp.aks: unknown setting", "exit status 2")


def open_the_balloon_device(screen: Terminal) -> None:
    screen.keys("d")
    lines = screen.wait_for("r Refresh", "virtio-balloon").splitlines()
    top, row = (next(at for at, line in enumerate(lines) if word in line) for word in ("pcie.0", "virtio-balloon"))
    screen.keys(*["Down"] * (row - top))
    screen.wait_for("virtio-balloon-pci")  # its type, in the detail area
    screen.keys("Enter")
    screen.wait_for("num_pages", "32,768")


def test_a_killed_screen_and_a_closed_terminal_leave_the_guest_running(
    workbench: CommandLine, demo_guest: DemoGuest
) -> None:
    workbench.sample("demo")
    pid = workbench.start("demo")
    with terminal(workbench.environment) as screen:
        screen.open(*SCREEN)
        wait_for_balloon(screen, 512)
        screen.keys("-", "Enter")
        wait_for_balloon(screen, 496)
        screen.process().send_signal(signal.SIGKILL)
        screen.wait_for("exit status 137")
        assert psutil.pid_exists(pid)
    with terminal(workbench.environment) as screen:
        screen.open(*SCREEN)
        wait_for_balloon(screen, 496)
        process = screen.process()
        screen.close()  # the terminal goes away under the screen
        process.wait(timeout=60)
    guest = workbench.listed("demo")
    assert (guest["state"], guest["pid"]) == ("running", pid)


def test_sizes_sigstop_and_sigkill_on_the_screen(workbench: CommandLine, demo_guest: DemoGuest) -> None:
    workbench.sample("demo")
    guest = psutil.Process(workbench.start("demo"))
    with terminal(workbench.environment) as screen:
        screen.open(*SCREEN)
        wait_for_balloon(screen, 512)
        for width, height in ((80, 24), (200, 60), (60, 20), (50, 15), (120, 40)):
            screen.resize(width, height)
            if width < 60:
                screen.wait_for(f"{width} by {height}", "Guests keep running")
            else:
                wait_for_balloon(screen, 512)
        guest.suspend()
        screen.wait_for("does not answer")
        screen.keys("?")  # the screen stays quick while QEMU is frozen
        screen.wait_for("Stage a target 16 MiB lower")
        screen.keys("Escape")
        guest.resume()
        screen.wait_for("settled", without="does not answer")
        guest.kill()
        screen.wait_for("killed by signal 9")
        screen.keys("C-q")
        screen.wait_for("exit status 0")
