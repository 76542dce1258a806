"""Hardware of da4ml's graphs: its Verilog, with our argmax and stream behind it.

The graph is da4ml's own text. Its scores have widths and binary points of their own; they are
aligned, and the sign bit is turned over so that the order is that of unsigned numbers, which costs
nothing. The argmax is the one that our networks end with.
"""

import importlib.util
from pathlib import Path
from typing import Any

from nomul.experiments import foreign
from nomul.experiments.lutnet.area import design
from nomul.golden import lutnet
from nomul.synth.emit import Emitted

NAME, GRAPH, ARGMAX = "perceptron", "graph", "lutnet"


def hardware(graph: Any, target: str, bits: int, cutoff: float = 0) -> Emitted:
    """Return a perceptron that takes codes and gives classes.

    Parameters
    ----------
    graph
        From :func:`nomul.train.rivals.mlp.train`; its inputs are whole codes.
    target
        ``xc7``, ``ecp5`` or ``ice40``, for the argmax's adders.
    bits
        Of a code.
    cutoff
        Longest path of a stage of da4ml's pipeline, in its units of delay; without one all is
        combinational, and the stream's only register is behind the argmax. A pipeline of da4ml's
        never stops: that design is always ready, and what comes out is lost if nobody takes it.
    """
    from da4ml.codegen.rtl.verilog import comb_logic_gen, pipeline_logic_gen
    from da4ml.trace import to_pipeline

    stages = 0
    if cutoff:
        pipeline = to_pipeline(graph, cutoff, verbose=False)
        stages = len(pipeline.solutions) + 1
        texts = list(pipeline_logic_gen(pipeline, GRAPH, timescale=None).values())
    else:
        texts = [comb_logic_gen(graph, GRAPH, timescale=None)]
    spec = importlib.util.find_spec("da4ml.codegen.rtl.verilog")
    assert spec is not None
    assert spec.origin is not None
    # Its modules for operations, those alone that the graph has: others read files.
    files = sorted((Path(spec.origin).parent / "source").glob("*.v"))
    texts += [file.read_text() for file in files if any(f"{file.stem} #" in t for t in texts)]
    aligned, width = scores(graph)
    network = lutnet.Network([lutnet.Argmax()], len(aligned), width)
    argmax = design(network, target)
    taken = inputs(graph, bits)
    packed = sum(map(sum, _forms(graph.out_qint)))
    top = _top(graph.shape[0] * bits, taken, aligned, width, packed, stages)
    return foreign.design(NAME, "\n".join([*texts, top]), argmax)


def inputs(graph: Any, bits: int) -> list[str]:
    """Return the bits of codes that a graph takes, as slices of ``x__payload``, the lowest first.

    Raises
    ------
    ValueError
        It takes bits that a code does not have.
    """
    slices = []
    for feature, (sign, whole, below) in enumerate(_forms(graph.inp_qint)):
        if sign or whole > 0 or below > bits:
            raise ValueError(f"input {feature} must be a code of {bits} bits below 1")
        if whole + below > 0:
            high, low = (feature + 1) * bits + whole - 1, (feature + 1) * bits - below
            slices.append(f"x__payload[{high}:{low}]")
    return slices


def scores(graph: Any) -> tuple[list[str], int]:
    """Return the scores as Verilog expressions of one width over ``sums``, and that width."""
    forms = _forms(graph.out_qint)
    whole, fraction = (max(form[part] for form in forms) for part in (1, 2))
    expressions, low = [], 0
    for sign, own, below in forms:
        size = sign + own + below
        # The bit of the sign in front: one for what is not negative.
        front = f"~sums[{low + size - 1}]" if sign else "1'b1"
        filler = f"sums[{low + size - 1}]" if sign else "1'b0"
        parts = [front]
        if whole > own:
            parts.append(f"{{{whole - own}{{{filler}}}}}")
        if own + below > 0:
            parts.append(f"sums[{low + own + below - 1}:{low}]")
        if fraction > below:
            parts.append(f"{fraction - below}'b0")
        expressions.append(f"{{{', '.join(parts)}}}")
        low += size
    return expressions, 1 + whole + fraction


def _forms(intervals: Any) -> list[tuple[int, int, int]]:
    """Return sign, whole and fractional bits of numbers; their sum is zero for a constant 0."""
    from da4ml.types import minimal_kif

    forms = []
    for interval in intervals:
        sign, whole, below = (int(part) for part in minimal_kif(interval))
        forms.append((sign, whole, below))
    return forms


def _top(
    size: int, taken: list[str], aligned: list[str], width: int, packed: int, stages: int
) -> str:
    """Return the top module: graph, aligned scores, argmax."""
    given = ", ".join(reversed(taken))
    lanes = f"{{1'b1, {', '.join(reversed(aligned))}}}"
    clock = ".clk(clk), " if stages else ""
    ready = "1'b1" if stages else "taken"
    valid = f"passed[{stages - 1}]" if stages else "x__valid"
    follow = ""
    if stages:
        before = "x__valid" if stages == 1 else f"{{passed[{stages - 2}:0], x__valid}}"
        follow = (
            f"  reg [{stages - 1}:0] passed;\n"
            f"  always @(posedge clk) passed <= rst ? {stages}'b0 : {before};\n"
        )
    return f"""
module {NAME}(input clk, input rst, input [{size}:0] x__payload, input x__valid,
              output x__ready, output [4:0] y__payload, output y__valid, input y__ready);
  wire [{packed - 1}:0] sums;
  wire taken;
{follow}  assign x__ready = {ready};
  {GRAPH} graph({clock}.model_inp({{{given}}}), .model_out(sums));
  wire [{len(aligned) * width}:0] lanes = {lanes};
  {ARGMAX} argmax(.clk(clk), .rst(rst), .x__payload(lanes), .x__valid({valid}),
                  .x__ready(taken), .y__payload(y__payload), .y__valid(y__valid),
                  .y__ready(y__ready));
endmodule
"""
