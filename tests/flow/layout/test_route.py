"""Routing, and the check that metal connects what the netlist says and nothing else."""

import dataclasses
import re

import pytest

from nomul.synth.layout import connect, files, layout, lef, place, route, rules

pytest.importorskip("coloquinte", reason="install the extra: pip install nomul[layout]")

pytestmark = pytest.mark.needs("qrouter")


@pytest.fixture(scope="session")
def wired(register, tmp_path_factory):
    """Return pieces, placement, technology and routes of the register, in the order of checks."""
    folder = tmp_path_factory.mktemp("routed")
    pieces, technology = register.pieces, register.technology
    placement = place.place(pieces, technology, folder)
    (folder / "layout.def").write_text(
        files.def_file(pieces, placement, technology, "lfsr", route.LAYERS)
    )
    routes = route.route(folder / "layout.def", register.target.lef(), technology, folder)
    assert routes.failed == 0
    return pieces, placement, technology, connect.mend(pieces, placement, technology, routes)[0]


def nets_with_wires(pieces):
    """Return the nets that have more than one end."""
    ends = [*pieces.pin_net.tolist(), *pieces.port_nets]
    names = files.net_names(pieces)
    return sorted({names[net] for net in ends if ends.count(net) > 1})


def test_every_net_is_wired_and_to_no_other(wired):
    assert connect.check(*wired) == connect.Connection((), ())
    assert sorted(net for net, wires in wired[3].wires.items() if wires) <= nets_with_wires(
        wired[0]
    )


def test_before_routing_the_check_finds_every_net_open(wired):
    """The negative control: a check that passes here would check nothing."""
    found = connect.check(*wired[:3], route.Routes())
    assert list(found.open) == nets_with_wires(wired[0])


def test_the_check_notices_a_wire_that_is_gone_and_one_on_another_net(wired):
    *layout, routes = wired
    net, longest = max(
        ((net, wire) for net, wires in routes.wires.items() for wire in wires),
        key=lambda entry: entry[1].length,
    )
    without = {**routes.wires, net: [w for w in routes.wires[net] if w is not longest]}
    assert net in connect.check(*layout, dataclasses.replace(routes, wires=without)).open
    other = next(name for name in routes.wires if name != net)
    both = {**routes.wires, other: [*routes.wires[other], longest]}
    found = connect.check(*layout, dataclasses.replace(routes, wires=both))
    assert (min(net, other), max(net, other)) in found.shorts


def test_the_check_notices_a_wire_across_the_metal_inside_of_a_cell(wired):
    pieces, placement, technology, routes = wired
    cell = next(k for k, kind in enumerate(pieces.cells) if technology.macro(kind).obstructions)
    inside = next(connect._obstructions(pieces, placement, technology))
    assert inside.net == f"u{cell} OBS"
    shape = inside.shapes[0]
    x, y = (shape.left + shape.right) / 2, (shape.low + shape.high) / 2
    net = next(iter(routes.wires))
    across = route.Wire(shape.layer, x, y, x, y, technology.layers[0].width)
    wires = {**routes.wires, net: [*routes.wires[net], across]}
    found = connect.check(pieces, placement, technology, dataclasses.replace(routes, wires=wires))
    assert (min(net, inside.net), max(net, inside.net)) in found.shorts


def test_gaps_of_less_than_a_pitch_are_closed_and_no_larger_ones(wired):
    *layout, routes = wired
    layer = layout[2].signal[0]
    net, index, wire = next(
        (net, k, wire)
        for net, wires in routes.wires.items()
        for k, wire in enumerate(wires)
        if wire.layer == layer.name and abs(wire.x1 - wire.x0) > 6 * layer.pitch
    )
    left, right = sorted((wire.x0, wire.x1))
    for gap, closed in ((0.4, 1), (3.0, 0)):
        cut = (left + right) / 2
        half = (gap * layer.pitch + layer.width) / 2
        parts = [
            dataclasses.replace(wire, x0=left, x1=cut - half),
            dataclasses.replace(wire, x0=cut + half, x1=right),
        ]
        wires = list(routes.wires[net])
        wires[index : index + 1] = parts
        broken = dataclasses.replace(routes, wires={**routes.wires, net: wires})
        opened = connect.check(*layout, broken).open
        mended, added = connect.mend(*layout, broken)
        if not opened:  # another wire of the net leads around the cut
            continue
        assert opened == (net,)
        assert added == closed
        assert (connect.check(*layout, mended).open == ()) == bool(closed)


