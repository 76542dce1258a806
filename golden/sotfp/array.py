"""Executor of microcode: a bit-packed memory array, 64 lanes to a machine word."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.sotfp.microcode import Program, Step

Words = NDArray[np.uint64]
Unsigned = NDArray[Any]

# Lanes worked on at a time: columns of 32 KiB, so that a program's columns stay in cache.
LANES = 1 << 18

# Masked swaps that transpose an 8 x 8 matrix of bits held in one word, row by row.
_SWAPS = ((7, 0x00AA00AA00AA00AA), (14, 0x0000CCCC0000CCCC), (28, 0x00000000F0F0F0F0))


def _transpose(words: Words) -> Words:
    """Transpose the 8 x 8 bits of every word: bit 8i + j goes to bit 8j + i."""
    for shift, mask in _SWAPS:
        moved = words >> np.uint64(shift)
        moved ^= words
        moved &= np.uint64(mask)
        words = words ^ moved
        moved <<= np.uint64(shift)
        words ^= moved
    return words


def to_columns(values: ArrayLike, bits: int) -> Words:
    """Return bit i of every value as column i, lane l in bit l mod 64 of word l // 64.

    Parameters
    ----------
    values
        Unsigned integers [n].
    bits
        Width of a value.

    Returns
    -------
    uint64[bits, ceil(n / 64)], unused lanes zero
    """
    values = np.asarray(values)
    size = -(-bits // 8)
    lanes = -(-len(values) // 64) * 64
    padded = np.zeros(lanes, dtype=f"<u{1 << (size - 1).bit_length()}")
    padded[: len(values)] = values
    table = padded.view(np.uint8).reshape(lanes, padded.itemsize)
    columns = np.empty((8 * size, lanes // 8), dtype=np.uint8)
    for byte in range(size):
        rows = np.ascontiguousarray(table[:, byte]).view("<u8")
        columns[8 * byte : 8 * byte + 8] = _transpose(rows).view(np.uint8).reshape(lanes // 8, 8).T
    return columns.view("<u8")[:bits]


def from_columns(columns: Words, n: int) -> Unsigned:
    """Inverse of :func:`to_columns`: the first ``n`` values, in the smallest unsigned kind."""
    bits, words = columns.shape
    size = -(-bits // 8)
    full = np.zeros((8 * size, words), dtype="<u8")
    full[:bits] = columns
    kind = 1 << (size - 1).bit_length()
    table = np.zeros((words * 64, kind), dtype=np.uint8)
    for byte in range(size):
        rows = full[8 * byte : 8 * byte + 8].view(np.uint8).T
        table[:, byte] = _transpose(np.ascontiguousarray(rows).view("<u8")[:, 0]).view(np.uint8)
    return table.view(f"<u{kind}")[:n, 0]


def execute(
    program: Program,
    memory: Words,
    *,
    other: Words | None = None,
    writable: Callable[[int], Words] | None = None,
    stuck: Words | None = None,
) -> None:
    """Run a program on a memory, in place.

    Parameters
    ----------
    program
        What to run.
    memory
        uint64[columns, words], with the operands loaded; at least ``program.columns`` columns.
    other
        The bank whose program comes next; None leaves out what is written to it.
    writable
        Returns, for the number of a step, the lanes whose write succeeds; all of them if None.
    stuck
        Lanes whose cells read back as zero whatever is written.
    """
    scratch = np.empty((2, memory.shape[1]), dtype=np.uint64)
    columns = list(memory)
    for number, step in enumerate(program.code):
        bank = other if step.other else columns
        if bank is None:
            continue
        dst = bank[step.dst]
        if writable is None and stuck is None:
            _run(step, columns, dst, scratch)
            continue
        before = dst.copy()
        _run(step, columns, dst, scratch)
        if writable is not None:
            dst ^= (dst ^ before) & ~writable(number)
        if stuck is not None:
            dst &= ~stuck


def _run(step: Step, columns: Sequence[Words], dst: Words, scratch: Words) -> None:
    if step.search is not None:
        _search(step, columns, scratch[0])
        dst[:] = scratch[0]
        return
    a, b = columns[step.a], columns[step.b]
    if step.p < 0:
        _apply(step.f, a, b, dst)
        return
    # dst := dst ^ ((f ^ dst) & p), and with the roles of f and dst exchanged where p is 0.
    p, value, change = columns[step.p], scratch[0], scratch[1]
    _apply(step.f, a, b, value)
    np.bitwise_xor(value, dst, out=change)
    np.bitwise_and(change, p, out=change)
    np.bitwise_xor(dst if step.pol else value, change, out=dst)


def _search(step: Step, columns: Sequence[Words], out: Words) -> None:
    assert step.search is not None
    out[:] = ~np.uint64(0)
    for column, key in zip(step.search.columns, step.search.keys, strict=True):
        out &= columns[column] if key else ~columns[column]
    if step.search.invert:
        np.invert(out, out=out)


def _apply(f: int, a: Words, b: Words, out: Words) -> None:
    """Write f(a, b); see :mod:`nomul.golden.sotfp.microcode` for the numbering of functions."""
    if f in (0b0000, 0b1111):
        out[:] = ~np.uint64(0) if f else np.uint64(0)
    elif f in (0b1100, 0b0011):
        (np.invert if f == 0b0011 else np.copyto)(*((a, out) if f == 0b0011 else (out, a)))
    elif f in (0b1010, 0b0101):
        (np.invert if f == 0b0101 else np.copyto)(*((b, out) if f == 0b0101 else (out, b)))
    elif f in (0b0100, 0b1011):  # a & ~b = a ^ (a & b), and its complement
        _and_not(a, b, out, invert=f == 0b1011)
    elif f in (0b0010, 0b1101):
        _and_not(b, a, out, invert=f == 0b1101)
    else:
        table = {0b1000: np.bitwise_and, 0b1110: np.bitwise_or, 0b0110: np.bitwise_xor}
        plain = f in table
        table[f if plain else f ^ 0b1111](a, b, out=out)
        if not plain:
            np.invert(out, out=out)


def _and_not(a: Words, b: Words, out: Words, *, invert: bool) -> None:
    # ~(~a | b) needs no second copy of a where out is a or b.
    if out is b:
        np.invert(b, out=out)
        np.bitwise_and(a, out, out=out)
        if invert:
            np.invert(out, out=out)
        return
    np.invert(a, out=out)
    np.bitwise_or(out, b, out=out)
    if not invert:
        np.invert(out, out=out)


def run(program: Program, *operands: ArrayLike, **faults: Any) -> Unsigned:
    """Return the program's results for arrays of operands, all of one length."""
    n = len(np.asarray(operands[0]))
    parts = []
    for start in range(0, n, LANES):
        pieces = [np.asarray(operand)[start : start + LANES] for operand in operands]
        lanes = len(pieces[0])
        memory = np.zeros((program.columns, -(-lanes // 64)), dtype=np.uint64)
        for columns, piece in zip(program.inputs, pieces, strict=True):
            memory[list(columns)] = to_columns(piece, len(columns))
        execute(program, memory, **faults)
        parts.append(from_columns(memory[list(program.output)], lanes))
    if not parts:
        return from_columns(np.zeros((len(program.output), 0), dtype=np.uint64), 0)
    return np.concatenate(parts)
