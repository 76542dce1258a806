"""Payloads of the training unit, and what its controller sends to all elements."""

from amaranth.hdl import Cat, Const, Module, Value, signed, unsigned
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.sgd import Config
from nomul.hw.fp16mul.product import net
from nomul.hw.products.sums import Digits


class Kind(enum.Enum, shape=2):
    """What a frame is for: weights come, weights go, an image is judged, an image is learned."""

    LOAD = 0
    DUMP = 1
    INFER = 2
    LEARN = 3


def request_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``i``; the kind counts in the first word of a frame."""
    residue = {"residue": signed(cfg.residue)} if cfg.residue else {}
    return data.StructLayout({"value": signed(cfg.bits), **residue, "kind": Kind, "last": 1})


def answer_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``o``: an output, or a weight with its residue."""
    residue = {"residue": signed(cfg.residue)} if cfg.residue else {}
    return data.StructLayout({"value": signed(cfg.bits), **residue, "last": 1})


def digit_count(cfg: Config) -> int:
    """Return the signed digits of a slice of U bits: a digit for two bits, or for the last one."""
    return -(-cfg.serial // 2)


def unit_bits(cfg: Config) -> int:
    """Return the bits of the place of a stream's count within a product."""
    return max(1, (2 * cfg.width).bit_length())


def control_layout(cfg: Config) -> data.StructLayout:
    """Return what every element gets in a cycle.

    ``step``: multiply a slice. ``clear``: begin from 0. ``slide``: take the neighbour's sum.
    ``whole``: sums are handed on as they are, not as the last slice leaves them. ``turn``: take the
    neighbour's gradient. ``update``: multiply gradients, not weights. ``one``, ``two``, ``minus``:
    digits of the broadcast operand. With streams ``bits``, ``negative`` and ``unit``: those of the
    operand, and the place of a count. ``word``: random, where rounding is. With FP16 multipliers
    the operand itself in the place of digits.
    """
    if cfg.numbers == "fp16":
        strobes = dict.fromkeys(("clear", "slide", "whole", "turn", "update"), 1)
        return data.StructLayout({**strobes, "operand": cfg.bits})
    count = digit_count(cfg)
    fields: dict[str, object] = dict.fromkeys(("step", "clear", "slide", "whole", "turn"), 1)
    fields |= {"update": 1, "one": count, "two": count, "minus": count}
    if cfg.update == "essop":
        fields |= {"bits": cfg.stream_bits, "negative": 1, "unit": unsigned(unit_bits(cfg))}
    if cfg.rounding == "stochastic":
        fields |= {"word": 16}
    return data.StructLayout(fields)


def gradient_layout(cfg: Config) -> data.StructLayout:
    """Return what an element holds of a gradient: its value, or its stream and sign."""
    if cfg.update == "essop":
        return data.StructLayout({"bits": cfg.stream_bits, "negative": 1})
    return data.StructLayout({"value": signed(cfg.bits)})


def recoded(m: Module, bits: list[Value], below: Value) -> Digits:
    """Return the signed digits of a slice, by Booth's rule: two bits each, the last perhaps one.

    ``below`` is the bit under the slice. Whatever slice is the last one, its sign is right: a digit
    counts its upper bit negative, and the digit above makes up for that.
    """
    digits = Digits([], [], [])
    for low, high in zip(bits[::2], [*bits[1::2], None], strict=False):
        digits.one.append(net(m, low ^ below))
        if high is None:
            digits.two.append(Const(0, 1))
            digits.minus.append(net(m, low & ~below))
            break
        digits.two.append(net(m, high & ~low & ~below | ~high & low & below))
        digits.minus.append(high)
        below = high
    return digits


def packed(digits: Digits) -> dict[str, Value]:
    """Return digits as the fields of the controller's word."""
    return {name: Cat(part) for name, part in zip(Digits._fields, digits, strict=True)}


def element_ports(cfg: Config) -> dict[str, wiring.Member]:
    """Return the members of a processing element, whatever its numbers are."""
    total, gradient = signed(cfg.sum_bits), gradient_layout(cfg)
    return {
        "control": In(control_layout(cfg)),
        "weight": In(signed(cfg.bits)),
        "sum_in": In(total),
        "sum_out": Out(total),
        "gradient_in": In(gradient),
        "gradient_out": Out(gradient),
        "acc": Out(total),
        "old": In(cfg.weight_bits),
        "new": Out(cfg.weight_bits),
    }
