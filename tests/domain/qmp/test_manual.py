"""QEMU's manual page, read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.qmp.manual import Paragraph, Shape, plain, read_manual

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
.SS If
.sp
\fBdefined(CONFIG_X)\fP.SS \fBstop\fP (Command)
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


NEWER = r"""
.SH MACHINE
.INDENT 0.0
.TP
.B Command balloon (Since: 0.14)
Ask the driver for
another size.
.INDENT 7.0
.TP
.B Arguments
.INDENT 7.0
.IP \(bu 2
\fBvalue\fP (\fBint\fP) \-\- the size
in bytes
.IP \(bu 2
\fBmore\fP (\fB[\fP\fBstring\fP\fB]\fP, \fIoptional\fP) \-\-
.sp
not there
.UNINDENT
.TP
.B Errors
.INDENT 7.0
.IP \(bu 2
Without a driver, DeviceNotActive
.UNINDENT
.UNINDENT
.sp
\fBCAUTION:\fP
.INDENT 7.0
.INDENT 3.5
It may fail.
.IP "Example:"
.EX
\-> { \(dqexecute\(dq: \(dqballoon\(dq }
.EE
.UNINDENT
.UNINDENT
.UNINDENT
.sp
Not of the command.
.INDENT 0.0
.TP
.B Event STOP
Nor this.
.UNINDENT
.INDENT 0.0
.TP
.B Command query\-x
Tell x.
.TP
.B Command query\-y (Since: 10.1)
Tell y.
.SS A section
Nor this.
.UNINDENT
"""


def test_the_page_of_newer_qemu_is_read_as_well() -> None:
    page = read_manual(NEWER)
    assert list(page) == ["balloon", "query-x", "query-y"]
    assert page["query-x"] == (Paragraph(Shape.TEXT, "Tell x."),)
    assert [one.text for one in page["query-y"]] == ["Tell y.", "Since", "10.1"]
    assert page["balloon"] == (
        Paragraph(Shape.TEXT, "Ask the driver for another size."),
        Paragraph(Shape.HEADING, "Arguments"),
        Paragraph(Shape.TERM, "value (int)"),
        Paragraph(Shape.TEXT, "the size in bytes", 4),
        Paragraph(Shape.TERM, "more ([string], optional)"),
        Paragraph(Shape.TEXT, "not there", 4),
        Paragraph(Shape.HEADING, "Errors"),
        Paragraph(Shape.TEXT, "\N{BULLET} Without a driver, DeviceNotActive"),
        Paragraph(Shape.TEXT, "CAUTION:"),
        Paragraph(Shape.TEXT, "It may fail."),
        Paragraph(Shape.HEADING, "Example"),
        Paragraph(Shape.CODE, '-> { "execute": "balloon" }', 2),
        Paragraph(Shape.HEADING, "Since"),
        Paragraph(Shape.TEXT, "0.14"),
    )


def test_escapes() -> None:
    assert plain(r"\fBa\fP \(dqb\(dq\- it\(aqs \e") == 'a "b"- it\'s \\'


HEADS = ".SS \\fBx\\fP (Command)\n", ".TP\n.B Command x (Since: 1)\n"


@given(st.builds(str.__add__, st.sampled_from(("", *HEADS)), st.text() | st.text('\\.fBSHITPNDEUnfi \n"()-')))
def test_any_page_is_read_without_fail(page: str) -> None:
    read_manual(page)
