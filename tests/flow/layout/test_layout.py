"""Placement, files and the cost of wires, on a small register in both libraries.

One file, since all of it is asked of one layout, which is made once.
"""

import dataclasses
import json
import re
import subprocess
import sys
from collections import Counter
from xml.etree import ElementTree

import numpy as np
import pytest

import nomul
from nomul import flow
from nomul.flow import figures
from nomul.synth.energy import netlist, power
from nomul.synth.layout import files, gds, layout, picture, place, route, trees
from nomul.synth.map import targets

pytest.importorskip("coloquinte", reason="install the extra: pip install nomul[layout]")


@pytest.fixture(scope="session")
def placed(register, tmp_path_factory):
    return place.place(register.pieces, register.technology, tmp_path_factory.mktemp("placed"))


def test_every_cell_has_a_place_of_its_own(register, placed):
    place.check(register.pieces, placed)
    floor = placed.floor
    assert len(placed.x) == sum(register.row.cells.values())
    assert 0.6 < register.pieces.area / floor.core_area <= 0.81
    # Rows alternate between both ways up, so that neighbours share a rail.
    row = np.rint((placed.y - floor.margin_y) / floor.row_height).astype(int)
    assert (placed.turned == (row % 2 == 1)).all()
    away = [placed.port_x, floor.width - placed.port_x, placed.port_y, floor.height - placed.port_y]
    assert (np.min(away, axis=0) <= max(floor.site, 1.01 * floor.margin_y / 10)).all()
    assert len(set(zip(placed.port_x, placed.port_y, strict=True))) == len(placed.port_x)


def test_the_check_notices_cells_on_each_other_and_beside_the_rows(register, placed):
    moved = placed.x.copy()
    same_row = np.flatnonzero(placed.y == placed.y[0])
    moved[same_row[1]] = moved[same_row[0]]
    with pytest.raises(place.PlacementError, match="overlap"):
        place.check(register.pieces, dataclasses.replace(placed, x=moved))
    with pytest.raises(place.PlacementError, match="beside the rows"):
        place.check(
            register.pieces, dataclasses.replace(placed, x=placed.x + placed.floor.site / 2)
        )


def test_a_placement_is_the_same_every_time_and_better_than_chance(register, placed, tmp_path):
    again = place.place(register.pieces, register.technology, tmp_path)
    assert (again.x == placed.x).all()
    assert (again.y == placed.y).all()
    total = trees.span(*placed.points(register.pieces)).total
    many = len(placed.x)
    mixed = np.random.default_rng(1).permutation(many)
    shuffled = dataclasses.replace(placed, x=placed.x[mixed], y=placed.y[mixed])
    assert total < 0.7 * trees.span(*shuffled.points(register.pieces)).total


def test_pins_of_turned_cells_are_upside_down(register, placed):
    net, _, y = placed.points(register.pieces)
    assert (net[: len(register.pieces.pin_net)] == register.pieces.pin_net).all()
    cell = register.pieces.pin_cell
    inside = y[: len(cell)] - placed.y[cell]
    turned = placed.turned[cell]
    assert np.allclose(inside[~turned], register.pieces.pin_y[~turned])
    assert np.allclose(inside[turned] + register.pieces.pin_y[turned], placed.floor.row_height)


@pytest.mark.parametrize("density", [0, 1.01, -0.5])
def test_a_density_that_cannot_be_is_refused(register, density):
    with pytest.raises(ValueError, match=f"density must be above 0 and at most 1, not {density}"):
        place.floor(register.pieces, register.technology, density)


def test_the_flat_netlist_is_the_one_that_was_mapped(register, tmp_path):
    """As a graph: the same pins of the same cells hang together."""
    (tmp_path / "flat.v").write_text(files.verilog(register.pieces, "lfsr"))
    flat = netlist.read(tmp_path / "flat.v", "lfsr", register.target.cells(), tmp_path)
    assert Counter(g.cell for g in flat.groups for _ in g.nets) == register.row.cells

    def shape(design):
        """Return for each net which pins of which cells hang on it, as many times as they do."""
        ends = [[] for _ in design.names]
        for group in design.groups:
            for pin, nets in zip(design.library.cell(group.cell).pins, group.nets.T, strict=True):
                for net in nets[nets > netlist.ONE]:
                    ends[net].append((group.cell, pin.name))
        return Counter(tuple(sorted(each)) for each in ends if each)

    assert shape(flat) == shape(register.design)


def test_def_holds_every_cell_port_and_net(register, placed):
    text = files.def_file(register.pieces, placed, register.technology, "lfsr", 4)
    assert f"COMPONENTS {len(register.pieces.cells)} ;" in text
    assert len(re.findall(r"^- u\d+ ", text, re.MULTILINE)) == len(register.pieces.cells)
    assert f"PINS {len(register.pieces.ports)} ;" in text
    section = text.partition("\nNETS ")[2]
    ends = re.findall(r"\( (u\d+|PIN) (\w+) \)", section)
    tree = trees.span(*placed.points(register.pieces))
    assert len(ends) == len(tree.net) + len(set(tree.net.tolist()))


