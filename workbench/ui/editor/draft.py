"""A profile being edited: its file as last read or written, and what has happened to the file since."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.command_line.checked import ProfileText

GONE = "the file is gone"
CHANGED = "changed on disk"


class Disk(Enum):
    """What the file is, compared with the draft."""

    SAME = auto()
    SAME_TEXT = auto()
    """Touched, or rewritten with the same text."""
    SEEN = auto()
    """Another one, which the user knows about."""
    NEWER = auto()
    """Another one, and the draft has nothing to lose."""
    GONE = auto()
    CONFLICT = auto()
    """Another one, and the draft has unsaved changes."""


class Draft:
    """Knows what leaving or overwriting would lose. The text itself is in the text area."""

    def __init__(self, known: ProfileText, changed: Callable[[], None]) -> None:
        """:param changed: called when what happened to the file is another thing than before."""
        self.known = known
        self.elsewhere = ""
        """What happened to the file on disk since; empty if nothing."""
        self._changed = changed
        self._seen_stamp: tuple[int, ...] = known.stamp
        """The state of the file that the user was last asked about, to ask only once."""
        self._gone = False
        """Whether the file does not exist any more."""
        self._only_here = False
        """Whether the file is gone or unreadable: then this is the only copy of the text."""

    def differs(self, text: str) -> bool:
        """Whether leaving would lose something."""
        return text != self.known.text or self._only_here

    def needs_saving(self, text: str) -> bool:
        """Whether saving would do something: a sample is saved as the user's own copy."""
        return self.differs(text) or bool(self.known.sample or self.elsewhere)

    @property
    def loss(self) -> str:
        """What leaving without saving would lose."""
        if not self._only_here:
            return "The text has unsaved changes."
        why = GONE.capitalize() if self._gone else self.elsewhere
        return f"{why}. This editor has the only copy of the text."

    def take(self, known: ProfileText) -> None:
        """The file has this text now."""
        self.known, self._seen_stamp = known, known.stamp
        self._note("")

    def judge(self, disk: ProfileText, text: str) -> Disk:
        """What the file is to a draft with this text."""
        if disk.stamp == self.known.stamp:
            return Disk.SAME
        if disk.stamp and disk.text == self.known.text:
            return Disk.SAME_TEXT
        if disk.stamp == self._seen_stamp:
            return Disk.SEEN
        if not disk.stamp:
            return Disk.GONE
        return Disk.CONFLICT if self.differs(text) else Disk.NEWER

    def note_same(self) -> None:
        """The file is the known one again."""
        self._note("")

    def note_gone(self) -> None:
        """The file does not exist any more."""
        self._seen_stamp = ()
        self._note(GONE, only_here=True, gone=True)

    def note_unreadable(self, why: str) -> None:
        """The file cannot be read."""
        self._note(why, only_here=True)

    def note_conflict(self, disk: ProfileText) -> None:
        """The user is asked about this version of the file."""
        self._seen_stamp = disk.stamp
        self._note(CHANGED)

    def _note(self, words: str, *, only_here: bool = False, gone: bool = False) -> None:
        if (words, only_here) != (self.elsewhere, self._only_here):
            self.elsewhere, self._only_here, self._gone = words, only_here, gone
            self._changed()
