"""Behavioural models of the cells that designs leave as black boxes, for simulation."""

from pathlib import Path

# A word of latches. Data and enable come from flip-flops, so they are stable while the clock is
# low, and only then is the word transparent.
LATCH = """\
module nomul_latch #(parameter WIDTH = 1) (
  input clk,
  input enable,
  input [WIDTH-1:0] d,
  output reg [WIDTH-1:0] q
);
  always @(clk or enable or d)
    if (!clk && enable) q <= d;
endmodule
"""

MODELS = {"nomul_latch": LATCH}


def write(verilog: Path) -> list[Path]:
    """Write the models that a Verilog file instantiates beside it; return their paths."""
    text, paths = verilog.read_text(), []
    for name, model in MODELS.items():
        if f"{name} #(" in text:
            paths.append(verilog.with_name(f"{name}.v"))
            paths[-1].write_text(model)
    return paths
