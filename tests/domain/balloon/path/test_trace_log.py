"""Lines of QEMU's trace log, as different versions write them, and as nothing writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon.path.trace_log import COMMAND, EVENTS, READ, TARGET, WRITTEN, Sieve, TraceLine, parse_line

PAGES = st.integers(0, 2**32 - 1)
MICROS = st.integers(0, 4_000_000_000_000_000)

RECORDED = [
    (  # 7.2.22
        "11591@1795480531.976822:virtio_balloon_get_config num_pages: 1024 actual: 0",
        TraceLine(READ, 1795480531_976822, 11591, (1024, 0)),
    ),
    (
        "11588@1795480531.976347:virtio_balloon_to_target balloon target: 0x1fc00000 num_pages: 1024",
        TraceLine(TARGET, 1795480531_976347, 11588, (508 << 20, 1024)),
    ),
    (
        "11588@1795480531.976147:balloon_event opaque 0x5583e6676e60 addr 532676608",
        TraceLine(COMMAND, 1795480531_976147, 11588, (508 << 20,)),
    ),
    (  # 10.0.13
        "12539@1795480627.917129:virtio_balloon_set_config actual: 256 oldactual: 0",
        TraceLine(WRITTEN, 1795480627_917129, 12539, (256, 0)),
    ),
    (  # 11.1.3
        "2026-11-24T00:37:14.819604Z virtio_balloon_get_config num_pages: 512 actual: 0",
        TraceLine(READ, 1795480634_819604, None, (512, 0)),
    ),
    (  # either, without -msg timestamp=on
        "virtio_balloon_set_config actual: 512 oldactual: 256",
        TraceLine(WRITTEN, None, None, (512, 256)),
    ),
    (  # 2**31 pages and more: the format is %d
        "1@1.000000:virtio_balloon_get_config num_pages: -2147483648 actual: -1",
        TraceLine(READ, 1_000000, 1, (2**31, 2**32 - 1)),
    ),
]


@pytest.mark.parametrize(("text", "line"), RECORDED)
def test_lines_that_qemu_wrote(text: str, line: TraceLine) -> None:
    assert parse_line(text) == line
    assert parse_line(f"{text}\r\n") == line


@pytest.mark.parametrize(
    "text",
    [
        "",
        "virtio_balloon_get_config",
        "11591@1795480531.976822:virtio_balloon_get_config num_pages: 1024 act",
        "11591@1795480531.976822:virtio_balloon_handle_output section name: ram0 gpa: 0x1f000000",
        "11591@1795480531.9768:virtio_balloon_set_config actual: 1 oldactual: 0",
        "2026-99-24T00:37:14.819604Z virtio_balloon_set_config actual: 1 oldactual: 0",
        "qemu-system-x86_64: warning: Couldn't MADV_WILLNEED on balloon deflate",
    ],
)
def test_what_is_none_of_its_lines(text: str) -> None:
    assert parse_line(text) is None


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    line = parse_line(text)
    assert line is None or line.event


@given(MICROS, st.integers(1, 2**22), PAGES, PAGES)
def test_a_line_says_what_was_put_into_it(at: int, thread: int, first: int, second: int) -> None:
    seconds, micros = divmod(at, 1_000_000)
    signed = [number - 2**32 if number >= 2**31 else number for number in (first, second)]
    text = f"{thread}@{seconds}.{micros:06}:virtio_balloon_get_config num_pages: {signed[0]} actual: {signed[1]}"
    assert parse_line(text) == TraceLine(READ, at, thread, (first, second))
    assert parse_line(text[: len(text) - len(str(signed[1])) - 1]) is None, "cut short"


@given(st.lists(st.sampled_from(["guest", "look"]), max_size=20), st.booleans())
def test_the_monitors_own_looks_are_left_out(order: list[str], threads: bool) -> None:
    """An ``xp`` of two words is two reads, in the main thread, or between the events around an HMP command."""
    sieve = Sieve(main_thread=100)
    guest = "101@1.000000:" if threads else "2026-11-24T00:00:00.000000Z "
    main = "100@1.000000:" if threads else "2026-11-24T00:00:00.000000Z "
    read = "virtio_balloon_get_config num_pages: 1 actual: 0"
    look = [f"{main}{read}"] * 2
    if not threads:
        look = [
            f'{main}qmp_enter_human_monitor_command {{"command-line": "xp"}}',
            *look,
            f"{main}qmp_exit_human_monitor_command x 1",
        ]
    texts = [text for who in order for text in ([f"{guest}{read}"] if who == "guest" else look)]
    assert len([text for text in texts if sieve.take(text)]) == order.count("guest")


def test_the_event_of_each_page_is_never_among_them() -> None:
    assert not any("handle_output" in name for name in EVENTS)
