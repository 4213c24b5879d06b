"""Which modules the demo guest loads, and in which order."""

from __future__ import annotations

import gzip
import lzma
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.demo import elf
from workbench.engine.demo.modules import NEEDED, depends, ordered_modules, read_module
from workbench.errors import HostError

if TYPE_CHECKING:
    from pathlib import Path


def tree_of(tmp_path: Path, builtin: str | None = "", **modules: bytes) -> Path:
    """A kernel's directory with modules; each needed one that is not given is built in."""
    tree = tmp_path / "6.1.0-test"
    drivers = tree / "kernel/drivers"
    drivers.mkdir(parents=True)
    for name, image in modules.items():
        (drivers / f"{name}.ko").write_bytes(image)
    if builtin is not None:
        inside = [f"kernel/drivers/{name}.ko" for name in NEEDED if name not in modules]
        (tree / "modules.builtin").write_text("\n".join([*inside, builtin]))
    return tree


def names(tree: Path) -> list[str]:
    return [module.name for module in ordered_modules(tree)]


def test_each_module_comes_after_all_that_it_needs(tmp_path: Path) -> None:
    tree = tree_of(
        tmp_path,
        virtio=elf.module("virtio_ring"),
        virtio_ring=elf.module(),
        virtio_pci=elf.module("virtio_pci_modern_dev", "virtio", "virtio_ring"),
        virtio_pci_modern_dev=elf.module(),
        virtio_net=elf.module("net_failover", "virtio"),
        net_failover=elf.module("failover"),
        failover=elf.module(),
        unrelated=elf.module(),
    )
    assert names(tree) == [
        "virtio_pci_modern_dev",
        "virtio_ring",
        "virtio",
        "virtio_pci",
        "failover",
        "net_failover",
        "virtio_net",
    ]


def test_a_file_with_hyphens_is_a_module_with_underscores(tmp_path: Path) -> None:
    tree = tree_of(tmp_path)
    (tree / "virtio-rng.ko").write_bytes(elf.module("rng-core"))
    (tree / "rng-core.ko").write_bytes(elf.module())
    assert names(tree) == ["rng_core", "virtio_rng"]


def test_modules_that_need_each_other_end(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, virtio_pci=elf.module("virtio"), virtio=elf.module("virtio_pci"))
    assert sorted(names(tree)) == ["virtio", "virtio_pci"]


def test_a_kernel_with_everything_built_in_loads_nothing(tmp_path: Path) -> None:
    assert names(tree_of(tmp_path)) == []


def test_a_kernel_without_a_needed_driver_is_refused_by_name(tmp_path: Path) -> None:
    tree = tree_of(tmp_path)
    lines = (tree / "modules.builtin").read_text().splitlines()
    (tree / "modules.builtin").write_text("\n".join(line for line in lines if "balloon" not in line))
    with pytest.raises(HostError, match=r"6\.1\.0-test has no virtio_balloon"):
        ordered_modules(tree)


def test_without_a_list_of_what_is_built_in_the_guest_may_try(tmp_path: Path) -> None:
    assert names(tree_of(tmp_path, builtin=None, virtio_pci=elf.module())) == ["virtio_pci"]


@pytest.mark.parametrize(("suffix", "compress"), [(".ko", bytes), (".ko.xz", lzma.compress), (".ko.gz", gzip.compress)])
def test_compressed_modules_are_unpacked(tmp_path: Path, suffix: str, compress: type[bytes]) -> None:
    tree = tree_of(tmp_path)
    (tree / f"button{suffix}").write_bytes(compress(elf.module()))
    assert [(module.name, module.image) for module in ordered_modules(tree)] == [("button", elf.module())]


@pytest.mark.skipif(shutil.which("zstd") is None, reason="no zstd on this host")
def test_modules_compressed_with_zstd_are_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "button.ko.zst"
    subprocess.run(["zstd", "-q", "-o", path], input=elf.module(), check=True)
    assert read_module(path) == elf.module()


def test_without_the_zstd_tool_the_message_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "button.ko.zst").write_bytes(b"")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="zstd is not installed") as caught:
        read_module(tmp_path / "button.ko.zst")
    assert caught.value.hint == "sudo apt-get install zstd"


@pytest.mark.parametrize("suffix", [".xz", ".gz", *([".zst"] if shutil.which("zstd") else [])])
def test_a_damaged_module_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"button.ko{suffix}"
    path.write_bytes(b"garbage")
    with pytest.raises(HostError, match=path.name):
        read_module(path)


def test_a_file_that_is_not_a_module_is_rejected() -> None:
    with pytest.raises(HostError, match="damaged, or not a module"):
        depends(elf.program())


@given(st.binary(max_size=300), st.integers(0, 400))
def test_damage_gives_an_error_and_never_a_crash(noise: bytes, at: int) -> None:
    image = bytearray(elf.module("virtio"))
    image[at : at + len(noise)] = noise
    try:
        found = depends(bytes(image))
    except HostError:
        return
    assert all(isinstance(name, str) for name in found)