@pytest.fixture(scope="session")
def laid_out(register, tmp_path_factory):
    folder = tmp_path_factory.mktemp("layout")
    simulated = power.simulate(
        flow.workload(register.block, register.cfg),
        register.mapped,
        register.target,
        folder=folder / "energy",
    )
    return layout.lay_out(
        register.mapped, "lfsr", register.target, folder, simulated=simulated
    ), simulated


@pytest.mark.needs("icarus")
def test_energy_without_wires_is_that_of_the_cells_and_wires_weigh_what_they_toggle(
    register, laid_out
):
    made, simulated = laid_out
    bare, *wired = made.cases
    assert bare.wires == "none"
    assert bare.energy == simulated.energy(1000)
    toggles = simulated.activity.toggles(simulated.design)
    net, x, y = place.place(register.pieces, register.technology, made.files["def"].parent).points(
        register.pieces
    )
    lengths = trees.span(net, x, y).by_net(register.pieces.nets)
    assert made.wire_um == pytest.approx(lengths.sum())
    half = simulated.design.library.voltage**2 / 2
    for case in wired:
        charge = half * case.ff_per_um * (lengths * toggles).sum()
        split, plain = case.energy.split, bare.energy.split
        assert split.switching + split.clock == pytest.approx(
            plain.switching + plain.clock + charge
        )
        clock = half * case.ff_per_um * made.clock_um * 2 * bare.energy.cycles
        assert split.clock == pytest.approx(plain.clock + clock)


def test_capacitances_are_those_that_the_files_say(register):
    known = layout.capacitances(register.target, register.technology)
    if register.target.name == "freepdk45":
        assert known == pytest.approx({"LEF": 0.0527164, "Liberty": 0.1774})
    else:
        assert known == pytest.approx({"LEF": (0.1257 + 0.1119) / 2})


@pytest.mark.needs("opensta")
def test_clocks_name_the_wires_that_they_hold(register, tmp_path):
    """The rule of docs/numbers.md: the library's own model, nothing, or a layout's wires."""
    model = {"freepdk45": "5K_hvratio_1_1", "osu018": "none"}[register.target.name]
    assert register.row.timing.wires == model
    made = layout.lay_out(register.mapped, "lfsr", register.target, tmp_path)
    held = [case.timing.wires for case in made.cases]
    assert held == ["none", *(f"layout-{case.wires}.spef" for case in made.cases[1:])]
    bare = made.cases[0].timing.period_ps
    if model == "none":
        assert bare == register.row.timing.period_ps
    else:
        assert bare < register.row.timing.period_ps


@pytest.mark.needs("icarus", "opensta")
def test_rules_that_are_broken_mark_all_numbers(laid_out):
    """Of a layout that is whole and breaks no rule numbers stand alone, else each says how many."""
    made, _ = laid_out
    routed = dataclasses.replace(made, method="routed")
    for broken, mark in (({}, ""), ({"wires too close": 1_200, "vias": 3}, "breaks 1,203 rules")):
        shown = figures.laid_out(dataclasses.replace(routed, broken=broken))
        numbers = [name for name in shown if name.startswith(("smallest period", "energy"))]
        assert len(numbers) > 2
        assert {name.partition(", of a layout that ")[2] for name in numbers} == {mark}


def test_wires_cost_time_in_the_order_of_their_capacitance(laid_out):
    made, _ = laid_out
    periods = [case.timing.period_ps for case in made.cases]
    assert periods == sorted(periods)
    assert len(set(periods)) == len(periods)


@pytest.mark.needs("icarus")
def test_the_picture_shows_every_cell_and_port(register, laid_out):
    made, _ = laid_out
    root = ElementTree.parse(made.files["svg"]).getroot()
    space = {"svg": "http://www.w3.org/2000/svg"}
    paths = root.findall(".//svg:g/svg:path", space)
    named = {path.find("svg:title", space).text: path.get("d").count("M") for path in paths}
    flops = sum(n for c, n in register.row.cells.items() if c in register.target.sequential())
    assert named["registers"] == flops
    assert named["logic"] == len(register.pieces.cells) - flops
    assert named["estimated wire"] > 0
    assert len(root.findall(".//svg:circle", space)) == len(register.pieces.ports)
    assert any(text.text.endswith(" um") for text in root.findall(".//svg:text", space))


