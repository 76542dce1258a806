"""LogicNets networks, and those of its successors, from their Verilog: a case table per neuron.

A module ``layer<l>`` collects wires of its input M0 for each of its neurons, which drive M1 one
after another; a module ``layer<l>_N<j>`` looks M0 up in a case table. In these modules every
statement has to be understood; other modules, such as registers and the top, are left alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nomul.golden.foreign.numbers import shown
from nomul.golden.foreign.refusals import contents, reading
from nomul.golden.lutnet.heads import MAX_ADDRESS, TableNeuron
from nomul.golden.lutnet.importers.modules import Module, instance, modules, ranged, statements
from nomul.golden.lutnet.importers.neurons import case_table
from nomul.golden.lutnet.importers.tokens import Token, tokens
from nomul.golden.lutnet.layers import MAX_LANES
from nomul.golden.lutnet.network import Network

# Bytes of all files of a design.
MOST = 1 << 27


@dataclass(frozen=True)
class Place:
    """An instance of a neuron: its module, its bits of M0, and the lowest and highest of M1."""

    neuron: str
    bits: list[int]
    low: int
    high: int


def logicnets(path: Path, signed: bool = False) -> Network:
    """Read modules ``layer<l>`` and ``layer<l>_N<j>``, from one file or all ``.v`` of a folder.

    Each neuron is a table over single bits, so any grouping of them into codes is kept. Its output
    code is unsigned; with ``signed`` that of the last layer is two's complement.
    """
    files = sorted(path.glob("*.v")) if path.is_dir() else [path]
    if not files:
        raise ValueError("has no .v file")
    found: dict[str, Module] = {}
    left = MOST
    for file in files:
        with reading(file):
            octets = contents(file, left)
            left -= len(octets)
            for module in modules(list(tokens(octets.decode("utf-8-sig")))):
                if module.name in found:
                    raise ValueError(f"module {module.name} stands twice")
                found[module.name] = module
    names = sorted((n for n in found if re.fullmatch(r"layer[0-9]{1,6}", n)), key=_number)
    if not names:
        raise ValueError("no module layer0: not a LogicNets design")
    layers: list[TableNeuron] = []
    inputs, before = 0, 0
    for number, name in enumerate(names):
        if name != f"layer{number}":
            raise ValueError(f"module layer{number} is missing")
        width_in, width_out = found[name].widths()
        if not 1 <= width_in <= MAX_LANES or not 1 <= width_out <= MAX_LANES:
            raise ValueError(f"{name} must have ports of 1..{MAX_LANES} bits")
        if number and width_in != before:
            raise ValueError(f"{name}.M0 must have the {before} bits before it, not {width_in}")
        inputs, before = inputs or width_in, width_out
        last = number == len(names) - 1
        layers.append(_layer(found[name], found, width_in, width_out, signed and last))
    return Network(layers, inputs, 1, {"format": "logicnets"})


def _number(name: str) -> int:
    return int(name[5:])


def _layer(
    module: Module, found: dict[str, Module], width_in: int, width_out: int, signed: bool
) -> TableNeuron:
    name = module.name
    idx: list[list[int]] = []
    values: list[list[int]] = []
    code = 0
    places = sorted(_places(module, width_in), key=lambda place: place.low)
    for place in places:
        code = code or place.high - place.low + 1
        if (place.low, place.high) != (len(idx) * code, (len(idx) + 1) * code - 1):
            raise ValueError(
                f"{name}: {place.neuron} drives M1[{place.high}:{place.low}], "
                f"not the next {code} bits"
            )
        if place.neuron not in found:
            raise ValueError(f"module {place.neuron} is missing")
        if not 1 <= len(place.bits) <= MAX_ADDRESS or code > MAX_ADDRESS:
            raise ValueError(
                f"{name}: {place.neuron} reads {len(place.bits)} bits and drives {code}; "
                f"at most {MAX_ADDRESS} are possible"
            )
        table = case_table(found[place.neuron], len(place.bits), code)
        if signed:
            table = [value - (value >> (code - 1) << code) for value in table]
        idx.append(place.bits)
        values.append(table)
    if not places or len(idx) * code != width_out:
        raise ValueError(f"{name}: neurons drive {len(idx) * code} of the {width_out} bits of M1")
    fan_in = max(map(len, idx))
    if len(idx) << fan_in > MAX_TABLES:
        raise ValueError(f"{name}: {len(idx)} tables of {fan_in} inputs are too many")
    for neuron, bits in enumerate(idx):
        # Fewer wires than the widest neuron: repeat the table over wires that do not matter.
        spare = fan_in - len(bits)
        values[neuron] = values[neuron] * (1 << spare)
        idx[neuron] = bits + [bits[0]] * spare
    half = 1 << (code - 1)
    return TableNeuron(
        in_bits=1,
        idx=idx,
        table=values,
        out=list(range(len(idx))),
        n_out=len(idx),
        low=-half if signed else 0,
        high=half - 1 if signed else 2 * half - 1,
    )


# Entries of a layer's tables.
MAX_TABLES = 1 << 24


def _places(module: Module, width_in: int) -> list[Place]:
    """Return the neurons of a layer; each statement declares a wire, fills it, or places one."""
    wires: dict[str, int] = {}
    filled: dict[str, list[int]] = {}
    placed: list[tuple[str, dict[str, Sequence[Token]]]] = []
    for statement in statements(module.body):
        words = [token.text for token in statement]
        try:
            if words[0] in ("wire", "logic"):
                width, rest = ranged(statement[1:])
                name = rest[0].text if rest else ""
                if name in wires or not re.fullmatch(r"[A-Za-z_]\w*", name):
                    raise ValueError(f"{shown(name)} is no name, or is declared twice")
                if width > MAX_ADDRESS:
                    raise ValueError(
                        f"{name}: a neuron reads {width} bits; at most {MAX_ADDRESS} are possible"
                    )
                wires[name] = width
                if len(rest) > 1:
                    _fill(filled, name, rest[1:], width, width_in)
            elif words[0] == "assign" and len(words) > 2 and words[1] in wires:
                _fill(filled, words[1], statement[2:], wires[words[1]], width_in)
            else:
                placed.append(instance(statement))
        except ValueError as error:
            line = statement[0].line
            raise ValueError(f"line {line}: {module.name}: {error}") from None
    return [_placed(module.name, neuron, ports, filled) for neuron, ports in placed]


def _fill(
    filled: dict[str, list[int]], name: str, rest: Sequence[Token], width: int, width_in: int
) -> None:
    """Take ``= {M0[i], M0[j:k], ...}`` of a wire, least significant bit first."""
    words = [token.text for token in rest]
    if words[0] != "=" or name in filled:
        raise ValueError(f"{name} is filled twice, or not with =")
    inside = words[2:-1] if words[1:2] == ["{"] and words[-1] == "}" else words[1:]
    bits: list[int] = []
    for item in reversed(" ".join(inside).split(",")):
        match = re.fullmatch(r"\s*M0 \[ (\d{1,8})(?: : (\d{1,8}))? \]\s*", item)
        if not match:
            raise ValueError(f"{name}: {shown(item.strip())} is not a bit of M0")
        high = int(match[1])
        low = int(match[2]) if match[2] else high
        text = f"M0[{high}:{low}]" if match[2] else f"M0[{high}]"
        if not low <= high < width_in:
            raise ValueError(f"{name}: {text} is outside M0[{width_in - 1}:0]")
        bits += range(low, high + 1)
        if len(bits) > width:
            break
    if len(bits) != width:
        raise ValueError(f"{name}: {len(bits)} bits in a wire of {width}")
    filled[name] = bits


def _placed(
    layer: str, neuron: str, ports: dict[str, Sequence[Token]], filled: dict[str, list[int]]
) -> Place:
    """Return an instance whose M0 is a wire, and whose M1 is a part of the layer's."""
    if set(ports) != {"M0", "M1"}:
        raise ValueError(f"{layer}: {neuron} must connect M0 and M1, not {', '.join(ports)}")
    wire = "".join(token.text for token in ports["M0"])
    if wire not in filled:
        raise ValueError(f"{layer}: {neuron} reads {shown(wire)}, which is not declared")
    out = "".join(token.text for token in ports["M1"])
    match = re.fullmatch(r"M1\[(\d{1,8})(?::(\d{1,8}))?\]", out)
    if not match:
        raise ValueError(f"{layer}: {neuron} drives {shown(out)}, which is no part of M1")
    high = int(match[1])
    return Place(neuron, filled[wire], int(match[2] or high), high)