def test_a_gap_between_shapes_that_overlap_by_half_a_wire_is_closed_as_wide_as_a_wire(register):
    layer = register.technology.signal[0]
    layers, wide = {layer.name: layer}, layer.width

    def shape(x, y, width=wide, height=wide):
        return lef.Shape(layer.name, x, y, x + width, y + height)

    via, above = shape(0, 0, width=2 * wide), 0.9 * layer.pitch + wide
    wire = connect._gap(via, shape(1.4 * wide, above), layers)
    # Over both, so there is no neck, and not beyond.
    assert (wire.shape.low, wire.shape.high) == pytest.approx((0, above + wide), abs=1e-9)
    assert (wire.shape.left, wire.shape.right) == pytest.approx((wide, 2 * wide))
    turned = connect._gap(shape(0, 0, height=2 * wide), shape(above, 1.4 * wide), layers)
    assert (turned.shape.low, turned.shape.high) == pytest.approx((wide, 2 * wide))
    assert (turned.shape.left, turned.shape.right) == pytest.approx((0, above + wide), abs=1e-9)
    assert connect._gap(via, shape(1.6 * wide, above), layers) is None
    assert connect._gap(via, shape(wide, wide + 1.1 * layer.pitch), layers) is None


def test_spanning_trees_are_as_long_as_routed_wires_within_a_quarter(wired):
    from nomul.synth.layout import trees

    pieces, placement, _, routes = wired
    total = trees.span(*placement.points(pieces)).total
    assert sum(routes.by_layer().values()) == pytest.approx(total, rel=0.25)


def test_time_is_limited(register, wired, tmp_path):
    pieces, placement, technology, _ = wired
    placed = tmp_path / "layout.def"
    placed.write_text(files.def_file(pieces, placement, technology, "lfsr", route.LAYERS))
    with pytest.raises(route.RoutingError, match=r"took more than 0\.001 s"):
        route.route(placed, register.target.lef(), technology, tmp_path, limit_s=0.001)


def test_a_design_that_the_router_cannot_read_is_an_error(register, tmp_path):
    (tmp_path / "empty.def").write_text("VERSION 5.6 ;\n")
    with pytest.raises(route.RoutingError, match="has read no design"):
        route.route(tmp_path / "empty.def", register.target.lef(), register.technology, tmp_path)


def test_def_wires_are_read_with_vias_widths_and_stars(register):
    layer = register.technology.layers[1].name
    text = f"""UNITS DISTANCE MICRONS 1000 ;
VIAS 1 ;
- own
+ RECT via1 ( -10 -10 ) ( 10 10 )
+ RECT {layer} ( -20 -30 ) ( 20 30 ) ;
END VIAS
NETS 1 ;
- a
  ( u0 A ) ( u1 B )

+ ROUTED {layer} ( 1000 2000 ) ( * 5000 ) ( 3000 * ) own
  NEW {layer} ( 0 0 ) own ;
END NETS
SPECIALNETS 1 ;
- a
+ ROUTED {layer} 140 ( 0 0 ) ( 500 * ) ;
END SPECIALNETS
"""
    routes = route.read(text, register.technology)
    assert [wire.length for wire in routes.wires["a"]] == pytest.approx([3, 2, 0.5])
    assert routes.wires["a"][2].width == pytest.approx(0.14)
    first, second = routes.vias["a"]
    assert first.shapes[0].left == pytest.approx(2.98)
    assert first.shapes[0].high == pytest.approx(5.03)
    assert second.shapes[0].low == pytest.approx(-0.03)
    with pytest.raises(ValueError, match="net a has a via other that nothing defines"):
        route.read(text.replace(") own", ") other"), register.technology)


