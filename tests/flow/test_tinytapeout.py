"""Tiny Tapeout projects: the committed one, what comes through its pins, and what is refused."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml

import nomul
from nomul import flow, registry
from nomul.flow import pins
from nomul.golden import lutnet
from nomul.hw.tinytapeout import TinyTapeout
from nomul.synth import yosys
from nomul.synth.emit import emit, tinytapeout
from nomul.synth.map import targets
from nomul.train import data

COMMITTED = Path(nomul.__file__).parent / "docs" / "tinytapeout"


def make(folder: Path) -> tuple[int, int]:
    """Run a project's own test; return how many tests ran, and how many of them failed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["make", "-C", folder / "test"],
        env={**os.environ, "PATH": path},
        capture_output=True,
        check=False,
    )
    results = ElementTree.parse(folder / "test" / "results.xml")
    return len([*results.iter("testcase")]), len([*results.iter("failure")])


def behind_pins(name: str, preset: str | None = None) -> TinyTapeout:
    block = registry.get(name)
    return TinyTapeout(pins._narrow(block, flow.configure(block, preset))[0])


@pytest.mark.needs("icarus")
def test_all_test_images_pass_through_the_pins_of_the_committed_project(tmp_path):
    """The classes that come out are those of the file, and more than 85 % of them are right."""
    shutil.copytree(COMMITTED, tmp_path / "project")
    assert make(tmp_path / "project") == (1, 0)
    vectors = json.loads((COMMITTED / "test" / "vectors.json").read_text())
    digits = data.load("digits")
    sent = np.frombuffer(bytes.fromhex(vectors["send"]), dtype=np.uint8)
    assert (sent.reshape(-1, 64) == digits.x_test).all()
    classes = np.frombuffer(bytes.fromhex(vectors["outputs"]["y"]["words"]), dtype=np.uint8) & 15
    cfg = lutnet.Config.preset("digits-tiny")
    assert (classes == lutnet.predict(cfg.load(), digits.x_test)).all()
    right = classes == digits.labels_test
    assert right.mean() > 0.85
    document = " ".join((COMMITTED / "docs" / "info.md").read_text().split())
    said = f"{right.sum()} of the answers, {100 * right.mean():.1f} %, are the class of the image"
    assert f"the {len(right)} test images of digits, and {said}" in document


def test_the_committed_project_is_what_is_emitted():
    info = yaml.safe_load((COMMITTED / "info.yaml").read_text())
    name = info["project"]["top_module"]
    block = registry.get("lutnet")
    emitted = emit(behind_pins("lutnet", "digits-tiny"), name)
    assert (COMMITTED / "src" / f"{name}.v").read_text() == emitted.verilog
    assert (COMMITTED / "test" / "test.py").read_text() == pins._test()
    assert info["project"]["source_files"] == [f"{name}.v"]
    assert info["project"]["title"] == block.title
    assert info["project"]["tiles"] == "1x2"
    assert info["yaml_version"] == 6
    assert len(info["pinout"]) == 24


@pytest.mark.long
@pytest.mark.needs("icarus")
def test_the_committed_project_is_what_the_command_writes(tmp_path):
    command = "emit lutnet --preset digits-tiny --data digits --tinytapeout"
    subprocess.run([sys.executable, "-m", "nomul", *command.split(), str(tmp_path)], check=True)
    for path in sorted(path for path in COMMITTED.rglob("*") if path.is_file()):
        assert (tmp_path / path.relative_to(COMMITTED)).read_text() == path.read_text()


@pytest.fixture(scope="module")
def outer(tmp_path_factory):
    """Return the project of a block with several streams."""
    folder = tmp_path_factory.mktemp("essop")
    made = nomul.design("essop").tinytapeout(folder, author="A. N. Other")
    assert made.emitted.name == "tt_um_a_n_other_essop"
    assert made.figures["tiles"] == made.tiles == "3x2"
    return folder


