"""Verilog of LogicNets: comments, conditions, attributes, numbers, and what stands twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import importers
from nomul.golden.lutnet.importers.tokens import tokens

LAYER = """module layer0 (input [0:0] M0, output [0:0] M1);
wire [0:0] w = {M0[0]};
layer0_N0 n (.M0(w), .M1(M1[0:0]));
endmodule
"""


def neuron(zero=0, one=1):
    return f"""module layer0_N0 (input [0:0] M0, output [0:0] M1);
reg [0:0] M1r;
assign M1 = M1r;
always @ (M0) begin case (M0)
1'b0: M1r = 1'b{zero};
1'b1: M1r = 1'b{one};
endcase end
endmodule
"""


def table(folder, text):
    (folder / "a.v").write_text(text)
    return importers.load(folder / "a.v", "logicnets").layers[0].table.tolist()


@pytest.mark.parametrize(
    "text",
    [
        LAYER + neuron() + f"/*\n{neuron(1, 0)}*/",
        LAYER + neuron() + "".join(f"// {line}\n" for line in neuron(1, 0).splitlines()),
        LAYER + f"`ifdef OLD\n{neuron(1, 0)}`else\n{neuron()}`endif\n",
        LAYER + f"`define OLD 1\n`ifndef OLD\n{neuron(1, 0)}`endif\n{neuron()}",
        LAYER + f"`ifdef A\n`ifdef B\n{neuron(1, 0)}`endif\n`elsif C\n`else\n{neuron()}`endif",
        LAYER + neuron().replace("reg", '(* rom_style = "x" *) reg').replace("@ (M0)", "@(*)"),
        LAYER + neuron().replace("1'b0: M1r = 1'b0;", "default: M1r = 1'b0;"),
        LAYER + neuron().replace("1'b1:", "1'h1 :").replace("1'b0:", "1 'd0:"),
        "`timescale 1ns / 1ps\n" + (LAYER + neuron()).replace("\n", "\r\n"),
        LAYER + "module top (input clk); assign x = y + 1; endmodule\n" + neuron(),
    ],
    ids=range(10),
)
def test_the_table_in_use_is_read(tmp_path, text):
    assert table(tmp_path, text) == [[0, 1]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAYER + neuron() + neuron(1, 0), "module layer0_N0 stands twice"),
        (LAYER + neuron() + "/* no end", "a comment does not end"),
        (LAYER + neuron() + "`ifdef A\n", "an `ifdef does not end"),
        (LAYER + neuron() + "`endif", "`endif without `ifdef"),
        (LAYER + neuron() + "`ifdef A\n`else\n`else\n`endif", "a branch without `ifdef"),
        (LAYER + '`include "x.v"\n' + neuron(), "'`include' is not read"),
        (LAYER + neuron().replace("1'b1;", "`ONE;"), "'`ONE' is not read"),
        (LAYER + neuron().replace("1'b1;", "1'bx;"), '"1\'bx" is no number of 1 bits'),
        (LAYER + neuron().replace("= 1'b1;", "= 2'b1;"), "is of another width"),
        (LAYER + neuron().replace("assign M1 = M1r", "assign M1 = ~M1r"), "M1r"),
        (LAYER + neuron().replace("case (M0)", "casez (M0)"), "case is wanted, not 'casez'"),
        (LAYER + neuron().replace("1'b1: M1r", "1'b1: other"), "drives M1r and other"),
        (LAYER.replace("wire", "reg x; wire") + neuron(), "'reg x' is not understood"),
        (LAYER.replace("{M0[0]}", "{~M0[0]}") + neuron(), "is not a bit of M0"),
        (LAYER.replace(".M0(w)", ".M0(M0)") + neuron(), "reads 'M0', which is not declared"),
        (LAYER.replace("[0:0] M1)", "[0:0] M1, input clk)") + neuron(), "other ports than M0 and"),
        (LAYER.replace("[0:0] w", "[99999999:0] w") + neuron(), "reads 100000000 bits; at most"),
        (LAYER + neuron().replace("endmodule", ""), "does not end"),
        ("garbage", "'garbage' in no module"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=r"a\.v: ") as caught:
        table(tmp_path, text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


NAMES = ("A", "B", "C")


@st.composite
def pieces(draw, depth=3):
    """Draw a text of words and conditions, and a function from defined names to its words."""
    kinds = ["word", "comment", "define", "undef"] + (["if"] if depth else [])
    texts, parts = [], []
    for _ in range(draw(st.integers(0, 4))):
        kind, name = draw(st.sampled_from(kinds)), draw(st.sampled_from(NAMES))
        if kind == "word":
            word = draw(st.sampled_from(["a", "b9", "(", ";", "4'b01", "M1r"]))
            texts.append(f"{word} ")
            parts.append(("word", word))
        elif kind == "comment":
            texts.append(draw(st.sampled_from(["// `endif\n", "/* `else // \n */", "(* x *) "])))
        elif kind in ("define", "undef"):
            texts.append(f"\n`{kind} {name}\n")
            parts.append((kind, name))
        else:
            negative = draw(st.booleans())
            (yes, one), (no, two) = draw(pieces(depth - 1)), draw(pieces(depth - 1))
            start = "`ifndef" if negative else "`ifdef"
            texts.append(f"\n{start} {name}\n{yes}\n`else\n{no}\n`endif\n")
            parts.append(("if", name, negative, one, two))
    return "".join(texts), parts


def words(parts, names):
    """Yield the words that a preprocessor leaves, of a set of names that it changes."""
    for kind, *rest in parts:
        if kind == "word":
            yield rest[0]
        elif kind == "if":
            name, negative, one, two = rest
            yield from words(one if (name in names) != negative else two, names)
        else:
            (names.add if kind == "define" else names.discard)(rest[0])


@given(pieces())
def test_conditions_are_decided_as_a_preprocessor_does(drawn):
    text, parts = drawn
    assert [token.text for token in tokens(text)] == list(words(parts, set()))


@pytest.mark.parametrize(
    "unit", ["1'b1:", "/*", "`ifdef A\n", "((", "'b", "1'b1 : a <= 1'b", " \n"]
)
def test_hostile_text_takes_time_in_proportion(unit):
    """Of what a pattern could stumble over; one that goes back for it would not end at all."""
    try:
        count = len(list(tokens(unit * 40_000)))
    except ValueError as error:
        count = len(str(error))
    assert count in range(400_000)
