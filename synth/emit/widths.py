"""Operators whose operands are as wide as their results, for Verilog that people read and lint.

RTLIL extends and cuts operands by rules of its own, and Verilog by similar ones, which linters want
spelled out. Nothing here changes what a design computes, and synthesis reads the RTLIL as it was.
"""

import re

# Rules for Yosys' pass `techmap`. Each is applied until it fits no more.
RULES = r"""
module nomul_extend(A, Y);
  parameter A_WIDTH = 1, Y_WIDTH = 1, SIGN = 0;
  input [A_WIDTH-(A_WIDTH>0):0] A;
  output [Y_WIDTH-1:0] Y;
  generate
    if (A_WIDTH == 0) assign Y = {Y_WIDTH{1'b0}};
    else if (SIGN) assign Y = $signed(A);
    else assign Y = A;
  endgenerate
endmodule

// As wide as the result. A sum may have a bit more than its operands: so one asks for the carry.
(* techmap_celltype = "$add $sub $and $or $xor $xnor" *)
module nomul_result(A, B, Y);
  parameter A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1, A_SIGNED = 0, B_SIGNED = 0;
  parameter _TECHMAP_CELLTYPE_ = "";
  localparam SIGN = A_SIGNED && B_SIGNED, W = Y_WIDTH;
  localparam CARRY = _TECHMAP_CELLTYPE_ == "$add" || _TECHMAP_CELLTYPE_ == "$sub";
  input [A_WIDTH-(A_WIDTH>0):0] A;
  input [B_WIDTH-(B_WIDTH>0):0] B;
  output [W-1:0] Y;
  wire _TECHMAP_FAIL_ = (A_WIDTH == W || (CARRY && A_WIDTH == W - 1))
    && (B_WIDTH == W || (CARRY && B_WIDTH == W - 1));
  wire [W-1:0] a, b;
  nomul_extend #(.A_WIDTH(A_WIDTH), .Y_WIDTH(W), .SIGN(SIGN)) left(.A(A), .Y(a));
  nomul_extend #(.A_WIDTH(B_WIDTH), .Y_WIDTH(W), .SIGN(SIGN)) right(.A(B), .Y(b));
  generate case (_TECHMAP_CELLTYPE_)
    "$add": assign Y = a + b;
    "$sub": assign Y = a - b;
    "$and": assign Y = a & b;
    "$or": assign Y = a | b;
    "$xor": assign Y = a ^ b;
    "$xnor": assign Y = a ~^ b;
  endcase endgenerate
endmodule

(* techmap_celltype = "$not $neg" *)
module nomul_unary(A, Y);
  parameter A_WIDTH = 1, Y_WIDTH = 1, A_SIGNED = 0;
  parameter _TECHMAP_CELLTYPE_ = "";
  input [A_WIDTH-(A_WIDTH>0):0] A;
  output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = A_WIDTH == Y_WIDTH;
  wire [Y_WIDTH-1:0] a;
  nomul_extend #(.A_WIDTH(A_WIDTH), .Y_WIDTH(Y_WIDTH), .SIGN(A_SIGNED)) only(.A(A), .Y(a));
  generate if (_TECHMAP_CELLTYPE_ == "$not") assign Y = ~a; else assign Y = -a; endgenerate
endmodule

// As wide as the wider operand.
(* techmap_celltype = "$lt $le $gt $ge $eq $ne $eqx $nex" *)
module nomul_compare(A, B, Y);
  parameter A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1, A_SIGNED = 0, B_SIGNED = 0;
  parameter _TECHMAP_CELLTYPE_ = "";
  localparam SIGN = A_SIGNED && B_SIGNED, W = A_WIDTH > B_WIDTH ? A_WIDTH : B_WIDTH;
  input [A_WIDTH-(A_WIDTH>0):0] A;
  input [B_WIDTH-(B_WIDTH>0):0] B;
  output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = A_WIDTH == B_WIDTH && Y_WIDTH == 1;
  wire [W-1:0] a, b;
  wire signed [W-1:0] c = a, d = b;
  wire y;
  nomul_extend #(.A_WIDTH(A_WIDTH), .Y_WIDTH(W), .SIGN(SIGN)) left(.A(A), .Y(a));
  nomul_extend #(.A_WIDTH(B_WIDTH), .Y_WIDTH(W), .SIGN(SIGN)) right(.A(B), .Y(b));
  generate case (_TECHMAP_CELLTYPE_)
    "$lt": if (SIGN) assign y = c < d; else assign y = a < b;
    "$le": if (SIGN) assign y = c <= d; else assign y = a <= b;
    "$gt": if (SIGN) assign y = c > d; else assign y = a > b;
    "$ge": if (SIGN) assign y = c >= d; else assign y = a >= b;
    "$eq": assign y = a == b;
    "$ne": assign y = a != b;
    "$eqx": assign y = a === b;
    "$nex": assign y = a !== b;
  endcase endgenerate
  assign Y = y;
endmodule

// A bit.
module \$logic_not (A, Y);
  parameter A_WIDTH = 1, Y_WIDTH = 1, A_SIGNED = 0;
  input [A_WIDTH-(A_WIDTH>0):0] A;
  output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = A_WIDTH == 1 && Y_WIDTH == 1;
  assign Y = A == {A_WIDTH{1'b0}};
endmodule

(* techmap_celltype = "$logic_and $logic_or" *)
module nomul_logic(A, B, Y);
  parameter A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1, A_SIGNED = 0, B_SIGNED = 0;
  parameter _TECHMAP_CELLTYPE_ = "";
  input [A_WIDTH-(A_WIDTH>0):0] A;
  input [B_WIDTH-(B_WIDTH>0):0] B;
  output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = A_WIDTH == 1 && B_WIDTH == 1 && Y_WIDTH == 1;
  wire [A_WIDTH-(A_WIDTH>0):0] a;
  wire [B_WIDTH-(B_WIDTH>0):0] b;
  nomul_extend #(.A_WIDTH(A_WIDTH), .Y_WIDTH(A_WIDTH+(A_WIDTH==0))) left(.A(A), .Y(a));
  nomul_extend #(.A_WIDTH(B_WIDTH), .Y_WIDTH(B_WIDTH+(B_WIDTH==0))) right(.A(B), .Y(b));
  wire one = |a, other = |b;
  generate
    if (_TECHMAP_CELLTYPE_ == "$logic_and") assign Y = one & other;
    else assign Y = one | other;
  endgenerate
endmodule

// To the left: what is shifted is as wide as the result.
(* techmap_celltype = "$shl $sshl" *)
module nomul_left(A, B, Y);
  parameter A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1, A_SIGNED = 0, B_SIGNED = 0;
  input [A_WIDTH-(A_WIDTH>0):0] A;
  input [B_WIDTH-(B_WIDTH>0):0] B;
  output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = A_WIDTH == Y_WIDTH;
  wire [Y_WIDTH-1:0] a;
  wire [B_WIDTH-(B_WIDTH>0):0] b;
  nomul_extend #(.A_WIDTH(A_WIDTH), .Y_WIDTH(Y_WIDTH), .SIGN(A_SIGNED)) only(.A(A), .Y(a));
  nomul_extend #(.A_WIDTH(B_WIDTH), .Y_WIDTH(B_WIDTH+(B_WIDTH==0))) by(.A(B), .Y(b));
  assign Y = a << b;
endmodule

// To the right: a part of something wider is a selection from it.
(* techmap_celltype = "$shr $sshr $shift" *)
module nomul_right(A, B, Y);
  parameter A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1, A_SIGNED = 0, B_SIGNED = 0;
  parameter _TECHMAP_CELLTYPE_ = "";
  parameter _TECHMAP_CONSTMSK_B_ = 0, _TECHMAP_CONSTVAL_B_ = 0;
  localparam SHIFT = _TECHMAP_CELLTYPE_ == "$shift";
  // `$shr` fills with zeros, but first extends a signed operand to the width of its result.
  localparam FILL = A_SIGNED && _TECHMAP_CELLTYPE_ == "$sshr";
  localparam BROAD = A_WIDTH > Y_WIDTH ? A_WIDTH : Y_WIDTH;
  // An index into equal parts ends in zeros, and reaches no further than its bits.
  localparam [31:0] LOW = Y_WIDTH - 1, ZERO = _TECHMAP_CONSTMSK_B_ & ~_TECHMAP_CONSTVAL_B_;
  localparam EQUAL = (Y_WIDTH & LOW) == 0 && (ZERO & LOW) == LOW;
  localparam [31:0] REACH = (1 << (B_WIDTH < 16 ? B_WIDTH : 16)) + (EQUAL ? 0 : Y_WIDTH - 1);
  localparam PART = REACH <= 64 + 2 * BROAD && Y_WIDTH < BROAD;
  localparam W = PART ? REACH : BROAD;
  localparam INDEX = PART ? $clog2(W) : B_WIDTH + (B_WIDTH == 0);
  input [A_WIDTH-(A_WIDTH>0):0] A;
  input [B_WIDTH-(B_WIDTH>0):0] B;
  output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = (SHIFT && B_SIGNED) || (!SHIFT && A_WIDTH == Y_WIDTH);
  wire [BROAD-1:0] whole;
  wire [W-1:0] a;
  nomul_extend #(.A_WIDTH(A_WIDTH), .Y_WIDTH(BROAD), .SIGN(A_SIGNED)) first(.A(A), .Y(whole));
  nomul_extend #(.A_WIDTH(BROAD), .Y_WIDTH(W), .SIGN(FILL)) then(.A(whole), .Y(a));
  wire [INDEX-1:0] b;
  nomul_extend #(.A_WIDTH(B_WIDTH), .Y_WIDTH(INDEX)) by(.A(B), .Y(b));
  wire signed [W-1:0] c = a;
  wire [W-1:0] y;
  generate
    if (PART) begin
      \$shiftx #(.A_SIGNED(0), .B_SIGNED(0), .A_WIDTH(W), .B_WIDTH(INDEX), .Y_WIDTH(Y_WIDTH))
        select(.A(a), .B(b), .Y(Y));
    end else begin
      if (FILL) assign y = c >>> b; else assign y = a >> b;
      assign Y = y[Y_WIDTH-1:0];
    end
  endgenerate
endmodule

// A table is a selection from its constant.
module \$lut (A, Y);
  parameter WIDTH = 1, LUT = 0;
  input [WIDTH-1:0] A;
  output Y;
  wire [(1<<WIDTH)-1:0] values = LUT;
  \$shiftx #(.A_SIGNED(0), .B_SIGNED(0), .A_WIDTH(1<<WIDTH), .B_WIDTH(WIDTH), .Y_WIDTH(1))
    select(.A(values), .B(A), .Y(Y));
endmodule
"""


def arms(verilog: str) -> str:
    """Return Yosys' text with each one-hot choice by bit, not by patterns that seem to overlap."""
    text = verilog.replace("    casez (s) // synopsys parallel_case", _CASE)
    text = text.replace(" +: 1];", "];")
    return re.sub(
        r"^(      )\d+'b\?*1(\?*):$", lambda m: f"{m[1]}s[{len(m[2])}]:", text, flags=re.MULTILINE
    )


_CASE = "    (* parallel_case *) case (1'b1)"
