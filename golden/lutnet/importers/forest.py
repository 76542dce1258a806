"""Decision trees as layers of look-up tables: nodes that exist once, their digits, and tables.

Comparators are numbered, each once; a tree is a multiplexer of comparator bits, one per bit of its
leaves' values. The decomposition into tables of six inputs is ours.
"""

from collections.abc import Callable
from dataclasses import dataclass

from nomul.golden.lutnet.layers import DirectLut, Layer

K = 6


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """A leaf with its value, or a comparator with what follows 0 (left) and 1 (right).

    Equal nodes of one forest are the same object. ``names`` are the comparators at and below it, or
    None where they are more than one table takes; ``height`` is the number of layers of tables
    after which its bit is known.
    """

    value: float = 0.0
    comparator: int = -1
    left: "Node | None" = None
    right: "Node | None" = None
    names: frozenset[int] | None = frozenset()
    height: int = 1

    def children(self) -> tuple["Node", "Node"]:
        """Return left and right of an inner node."""
        assert self.left
        assert self.right
        return self.left, self.right

    def at(self, bits: dict[int, int]) -> float:
        """Return the value that comparator bits lead to."""
        node = self
        while node.left is not None:
            node = node.children()[bits[node.comparator]]
        return node.value


class Forest:
    """Makes nodes, each once."""

    def __init__(self) -> None:
        self._leaves: dict[float, Node] = {}
        self._inner: dict[tuple[int, Node, Node], Node] = {}

    def leaf(self, value: float) -> Node:
        """Return a leaf."""
        return self._leaves.setdefault(value, Node(value=value))

    def inner(self, comparator: int, left: Node, right: Node) -> Node:
        """Return an inner node, or what follows it where both sides are the same."""
        if left is right:
            return left
        key = comparator, left, right
        if key not in self._inner:
            names = None
            if left.names is not None and right.names is not None:
                names = left.names | right.names | {comparator}
                names = names if len(names) <= K else None
            height = 1 if names is not None else 1 + max(left.height, right.height)
            self._inner[key] = Node(0.0, comparator, left, right, names, height)
        return self._inner[key]

    def mapped(self, root: Node, change: Callable[[float], float]) -> Node:
        """Return a tree with changed leaves, without comparators that no longer decide anything."""
        done: dict[Node, Node] = {}
        for node in below(root):
            if node.left is None:
                done[node] = self.leaf(change(node.value))
            else:
                left, right = node.children()
                done[node] = self.inner(node.comparator, done[left], done[right])
        return done[root]


def below(root: Node) -> list[Node]:
    """Return all nodes of a tree, each once, children before their parents."""
    order: dict[Node, None] = {}
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if node in order:
            continue
        if ready or node.left is None:
            order[node] = None
        else:
            stack += [(node, True), *((child, False) for child in node.children())]
    return list(order)


def leaves(root: Node) -> list[float]:
    """Return the values of a tree's leaves, each once."""
    return [node.value for node in below(root) if node.left is None]


def tables(layers: list[Layer], roots: list[Node]) -> list[int]:
    """Append the layers of tables, and return the wire of each tree's bit after the last.

    A subtree over at most six comparators is one table. Above that a node is a multiplexer of its
    comparator and its two subtrees, which are computed a layer earlier; what is needed later is
    handed on by tables that copy.
    """
    height = max((root.height for root in roots), default=1)
    wanted: list[list[Node | int]] = [[] for _ in range(height + 1)]
    wanted[height] = list(dict.fromkeys(roots))
    for level in range(height, 1, -1):
        need: list[Node | int] = []
        for item in wanted[level]:
            if isinstance(item, int) or item.height < level:
                need.append(item)
            else:
                need += [item.comparator, *item.children()]
        wanted[level - 1] = list(dict.fromkeys(need))
    for level in range(1, height + 1):
        before = {item: i for i, item in enumerate(wanted[level - 1])}
        rows, contents = [], []
        for item in wanted[level]:
            row, table = _table(item, level, before)
            rows.append(row + [row[0]] * (K - len(row)))
            contents.append(_widen(table, len(row)))
        layers.append(DirectLut(k=K, idx=rows, tt=contents))
    after = {item: i for i, item in enumerate(wanted[height])}
    return [after[root] for root in roots]


def _table(item: Node | int, level: int, before: dict[Node | int, int]) -> tuple[list[int], int]:
    """Return wires and table of what a layer computes or hands on."""
    if isinstance(item, int):
        return [item if level == 1 else before[item]], 0b10
    if level > 1 and item.height < level:
        return [before[item]], 0b10
    if item.names is None:
        # Address bit 0 the comparator, 1 the left and 2 the right subtree.
        return [before[item.comparator], *(before[c] for c in item.children())], 0b11100100
    names = sorted(item.names) or [0]
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
