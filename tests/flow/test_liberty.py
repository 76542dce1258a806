"""Liberty files as people write them, under any path, and what a library must have.

One file, since the cases vary one small library.
"""

import gzip
import logging
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nomul
from nomul import flow, registry, sweep
from nomul.sweep.point import Options
from nomul.synth.map import functions, liberty, targets, timing
from nomul.synth.map.liberty_tidy import tidy
from nomul.synth.map.synthesize import synthesize
from nomul.synth.yosys import ToolError

HEAD = """\
library ("small") {
  delay_model : table_lookup;
  time_unit : "1ns";
  voltage_unit : "1V";
  leakage_power_unit : "1nW";
  capacitive_load_unit (1, ff);
  nom_voltage : 1.1;
  slew_lower_threshold_pct_rise : 30; slew_upper_threshold_pct_rise : 70;
  slew_lower_threshold_pct_fall : 30; slew_upper_threshold_pct_fall : 70;
  input_threshold_pct_rise : 50; input_threshold_pct_fall : 50;
  output_threshold_pct_rise : 50; output_threshold_pct_fall : 50;
  lu_table_template ("t") { variable_1 : input_net_transition; index_1 ("0.1, 0.2"); }
"""


def timed(related):
    """Return an arc whose tables have two points."""
    tables = "".join(
        f'{kind} ("t") {{ index_1 ("0.1, 0.2"); values ("0.01, 0.02"); }}\n'
        for kind in ("cell_rise", "cell_fall", "rise_transition", "fall_transition")
    )
    return f'timing () {{ related_pin : "{related}"; {tables} }}'


def gate(name, function, inputs):
    """Return a cell of one output."""
    pins = "".join(f'pin ("{p}") {{ direction : input; capacitance : 1.5; }}\n' for p in inputs)
    arcs = "".join(timed(p) for p in inputs)
    return (
        f'cell ("{name}") {{ area : 1.0;\n{pins}'
        f'pin ("Y") {{ direction : output; max_capacitance : 60;\n'
        f'function : "{function}";\n{arcs} }}\n}}\n'
    )


FLOP = f"""\
cell ("DFF") {{ area : 5.0;
  ff ("IQ", "IQN") {{ clocked_on : "CK"; next_state : "D"; }}
  pin ("D") {{ direction : input; capacitance : 1.0; }}
  pin ("CK") {{ direction : input; capacitance : 1.0; clock : true; }}
  pin ("Q") {{ direction : output; max_capacitance : 60; function : "IQ";
    {timed("CK").replace("timing () {", "timing () { timing_type : rising_edge;")} }}
}}
"""
INVERTER, BUFFER = gate("INV", "!A", "A"), gate("BUF", "A", "A")
NAND, NOR = gate("NAND2", "!(A & B)", "AB"), gate("NOR2", "!(A | B)", "AB")
CELLS = INVERTER + BUFFER + NAND + NOR + FLOP
SMALL = f"{HEAD}{CELLS}}}\n"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def read(tmp_path, text, name="cells.lib"):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return liberty.read(tmp_path / name)


LOOSE = {
    "CRLF": SMALL.replace("\n", "\r\n"),
    "no quotes around functions": SMALL.replace('"!(A & B)"', "!(A & B) "),
    "brackets around a clock": SMALL.replace('clocked_on : "CK"', "clocked_on : ((CK))"),
    "no semicolons": SMALL.replace('"1ns";', '"1ns"').replace("area : 1.0;", "area : 1.0"),
    "units without quotes": SMALL.replace('"1ns"', "1ns").replace('"1nW"', "1nW"),
    "unlike brackets": SMALL.replace('cell ("INV")', "cell((INV))").replace('pin ("A")', "pin(A)"),
    "old operators": SMALL.replace('"!A"', '"A\'"').replace("A & B", "A*B").replace("A | B", "A+B"),
    "product by a space": SMALL.replace('"!(A & B)"', '"(A B)\'"'),
    "continued lines": SMALL.replace('"0.01, 0.02"', '\\\n   "0.01, \\\n 0.02"'),
    "semicolons after groups": SMALL.replace("}\n", "};\n"),
    "comments": SMALL.replace("{", '{ // a } brace\n/* and " another { */', 4),
    "latin-1": b"/* \xa9 2011, 1 \xb5m */\n" + SMALL.encode(),
    "latin-1 in a text": SMALL.replace(
        "table_lookup;", 'table_lookup;\ncomment : "1 \xb5m";'
    ).encode("latin-1"),
    "defined attributes": SMALL.replace(
        "  delay_model", "  define (kind, cell, string); define_group (mine, cell);\n  delay_model"
    ),
    "one line": SMALL.replace("\n", " "),
    "pins together": SMALL.replace(
        'pin ("A") { direction : input; capacitance : 1.5; }\n'
        'pin ("B") { direction : input; capacitance : 1.5; }\n',
        'pin ("A", "B") { direction : input; capacitance : 1.5; }\n',
    ),
}


