"""Block diagrams and waveforms: read from the netlist and from a simulation, not made up."""

import json
import re
import shutil
from xml.etree import ElementTree

import pytest

import nomul
from nomul import flow, registry
from nomul.golden import essop, lfsr
from nomul.report import waves
from nomul.sim import trace
from nomul.synth.emit import diagram

STREAM = [
    {"name": "x__payload", "direction": "input", "width": 4, "signed": False,
     "fields": [{"name": "a", "offset": 0, "width": 2, "signed": True, "count": 2}]},
    {"name": "x__valid", "direction": "input", "width": 1, "signed": False},
    {"name": "x__ready", "direction": "output", "width": 1, "signed": False},
    {"name": "y__payload", "direction": "output", "width": 40, "signed": False},
    {"name": "y__valid", "direction": "output", "width": 1, "signed": False},
    {"name": "y__ready", "direction": "input", "width": 1, "signed": False},
    {"name": "full", "direction": "output", "width": 1, "signed": False},
    {"name": "still", "direction": "output", "width": 1, "signed": False},
]  # fmt: skip


def cycle(x=None, y=None, full=0):
    """Return one recorded cycle; what is not offered is noise on the payload."""
    return {
        "x__payload": 9 if x is None else x, "x__valid": int(x is not None), "x__ready": 1,
        "y__payload": None if y is None else y, "y__valid": int(y is not None), "y__ready": 1,
        "full": full, "still": 0,
    }  # fmt: skip


def test_window_goes_from_the_first_transfer_in_to_the_first_out():
    record = [cycle()] * 5 + [cycle(x=1)] + [cycle()] * 3 + [cycle(y=2)] + [cycle()] * 9
    assert waves.window(record) == range(4, 12)
    assert waves.window([cycle()] * 4) == range(3)


def test_lanes_show_fields_only_while_they_are_offered():
    record = [cycle(), cycle(x=0b1101), cycle(y=1 << 39, full=1)]
    shown = {lane.name: lane.values for lane in waves.lanes({"ports": STREAM}, record)}
    assert shown["x.a"] == [None, "1 -1", None]
    assert shown["y"] == [None, None, f"{1 << 39:x}"]
    assert shown["full"] == ["0", "0", "1"]
    assert "still" not in shown, "a flag that never changes tells nothing"


def test_long_transaction_leaves_its_middle_out():
    record = [cycle(x=1)] + [cycle()] * 200 + [cycle(y=3)] + [cycle()] * 9
    drawing = waves.svg("title", {"ports": STREAM}, record)
    left_out = len(waves.window(record)) - waves.HEAD - waves.TAIL
    assert f"{left_out} cycles not shown" in drawing
    assert ElementTree.fromstring(drawing).tag.endswith("svg")


def test_record_is_what_the_ports_carry(tmp_path):
    """The first states of the LFSR, as the model has them; only the first test is recorded."""
    block, cfg = registry.get("lfsr"), lfsr.Config()
    manifest = tmp_path / "ports.json"
    manifest.write_text(json.dumps(flow.emit(block, cfg).manifest))
    flow.simulate(block, cfg, tmp_path, environment={trace.VARIABLE: f"{manifest}:40"})
    record = trace.read(tmp_path / "sim")
    assert len(record) == 40
    states = [at["o__payload"] for at in record if at["o__valid"] and at["o__ready"]]
    assert states == lfsr.model(cfg, len(states)).tolist()
    assert len(states) > 30
    with pytest.raises(FileNotFoundError):
        trace.read(tmp_path)


@pytest.fixture(scope="module")
def modules():
    """Return the netlist of a small ESSOP."""
    return diagram.netlist(flow.emit(registry.get("essop"), essop.Config(rows=2, cols=3)))


def test_hierarchy_counts_instances_and_stored_bits(modules):
    def parts(module):
        yield module
        for child in module.children:
            yield from parts(child)

    rows = next(p for p in parts(diagram.hierarchy(modules, "essop")) if p.name == "essop_row")
    assert rows.count == 2
    assert [(cell.name, cell.count) for cell in rows.children] == [("essop_cell", 3)]
    # A counter of five bits with its sign, and their copy in the read-out chain.
    assert rows.children[0].registers == 10


def test_diagram_has_the_streams_and_the_bits_between(modules):
    shown = diagram.diagram(modules, "essop")
    assert shown.kinds["in x_d"] == "in"
    assert shown.kinds["out y"] == "out"
    assert shown.nodes["module essop_lane"] == "lane x5"  # of two rows and three columns
    ports = modules["essop"]["ports"]
    entering = sum(bits for (a, _), bits in shown.edges.items() if a == "in x_d")
    assert entering >= len(ports["x_d__payload"]["bits"])
    assert not any("clk" in name or "ready" in name for name in shown.nodes)


def test_memory_counts_as_what_it_stores():
    netlist = diagram.netlist(flow.emit(registry.get("sotfp"), registry.get("sotfp").config()()))
    memory = next(c for c in diagram.hierarchy(netlist, "sotfp").children if "memory" in c.name)
    assert memory.registers >= 1024


def test_drawing_is_titled_and_names_are_not_repeated(modules):
    drawing = diagram.draw(diagram.diagram(modules, "essop"), "A & B", "what it shows")
    root = ElementTree.fromstring(drawing.replace("xlink:", ""))
    space = {"svg": "http://www.w3.org/2000/svg"}
    assert root.find("svg:title", space).text == "A & B"
    assert root.find("svg:desc", space).text == "what it shows"
    assert not re.search(r'\bid="', drawing)


def test_missing_graphviz_is_named(modules, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(FileNotFoundError, match="apt-get install graphviz"):
        diagram.draw(diagram.diagram(modules, "essop"), "t", "a")


@pytest.mark.needs("icarus")
def test_a_transaction_carries_its_own_style(tmp_path):
    """Else it would be black boxes in a notebook, which has no page around it."""
    drawn = nomul.design("lfsr").transaction(tmp_path)
    root = ElementTree.fromstring(drawn._repr_svg_())
    style = root.find("{http://www.w3.org/2000/svg}style")
    assert style is not None
    classes = set(re.findall(r'class="(\w+)"', drawn.svg)) - {"waves"}
    assert all(f".{name}" in style.text for name in classes)
    assert drawn.save(tmp_path / "wave.svg").read_text() == drawn.svg


def test_shares_are_drawn_as_bars_and_nothing_else_is(tmp_path):
    mapped = nomul.design("popcount").synthesize("generic", tmp_path)
    drawn = mapped.plot()
    assert ElementTree.fromstring(drawn._repr_svg_()) is not None
    assert drawn.title == mapped.title
    with pytest.raises(ValueError, match="has no parts to plot"):
        nomul.design("popcount").emit().plot()
