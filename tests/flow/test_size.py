"""How large a design is before it is mapped, and what follows from that."""

import pytest

from nomul import flow, registry
from nomul.runs import progress
from nomul.synth import measure
from nomul.synth.map import size

DESIGN = r"""
attribute \top 1
module \top
  wire width 8 \a
  cell \half $1
  end
  cell \half $2
  end
  cell $add $3
    parameter \A_WIDTH 8
    parameter \Y_WIDTH 8
  end
end
module \half
  cell $mul $1
    parameter \A_WIDTH 3
    parameter \B_WIDTH 5
    parameter \Y_WIDTH 8
  end
  cell $dff $2
    parameter \WIDTH 4
  end
  process $3
    assign \a \b
  end
end
"""


def test_bits_are_counted_with_every_instance_and_once():
    """8 of the adder; 15 of the multiplier, 4 of the register and 4 for the process in a half."""
    assert size.of(DESIGN, "top") == size.Size(flat=8 + 2 * 23, distinct=8 + 23, modules=2)


@pytest.mark.parametrize(
    ("flat", "distinct", "kept"),
    [(50_000, 5_000, True), (50_000, 30_000, False), (5_000, 500, False)],
)
def test_hierarchy_is_kept_where_it_saves_minutes(flat, distinct, kept):
    assert size.Size(flat, distinct, 3).worth_keeping == kept


def emitted(**values):
    block = registry.get("essop")
    return flow.emit(block, block.config()(**values))


def test_a_large_array_is_mapped_module_by_module_and_says_so():
    said = []
    with progress.heard(lambda text, keep: said.append(text) if keep else None):
        assert measure._planned(emitted(rows=24, cols=40), None)
        assert not measure._planned(emitted(rows=2, cols=2), None)
        assert not measure._planned(emitted(rows=24, cols=40), False)
    assert "--flat maps it as one" in said[0]
    assert said[-1].startswith("mapping essop: about ")
    assert len(said) <= 3
