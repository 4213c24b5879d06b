"""The balloon panel's keys. Each has an id for keys.toml."""

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
    Binding("enter", "send", "Send", id="balloon.send", tooltip="Send the staged target"),
    Binding(
        "escape",
        "drop",
        "Discard",
        id="balloon.drop",
        tooltip="Discard the staged target; otherwise stop a ramp at its step, then dismiss the guard's message",
        show=False,
    ),
    Binding("p", "presets", "Presets", id="balloon.presets", tooltip="Choose one of the profile's targets"),
    Binding("u", "undo", "Undo", id="balloon.undo", tooltip="Back to the previous target"),
    Binding("U", "redo", "Redo", id="balloon.redo", tooltip="Send the undone target again", show=False),
    Binding(
        "a",
        "send_again",
        "Again",
        id="balloon.again",
        tooltip="Send the current target again, after the guest took memory back",
        show=False,
    ),
    Binding("m", "give_all", "Max", id="balloon.max", tooltip="Give the guest all its RAM back"),
    Binding("l", "live", "Live", id="balloon.live", tooltip="Live mode on or off: send each staged target at once"),
    Binding(
        "r",
        "ramp",
        "Ramp",
        id="balloon.ramp",
        tooltip="Ramp on or off: large inflations in steps or at once",
        show=False,
    ),
    Binding("G", "guard", "Guard", id="balloon.guard", tooltip="Arm or disarm the guard", show=False),
    Binding("o", "continue_ramp", "Continue", id="balloon.go-on", tooltip="Continue an interrupted ramp", show=False),
    Binding(
        "v",
        "path",
        "Path",
        id="balloon.path",
        tooltip="Switch between the plot and a target's path through QEMU and the guest",
    ),
    Binding(
        "f",
        "ledger",
        "Ledger",
        id="balloon.ledger",
        tooltip="Switch between the plot and the full ledger, in MiB and pages",
        show=False,
    ),
]