@pytest.mark.needs("magic")
def test_magic_and_netgen_find_the_netlist_in_the_wires_and_in_nothing_less(register, tmp_path):
    """Unrouted cells are no such netlist, nor is one with two wires swapped, and rules are kept."""
    if register.target.rules() is None:
        assert register.target.name == "freepdk45"
        return
    made = layout.lay_out(
        register.mapped, "lfsr", register.target, tmp_path / "layout", routed=True
    )
    folder, deck = tmp_path / "layout", register.target.rules()
    assert made.mended == 0
    assert made.matches is True
    assert made.complete
    bare, lef_files, magic = made.cases
    assert (bare.wires, lef_files.wires, magic.wires) == ("none", "LEF", "Magic")
    # Magic counts neighbours and the wires above and below, which the layers' files leave out.
    assert lef_files.ff_per_um < magic.ff_per_um < 2 * lef_files.ff_per_um
    # The router knows no smallest area of metal; it breaks no other rule.
    assert all("area" in why for why in made.broken)
    options = {"tech": deck, "lef": register.target.lef(), "netlist": folder / "layout.v"}
    unrouted = rules.judge(folder / "layout.def", "lfsr", **options)
    assert not unrouted.matches
    assert all("area" in why for why in unrouted.errors)  # of ports that no wire has met yet
    text = (folder / "layout.v").read_text()
    pins = re.findall(r"\.A\((n\d+)\)", text)
    one, other = pins[0], next(pin for pin in pins if pin != pins[0])
    swapped = text.replace(f".A({one})", ".A(here)").replace(f".A({other})", f".A({one})")
    (folder / "layout.v").write_text(swapped.replace(".A(here)", f".A({other})"))
    assert not rules.judge(folder / "routed.def", "lfsr", **options).matches


@pytest.mark.needs("magic")
def test_magic_notices_a_wire_too_near_to_another(register, tmp_path):
    """The negative control of the rules: a wire beside each long one, at half of the spacing."""
    if register.target.rules() is None:
        return
    folder = tmp_path / "layout"
    layout.lay_out(register.mapped, "lfsr", register.target, folder, routed=True)
    file = folder / "routed.def"
    routed = file.read_text()
    near = re.sub(
        r"NEW metal2 \( (\d+) (\d+) \) \( \* (\d+) \)",
        lambda m: f"NEW metal2 ( {int(m[1]) + 500} {m[2]} ) ( * {m[3]} )\n  {m[0]}",
        routed,
    )
    assert near != routed
    file.write_text(near)
    found = rules.judge(
        file, "lfsr", register.target.rules(), register.target.lef(), folder / "layout.v"
    )
    assert any("spac" in why.lower() for why in found.errors)


def test_a_capacitance_between_two_nets_weighs_on_both():
    text = "C0 u3/Y a 0.62fF\nC1 a 0 3aF\nC2 u3/Y a -0.02fF\nR1 a b 1\n"
    assert rules.capacitances(text) == pytest.approx({"u3/Y": 0.6, "a": 0.603, "0": 0.003})
    with pytest.raises(rules.RulesError, match="a capacitance of 1e"):
        rules.capacitances("C0 a b 1e\n")


def test_supplies_are_left_out_of_a_comparison():
    text = ".subckt INV A gnd Y\n+ vdd\n.ends\n.subckt top a b\nXu0 a u1/gnd b u2/vdd INV\n.ends"
    plain = rules.without_supplies(text)
    assert plain == ".subckt INV A Y\n.ends\n.subckt top a b\nXu0 a b INV\n.ends\n"
    verilog = "module top (a, b);\n  INV u0 (.Y(b), .A(a));\nendmodule\n"
    assert rules.as_spice(verilog, plain, "top").splitlines() == plain.splitlines()
