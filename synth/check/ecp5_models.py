"""Simulation models of two ECP5 cells that Yosys maps to and has no models of.

They do what Yosys' mapping asks of them: an 18 x 18 multiplier without registers, and 18 kbit of
memory with two ports whose outputs have no second register.
"""

_MULT18X18D = """\
module MULT18X18D (
  input {a}, {b}, {c}, SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  output {p}
);
  wire [17:0] a = {{{a_down}}};
  wire [17:0] b = {{{b_down}}};
  wire signed [18:0] left = {{SIGNEDA & a[17], a}};
  wire signed [18:0] right = {{SIGNEDB & b[17], b}};
  wire signed [37:0] product = left * right;
  assign {{{p_down}}} = product[35:0];
endmodule
"""

# Memory is 1,024 words of two bytes of nine bits. Of a port of 18 or 36 bits the lowest bits of the
# address enable bytes. A port of 36 bits writes through A, or reads through B, on the data pins of
# both.
_DP16KD = """\
module DP16KD #(
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18,
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG",
  parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC", GSR = "AUTO",
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000", CLKAMUX = "CLKA", CLKBMUX = "CLKB",
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL",
  parameter {init} = 0
) (
  input CLKA, WEA, CEA, OCEA, RSTA, CSA0, CSA1, CSA2, {ada}, {dia},
  input CLKB, WEB, CEB, OCEB, RSTB, CSB0, CSB1, CSB2, {adb}, {dib},
  output {doa}, {dob}
);
  localparam [20479:0] INIT = {{{init_down}}};
  reg [17:0] words [0:1023];
  integer place;
  initial for (place = 0; place < 1024; place = place + 1) words[place] = INIT[20 * place +: 18];

  wire [13:0] ada = {{{ada_down}}};
  wire [13:0] adb = {{{adb_down}}};
  wire [17:0] dia = {{{dia_down}}};
  wire [17:0] dib = {{{dib_down}}};

  function [35:0] read(input integer width, input [13:0] at);
    reg [17:0] word;
    begin
      word = words[at[13:4]];
      case (width)
        36: read = {{words[{{at[13:5], 1'b1}}], words[{{at[13:5], 1'b0}}]}};
        18: read = word;
        9: read = word[9 * at[3] +: 9];
        4: read = word[9 * at[3] + 4 * at[2] +: 4];
        2: read = word[9 * at[3] + 2 * at[2:1] +: 2];
        default: read = word[9 * at[3] + at[2:0]];
      endcase
    end
  endfunction

  // The value after a write, of the bytes that are enabled.
  function [35:0] merge(input integer width, input [13:0] at, input [35:0] data, input write);
    integer k;
    begin
      merge = read(width, at);
      if (write)
        if (width < 18) merge = data;
        else for (k = 0; k < width / 9; k = k + 1)
          if (at[k]) merge[9 * k +: 9] = data[9 * k +: 9];
    end
  endfunction

  task store(input integer width, input [13:0] at, input [35:0] data);
    reg [35:0] value;
    begin
      value = merge(width, at, data, 1'b1);
      case (width)
        36: begin
          words[{{at[13:5], 1'b0}}] <= value[17:0];
          words[{{at[13:5], 1'b1}}] <= value[35:18];
        end
        18: words[at[13:4]] <= value[17:0];
        9: words[at[13:4]][9 * at[3] +: 9] <= value[8:0];
        4: words[at[13:4]][9 * at[3] + 4 * at[2] +: 4] <= value[3:0];
        2: words[at[13:4]][9 * at[3] + 2 * at[2:1] +: 2] <= value[1:0];
        default: words[at[13:4]][9 * at[3] + at[2:0]] <= value[0];
      endcase
    end
  endtask

  wire half = DATA_WIDTH_A == 36 || DATA_WIDTH_B == 36;
  reg [35:0] a = 0, b = 0;
  assign {{{doa_down}}} = DATA_WIDTH_B == 36 ? b[17:0] : a[17:0];
  assign {{{dob_down}}} = DATA_WIDTH_B == 36 ? b[35:18] : b[17:0];
{ports}endmodule
"""

_PORT = """
  wire clock_{x} = CLK{X}MUX == "INV" ? ~CLK{X} : CLK{X};
  always @(posedge clock_{x}) begin
    if (CE{X} && !(RST{X} && RESETMODE == "SYNC")) begin
      if (WE{X} && {writes}) store(DATA_WIDTH_{X}, ad{x}, {data});
      if (!WE{X} || WRITEMODE_{X} != "NORMAL")
        {x} <= merge(DATA_WIDTH_{X}, ad{x}, {data}, WE{X} && WRITEMODE_{X} == "WRITETHROUGH");
    end
    if (RST{X}) {x} <= 0;
  end
  always @(posedge RST{X}) if (RESETMODE == "ASYNC") {x} <= 0;
"""


def models() -> str:
    """Return both modules."""
    widths = {"a": 18, "b": 18, "c": 18, "p": 36}
    pins = {port: [f"{port.upper()}{bit}" for bit in range(n)] for port, n in widths.items()}
    multiplier = _MULT18X18D.format(**_lists(pins))
    sides = {"ad": 14, "di": 18, "do": 18}
    pins = {
        f"{name}{side}": [f"{name}{side}{bit}".upper() for bit in range(n)]
        for name, n in sides.items()
        for side in "ab"
    }
    pins["init"] = [f"INITVAL_{row:02X}" for row in range(64)]
    lists = _lists(pins)
    lists["init"] = " = 0, ".join(f"[319:0] {name}" for name in pins["init"])
    lists["init"] = lists["init"].replace(", [319:0]", ",\n  parameter [319:0]")
    ports = _PORT.format(x="a", X="A", writes="1'b1", data="{dib, dia}") + _PORT.format(
        x="b", X="B", writes="!half", data="{18'd0, dib}"
    )
    return multiplier + _DP16KD.format(**lists, ports=ports)


def _lists(pins: dict[str, list[str]]) -> dict[str, str]:
    """Return the names of each port's bits upwards, and as ``<port>_down`` downwards."""
    up = {port: ", ".join(names) for port, names in pins.items()}
    return up | {f"{port}_down": ", ".join(names[::-1]) for port, names in pins.items()}
