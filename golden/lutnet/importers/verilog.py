"""LogicNets networks, and those of its successors, from their Verilog: a case table per neuron."""

import re
from pathlib import Path

from nomul.golden.lutnet.heads import MAX_ADDRESS, TableNeuron
from nomul.golden.lutnet.network import Network

_MODULE = re.compile(r"\bmodule\s+(\w+)\s*\((.*?)\)\s*;(.*?)\bendmodule\b", re.DOTALL)
_PORT = re.compile(r"\b(input|output)\s+(?:wire\s+|reg\s+)?\[(\d+):0\]\s*(\w+)")
_ENTRY = re.compile(r"(\d+)'b([01]+)\s*:\s*\w+\s*<?=\s*(\d+)'b([01]+)\s*;")
_WIRE = re.compile(r"wire\s*\[(\d+):0\]\s*(\w+)\s*=\s*\{([^}]*)\}\s*;")
_PLACE = re.compile(r"\b(\w+)\s+\w+\s*\(\s*\.M0\((\w+)\)\s*,\s*\.M1\(M1\[(\d+):(\d+)\]\)\s*\)\s*;")
_BIT = re.compile(r"M0\[(\d+)(?::(\d+))?\]$")


def logicnets(path: Path, signed: bool = False) -> Network:
    """Read modules ``layer<l>`` and ``layer<l>_N<j>``, from one file or all ``.v`` of a folder.

    Each neuron is a table over single bits, so any grouping of them into codes is kept. Its output
    code is unsigned; with ``signed`` that of the last layer is two's complement.
    """
    files = sorted(path.glob("*.v")) if path.is_dir() else [path]
    text = "\n".join(re.sub(r"//[^\n]*", "", file.read_text()) for file in files)
    modules = {m[1]: (m[2], m[3]) for m in _MODULE.finditer(text)}
    names = sorted((n for n in modules if re.fullmatch(r"layer\d+", n)), key=lambda n: int(n[5:]))
    if not names:
        raise ValueError("no module layer0: not a LogicNets design")
    layers: list[TableNeuron] = []
    inputs, before = 0, 0
    for number, name in enumerate(names):
        if name != f"layer{number}":
            raise ValueError(f"module layer{number} is missing")
        width_in, width_out = _ports(name, modules[name][0])
        if number and width_in != before:
            raise ValueError(f"{name}.M0 must have the {before} bits before it, not {width_in}")
        inputs, before = inputs or width_in, width_out
        last = number == len(names) - 1
        layers.append(_layer(name, modules, width_in, width_out, signed and last))
    return Network(layers, inputs, 1, {"format": "logicnets"})


def _ports(name: str, header: str) -> tuple[int, int]:
    """Return the widths of M0 and M1."""
    widths = {m[3]: int(m[2]) + 1 for m in _PORT.finditer(header)}
    for port in ("M0", "M1"):
        if port not in widths:
            raise ValueError(f"module {name} has no port [..:0] {port}")
    return widths["M0"], widths["M1"]


def _layer(
    name: str, modules: dict[str, tuple[str, str]], width_in: int, width_out: int, signed: bool
) -> TableNeuron:
    body = modules[name][1]
    wires = {m[2]: (int(m[1]) + 1, m[3]) for m in _WIRE.finditer(body)}
    idx: list[list[int]] = []
    tables: list[list[int]] = []
    code = 0
    places = sorted(_PLACE.finditer(body), key=lambda m: int(m[4]))
    for place in places:
        neuron, wire, high, low = place[1], place[2], int(place[3]), int(place[4])
        code = code or high - low + 1
        if (low, high) != (len(idx) * code, (len(idx) + 1) * code - 1):
            raise ValueError(f"{name}: {neuron} drives M1[{high}:{low}], not the next {code} bits")
        if wire not in wires:
            raise ValueError(f"{name}: {neuron} reads {wire}, which is not declared")
        if neuron not in modules:
            raise ValueError(f"module {neuron} is missing")
        bits = _bits(f"{name}: {wire}", *wires[wire], width_in)
        idx.append(bits)
        tables.append(_table(neuron, modules[neuron], len(bits), code, signed))
    if not places or len(idx) * code != width_out:
        raise ValueError(f"{name}: neurons drive {len(idx) * code} of the {width_out} bits of M1")
    fan_in = max(map(len, idx))
    if fan_in > MAX_ADDRESS:
        raise ValueError(
            f"{name}: a neuron reads {fan_in} bits; at most {MAX_ADDRESS} are possible"
        )
    for neuron, bits in enumerate(idx):
        # Fewer wires than the widest neuron: repeat the table over wires that do not matter.
        spare = fan_in - len(bits)
        tables[neuron] = tables[neuron] * (1 << spare)
        idx[neuron] = bits + [bits[0]] * spare
    half = 1 << (code - 1)
    return TableNeuron(
        in_bits=1,
        idx=idx,
        table=tables,
        out=list(range(len(idx))),
        n_out=len(idx),
        low=-half if signed else 0,
        high=half - 1 if signed else 2 * half - 1,
    )


def _bits(place: str, width: int, text: str, width_in: int) -> list[int]:
    """Return the bits of M0 in a concatenation, least significant first."""
    bits: list[int] = []
    for item in reversed(text.split(",")):
        match = _BIT.match(item.strip())
        if not match:
            raise ValueError(f"{place}: {item.strip()!r} is not a bit of M0")
        high = int(match[1])
        low = int(match[2]) if match[2] else high
        if not low <= high < width_in:
            raise ValueError(f"{place}: {item.strip()} is outside M0[{width_in - 1}:0]")
        bits += range(low, high + 1)
    if len(bits) != width:
        raise ValueError(f"{place}: {len(bits)} bits in a wire of {width}")
    return bits


def _table(
    name: str, module: tuple[str, str], width_in: int, width_out: int, signed: bool
) -> list[int]:
    """Return the values of a neuron's case table by address."""
    if _ports(name, module[0]) != (width_in, width_out):
        raise ValueError(f"module {name}: its ports do not fit {width_in} and {width_out} bits")
    values: dict[int, int] = {}
    for entry in _ENTRY.finditer(module[1]):
        address, value = int(entry[2], 2), int(entry[4], 2)
        if len(entry[2]) != width_in or len(entry[4]) != width_out:
            raise ValueError(f"module {name}: entry {entry[0]!r} is of another width")
        if address in values:
            raise ValueError(f"module {name}: address {entry[2]} appears twice")
        values[address] = value - (value >> (width_out - 1) << width_out) if signed else value
    if len(values) != 1 << width_in:
        raise ValueError(f"module {name}: {len(values)} of {1 << width_in} addresses are given")
    return [values[address] for address in range(1 << width_in)]
