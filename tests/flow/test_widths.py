"""What makes operators as wide as linters want them changes nothing else."""

import itertools
import re
from pathlib import Path

import pytest

from nomul.synth import emit, yosys
from nomul.synth.emit import widths

BINARY = ("add", "sub", "mul", "and", "or", "xor", "xnor", "lt", "le", "gt", "ge", "eq", "ne")
LOGIC = ("logic_and", "logic_or")
SHIFTS = ("shl", "shr", "sshl", "sshr", "shift")
UNARY = ("not", "neg", "logic_not", "reduce_or", "reduce_bool")

# Widths of both operands and of the result. An operand without bits is Amaranth's constant zero,
# which is never signed.
SHAPES = [(4, 4, 4), (3, 5, 6), (5, 2, 3), (3, 4, 1), (2, 3, 8), (8, 2, 1), (9, 3, 2), (4, 0, 5)]


def cells() -> dict[str, tuple[str, int, int, int, bool]]:
    """Return kind, widths and signedness of one cell of each sort, by its name."""
    sorts = [*itertools.product(BINARY + LOGIC, SHAPES, (False, True))]
    sorts += itertools.product(SHIFTS + UNARY, SHAPES, (False, True))
    sorts = [
        (kind, shape, sign) for kind, shape, sign in sorts if shape[1] or kind in UNARY or not sign
    ]
    return {f"c{k}": (kind, *shape, sign) for k, (kind, shape, sign) in enumerate(sorts)}


def rtlil() -> str:
    """Return a module with these cells on common operands, and a choice among four words."""
    lines = ["module \\design", "wire width 9 input 1 \\a", "wire width 5 input 2 \\b"]
    lines += ["wire width 2 input 3 \\s", "wire width 4 output 4 \\chosen", "wire width 3 $h"]
    lines += ["wire width 4 output 5 \\part", "cell $shr $part", "parameter \\A_WIDTH 9"]
    lines += ["parameter \\B_WIDTH 4", "parameter \\Y_WIDTH 4", "parameter \\A_SIGNED 0"]
    lines += ["parameter \\B_SIGNED 0", "connect \\A \\a", "connect \\B { \\s 2'00 }"]
    lines += ["connect \\Y \\part", "end", "wire output 6 \\table", "cell $lut $table"]
    lines += ["parameter \\WIDTH 3", "parameter \\LUT 8'10010110", "connect \\A \\b [2:0]"]
    lines += ["connect \\Y \\table", "end"]
    for at, (name, (kind, a, b, y, sign)) in enumerate(cells().items()):
        lines.append(f"wire width {y} output {7 + at} \\{name}")
        lines.append(f"cell ${kind} ${name}")
        for port, width, signed in (("A", a, sign), ("B", b, sign and kind not in SHIFTS)):
            if port == "A" or kind not in UNARY:
                lines += [
                    f"parameter \\{port}_WIDTH {width}",
                    f"parameter \\{port}_SIGNED {signed:d}",
                ]
                value = f"\\{port.lower()} [{width - 1}:0]" if width else "{ }"
                lines.append(f"connect \\{port} {value}")
        lines += [f"parameter \\Y_WIDTH {y}", f"connect \\Y \\{name}", "end"]
    for bit in range(3):
        lines += [f"cell $eq $is{bit}", "parameter \\A_WIDTH 2", "parameter \\B_WIDTH 2"]
        lines += ["parameter \\A_SIGNED 0", "parameter \\B_SIGNED 0", "parameter \\Y_WIDTH 1"]
        lines += ["connect \\A \\s", f"connect \\B 2'{bit:02b}", f"connect \\Y $h [{bit}]", "end"]
    lines += ["cell $pmux $choice", "parameter \\WIDTH 4", "parameter \\S_WIDTH 3"]
    lines += ["connect \\A \\a [3:0]", "connect \\B { \\a [6:3] \\b [3:0] \\a [8:5] }"]
    lines += ["connect \\S $h", "connect \\Y \\chosen", "end", "end"]
    return "\n".join(lines) + "\n"


def prove(folder: Path, rules: str) -> str:
    """Prove that the emitted Verilog does what the cells do, and return it."""
    (folder / "design.il").write_text(rtlil())
    (folder / "widths.v").write_text(rules)
    yosys.run(emit.TO_VERILOG, folder)
    text = widths.arms((folder / "design.v").read_text())
    (folder / "emitted.v").write_text(text)
    commands = ["read_rtlil design.il", "rename design gold", "read_verilog emitted.v", "proc"]
    commands += ["rename design gate", "miter -equiv -flatten gold gate both"]
    yosys.run([*commands, "sat -verify -prove trigger 0 both"], folder)
    return text


def test_rules_change_nothing(tmp_path):
    """Every operator, of every relation between its widths, signed or not: proved by Yosys' SAT."""
    text = prove(tmp_path, widths.RULES)
    assert "(* parallel_case *) case (1'b1)\n      s[0]:" in text
    assert "casez" not in text
    assert re.search(r"assign part = _\d+_\[\{ s, 2'h0 \} \+: 4\];", text)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("$signed(A)", "A"), ("c < d", "a < b"), (".SIGN(FILL)", ".SIGN(0)"), ("a - b", "b - a")],
)
def test_a_wrong_rule_is_found(tmp_path, right, wrong):
    assert right in widths.RULES
    with pytest.raises(yosys.YosysError):
        prove(tmp_path, widths.RULES.replace(right, wrong))
