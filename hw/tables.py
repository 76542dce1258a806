"""Tables as RTLIL: modules of look-ups and nothing else, in the form that synthesis takes best."""

from collections.abc import Iterable, Sequence


def rtlil(
    name: str, x: tuple[str, int], y: tuple[str, int], rows: Iterable[tuple[int, Sequence[int]]]
) -> str:
    """Return a module of one ``$lut`` cell per table.

    Yosys prints it as a constant shifted by an address. Where Amaranth would write that shift
    itself, Yosys maps barrel shifters, which takes it minutes for a thousand tables.

    Parameters
    ----------
    name
        Of the module.
    x, y
        Name and width of its input and of its output.
    rows
        For each bit of the output a table of 2**K bits and the K bits of the input that are its
        address, lowest first.
    """
    lines = [
        f"module \\{name}",
        f"  wire width {x[1]} input 0 \\{x[0]}",
        f"  wire width {y[1]} output 1 \\{y[0]}",
    ]
    for i, (tt, row) in enumerate(rows):
        k = len(row)
        # Concatenations begin with the most significant bit.
        address = " ".join(f"\\{x[0]} [{wire}]" for wire in reversed(row))
        lines += [
            f"  cell $lut $table{i}",
            f"    parameter \\WIDTH {k}",
            f"    parameter \\LUT {1 << k}'{tt:0{1 << k}b}",
            f"    connect \\A {{ {address} }}",
            f"    connect \\Y \\{y[0]} [{i}]",
            "  end",
        ]
    return "\n".join([*lines, "end", ""])
