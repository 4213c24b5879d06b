"""A profile without problems gives a command line that QEMU accepts: what QEMU would reject is found by the check."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from tests.launched import ask, launched
from tests.profile_files import fake_kernel, qcow2
from tests.real import each_qemu
from workbench.domain.host.accelerator import Accelerator
from workbench.engine.host.qemu import qemu_version
from workbench.engine.profiles.checks import Checks
from workbench.engine.profiles.store import parse_text
from workbench.engine.start.plan import launch_of
from workbench.settings import Settings

if TYPE_CHECKING:
    import pytest


def table(**keys: Any) -> st.SearchStrategy[dict[str, Any]]:
    """A table with any of these keys, each with one of its values."""
    choices = {name.replace("_", "-"): one_of(values) for name, values in keys.items()}
    return st.fixed_dictionaries({}, optional=choices)


def one_of(values: Any) -> st.SearchStrategy[Any]:
    return values if isinstance(values, st.SearchStrategy) else st.sampled_from(values)


SWITCH = [False, True]
SLOTS = ["06", "a", "13", "1b", "1d", "1e"]
CDROM = table(file=["raw.img"], cache=["none", "unsafe"]).map(lambda disk: {"media": "cdrom", **disk})
DISK = table(
    read_only=SWITCH,
    cache=["none", "writeback", "writethrough", "directsync", "unsafe"],
    discard=["unmap", "ignore"],
    serial=["a", "S" * 20, "T" * 21, ",x=y " * 7],
)
CARD = st.one_of(
    table(
        backend=["user"],
        slot=SLOTS,
        forward=[["tcp:127.0.0.1:39871-:22"], ["udp::39872-10.0.2.15:53", "tcp::39873-:1"]],
    ),
    table(mac=["52:54:00:00:00:01", "02:00:00:00:00:02"], id=["a", "b.c-d_e"]).map(
        lambda net: {"backend": "none", **net}
    ),
)
PORT = st.one_of(
    table(backend=["socket", "pty", "null"]),
    st.just({"kind": "agent"}),
    st.just({"kind": "port", "name": "x.y", "backend": "file", "path": "out"}),
)
PROFILES = table(
    machine=["q35", "pc", "pc-q35-7.2", "pc-i440fx-6.2"],
    root_ports=[0, 1, 8],
    machine_options=table(hpet=["on", "off"], usb=["on"], smm=["off"], vmport=["off"], graphics=["off"]),
    cpu=table(
        model=["max", "qemu64", "EPYC", "Skylake-Client"],
        features=[["+pdpe1gb"], ["-apic"], ["-svm", "+avx"], ["-nx"]],
        count=[1, 2, 4, 8, 32],
        cores=[1, 2, 4],
        threads=[1, 2],
    ),
    tcg=table(threads=["single", "multi"], buffer=["1M", "64M"]),
    memory=table(
        size=["16M", "64M", "100M", "2G"],
        share=SWITCH,
        maximum=["3G", "5000M"],
        slots=[1, 4, 256],
        virtio_mem=st.builds(
            lambda size, more: {"size": size, **more},
            st.sampled_from(["2M", "6M", "128M", "512M"]),
            table(requested=["2M", "4M", "64M"], block=["2M", "4M", "128M"]),
        ),
    ),
    boot=st.builds(
        lambda kernel, order: {**kernel, **order},
        st.sampled_from([{}, {"kernel": "vmlinuz", "initrd": "raw.img", "cmdline": "a=b,,c d"}]),
        table(order=[["disk", "cdrom", "net"], ["net"], ["cdrom"]]),
    ),
    firmware=[{"type": "uefi", "code": "code.fd", "vars": "vars.fd"}],
    net=st.one_of(st.just(False), st.lists(CARD, max_size=8)),
    scsi=st.lists(
        st.builds(
            lambda disks, more: {"disk": disks, **more},
            st.lists(st.one_of(DISK, CDROM), max_size=3),
            table(iothread=SWITCH, queues=[1, 7, 1022], slot=SLOTS),
        ),
        max_size=4,
    ),
    balloon=st.one_of(
        st.just(False),
        table(
            deflate_on_oom=SWITCH,
            free_page_reporting=SWITCH,
            page_poison=SWITCH,
            free_page_hint=SWITCH,
            statistics=[0, 3600],
            slot=SLOTS,
        ),
    ),
    serial=st.lists(PORT, max_size=31),
    rng=st.one_of(
        st.just(False), st.lists(table(source=["/dev/zero", "raw.img"], max_bytes=[1, "1G", 2**63 - 1]), max_size=3)
    ),
    display=table(card=["std", "virtio"]),
    qemu=table(reserve=[1, 16]),
)


@each_qemu()
@given(document=PROFILES)
@settings(
    deadline=None,
    max_examples=50,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_what_has_no_problem_starts(qemu: str, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_QEMU", qemu)
    with tempfile.TemporaryDirectory(prefix="wb-") as top:
        asyncio.run(start(qemu, Path(top), document))


async def start(qemu: str, directory: Path, document: dict[str, Any]) -> None:
    make_files(directory, document)
    settings = Settings(profiles_option=directory, state_option=directory)
    text = tomli_w.dumps(document)
    loaded = parse_text(directory / "state.toml", text, name="state", file="state.toml")
    (problems,) = Checks(settings, Accelerator("tcg", "")).problems([loaded])
    assume(not problems)
    assert loaded.profile is not None
    planned = launch_of(loaded, loaded.profile, settings, qemu, qemu_version(qemu)[:2], "tcg")
    async with launched(loaded.profile, planned) as monitor:
        assert (await ask(monitor, "query-status"))["status"] == "prelaunch", text


def make_files(directory: Path, document: dict[str, Any]) -> None:
    """Those that a profile names, and an image of its own for each disk."""
    (directory / "state").mkdir()
    fake_kernel(directory / "vmlinuz")
    for name, size in (("raw.img", 1 << 20), ("code.fd", 1 << 20), ("vars.fd", 1 << 18)):
        (directory / name).write_bytes(bytes(size))
    disks = [disk for scsi in document.get("scsi", ()) for disk in scsi["disk"] if "media" not in disk]
    for number, disk in enumerate(disks):
        disk["file"] = f"disk{number}"
        qcow2(directory / disk["file"])
