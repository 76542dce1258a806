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
  always @*
    if (!clk && enable) q = d;
endmodule
"""

MODELS = {"nomul_latch": LATCH}


def models(verilog: str) -> dict[str, str]:
    """Return by file name the models of the black boxes that a design instantiates."""
    return {f"{name}.v": model for name, model in MODELS.items() if f"{name} #(" in verilog}


def write(verilog: Path) -> list[Path]:
    """Write the models that a Verilog file instantiates beside it; return their paths."""
    paths = []
    for name, model in models(verilog.read_text()).items():
        paths.append(verilog.with_name(name))
        paths[-1].write_text(model)
    return paths
