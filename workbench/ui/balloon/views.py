"""Which view the balloon panel shows: plot and ledger, the full ledger alone, or a target's path."""

from __future__ import annotations


class ViewChoice:
    """The plot with the ledger at first. The path covers either of the other two, and uncovers it again."""

    def __init__(self) -> None:
        self.path = False
        """Whether the path is shown."""
        self.alone = False
        """Whether the ledger is shown in place of the plot, now or once the path is closed."""

    def toggle_path(self) -> None:
        """Switch between the path and what it covers."""
        self.path = not self.path

    def toggle_ledger(self) -> None:
        """Switch between the full ledger and the plot; from the path, to the full ledger."""
        self.alone = self.path or not self.alone
        self.path = False

    @property
    def plot(self) -> bool:
        """Whether this is the first view."""
        return not (self.path or self.alone)

    def back(self) -> None:
        """Leave the path, otherwise the full ledger."""
        if self.path:
            self.path = False
        else:
            self.alone = False
