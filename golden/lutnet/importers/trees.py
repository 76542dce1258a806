"""Gradient-boosted trees as look-up tables, in the way of TreeLUT.

Comparators, each once; trees as multiplexers of comparator bits, one per bit of the quantised leaf
values; sums of the trees per class. After Khataei and Bazargan, "TreeLUT: An Efficient Alternative
to Deep Neural Networks for Inference Acceleration Using Gradient Boosted Decision Trees" (FPGA
2025); the decomposition into tables of six inputs is ours.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nomul.golden.lutnet.heads import Argmax, Thermometer
from nomul.golden.lutnet.layers import DirectLut, Layer, LutLayer
from nomul.golden.lutnet.network import Network

K = 6


@dataclass(frozen=True)
class Node:
    """A leaf with its quantised value, or a comparator with what follows 0 (left) and 1 (right)."""

    value: float = 0.0
    comparator: int = -1
    left: "Node | None" = None
    right: "Node | None" = None

    def children(self) -> tuple["Node", "Node"]:
        """Return left and right of an inner node."""
        assert self.left
        assert self.right
        return self.left, self.right

    def comparators(self) -> set[int]:
        """Return all comparators at and below the node."""
        if self.left is None:
            return set()
        left, right = self.children()
        return {self.comparator} | left.comparators() | right.comparators()

    def leaves(self) -> list[float]:
        """Return the leaves' values."""
        if self.left is None:
            return [self.value]
        left, right = self.children()
        return left.leaves() + right.leaves()

    def at(self, bits: dict[int, int]) -> float:
        """Return the value that comparator bits lead to."""
        if self.left is None:
            return self.value
        return self.children()[bits[self.comparator]].at(bits)


def xgboost(path: Path, input_bits: int = 4, leaf_bits: int = 3) -> Network:
    """Read a classifier that XGBoost saved as JSON; its features are codes of ``input_bits`` bits.

    A comparator is [code >= ceil(threshold)]; a code below goes left. The values of a tree's leaves
    are taken relative to its least one, and quantised to ``leaf_bits`` bits with one scale for the
    whole model, rounding to nearest; the least ones and the base score are the classes' biases.
    """
    model = json.loads(path.read_text())
    try:
        learner = model["learner"]
        booster = learner["gradient_booster"]["model"]
        trees, classes_of = booster["trees"], booster["tree_info"]
        parameters = learner["learner_model_param"]
        n_classes = max(1, int(parameters["num_class"]))
        features = int(parameters["num_feature"])
        base = _base(parameters.get("base_score", "0"), n_classes)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a model of XGBoost: {error} is missing") from None
    used: dict[tuple[int, int], int] = {}
    roots = [_tree(f"trees[{i}]", tree, used, input_bits) for i, tree in enumerate(trees)]
    if not used:
        raise ValueError("no tree has a split")
    spread = max(max(root.leaves()) - min(root.leaves()) for root in roots)
    scale = ((1 << leaf_bits) - 1) / spread if spread else 1.0
    bias = [value * scale for value in base]
    functions: list[tuple[int, int, Node]] = []
    for root, owner in zip(roots, classes_of, strict=True):
        least = min(root.leaves())
        bias[owner] += least * scale
        whole = _quantised(root, least, scale)
        functions += [(owner, bit, _digit(whole, bit)) for bit in range(leaf_bits)]
    functions = [f for f in functions if any(f[2].leaves())]
    layers: list[Layer] = [
        Thermometer(feature=[f for f, _ in used], threshold=[t for _, t in used])
    ]
    wires = _tables(layers, [node for _, _, node in functions])
    layers.append(
        LutLayer(
            k=1,
            idx=[[wire] for wire in wires],
            tt=[0b10] * len(wires),
            out=[owner for owner, _, _ in functions],
            n_out=n_classes,
            alpha=[1 << bit for bit in range(leaf_bits)],
            level=[bit for _, bit, _ in functions],
            bias=[round(value) for value in bias],
        )
    )
    if n_classes > 1:
        layers.append(Argmax())
    about = {"format": "xgboost", "trees": len(trees), "leaf_bits": leaf_bits}
    return Network(layers, features, input_bits, about)


def _base(text: Any, n_classes: int) -> list[float]:
    """Return the classes' base scores: one number for all, or a list in text."""
    values = json.loads(str(text))
    values = values if isinstance(values, list) else [values]
    values = [float(value) for value in values]
    if n_classes == 1:
        # Binary classifiers keep a probability.
        p = values[0]
        return [math.log(p / (1 - p)) if 0 < p < 1 else p]
    return values if len(values) == n_classes else values[:1] * n_classes