@pytest.mark.needs("icarus")
def test_words_of_several_streams_pass_through_the_pins(outer):
    assert make(outer) == (1, 0)
    assert "A word begins with a byte" in (outer / "docs" / "info.md").read_text()


@pytest.mark.needs("icarus")
def test_the_projects_test_notices_another_answer(outer, tmp_path):
    """Mutation: one bit of one word that should come is another."""
    shutil.copytree(outer, tmp_path / "project")
    file = tmp_path / "project" / "test" / "vectors.json"
    vectors = json.loads(file.read_text())
    stream = next(stream for stream in vectors["outputs"].values() if stream["words"])
    words = bytearray.fromhex(stream["words"])
    words[len(words) // 2] ^= 1
    stream["words"] = words.hex()
    file.write_text(json.dumps(vectors))
    assert make(tmp_path / "project") == (1, 1)


def joined(rtlil: str, folder: Path) -> None:
    """Demand that what drives the outputs, back to the first registers, reaches no input."""
    (folder / "design.il").write_text(rtlil)
    registers = ["$dff", "$dffe", "$sdff", "$sdffe", "$sdffce"]
    cone = f"i:ui_in i:uio_in %u o:uo_out o:uio_out %u %cie*:-{','.join(registers)} %i"
    commands = ["read_rtlil design.il", "proc", "flatten", "memory_map", "opt_clean"]
    yosys.run([*commands, f"select -assert-none {cone}"], folder)


@pytest.mark.parametrize("name", ["fp16mul", "essop", "lutnet"])
def test_nothing_is_combinational_from_pin_to_pin(name, tmp_path):
    joined(emit(behind_pins(name), "project").rtlil, tmp_path)


def test_the_search_notices_a_combinational_path(design, tmp_path):
    """Mutation: one pin out follows one pin in at once."""
    ports = "input clk, input [7:0] ui_in, uio_in, output reg [7:0] uo_out, output [7:0] uio_out"
    kept = "always @(posedge clk) uo_out <= ui_in;"
    joined(design(f"module top({ports}); {kept} assign uio_out = 0; endmodule").rtlil, tmp_path)
    with pytest.raises(yosys.YosysError, match="selection is not empty"):
        joined(
            design(f"module top({ports}); {kept} assign uio_out = ~ui_in; endmodule").rtlil,
            tmp_path,
        )


def test_sizes_are_those_of_the_template():
    assert [tinytapeout.size(gates) for gates in (1, 1000, 1001, 4001)] == [
        *("1x1", "1x1", "1x2", "3x2"),
    ]
    with pytest.raises(ValueError, match=r"takes 16001 NANDs .* largest size of 16 tiles holds"):
        tinytapeout.size(16_001)


def test_gates_are_counted_in_the_librarys_smallest_nand(tmp_path):
    assert tinytapeout.nand_area(targets.get("freepdk45")) == 0.798
    text = targets.get("freepdk45").text()
    (tmp_path / "poor.lib").write_text(text.replace("!(A1 & A2)", "!(A1 | A2)"))
    poor = targets.get("poor", liberty=tmp_path / "poor.lib")
    with pytest.raises(ValueError, match="poor has no NAND of two inputs to count in"):
        tinytapeout.nand_area(poor)


def test_what_makes_no_project_is_refused():
    with pytest.raises(ValueError, match="author must have letters or digits, not '--'"):
        nomul.design("skid").tinytapeout(author="--")
    with pytest.raises(ValueError, match="only lutnet, lif, engine runs on a data set, not skid"):
        nomul.design("skid").tinytapeout(data="digits")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tinytapeout", "x", "--axi"], "--tinytapeout has pins, a reset, a test and a folder"),
        (["--author", "me"], "--author, --liberty, --data and --images go with --tinytapeout"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, message):
    command = [sys.executable, "-m", "nomul", "emit", "skid", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert message in done.stderr
