"""The face: what a user does with one block from a script or a notebook."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

import nomul
from nomul import registry
from nomul.flow import Design, Result
from nomul.golden import lfsr, sotfp


def test_dir_shows_what_a_user_needs():
    estimators = ["LutClassifier", "LutRegressor"]
    assert dir(nomul) == [*estimators, "__version__", "blocks", "design", "quantise"]


def test_nothing_heavy_is_loaded_before_it_is_needed():
    """In a fresh interpreter: a model needs numpy, and no description language or simulator."""
    script = (
        "import sys, nomul\n"
        "light = {'numpy', 'amaranth', 'cocotb', 'pyosys', 'typer'} & sys.modules.keys()\n"
        "states = nomul.design('lfsr', width=4, seed=1).model(n=3)\n"
        "assert list(states) == [1, 2, 4]\n"
        "repr(nomul.blocks())\n"
        "print(light, {'amaranth', 'cocotb', 'pyosys', 'typer'} & sys.modules.keys())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.stdout == "set() set()\n", done.stderr


def test_blocks_show_themselves():
    blocks = nomul.blocks()
    assert list(blocks) == list(registry.BLOCKS)
    assert "lfsr        part      Leap-forward linear-feedback shift register" in repr(blocks)
    assert blocks._repr_html_().count("<tr>") == len(blocks)
    blocks.clear()
    assert nomul.blocks()


@pytest.mark.parametrize("name", registry.BLOCKS)
def test_a_design_of_any_block_has_its_configuration_and_its_face(name):
    design = nomul.design(name)
    assert design.cfg == design.block.config().preset(design.block.first_preset)
    assert repr(design) == f"<{name} {design.preset}>"
    assert design.block.title in design._repr_html_().replace("&#x27;", "'")
    assert all(field in design._repr_html_() for field in design.cfg.names())
    assert str(design.folder) == f"build/{name}/{design.preset}"


def test_settings_go_on_top_of_the_preset():
    design = nomul.design("lfsr", "leap", seed=7)
    assert design.cfg == lfsr.Config.preset("leap", seed=7)
    assert repr(design) == "<lfsr leap seed=7>"
    text = Design.parse("lfsr", "leap", ["seed=7"])
    assert (text.cfg, repr(text)) == (design.cfg, repr(design))


@pytest.mark.parametrize(
    ("arguments", "settings", "kind", "message"),
    [
        (("lsfr",), {}, ValueError, "there is no block 'lsfr'; there are lfsr, essop"),
        (("lfsr", "paper"), {}, ValueError, "'paper'"),
        (("lfsr",), {"widht": 4}, TypeError, "lfsr has no parameter 'widht'; it has width"),
        (("lfsr",), {"width": 2}, ValueError, r"lfsr.width must be in 3\.\.32, not 2"),
        (("lfsr",), {"width": "4"}, TypeError, "lfsr.width must be an integer, not '4'"),
        ((3,), {}, TypeError, "the name of a block is text, not 3"),
    ],
)
def test_errors_name_the_alternatives(arguments, settings, kind, message):
    with pytest.raises(kind, match=message):
        nomul.design(*arguments, **settings)


@pytest.mark.parametrize(
    ("name", "given", "kind", "message"),
    [
        ("lfsr", {"n": "x"}, TypeError, "n must be an integer, not 'x'"),
        ("lfsr", {"n": 2.0}, TypeError, "n must be an integer, not 2.0"),
        ("lfsr", {"n": -1}, ValueError, "n must be 0 or more, not -1"),
        ("bitstream", {"n": True}, TypeError, "n must be an integer, not True"),
        ("lfsr", {"m": 3}, TypeError, "lfsr.model takes n, before: .*'m'|lfsr.model takes n, befo"),
        ("popcount", {"x": "a"}, TypeError, "x must be integers, not <U1"),
        ("popcount", {"x": [[0.5] * 7]}, TypeError, r"x must be integers, not 0\.5"),
        ("popcount", {"x": [[float("nan")] * 7]}, TypeError, "x must be integers, not nan"),
        ("compressor", {"x": [[1], [1, 0]]}, ValueError, "x must be an array: its rows are of"),
        ("skid", {"x": [2**64 - 1]}, ValueError, "x must fit 64 bits signed"),
        ("pow2", {"v": None}, TypeError, "v must be integers, not object"),
    ],
)
def test_a_model_says_what_it_cannot_take(name, given, kind, message):
    with pytest.raises(kind, match=message):
        nomul.design(name).model(**given)


def test_a_seed_is_an_integer(tmp_path):
    design = nomul.design("lfsr")
    with pytest.raises(TypeError, match="seed must be an integer, not 'x'"):
        design.stimuli(seed="x")
    with pytest.raises(TypeError, match=r"seed must be an integer, not 1\.5"):
        design.simulate(tmp_path, seed=1.5)


def test_equal_designs_are_equal():
    """The block and its configuration count, not how the configuration was named."""
    design = nomul.design("lfsr", width=4)
    assert design == nomul.design("lfsr", "small", width=4)
    assert hash(design) == hash(Design.parse("lfsr", None, ["width=4"]))
    assert design != nomul.design("lfsr", width=5)
    assert nomul.design("intouter", rows=2) != nomul.design("essop", rows=2)
    assert design != "lfsr"
    assert len({nomul.design("essop"), nomul.design("essop", seeds=[0xACE1, 0x1D0F])}) == 1


def test_model_ideal_and_stimuli_belong_to_the_configuration():
    design = nomul.design("lfsr", width=4, seed=1)
    inputs = design.stimuli(seed=3)
    assert np.array_equal(design.model(**inputs), lfsr.model(design.cfg, **inputs))
    assert design.stimuli(seed=3) == inputs
    assert design.ideal(n=2).tolist() == [0.5, 0.5]
    # Some blocks' mathematics needs the format, some needs nothing but numbers.
    array = nomul.design("sotfp", "fp16")
    one = array.cfg.form.bias << array.cfg.mantissa_bits
    assert (
        array.ideal("mul", [one], [one]).tolist()
        == sotfp.ideal(array.cfg, "mul", [one], [one]).tolist()
    )
    assert nomul.design("popcount").ideal([[1, 0, 1]]).tolist() == [2.0]


def test_emit_writes_only_where_it_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    design = nomul.design("lfsr", width=4, seed=1)
    emitted = design.emit()
    assert not list(tmp_path.iterdir())
    assert "module lfsr(" in emitted.verilog
    assert emitted.name == emitted.value.name == "lfsr"
    assert repr(emitted).startswith("<Verilog of lfsr small width=4 seed=1: lines of Verilog ")
    written = design.emit(tmp_path / "rtl", axi=True, active="low")
    assert (tmp_path / "rtl" / "lfsr_axi.v").read_text() == written.verilog
    assert "lfsr_axi" in written.manifest["name"]
    with pytest.raises(ValueError, match="reset"):
        design.emit(reset="maybe")


@pytest.mark.needs("icarus")
def test_emit_brings_a_testbench(tmp_path):
    nomul.design("lfsr", width=4, seed=1).emit(tmp_path, testbench=True)
    assert (tmp_path / "lfsr_tb.v").is_file()
    states = (tmp_path / "lfsr_tb_o.hex").read_text().split()
    assert [int(word, 16) for word in states[:4]] == [1, 2, 4, 9]


@pytest.mark.needs("icarus")
def test_simulation_says_what_was_compared(tmp_path):
    report = nomul.design("lfsr", width=4, seed=1).simulate(tmp_path, seed=5)
    assert report.tests == report.figures["tests passed"] == 2
    assert report.compared > 600
    assert repr(report).startswith(
        f"<simulation of lfsr small width=4 seed=1: tests passed 2, "
        f"values equal the model {report.compared}"
    )
    assert "<th style='text-align:left'>tests passed</th><td>2</td>" in report._repr_html_()


@pytest.mark.needs("icarus")
def test_a_mapped_design_is_measured_checked_and_costed(tmp_path):
    mapped = nomul.design("lfsr", width=4, seed=1).synthesize(folder=tmp_path)
    assert mapped.where == tmp_path
    assert mapped.row.preset == ""
    assert mapped.area_um2 == mapped.figures["area (um2)"] > 0
    assert repr(mapped).startswith("<lfsr small width=4 seed=1, freepdk45: area (um2) ")
    spent = mapped.energy()
    assert spent.operation == "transfer"
    assert spent.period_ps == 1000
    assert spent.figures["energy per transfer (fJ)"] == spent.per_operation_fj > 0
    assert mapped.energy(period_ps=2000).per_operation_fj > spent.per_operation_fj
    assert mapped.check(count=50).words == 50
    with pytest.raises(ValueError, match="freepdk45"):
        mapped.place()


def test_a_netlist_of_another_run_is_not_taken_for_the_own(tmp_path):
    """Two runs in one folder: the first has no netlist any more, and says so."""
    first = nomul.design("lfsr", width=4, seed=1).synthesize("generic", tmp_path)
    second = nomul.design("lfsr", width=5, seed=1).synthesize("generic", tmp_path)
    with pytest.raises(ValueError, match="holds another run's netlist by now; synthesize into"):
        first.check(count=5)
    with pytest.raises(ValueError, match="holds another run's netlist by now"):
        first.place(seeds=(1,))
    assert second.check(count=5).words == 5


def test_a_mapped_design_is_placed(tmp_path):
    mapped = nomul.design("lfsr", width=4, seed=1).synthesize("ice40", tmp_path, seeds=())
    assert mapped.timing is None
    placed = mapped.place(seeds=(1,))
    assert placed.fmax_mhz > 50
    assert placed.device in repr(placed)
    with pytest.raises(ValueError, match="energy needs standard cells"):
        mapped.energy()
    with pytest.raises(ValueError, match="board ulx3s carries ecp5, and the target is ice40"):
        mapped.bitstream("ulx3s")


def test_results_pass_on_what_they_hold():
    result = Result(
        lfsr.Config(width=4, seed=1), "a register", {"width": 4, "idle": None, "area": 1234.5}
    )
    assert result.width == 4
    assert "width" in dir(result)
    assert repr(result) == "<a register: width 4, idle -, area 1234>"
    assert pickle.loads(pickle.dumps(result)).title == "a register"
    with pytest.raises(AttributeError, match="no attribute 'height'"):
        result.height  # noqa: B018
    assert "<td>&lt;b&gt;</td>" in Result(None, "x", {"y": "<b>"})._repr_html_()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"capabilities": {"fly": "x:y"}}, "no capability 'fly'; there are network, test_set"),
        ({"commands": {"fly to moon": "x:y"}}, "a command is one word or train and one word"),
    ],
)
def test_a_block_declares_only_what_is_asked_for(fields, message):
    with pytest.raises(ValueError, match=message):
        registry.Block("x", "part", "X", **fields)


@pytest.mark.parametrize("name", registry.BLOCKS)
def test_what_a_block_declares_is_there(name):
    block = registry.get(name)
    assert all(callable(block.capability(what)) for what in block.capabilities)
    assert all(callable(registry.load(where)) for where in block.commands.values())
    assert block.capability("network") or "network" not in block.capabilities


BENCH = '''
"""Bench of a counter, with a test of a name of its own."""

import cocotb

from nomul.golden.lfsr import Config, model
from nomul.sim import harness
from nomul.sim.stream import Bench, assert_equal

{constants}

@cocotb.test()
async def it_works(dut):
    cfg = Config.from_json(harness.config_text())
    bench = Bench(dut)
    o = bench.sink("o")
    await bench.reset()
    await bench.until(lambda: len(o.received) >= 64)
    assert_equal(o.received[:64], model(cfg, 64), "state")
    harness.record(states=64)
'''


@pytest.fixture
def own_bench(tmp_path, monkeypatch):
    """Return a maker of a block like the LFSR whose bench is somebody's own."""

    class Own(registry.Block):
        @property
        def bench(self):
            return "own_bench"

    def make(constants):
        (tmp_path / "own_bench.py").write_text(BENCH.format(constants=constants))
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
        monkeypatch.delitem(sys.modules, "own_bench", raising=False)
        return Design(Own("lfsr", "part", "Somebody's"), lfsr.Config(width=4, seed=1))

    return make


@pytest.mark.needs("icarus")
def test_a_bench_with_tests_of_other_names_has_testbench_energy_and_check(own_bench, tmp_path):
    design = own_bench('MEASURED = "it_works"\nOPERATION = "state"')
    assert "lfsr_tb.v" in design.emit(testbench=True).files
    mapped = design.synthesize(folder=tmp_path / "cells")
    spent = mapped.energy()
    assert (spent.operation, spent.operations) == ("state", 64)
    assert mapped.check(count=20).words == 20


def test_a_bench_that_does_not_say_what_is_measured_is_told(own_bench):
    with pytest.raises(ValueError, match="own_bench has no MEASURED"):
        own_bench("").emit(testbench=True)