def _tree(
    place: str, tree: dict[str, Any], used: dict[tuple[int, int], int], input_bits: int
) -> Node:
    lists = {}
    for name in ("left_children", "right_children", "split_indices", "split_conditions"):
        if not isinstance(tree.get(name), list):
            raise ValueError(f"{place}.{name} is missing")
        lists[name] = tree[name]
    size = len(lists["left_children"])
    for name, values in lists.items():
        if len(values) != size:
            raise ValueError(f"{place}.{name} must have {size} entries, not {len(values)}")
    if any(tree.get("split_type", [])):
        raise ValueError(f"{place}.split_type: categorical splits are not numbers")

    def build(index: int, depth: int) -> Node:
        if not 0 <= index < size or depth > 32:
            raise ValueError(f"{place}: node {index} is not below its root")
        left, right = lists["left_children"][index], lists["right_children"][index]
        condition = float(lists["split_conditions"][index])
        if left == -1:
            return Node(value=condition)
        threshold = math.ceil(condition)
        if threshold <= 0 or threshold > (1 << input_bits) - 1:
            # No code of this width is on the other side.
            return build(right if threshold <= 0 else left, depth + 1)
        key = (int(lists["split_indices"][index]), threshold)
        number = used.setdefault(key, len(used))
        return Node(comparator=number, left=build(left, depth + 1), right=build(right, depth + 1))

    return build(0, 0)


def _map(node: Node, change: Callable[[float], float]) -> Node:
    """Return a tree with changed leaves, without comparators that no longer decide anything."""
    if node.left is None:
        return Node(value=change(node.value))
    left, right = (_map(child, change) for child in node.children())
    if left == right:
        return left
    return Node(comparator=node.comparator, left=left, right=right)


def _quantised(node: Node, least: float, scale: float) -> Node:
    return _map(node, lambda value: round((value - least) * scale))


def _digit(node: Node, bit: int) -> Node:
    return _map(node, lambda value: int(value) >> bit & 1)


def _height(node: Node) -> int:
    """Return after how many layers of tables a tree's bit is known: 1 where one table holds it."""
    if len(node.comparators()) <= K:
        return 1
    return 1 + max(_height(child) for child in node.children())


def _tables(layers: list[Layer], roots: list[Node]) -> list[int]:
    """Append the layers of tables, and return the wire of each tree's bit after the last.

    A subtree over at most six comparators is one table. Above that a node is a multiplexer of its
    comparator and its two subtrees, which are computed a layer earlier; what is needed later is
    handed on by tables that copy.
    """
    height = max(map(_height, roots), default=1)
    wanted: list[list[Node | int]] = [[] for _ in range(height + 1)]
    wanted[height] = list(dict.fromkeys(roots))
    for level in range(height, 1, -1):
        need: list[Node | int] = []
        for item in wanted[level]:
            if isinstance(item, int) or _height(item) < level:
                need.append(item)
            else:
                need += [item.comparator, *item.children()]
        wanted[level - 1] = list(dict.fromkeys(need))
    for level in range(1, height + 1):
        before = {item: i for i, item in enumerate(wanted[level - 1])}
        rows, tables = [], []
        for item in wanted[level]:
            row, table = _table(item, level, before)
            rows.append(row + [row[0]] * (K - len(row)))
            tables.append(_widen(table, len(row)))
        layers.append(DirectLut(k=K, idx=rows, tt=tables))
    after = {item: i for i, item in enumerate(wanted[height])}
    return [after[root] for root in roots]


def _table(item: Node | int, level: int, before: dict[Node | int, int]) -> tuple[list[int], int]:
    """Return wires and table of what a layer computes or hands on."""
    if isinstance(item, int):
        return [item if level == 1 else before[item]], 0b10
    if level > 1 and _height(item) < level:
        return [before[item]], 0b10
    if level > 1:
        # Address bit 0 the comparator, 1 the left and 2 the right subtree.
        return [before[item.comparator], *(before[c] for c in item.children())], 0b11100100
    names = sorted(item.comparators()) or [0]
    table = 0
    for address in range(1 << len(names)):
        bits = {name: address >> i & 1 for i, name in enumerate(names)}
        table |= int(item.at(bits)) << address
    return names, table


def _widen(table: int, width: int) -> int:
    """Return a table of ``width`` inputs as one of K, whose further inputs do not matter."""
    for bit in range(width, K):
        table |= table << (1 << bit)
    return table
