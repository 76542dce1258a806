"""Outer-product units: the same ports whatever they compute, and each with its own fields."""

import dataclasses

import numpy as np
import pytest

from nomul import registry
from nomul.golden import bitstream, config, essop, fp16outer, intouter, outer, plane
from nomul.golden.bitstream import Side

SHAPE = {"rows": 3, "cols": 5, "source": "lfsr"}
RIVALS = [
    *(intouter.Config(bits=bits, **SHAPE) for bits in (2, 3, 4, 8)),
    fp16outer.Config(**SHAPE),
]
UNITS = (essop.Config, intouter.Config, fp16outer.Config)


def ports(cfg):
    """Return the members of a unit's top level, and the payloads of its streams."""
    top = registry.get(cfg.block_name).top(cfg)
    top._MustUse__used = True  # Amaranth warns of what nobody elaborates
    members = top.signature.members
    streams = {name: members[name].signature.members["payload"] for name in ("x_d", "y", "seed")}
    return set(members), {name: member.shape for name, member in streams.items()}


@pytest.mark.parametrize("rival", RIVALS, ids=repr)
def test_a_rival_has_the_ports_of_essop(rival):
    """The same streams with the same payloads but for the width of a product."""
    (names, payloads), (wanted, model) = ports(rival), ports(essop.Config(**SHAPE))
    assert names == wanted
    assert payloads["x_d"] == model["x_d"]
    assert payloads["seed"] == model["seed"]
    fields = [
        [(name, name == "y" or field.shape) for name, field in p["y"]] for p in (payloads, model)
    ]
    assert fields[0] == fields[1]


@pytest.mark.parametrize("unit", UNITS)
def test_no_unit_inherits_from_another(unit):
    bases = {base for base in unit.__mro__ if base.__module__ != "builtins"} - {unit, object}
    groups = {outer.Unit, outer.Accumulating, bitstream.Sources, bitstream.Streams, config.Config}
    assert bases <= groups


def test_a_rival_has_no_field_that_it_would_have_to_forbid():
    assert not {"stream_bits", "cell", "sng", "early_stop"} & set(intouter.Config.names())
    assert fp16outer.Config.names() == ["rows", "cols", "width", "mode", "source", "lfsr_width"]
    with pytest.raises(TypeError, match="intouter has no parameter 'stream_bits'; it has"):
        intouter.Config.from_dict({"stream_bits": 1})


def test_essop_keeps_its_flat_fields():
    sources = {field.name for field in dataclasses.fields(bitstream.Config)}
    own = {"cell", "sng", "early_stop", "accumulate", "acc_exponent", "acc_rounding"}
    assert set(essop.Config.names()) == sources | own
    cfg = essop.Config(rows=2, source="lfsr", share="lane", lfsr_width=9, leap=3, seeds=(5, 6))
    assert essop.Config.from_json(cfg.to_json()) == cfg
    words = {name: getattr(cfg.array.words, name) for name in sources}
    assert words == {name: getattr(cfg, name) for name in sources}


@pytest.mark.parametrize("golden", [essop, intouter, fp16outer, plane])
def test_every_unit_refuses_pairs_that_are_none(golden):
    cfg = golden.Config(rows=2, cols=3)
    x, d = np.ones((4, 2), dtype=int), np.ones((5, 3), dtype=int)
    with pytest.raises(ValueError, match="x holds 4 vectors and d holds 5"):
        golden.model(cfg, x, 0 * x, d, 0 * d)


def test_what_a_part_refuses_is_told_in_the_name_of_its_owner():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Owner(config.Config):
        block_name = "owner"
        rows: int = 4
        width: int = 3

    part = Owner(rows=9).part(bitstream.Config, cols=2, stream_bits=8)
    assert (part.rows, part.cols, part.width, part.stream_bits) == (9, 2, 3, 8)
    with pytest.raises(ValueError, match=r"owner\.stream_bits must be at most 2") as caught:
        Owner().part(bitstream.Config, stream_bits=16)
    assert "bitstream" not in str(caught.value)


def test_sides_are_named():
    names = [(side.vector, side.words, side.bits) for side in Side]
    assert names == [("x", "r", "a"), ("d", "s", "b")]
    assert ["rows", "cols"][Side.D] == "cols"
