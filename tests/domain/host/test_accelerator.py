from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.host.accelerator import Processor, read_cpuinfo, tcg_by_cpu

INTEL = "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vme vmx sse\nvmx flags\t: vnmi ept\nbugs\t\t: l1tf\n"


def test_the_flags_of_the_first_cpu() -> None:
    processor = read_cpuinfo(INTEL)
    assert processor.flags == {"fpu", "vme", "vmx", "sse"}
    assert processor.virtualizes
    assert not processor.guest


def test_the_line_of_vmx_flags_is_another_one() -> None:
    assert not read_cpuinfo("vmx flags\t: vmx svm\nflags\t\t: fpu\n").virtualizes


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    read_cpuinfo(text)


@pytest.mark.parametrize("flag", ["vmx", "svm"])
def test_a_cpu_that_virtualizes_rules_nothing_out(flag: str) -> None:
    assert tcg_by_cpu(Processor(frozenset({flag, "hypervisor"})), "x86_64") is None


def test_a_guest_without_nesting_gets_advice_on_nesting() -> None:
    chosen = tcg_by_cpu(Processor(frozenset({"hypervisor"})), "x86_64")
    assert chosen is not None
    assert (chosen.name, chosen.reason) == ("tcg", "no vmx or svm here")
    assert "enable nested virtualization" in chosen.advice


def test_bare_metal_gets_advice_on_its_firmware() -> None:
    chosen = tcg_by_cpu(Processor(frozenset()), "x86_64")
    assert chosen is not None
    assert "firmware" in chosen.advice
    assert "nesting" not in chosen.advice


def test_another_machine_cannot_run_x86_on_its_kvm() -> None:
    chosen = tcg_by_cpu(Processor(frozenset({"vmx"})), "aarch64")
    assert chosen is not None
    assert chosen.name == "tcg"
    assert "aarch64" in chosen.reason