@pytest.mark.parametrize("what", LOOSE)
def test_what_is_written_loosely_is_the_same_library(tmp_path, what):
    text = LOOSE[what]
    assert text not in (SMALL, SMALL.encode())
    assert read(tmp_path, text, "loose.lib") == read(tmp_path, SMALL)


def test_gzipped_split_and_included_files_are_one_library(tmp_path):
    whole = read(tmp_path, SMALL)
    assert read(tmp_path, gzip.compress(SMALL.encode()), "cells.lib.gz") == whole
    (tmp_path / "one.lib").write_text(f"{HEAD}{INVERTER}{BUFFER}{NAND}}}\n")
    (tmp_path / "two.lib").write_text(f"{HEAD}{NOR}{FLOP}}}\n")
    assert liberty.read(tmp_path / "one.lib", tmp_path / "two.lib") == whole
    (tmp_path / "more.inc").write_text(NAND + NOR + FLOP)
    outer = f'{HEAD}{INVERTER}{BUFFER}include_file ("more.inc");\n}}\n'
    assert read(tmp_path, outer, "outer.lib") == whole
    before = liberty.digest([tmp_path / "outer.lib"])
    (tmp_path / "more.inc").write_text(NAND + NOR)
    assert "DFF" not in liberty.read(tmp_path / "outer.lib").cells
    assert liberty.digest([tmp_path / "outer.lib"]) != before


def test_what_an_included_file_includes_counts_too(tmp_path):
    """By its content, wherever it lies; a file that includes itself is read once."""
    (tmp_path / "below").mkdir()
    (tmp_path / "outer.lib").write_text(f"{HEAD}include_file(below/a.inc);\n}}\n")
    (tmp_path / "below" / "a.inc").write_text('include_file ( "b.inc" ); include_file (a.inc);')
    digests = []
    for text in (NAND, NOR, NAND):
        (tmp_path / "below" / "b.inc").write_text(text)
        digests.append(liberty.digest([tmp_path / "outer.lib"]))
    assert digests[0] == digests[2] != digests[1]


def test_a_message_names_a_file_once(tmp_path):
    (tmp_path / "bad.lib").write_text("library (x) { cell (")
    with pytest.raises(ValueError, match="not Liberty") as caught:
        liberty.read(tmp_path / "bad.lib")
    assert str(caught.value).count("bad.lib") == 1
    (tmp_path / "empty.lib").write_text("library (x) { cell (A) { } }")
    with pytest.raises(ValueError, match=r"empty\.lib: the library has no capacitive") as caught:
        liberty.read(tmp_path / "empty.lib")
    assert str(caught.value).count("empty.lib") == 1


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    (tmp_path / "one.lib").write_text(SMALL)
    (tmp_path / "two.lib").write_text(f"{HEAD}{NOR}}}\n")
    with pytest.raises(ValueError, match=r"two\.lib: cell NOR2 is in .*one\.lib too"):
        liberty.text(tmp_path / "one.lib", tmp_path / "two.lib")
    other = HEAD.replace("1ns", "1ps") + gate("AND2", "A & B", "AB")
    (tmp_path / "two.lib").write_text(f"{other}}}\n")
    with pytest.raises(ValueError, match=r'two\.lib: time_unit "1ps" is not what it is in'):
        liberty.text(tmp_path / "one.lib", tmp_path / "two.lib")


BROKEN = {
    "": "0 libraries",
    "module top; endmodule": "neither : nor ( after module",
    SMALL[:-3]: "without end",
    f"{SMALL}}}": "a closing brace too many",
    SMALL.replace("/*", "").replace("area", "/* area"): "a comment without end",
    f"{HEAD}}}": "the library has no cells",
    SMALL.replace("capacitive_load_unit (1, ff);", ""): "no capacitive_load_unit",
    SMALL.replace("nom_voltage : 1.1", "nom_voltage : high"): "nom_voltage must be a number",
    SMALL.replace('"1ns"', '"1 fortnight"'): "time_unit is",
    SMALL.replace('"!A"', '"A % B"'): "is no Boolean function",
    SMALL.replace('cell_rise ("t")', 'rise_transition ("u")'): "has no template u",
    "library (x) {" + "a () {" * 5000: "without end",
}


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: BROKEN[text][:30])
def test_a_broken_file_is_one_line_that_names_it(tmp_path, text):
    with pytest.raises(ValueError, match=r"cells\.lib") as error:
        read(tmp_path, text)
    assert BROKEN[text] in str(error.value)
    assert "\n" not in str(error.value)


