"""Blocks on one bus: a program on it gets the blocks' own answers, and a wrong one is noticed."""

import json

import pytest

from nomul import flow, registry
from nomul.cli import soc as command
from nomul.golden import lfsr
from nomul.hw.axi.soc import Soc
from nomul.sim import harness


@pytest.mark.needs("icarus")
@pytest.mark.parametrize(
    "entries",
    [
        ["codebook", "sotfp"],
        pytest.param(["lfsr", "compactor", "a=popcount", "b=popcount"], marks=pytest.mark.long),
        pytest.param(["spimc", "essop"], marks=pytest.mark.long),
        pytest.param(["lutnet", "permdiag", "pow2"], marks=pytest.mark.long),
        pytest.param(["sonic", "lif"], marks=pytest.mark.long),
    ],
    ids="+".join,
)
def test_a_program_on_the_bus_reads_what_the_blocks_answer(tmp_path, entries):
    """By the emitted driver, and a master of another project."""
    members = flow.members(entries)
    emitted = flow.emit_soc(members)
    assert flow.simulate_soc(members, emitted, tmp_path).compared > 100


@pytest.mark.needs("icarus")
def test_a_wrong_block_on_the_bus_is_noticed(tmp_path):
    """The register starts one state late."""
    members = flow.members(["one=lfsr", "two=skid"], ["one.seed=5"])
    block, cfg = members["one"]
    late = block.top(cfg.replace(seed=int(lfsr.model(cfg, 2)[1])))
    with pytest.raises(harness.BenchError, match="one_o"):
        flow.simulate_soc(members, flow.emit_soc(members, tops={"one": late}), tmp_path)


def test_windows_are_of_one_size_and_hold_the_widest_block():
    wide = registry.get("compactor").config()(width=64)
    tops = {"small": registry.get("skid"), "wide": registry.get("compactor")}
    made = {"small": tops["small"].top(tops["small"].config()()), "wide": tops["wide"].top(wide)}
    for top in made.values():
        top._MustUse__silence = True
    bus = Soc(made)
    bus._MustUse__silence = bus._bank._MustUse__silence = True
    at = {register.name: register.address for register in bus.map.registers}
    window = at["small_streams"]
    assert at["identity"] == 0
    assert at["wide_streams"] == 2 * window
    assert window & (window - 1) == 0
    assert bus.map.bytes <= 3 * window
    assert window > 0x100  # more words than the smallest window holds


def test_members_are_named_and_configured():
    members = flow.members(["lfsr", "lfsr:leap", "z=popcount"], ["lfsr0.width=5", "z.width=9"])
    assert {name: block.name for name, (block, _) in members.items()} == {
        "lfsr0": "lfsr",
        "lfsr1": "lfsr",
        "z": "popcount",
    }
    assert members["lfsr0"][1].width == 5
    assert members["lfsr1"][1] == registry.get("lfsr").config().preset("leap")
    assert members["z"][1].width == 9


@pytest.mark.parametrize(
    ("entries", "settings", "message"),
    [
        (["lfsr/x"], [], "a block is named BLOCK, BLOCK:PRESET or NAME=..., not 'lfsr/x'"),
        (["a=lfsr", "a=skid"], [], "there are two blocks named a"),
        (["lfsr"], ["width=3"], "--set wants NAME.parameter=value, not 'width=3'; there are lfsr"),
        (["lfsr"], ["skid.width=3"], "not 'skid.width=3'; there are lfsr"),
        (["nothing"], [], "nothing"),
        (["lfsr"], ["lfsr.width=2"], "lfsr.width must be in 3..32, not 2"),
    ],
)
def test_members_that_cannot_be_are_refused(entries, settings, message):
    with pytest.raises(ValueError, match=message):
        flow.members(entries, settings)


def test_the_command_writes_map_header_and_driver(tmp_path, capsys):
    command.soc(["lfsr", "skid"], out=tmp_path, name="pair", json=True)
    said = json.loads(capsys.readouterr().out)
    assert {path.name for path in tmp_path.iterdir()} >= {"pair.v", "pair.h", "pair.py", "pair.rdl"}
    names = [register["name"] for register in said["registers"]]
    assert names == ["identity", "lfsr_streams", "lfsr_o", "skid_streams", "skid_i", "skid_o"]
    assert said["config"]["skid"]["block"] == "skid"
    command.soc(["lfsr"], out=tmp_path, name="pair")
    assert "0x0104" in capsys.readouterr().out
