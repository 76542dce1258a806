"""Gradient-boosted trees of XGBoost as look-up tables, in the way of TreeLUT.

Comparators, each once; trees as multiplexers of comparator bits, one per bit of the quantised leaf
values; sums of the trees per class. After Khataei and Bazargan, "TreeLUT: An Efficient Alternative
to Deep Neural Networks for Inference Acceleration Using Gradient Boosted Decision Trees" (FPGA
2025).
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from nomul.golden.foreign.documents import document
from nomul.golden.foreign.numbers import integer
from nomul.golden.lutnet.heads import Argmax
from nomul.golden.lutnet.importers import boosters, rounding
from nomul.golden.lutnet.importers.boosters import Model, Tree
from nomul.golden.lutnet.importers.encoders import encoder
from nomul.golden.lutnet.importers.forest import Forest, Node, below, leaves, tables
from nomul.golden.lutnet.importers.rounding import Leaves
from nomul.golden.lutnet.layers import Layer, LutLayer
from nomul.golden.lutnet.network import Network


def xgboost(
    path: Path,
    input_bits: int | None = None,
    leaf_bits: int = 3,
    iterations: int | None = None,
    real: bool = False,
) -> Network:
    """Read a classifier that XGBoost saved as JSON.

    A comparator is [feature >= threshold] in float32, as XGBoost compares; a feature below goes
    left. With ``input_bits`` features are unsigned integers of that width; without it they are real
    numbers, which the network's quantiser compares, and ``real`` says that this is meant. A missing
    feature is refused there, since nothing of a network goes another way for it.

    The values of the trees' leaves are rounded to ``leaf_bits`` bits with one scale for the whole
    model, the one of least error by :mod:`nomul.golden.lutnet.importers.rounding`; what is below
    their ranges and the base score are the classes' biases. Of a binary model the one output is the
    score of class 1 against class 0. ``iterations`` is the number of rounds that are read; if not
    given, that of early stopping where the file has one, as XGBoost's own classifier predicts, else
    all.
    """
    if path.suffix == ".ubj":
        raise ValueError("XGBoost's binary form is not read; save the model as .json")
    leaf_bits = integer(leaf_bits, "leaf_bits", 1, 16)
    if input_bits is not None:
        input_bits = integer(input_bits, "input_bits", 1, 16)
    model = boosters.read(document(path), iterations)
    comparators = _Comparators(None if real else input_bits)
    forest = Forest()
    roots = [comparators.tree(forest, tree) for tree in model.trees]
    if not comparators.number:
        raise ValueError("no tree has a split")
    feature, threshold = zip(*comparators.number, strict=True)
    front = encoder(
        feature,
        np.array(threshold, dtype=np.float32),
        model.features,
        above=False,
        input_bits=comparators.input_bits,
    )
    layers: list[Layer] = [front.layer]
    layers += _sums(forest, roots, model, leaf_bits, front.wire.tolist())
    if model.classes > 1:
        layers.append(Argmax())
    about = {
        "format": "xgboost",
        "objective": model.objective,
        "trees": len(model.trees),
        "leaf_bits": leaf_bits,
    }
    return Network(layers, model.features, front.input_bits, about, front.quantiser)


class _Comparators:
    """Numbers the comparators of a model's trees, and leaves out those that decide nothing."""

    def __init__(self, input_bits: int | None):
        self.input_bits = input_bits
        self.number: dict[tuple[int, float], int] = {}

    def tree(self, forest: Forest, tree: Tree) -> Node:
        """Return a tree as nodes of a forest; children have larger places in ``tree.order``."""
        done: dict[int, Node] = {}
        for place in reversed(tree.order):
            if tree.left[place] == -1:
                done[place] = forest.leaf(tree.value[place])
                continue
            left, right = done[tree.left[place]], done[tree.right[place]]
            threshold = tree.value[place]
            if self.input_bits is not None and threshold <= 0:
                done[place] = right
            elif self.input_bits is not None and threshold > (1 << self.input_bits) - 1:
                done[place] = left
            else:
                key = tree.feature[place], threshold
                comparator = self.number.setdefault(key, len(self.number))
                done[place] = forest.inner(comparator, left, right)
        return done[0]


def _sums(
    forest: Forest,
    roots: list[Node],
    model: Model,
    leaf_bits: int,
    wire: list[int],
) -> list[Layer]:
    """Return the layers that look trees up by their comparators, and add them per class."""
    whole = rounding.rounded([_leaves(t, o) for t, o in _owned(model)], model.base, leaf_bits)
    functions: list[tuple[int, int, Node]] = []
    for root, (tree, owner), leaves_of in zip(roots, _owned(model), whole.leaves, strict=True):
        values = [tree.value[node] for node in _ends(tree)]
        integers = dict(zip(values, leaves_of.tolist(), strict=True))
        mapped = forest.mapped(root, integers.__getitem__)
        functions += [(owner, b, forest.mapped(mapped, _digit(b))) for b in range(leaf_bits)]
    functions = [f for f in functions if any(leaves(f[2]))]
    after: list[Layer] = []
    wires = tables(after, [_renamed(forest, node, wire) for _, _, node in functions])
    after.append(
        LutLayer(
            k=1,
            idx=[[w] for w in wires],
            tt=[0b10] * len(wires),
            out=[owner for owner, _, _ in functions],
            n_out=model.classes,
            alpha=[1 << (bit + whole.fraction) for bit in range(leaf_bits)],
            level=[bit for _, bit, _ in functions],
            bias=whole.bias,
        )
    )
    return after


def _owned(model: Model) -> list[tuple[Tree, int]]:
    """Return the trees with the class of each."""
    return list(zip(model.trees, model.owners, strict=True))


def _ends(tree: Tree) -> list[int]:
    """Return the leaves of a tree; of equal values, which are one number, each."""
    return [node for node in tree.order if tree.left[node] == -1]


def _leaves(tree: Tree, owner: int) -> Leaves:
    ends = _ends(tree)
    values = np.array([tree.value[node] for node in ends])
    cover = np.array([tree.cover[node] for node in ends])
    return Leaves(values, cover if cover.any() else np.ones(len(ends)), owner)


def _digit(bit: int) -> Callable[[float], float]:
    return lambda value: int(value) >> bit & 1


def _renamed(forest: Forest, root: Node, wire: list[int]) -> Node:
    """Return a tree whose comparators are numbered as the encoder's wires."""
    done: dict[Node, Node] = {}
    for node in below(root):
        if node.left is None:
            done[node] = node
        else:
            left, right = node.children()
            done[node] = forest.inner(wire[node.comparator], done[left], done[right])
    return done[root]
