"""The workbench's two themes, and the colours of the series in every other theme.

Each series has the same colour everywhere: target amber, actual blue, host resident violet, guest available teal. Green
and red are for states.
"""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="workbench-dark",
    dark=True,
    primary="#4ea1f3",
    secondary="#a58cf0",
    accent="#f5b14c",
    warning="#f5b14c",
    error="#ef6b73",
    success="#69c08a",
    background="#0f1216",
    surface="#15191f",
    panel="#1c222a",
    foreground="#d6dbe2",
    variables={"available": "#3fc7bf"},
)

LIGHT = Theme(
    name="workbench-light",
    dark=False,
    primary="#0b62b8",
    secondary="#6b4bc6",
    accent="#9a5b00",
    warning="#9a5b00",
    error="#b3261e",
    success="#1c7a43",
    background="#f6f7f9",
    surface="#ffffff",
    panel="#e8ebf0",
    foreground="#1c2330",
    variables={"available": "#007a78"},
)

SERIES = {"target": "warning", "actual": "primary", "resident": "secondary"}
"""The theme colour of each series: ``$target``, ``$actual`` and ``$resident`` in the stylesheets."""
AVAILABLE = "#2aa198"
"""``$available`` in other themes, which have no role for a fourth line; readable on dark and light."""


def series_variables(colours: dict[str, str]) -> dict[str, str]:
    """``$target`` and the others, for the current theme."""
    return {"available": colours.get("available", AVAILABLE), **{name: colours[role] for name, role in SERIES.items()}}