def test_modules_beyond_the_colours_have_the_one_that_the_legend_says(register, placed):
    many = len(register.pieces.cells)
    modules = [f"m{min(k, 10):02d}" for k in range(many)]
    parts = dataclasses.replace(register.pieces, modules=modules)
    root = ElementTree.fromstring(
        picture.draw(parts, placed, [], title="many", registers=frozenset())
    )
    space = {"svg": "http://www.w3.org/2000/svg"}
    paths = root.findall("./svg:g/svg:path", space)
    fills = {path.find("svg:title", space).text: path.get("fill") for path in paths}
    texts = [text.text for text in root.findall("./svg:text", space)]
    boxes = [box.get("fill") for box in root.findall("./svg:rect", space)[1:]]
    legend = dict(zip(texts[1:], boxes, strict=False))
    assert len(fills) == 11
    own = [name for name in fills if name in legend]
    assert len({fills[name] for name in own}) == len(own) == 8
    assert all(fills[name] == legend[name] for name in own)
    (rest,) = {fills[name] for name in fills if name not in legend}
    assert legend["3 more modules"] == rest
    assert rest not in {fills[name] for name in own}


@pytest.mark.needs("icarus")
def test_the_face_and_the_command_line_lay_out(tmp_path):
    made = nomul.design("lfsr", width=8, seed=1).synthesize(folder=tmp_path).layout(energy=False)
    assert made.figures["cells"] == made.cells
    assert made.cases[0].energy is None
    assert "die (um x um)" in made.figures
    command = "layout lfsr --preset leap --set width=8 --set seed=1 --no-energy --json --out"
    done = subprocess.run(
        [sys.executable, "-m", "nomul", *command.split(), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["method"] == ("routed" if route.installed() else "estimated")
    assert told["cells"] == sum(told["row"]["cells"].values())
    assert told["die_um2"] == pytest.approx(told["width"] * told["height"])


@pytest.mark.needs("icarus")
def test_the_picture_is_there_as_png_too(laid_out):
    assert laid_out[0].files["png"].read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_masks_hold_every_cell_where_it_stands_and_all_metal(register, placed, tmp_path):
    gdstk = pytest.importorskip("gdstk", reason="install the extra: pip install nomul[layout]")
    masks = register.target.gds()
    if masks is None:
        assert register.target.name == "osu018"
        return
    technology = register.technology
    cut = next(name for name, cuts in technology.cuts.items() if cuts)
    via = route.Via(technology.vias[cut], technology.cuts[cut]).moved(1.0, 2.0)
    layer = technology.layers[1]
    wire = route.Wire(layer.name, 0.0, 1.0, 3.0, 1.0, layer.width)
    routes = route.Routes({"a": [wire]}, {"a": [via]})
    for name in ("one", "two"):
        gds.write(tmp_path / name, "top", register.pieces, placed, technology, routes, *masks)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    (top,) = gdstk.read_gds(tmp_path / "one").top_level()
    assert Counter(reference.cell.name for reference in top.references) == register.row.cells
    for cell, reference in zip(register.pieces.cells, top.references, strict=True):
        assert reference.cell.name == cell
    # A cell's rails are on its lower and upper edge, turned or not.
    low, high = np.array([reference.bounding_box() for reference in top.references]).swapaxes(0, 1)
    middle = (low + high)[:, 1] / 2
    assert np.allclose(middle, placed.y + technology.row_height / 2, atol=0.01)
    found = Counter(polygon.layer for polygon in top.polygons)
    numbers = masks[1]
    ports = Counter(
        numbers[placed.port(k, technology).layer] for k in range(len(register.pieces.ports))
    )
    assert found == ports + Counter(
        [numbers[layer.name], *(numbers[shape.layer] for shape in via.shapes + via.cuts)]
    )


@pytest.mark.parametrize(
    ("target", "message"),
    [("ice40", "ice40 has none; try freepdk45"), ("freepdk54", "there is no target")],
)
def test_what_has_no_cells_is_refused_before_synthesis(target, message):
    with pytest.raises(ValueError, match=message):
        flow.cells_with_lef(target)


def test_cells_of_a_file_of_ones_own_are_refused(tmp_path):
    own = nomul.design("lfsr").synthesize(
        folder=tmp_path, liberty=targets.get("freepdk45").library()
    )
    with pytest.raises(ValueError, match="a layout needs LEF files, and a target of --liberty"):
        own.layout()


def test_a_library_without_lef_files_is_refused():
    own = targets.StandardCells("own", targets.get("freepdk45").library())
    with pytest.raises(ValueError, match="needs LEF files, and own has none"):
        own.lef()


def test_a_layout_that_does_not_work_says_so(register, tmp_path):
    made = layout.lay_out(register.mapped, "lfsr", register.target, tmp_path)
    assert made.complete
    for fault in ({"open": ("a",)}, {"shorts": (("a", "b"),)}, {"failed": 1}):
        assert not dataclasses.replace(made, **fault).complete