def test_a_cut_gzip_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not a whole gzip file"):
        read(tmp_path, gzip.compress(SMALL.encode())[:-20])


def test_a_damaged_cache_is_not_believed(tmp_path):
    whole = read(tmp_path, SMALL)
    for kept in (tmp_path / "cache" / "nomul").iterdir():
        kept.write_bytes(kept.read_bytes().replace(b"NAND2", b"NAND3"))
    liberty._read.cache_clear()
    liberty._text.cache_clear()
    assert liberty.read(tmp_path / "cells.lib") == whole


NAMES = st.sampled_from(["A", "B1", "C[2]"])


@st.composite
def expressions(draw, depth=3):
    """Return a function in Python and in some of Liberty's ways to write it."""
    if depth == 0 or draw(st.booleans()):
        name = draw(NAMES)
        return f"v[{name!r}]", name
    kind = draw(st.sampled_from("!&^|"))
    python, text = draw(expressions(depth=depth - 1))
    if kind == "!":
        form = draw(st.sampled_from(["!({})", "({})'"]))
        return f"(not {python})", form.format(text)
    right, more = draw(expressions(depth=depth - 1))
    word = {"&": "and", "^": "!=", "|": "or"}[kind]
    sign = draw(st.sampled_from({"&": ["&", "*", " "], "^": ["^"], "|": ["|", "+"]}[kind]))
    return f"(({python}) {word} ({right}))", f"({text}){sign}({more})"


@given(expressions())
def test_functions_mean_what_they_say(both):
    python, text = both
    names, table = functions.truth_table(text)
    for index, got in enumerate(table):
        values = {name: bool(index >> k & 1) for k, name in enumerate(names)}
        assert got == bool(eval(python, {"v": values}))
    assert functions.truth_table(functions.canonical(text)) == (names, table)


def test_order_of_operators():
    """Inversion, exclusive or, and, or: as the Liberty manual has it."""
    assert functions.parse("A + B * C ^ !D") == ("|", "A", ("&", "B", ("^", "C", ("!", "D"))))
    assert functions.truth_table("1") == ((), (True,))


def lfsr_on(path, folder, **options):
    """Return the row of the smallest block on the cells of a file, or of several."""
    return flow.measure(registry.get("lfsr"), CFG, folder, liberty=path, **options)


CFG = registry.get("lfsr").config()(width=4, seed=1)


@pytest.mark.parametrize(
    "name",
    ["my größe $HOME'b", "x} ; exec touch RAN ; set y {", 'x"\n!touch RAN\n"'],
)
def test_a_library_maps_under_any_path(tmp_path, monkeypatch, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "c.lib").write_text(SMALL)
    monkeypatch.chdir(folder)
    row = lfsr_on(folder / "c.lib", folder / "out")
    assert row.area_um2 > 4 * 5.0
    assert not list(tmp_path.rglob("RAN"))


def test_a_split_library_maps_as_a_whole_one(tmp_path):
    (tmp_path / "cells.lib").write_text(SMALL)
    (tmp_path / "one.lib").write_bytes(
        gzip.compress(f"{HEAD}{INVERTER}{BUFFER}{NAND}}}\n".encode())
    )
    (tmp_path / "two.lib").write_text(f"{HEAD}{NOR}{FLOP}}}\n")
    whole = lfsr_on(tmp_path / "cells.lib", tmp_path / "whole")
    parts = [tmp_path / "one.lib", tmp_path / "two.lib"]
    cells = targets.get("mine", liberty=parts)
    emitted = flow.emit(registry.get("lfsr"), CFG)
    assert synthesize(emitted, cells).cells == whole.cells
    assert cells.tools()["liberty"].startswith("one.lib+two.lib ")


def test_a_sweep_maps_to_a_split_library_and_refuses_a_broken_one(tmp_path):
    (tmp_path / "one.lib").write_text(f"{HEAD}{INVERTER}{BUFFER}{NAND}}}\n")
    (tmp_path / "two.lib").write_text(f"{HEAD}{NOR}{FLOP}}}\n")
    parts = tuple(str(tmp_path / name) for name in ("one.lib", "two.lib"))
    given = {"steps": ["synth"], "store": tmp_path / "store", "workers": 1}
    block, settings = registry.get("lfsr"), ["width=4"]
    options = Options(target="mine", liberty=parts)
    done = sweep.run(block, "small", settings, options=options, **given)
    assert not done.failed, done.points[0].error
    assert done.points[0].columns["synth"]["area_um2"] > 4 * 5.0
    with pytest.raises(ValueError, match=r"one\.lib: the library has no flip-flop"):
        sweep.run(block, "small", settings, options=replace(options, liberty=parts[:1]), **given)
    with pytest.raises(ValueError, match="--define is for --models, and there are none"):
        sweep.run(block, "small", settings, options=replace(options, defines=("X",)), **given)
    (tmp_path / "two.lib").write_text("library (x) { cell (")
    with pytest.raises(ValueError, match=r"two\.lib, line 1: not Liberty"):
        sweep.run(block, "small", settings, options=options, **given)


