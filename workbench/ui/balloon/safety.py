"""The balloon panel's text on ramp and guard, from a snapshot alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.content import Content

from workbench.domain.units import duration, mib
from workbench.ui.common.flow import flow
from workbench.ui.keys.names import key_name

if TYPE_CHECKING:
    from workbench.domain.balloon.safety.guard import Alarm
    from workbench.domain.balloon.safety.protection import Protection
    from workbench.domain.balloon.safety.ramp import Ramping

MUTED = "$foreground-muted"


def panel_title(name: str, protection: Protection) -> Content:
    """The panel's title: the guest, and what protects it."""
    parts = [Content(f"Balloon \u00b7 {name}")]
    if protection.armed:
        parts.append(Content.styled("guard armed", "bold $warning" if protection.blind else "bold $success"))
    if protection.ramp is not None:
        parts.append(Content(f"ramp {protection.ramp}"))
    return Content(" \u00b7 ").join(parts)


def protection_lines(protection: Protection, now: float, width: int) -> Content:
    """What the guard did, and the progress of a ramp; empty when there is neither.

    :param now: Unix time.
    """
    blocks: list[Content] = []
    if protection.alarm is not None:
        blocks.append(_alarm_lines(protection.alarm, width))
    if protection.blind:
        blocks.append(Content.assemble(("guard: ", "bold $warning"), f"cannot watch: {protection.blind}"))
    if protection.ramping is not None:
        blocks.append(_ramp_lines(protection.ramping, now, width, elsewhere=protection.elsewhere))
    if protection.left is not None:
        blocks.append(_left_lines(protection.left, width))
    return Content("\n").join(blocks)


def _alarm_lines(alarm: Alarm, width: int) -> Content:
    return flow(
        [
            Content.assemble(("guard ", "bold $error"), f"gave {mib(alarm.returned)} back at {_clock(alarm.time)}:"),
            Content(alarm.why),
            Content.assemble((key_name("balloon.drop", "esc"), "bold $accent"), (" dismisses it", MUTED)),
        ],
        width,
    )


def _ramp_lines(ramping: Ramping, now: float, width: int, *, elsewhere: bool) -> Content:
    count = len(str(ramping.steps))
    parts = [
        Content.assemble(("ramp to ", MUTED), (mib(ramping.goal), "bold $target")),
        Content(f"step {ramping.step:>{count}} of {ramping.steps}"),
    ]
    if ramping.held:
        parts.append(Content.assemble(("held: ", "$warning"), ramping.held))
    elif ramping.at != ramping.goal:
        parts.append(Content.styled(f"next in {duration(ramping.due(now)):>5}", MUTED))
    if elsewhere:
        parts.append(Content.styled("by another workbench", MUTED))
    else:
        parts.append(Content.assemble((key_name("balloon.drop", "esc"), "bold $accent"), (" stops it here", MUTED)))
    return flow(parts, width)


def _left_lines(left: Ramping, width: int) -> Content:
    return flow(
        [
            Content.assemble(
                ("ramp to ", "$warning"),
                (mib(left.goal), "bold $target"),
                (f" interrupted at {mib(left.at)}, step {left.step} of {left.steps}", "$warning"),
            ),
            Content.assemble((key_name("balloon.go-on", "o"), "bold $accent"), (" continues", MUTED)),
            Content.assemble((key_name("balloon.drop", "esc"), "bold $accent"), (" dismisses it", MUTED)),
        ],
        width,
    )


def _clock(when: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(when))
