"""Models of ECP5's multiplier and memory, against what Yosys mapped to them."""

import subprocess

import pytest

from nomul.synth.check import ecp5_models, netcheck
from nomul.synth.map import targets
from nomul.synth.map.synthesize import synthesize

pytestmark = pytest.mark.needs("icarus")

# Reads the old word, the new one, or keeps the last when a port writes; the other port only reads.
PORTS = {
    "old": "begin if (we) m[a] <= d; p <= m[a]; end",
    "new": "begin if (we) begin m[a] <= d; p <= d; end else p <= m[a]; end",
    "none": "begin if (we) m[a] <= d; else p <= m[a]; end",
}


def memory(width: int, bits: int, kind: str) -> str:
    """Return a memory of one block, with contents from the start and an output that is reset."""
    return f"""
    module top(input clk, we, rst, en, input [{bits - 1}:0] a, b, input [{width - 1}:0] d,
               output reg [{width - 1}:0] p, q);
      (* ram_style = "block" *) reg [{width - 1}:0] m [0:{2**bits - 1}];
      integer k;
      initial for (k = 0; k < {2**bits}; k = k + 1) m[k] = k * 40503 + (k >> 3);
      initial begin p = 0; q = 0; end
      always @(posedge clk) {PORTS[kind]}
      always @(posedge clk) if (rst) q <= 0; else if (en) q <= m[b];
    endmodule"""


def product(a: int, b: int, signed: str) -> str:
    """Return a multiplier with a register."""
    return f"""
    module top(input clk, we, rst, en, input {signed} [{a - 1}:0] a, input {signed} [{b - 1}:0] b,
               input d, output reg {signed} [{a + b - 1}:0] p, output reg q);
      always @(posedge clk) begin p <= a * b; q <= ^{{we, rst, en, d}}; end
    endmodule"""


BENCH = """
module bench;
  reg clk = 0; integer n = 0, wrong = 0;
  reg we = 0, rst = 0, en = 0; reg [{a}-1:0] a = 0; reg [{b}-1:0] b = 0; reg [{d}-1:0] d = 0;
  wire [{p}-1:0] p, p2; wire [{q}-1:0] q, q2;
  top mapped(clk, we, rst, en, a, b, d, p, q);
  rtl source(clk, we, rst, en, a, b, d, p2, q2);
  initial begin
    repeat (600) begin
      {{we, rst, en}} = $random; rst = rst && en && n % 5 == 0; d = {{$random, $random}};
      // A few places, so that what was written is read again.
      a = $random & {mask}; b = $random % 2 ? a ^ (n % 3) : $random & {mask};
      #1 clk = 1; #1 if (p !== p2 || q !== q2) wrong = wrong + 1;
      clk = 0; n = n + 1; #1 ;
    end
    $display("%0d wrong of %0d", wrong, n);
  end
endmodule
"""


def run(design, folder, verilog: str, mask: int, spoil: str = "", **widths: int) -> str:
    """Map a design, and return how often it differs from its source."""
    mapped = synthesize(design(verilog), "ecp5", folder=folder / "mapped")
    assert mapped.netlist is not None
    files = netcheck.runnable(mapped.netlist, targets.get("ecp5"), "top", folder)
    if spoil:
        text = files[1].read_text()
        assert spoil in text
        files[1].write_text(text.replace(spoil, f"~{spoil}"))
    (folder / "rtl.v").write_text(verilog.replace("module top", "module rtl"))
    (folder / "bench.v").write_text(BENCH.format(mask=mask, **widths))
    command = ["iverilog", "-g2005", "-s", "bench", "-o", "bench", "bench.v", "rtl.v"]
    subprocess.run([*command, *map(str, files)], cwd=folder, check=True)
    done = subprocess.run(["vvp", "-n", "bench"], cwd=folder, capture_output=True, text=True)
    assert ("DP16KD" if "ram_style" in verilog else "MULT18X18D") in mapped.cells
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("width", "bits", "kind"),
    [
        *((36, 9, "old"), (18, 10, "new"), (4, 12, "none")),
        *(
            pytest.param(*shape, marks=pytest.mark.long)
            for shape in (
                *((18, 10, "old"), (18, 10, "none")),
                *((9, 11, "old"), (2, 13, "new"), (1, 14, "old")),
            )
        ),
    ],
)
def test_a_memory_does_what_it_was_mapped_from(design, tmp_path, width, bits, kind):
    ports = {"a": bits, "b": bits, "d": width, "p": width, "q": width}
    verilog = memory(width, bits, kind)
    mask = (1 << bits) - 1 & 0x2A57
    assert run(design, tmp_path, verilog, mask, **ports) == "0 wrong of 600"


@pytest.mark.parametrize(("a", "b", "signed"), [(18, 18, ""), (18, 18, "signed")])
def test_a_product_does_what_it_was_mapped_from(design, tmp_path, a, b, signed):
    ports = {"a": a, "b": b, "d": 1, "p": a + b, "q": 1}
    assert run(design, tmp_path, product(a, b, signed), -1, **ports) == "0 wrong of 600"


def test_a_wrong_model_is_found(design, tmp_path):
    ports = {"a": 11, "b": 11, "d": 9, "p": 9, "q": 9}
    said = run(design, tmp_path, memory(9, 11, "old"), 0xFF, spoil="value[8:0]", **ports)
    assert said != "0 wrong of 600"
    assert "module MULT18X18D" in ecp5_models.models()
