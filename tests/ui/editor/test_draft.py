"""What the file is to a draft, without a screen: nothing unsaved is ever replaced, and each version is asked about once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from workbench.domain.command_line.checked import ProfileText
from workbench.ui.editor.draft import CHANGED, GONE, Disk, Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

KNOWN = ProfileText("mine", "/profiles/mine.toml", "a", (1,))


class Editor:
    """A draft with its text, and a file that another program may write."""

    def __init__(self, known: ProfileText = KNOWN) -> None:
        self.shown = 0
        self.draft = Draft(known, self.show)
        self.text = known.text
        self.disk = known
        self.stamp = 1
        self.questions: list[ProfileText] = []

    def show(self) -> None:
        self.shown += 1

    def write(self, text: str) -> None:
        """Another program writes the file."""
        self.stamp += 1
        self.disk = replace(self.disk, text=text, stamp=(self.stamp,))

    def delete(self) -> None:
        self.disk = replace(self.disk, text="", stamp=())

    def look(self) -> Disk:
        """As the watch of the disk does; questions are cancelled."""
        found = self.draft.judge(self.disk, self.text)
        match found:
            case Disk.SAME:
                self.draft.note_same()
            case Disk.SAME_TEXT:
                self.draft.take(self.disk)
            case Disk.NEWER:
                self.text = self.disk.text
                self.draft.take(self.disk)
            case Disk.GONE:
                self.draft.note_gone()
            case Disk.CONFLICT:
                self.draft.note_conflict(self.disk)
                self.questions.append(self.disk)
            case Disk.SEEN:
                pass
        return found


STEPS = st.one_of(
    st.tuples(st.just("edit"), st.sampled_from("abc")),
    st.tuples(st.just("write"), st.sampled_from("abc")),
    st.just(("delete", "")),
    st.just(("look", "")),
)


@given(st.lists(STEPS, max_size=20))
def test_what_was_typed_is_never_replaced_and_nothing_is_asked_twice(steps: Sequence[tuple[str, str]]) -> None:
    editor = Editor()
    for step, text in steps:
        before = editor.text, editor.draft.differs(editor.text)
        if step == "edit":
            editor.text = text
        elif step == "write":
            editor.write(text)
        elif step == "delete":
            editor.delete()
        else:
            editor.look()
            assert not before[1] or editor.text == before[0], "unsaved text"
            assert editor.look() in (Disk.SAME, Disk.SEEN), "settled"
    assert len({one.stamp for one in editor.questions}) == len(editor.questions)


@given(st.lists(STEPS, max_size=20))
def test_leaving_without_a_question_loses_nothing_that_was_not_asked_about(steps: Sequence[tuple[str, str]]) -> None:
    editor = Editor()
    for step, text in [*steps, ("look", "")]:
        if step == "edit":
            editor.text = text
        elif step == "look":
            editor.look()
        else:
            editor.write(text) if step == "write" else editor.delete()
    if not editor.draft.differs(editor.text) and editor.disk not in editor.questions:
        assert (editor.disk.text, bool(editor.disk.stamp)) == (editor.text, True)


def test_a_file_that_is_gone_leaves_the_only_copy_here() -> None:
    editor = Editor()
    assert not editor.draft.differs("a")
    editor.delete()
    assert editor.look() is Disk.GONE
    assert editor.draft.differs("a")
    assert editor.draft.elsewhere == GONE
    assert editor.draft.loss == "The file is gone. This editor has the only copy of the text."
    editor.disk = KNOWN
    assert editor.look() is Disk.SAME
    assert editor.draft.elsewhere == ""
    assert not editor.draft.differs("a")


def test_a_file_that_cannot_be_read_leaves_the_only_copy_here() -> None:
    draft = Editor().draft
    draft.note_unreadable("cannot read mine.toml any more: Permission denied")
    assert draft.differs("a")
    assert draft.loss.startswith("cannot read mine.toml any more: Permission denied. This editor has the only copy")


def test_another_version_is_read_unless_something_would_be_lost() -> None:
    editor = Editor()
    editor.write("b")
    assert editor.look() is Disk.NEWER
    editor.text = "mine"
    editor.write("c")
    assert editor.look() is Disk.CONFLICT
    assert editor.draft.elsewhere == CHANGED
    assert editor.look() is Disk.SEEN
    assert editor.draft.loss == "The text has unsaved changes."
    editor.write("b")
    assert editor.look() is Disk.SAME_TEXT, "the other program took it back"
    assert editor.draft.elsewhere == ""


@pytest.mark.parametrize(
    ("known", "text", "saves"),
    [(KNOWN, "a", False), (KNOWN, "b", True), (replace(KNOWN, stamp=(), sample="/samples/mine.toml"), "a", True)],
)
def test_a_sample_can_be_saved_unchanged(known: ProfileText, text: str, *, saves: bool) -> None:
    assert Editor(known).draft.needs_saving(text) is saves


def test_a_conflict_can_be_saved_away() -> None:
    editor = Editor()
    editor.text = "b"
    editor.write("c")
    editor.look()
    editor.text = "a"
    assert editor.draft.needs_saving("a"), "the file is another one"


def test_only_news_are_shown() -> None:
    editor = Editor()
    editor.look()
    assert editor.shown == 0
    editor.delete()
    editor.look()
    editor.look()
    assert editor.shown == 1
    editor.draft.take(KNOWN)
    assert editor.shown == 2
