"""QEMU's manual page, read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.manual import Paragraph, Shape, plain, read_manual

PAGE = r"""
.TH "QEMU-QMP-REF" "7" "2026" "7.2" "QEMU"
.SH MACHINE
.SS \fBballoon\fP (Command)
.sp
Request the balloon driver
to change its balloon size.
.SS Arguments
.INDENT 0.0
.TP
.B \fBvalue\fP: \fBint\fP
the target logical size
.INDENT 7.0
.INDENT 3.5
logical_vm_size = vm_ram_size \- balloon_size
.UNINDENT
.UNINDENT
.UNINDENT
.SS Returns
.INDENT 0.0
.IP \(bu 2
Nothing on success
.UNINDENT
.SS Example
.nf
.ft C
\-> { \(dqexecute\(dq: \(dqballoon\(dq }
.ft P
.fi
.SS \fBBalloonInfo\fP (Object)
.sp
Not of a command.
.SS \fBstop\fP (Command)
.sp
Stop all guest VCPU execution.
.SH NEXT
"""


def test_each_command_has_its_paragraphs() -> None:
    page = read_manual(PAGE)
    assert list(page) == ["balloon", "stop"]
    assert page["stop"] == (Paragraph(Shape.TEXT, "Stop all guest VCPU execution."),)
    assert page["balloon"] == (
        Paragraph(Shape.TEXT, "Request the balloon driver to change its balloon size."),
        Paragraph(Shape.HEADING, "Arguments"),
        Paragraph(Shape.TERM, "value: int"),
        Paragraph(Shape.TEXT, "the target logical size", 4),
        Paragraph(Shape.TEXT, "logical_vm_size = vm_ram_size - balloon_size", 4),
        Paragraph(Shape.HEADING, "Returns"),
        Paragraph(Shape.TEXT, "\N{BULLET} Nothing on success"),
        Paragraph(Shape.HEADING, "Example"),
        Paragraph(Shape.CODE, '-> { "execute": "balloon" }', 2),
    )


def test_escapes() -> None:
    assert plain(r"\fBa\fP \(dqb\(dq\- it\(aqs \e") == 'a "b"- it\'s \\'


@given(st.text() | st.text('\\.fBSHITPNDEUnfi \n"()-').map(lambda text: f".SS \\fBx\\fP (Command)\n{text}"))
def test_any_page_is_read_without_fail(page: str) -> None:
    read_manual(page)
