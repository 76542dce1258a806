"""Ways from gates to standard cells: ABC scripts, and whether to use the library's full adder."""

from dataclasses import dataclass

# Technology-independent optimisation, common to all recipes: equivalent nodes, then rewriting.
_OPTIMISE = (
    *("strash", "&get -n", "&fraig -x", "&put", "scorr", "dc2", "strash"),
    *("balance", "rewrite", "refactor", "balance", "rewrite", "rewrite -z"),
    *("balance", "refactor -z", "rewrite -z", "balance"),
)

# Buffers for nets of more than sixteen loads, then sizes for the delay that is left.
_SIZE = ("buffer -N 16", "upsize {D}", "dnsize {D}", "stime -p")

# Products of short unsigned factors as sums of rows, which take less than the Booth digits that
# Yosys makes of 4 bits and more. Measured in 4 x 4 arrays of ``intouter`` at 1 ns, 5 bits take
# 5,067 um2 instead of 5,646, 6 bits 6,907 instead of 7,916, 7 bits 9,192 instead of 9,468; the
# signed 8 bits of ``permdiag small`` take less as digits.
SHORT_PRODUCTS = """\
(* techmap_celltype = "$mul" *)
module nomul_short_product (A, B, Y);
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = A_SIGNED || B_SIGNED
    || A_WIDTH < 4 || B_WIDTH < 4 || A_WIDTH > 7 || B_WIDTH > 7;
  wire [Y_WIDTH*B_WIDTH-1:0] sums;
  assign sums[Y_WIDTH-1:0] = A & {A_WIDTH{B[0]}};
  assign Y = sums[Y_WIDTH*(B_WIDTH-1) +: Y_WIDTH];
  genvar i;
  generate for (i = 1; i < B_WIDTH; i = i + 1) begin : rows
    wire [Y_WIDTH-1:0] row = {A & {A_WIDTH{B[i]}}, {i{1'b0}}};
    assign sums[Y_WIDTH*i +: Y_WIDTH] = sums[Y_WIDTH*(i-1) +: Y_WIDTH] + row;
  end endgenerate
endmodule
"""


@dataclass(frozen=True)
class FullAdder:
    """A library's full adder: its cell and the names of its pins."""

    cell: str
    a: str
    b: str
    c: str
    carry: str
    total: str

    def techmap(self) -> str:
        """Return the Verilog that maps Yosys' ``$fa`` to the cell, one per bit."""
        pins = f".{self.a}(A[i]), .{self.b}(B[i]), .{self.c}(C[i])"
        outs = f".{self.carry}(X[i]), .{self.total}(Y[i])"
        return f"""\
(* techmap_celltype = "$fa" *)
module nomul_full_adder (A, B, C, X, Y);
  parameter WIDTH = 1;
  input [WIDTH-1:0] A, B, C;
  output [WIDTH-1:0] X, Y;
  genvar i;
  generate for (i = 0; i < WIDTH; i = i + 1) begin : bits
    {self.cell} add ({pins}, {outs});
  end endgenerate
endmodule
"""


@dataclass(frozen=True)
class Recipe:
    """One way to map logic.

    Parameters
    ----------
    name
        What a row calls it.
    mapping
        ABC's commands between optimisation and sizing.
    full_adders
        Find full adders among the gates and give them to the library's cell.
    haste
        Share of the time for logic that ABC is told to aim at: its estimate leaves out how slowly
        edges arrive from flip-flops, and it stops as soon as it believes to be there.
    """

    name: str
    mapping: tuple[str, ...]
    full_adders: bool = False
    haste: float = 1.0

    @property
    def needs_buffer(self) -> bool:
        """Whether ABC's mapper stops at a library without a buffer."""
        return any(command.startswith("&nf") for command in self.mapping)

    def script(self, buffered: bool = True) -> str:
        """Return the argument of ``abc -script``; Yosys puts the delay target where ``{D}`` is.

        ABC neither sizes cells nor times them where the library has no buffer.
        """
        size = _SIZE if buffered else ()
        return "+" + ";".join((*_OPTIMISE, *self.mapping, *size)).replace(" ", ",")

    def adders(self, full_adder: FullAdder | None) -> list[str]:
        """Return the Yosys commands that take full adders out of the logic."""
        if not (self.full_adders and full_adder):
            return []
        return ["extract_fa -fa", "techmap -map full_adder.v", "techmap", "opt -fast"]


# Chosen by measurement, with Yosys 0.70 and the NanGate cells, on an 11 x 11 and a signed 16 x 16
# multiplier, a 32-bit adder, the sums of 32 bytes and of 64 bits, an FP16 multiplier and ESSOP;
# each is the best of them somewhere. Which one wins depends on the period. The 11 x 11 multiplier
# takes 799 um2 at 1.66 ns from area, 838 at 1.38 from adders, 1181 at 0.90 from rush; the 64 bits
# take 597 at 1.38 ns from adders, 925 at 0.93 from speed, 981 at 0.78 from rush.
AREA = Recipe("area", ("dch -f", "amap -m", "topo"))
ADDERS = Recipe("adders", ("&get -n", "&dch -f", "&nf {D}", "&put"), full_adders=True)
BALANCED = Recipe("balanced", ("&get -n", "&dch -f", "&nf {D}", "&put"))
SPEED = Recipe("speed", ("dch -f", "map -B 0.9 {D}", "topo"), haste=0.8)
RUSH = Recipe("rush", ("if -g", "strash", *SPEED.mapping), haste=0.6)

RECIPES = (AREA, ADDERS, BALANCED, SPEED, RUSH)