def test_cells_without_delays_have_no_clock(tmp_path):
    (tmp_path / "cells.lib").write_text(SMALL)
    design = nomul.design("lfsr", width=4, seed=1)
    mapped = design.synthesize(folder=tmp_path / "out", liberty=tmp_path / "cells.lib")
    assert mapped.figures["area (um2)"] > 4 * 5.0
    assert not any("clock" in name for name in mapped.figures)


def test_a_library_without_a_buffer_maps(tmp_path):
    (tmp_path / "cells.lib").write_text(SMALL.replace(BUFFER, ""))
    row = lfsr_on(tmp_path / "cells.lib", tmp_path / "out")
    assert row.cells["DFF"] == 4
    unbuffered = targets.get("mine", liberty=tmp_path / "cells.lib")
    with pytest.raises(ToolError, match="no library without a buffer"):
        timing.AbcEstimate().measure(tmp_path, "lfsr", unbuffered, 1000, 100.0)


@pytest.mark.parametrize(
    ("without", "words"),
    [
        ((FLOP,), "no flip-flop"),
        ((INVERTER,), "no inverter"),
        ((NAND, NOR), "no gate of two inputs"),
        ((FLOP, INVERTER), "no flip-flop (a cell with a group ff), and no inverter"),
    ],
)
def test_what_a_library_lacks_is_named(tmp_path, without, words):
    text = SMALL
    for cell in without:
        text = text.replace(cell, "")
    (tmp_path / "cells.lib").write_text(text)
    with pytest.raises(ValueError, match=r"cells\.lib: the library has") as error:
        lfsr_on(tmp_path / "cells.lib", tmp_path / "out")
    assert words in str(error.value)


@pytest.mark.needs("opensta")
def test_what_the_analyser_warns_of_is_shown_and_stops_nothing(tmp_path, caplog):
    text = SMALL.replace(
        "  delay_model", "  default_operating_conditions : slow;\n  delay_model", 1
    )
    (tmp_path / "cells.lib").write_text(text)
    with caplog.at_level(logging.WARNING):
        row = lfsr_on(tmp_path / "cells.lib", tmp_path / "out")
    assert row.timing.tool == "opensta"
    assert any("slow not found" in message for message in caplog.messages)


@pytest.mark.needs("opensta")
def test_a_netlist_of_other_cells_is_still_an_error(tmp_path):
    (tmp_path / "cells.lib").write_text(SMALL)
    (tmp_path / "wrong.v").write_text(
        "module top(clk, q); input clk; output q; DFQ a (.CK(clk), .D(q), .Q(q)); endmodule\n"
    )
    cells = targets.get("mine", liberty=tmp_path / "cells.lib")
    with pytest.raises(timing.TimingError, match="DFQ"):
        timing.OpenSta().measure(tmp_path / "wrong.v", "top", cells, 1000, 0.0)


def test_models_may_want_something_defined(tmp_path):
    (tmp_path / "cells.lib").write_text(SMALL)
    (tmp_path / "cells.v").write_text("`ifdef FUNCTIONAL\nmodule INV; endmodule\n`endif\n")
    files = {"liberty": tmp_path / "cells.lib", "models": tmp_path / "cells.v"}
    cells = targets.get("mine", **files, defines=["FUNCTIONAL", "UNIT=#1"])
    assert cells.models_text().startswith("`define FUNCTIONAL\n`define UNIT #1\n`ifdef FUNC")
    with pytest.raises(ValueError, match="--define wants NAME or NAME=VALUE, not '1x'"):
        targets.get("mine", **files, defines=["1x"])
    with pytest.raises(ValueError, match="--define is for --models"):
        targets.get("mine", liberty=tmp_path / "cells.lib", defines=["X"])


def test_tidy_text_is_its_own_tidy_text(tmp_path):
    (tmp_path / "loose.lib").write_bytes(LOOSE["comments"].encode())
    text = tidy([tmp_path / "loose.lib"])
    (tmp_path / "again.lib").write_text(text)
    assert tidy([tmp_path / "again.lib"]) == text
    assert text.isascii()
    assert np.all([line.rstrip()[-1] in ";{}" for line in text.splitlines()])
