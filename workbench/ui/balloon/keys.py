"""The balloon panel's keys. Each has an id, by which a user can move it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

from workbench.domain.units import MIB

if TYPE_CHECKING:
    from textual.binding import BindingType

SMALL_STEP = 16 * MIB
LARGE_STEP = 128 * MIB

BALLOON_KEYS: list[BindingType] = [
    Binding("minus", f"stage({-SMALL_STEP})", "Less", id="balloon.less", tooltip="Stage a target 16 MiB lower"),
    Binding(
        "plus,equals_sign",
        f"stage({SMALL_STEP})",
        "More",
        id="balloon.more",
        tooltip="Stage a target 16 MiB higher",
    ),
    Binding(
        "left_square_bracket",
        f"stage({-LARGE_STEP})",
        "\u2212128M",
        id="balloon.much-less",
        tooltip="Stage a target 128 MiB lower",
        show=False,
    ),
    Binding(
        "right_square_bracket",
        f"stage({LARGE_STEP})",
        "+128M",
        id="balloon.much-more",
        tooltip="Stage a target 128 MiB higher",
        show=False,
    ),
    *(
        Binding(
            str(tenth),
            f"stage_tenth({tenth})",
            f"{tenth}0%",
            id=f"balloon.tenth-{tenth}",
            tooltip=f"Stage {tenth}0 % of the guest's RAM",
            show=False,
        )
        for tenth in range(1, 10)
    ),
    Binding("t", "type", "Type", id="balloon.type", tooltip="Type a target: 256M, 50%, +64M, max"),
    Binding("enter", "send", "Send", id="balloon.send", tooltip="Send the staged target to the guest"),
    Binding(
        "escape",
        "drop",
        "Drop",
        id="balloon.drop",
        tooltip="Drop the staged target; then stop a ramp at its step; then dismiss what the guard did",
        show=False,
    ),
    Binding("p", "presets", "Presets", id="balloon.presets", tooltip="Choose a target that the profile names"),
    Binding("u", "undo", "Undo", id="balloon.undo", tooltip="Go back to the previous target"),
    Binding("U", "redo", "Redo", id="balloon.redo", tooltip="Send the target that was undone again", show=False),
    Binding(
        "a",
        "send_again",
        "Again",
        id="balloon.again",
        tooltip="Send the present target again, after the guest took memory back",
        show=False,
    ),
    Binding("m", "give_all", "Max", id="balloon.max", tooltip="Give the guest all its RAM back"),
    Binding("l", "live", "Live", id="balloon.live", tooltip="Send each staged target at once, or stop doing so"),
    Binding("r", "ramp", "Ramp", id="balloon.ramp", tooltip="Large inflations in steps, or at once", show=False),
    Binding("G", "guard", "Guard", id="balloon.guard", tooltip="Arm the guard, or disarm it", show=False),
    Binding("o", "go_on", "Go on", id="balloon.go-on", tooltip="Go on with a ramp that was left at a step", show=False),
    Binding(
        "v",
        "path",
        "Path",
        id="balloon.path",
        tooltip="Show a target's way through QEMU and the guest; again: the plot",
    ),
    Binding(
        "f",
        "ledger",
        "Ledger",
        id="balloon.ledger",
        tooltip="Show the whole ledger, in MiB and pages, in place of the plot; again: the plot",
        show=False,
    ),
]
