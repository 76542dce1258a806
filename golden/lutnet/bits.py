"""Boolean algebra on packed samples: 64 of them per word, tables as multiplexers of words.

A signal of n_bits wires over n samples is ``uint64[n_bits, words]``; bit s of word w of a row is
sample 64 w + s. A look-up of all samples in a table is then a tree of bitwise operations.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.arrays import Ints

Words = NDArray[np.uint64]

# Words of one bit worked on at a time: fewer cost calls, more leave the cache.
_CACHE = 1 << 13


def pack(bits: ArrayLike) -> Words:
    """Return bits[n, n_bits], each 0 or 1, as uint64[n_bits, ceil(n / 64)]."""
    rows = np.packbits(np.asarray(bits, dtype=np.uint8).T, axis=1, bitorder="little")
    padded = np.zeros((rows.shape[0], -(-rows.shape[1] // 8) * 8), dtype=np.uint8)
    padded[:, : rows.shape[1]] = rows
    return padded.view("<u8").astype(np.uint64, copy=False)


def unpack(words: Words, n: int) -> NDArray[np.uint8]:
    """Return the first ``n`` samples of uint64[n_bits, words] as uint8[n, n_bits]."""
    octets = words.astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(octets, axis=1, count=n, bitorder="little").T


def split(codes: ArrayLike, width: int) -> Words:
    """Return codes[n, lanes] as packed bits: bit j of lane i is row i width + j."""
    codes = np.asarray(codes, dtype=np.int64)
    if width == 1:
        return pack(codes)
    bits = (codes[:, :, None] >> np.arange(width)) & 1
    return pack(bits.reshape(len(codes), -1))


def join(words: Words, n: int, width: int) -> Ints:
    """Return packed bits as codes int64[n, n_bits / width]; the inverse of :func:`split`."""
    if width == 1:
        return unpack(words, n).astype(np.int64)
    bits = unpack(words, n).astype(np.int64).reshape(n, -1, width)
    return np.asarray(bits @ (np.int64(1) << np.arange(width, dtype=np.int64)))


def selectors(tables: tuple[int, ...], k: int) -> NDArray[np.intp]:
    """Return intp[2**(k - 2), n_tables]: tables as polynomials, for :func:`look_up`.

    A table is a sum modulo 2 of products of its address bits (Reed-Muller form). Row h holds what
    the product of the bits of h, counted from the third address bit on, is multiplied by: a
    function c0 + c1 a + c2 b + c3 a b of the first two, as the number c0 + 2 c1 + 4 c2 + 8 c3.
    """
    size = max(1, (1 << k) // 8)
    raw = np.frombuffer(b"".join(t.to_bytes(size, "little") for t in tables), dtype=np.uint8)
    bits = np.unpackbits(raw.reshape(len(tables), size), axis=1, bitorder="little")
    terms = np.zeros((max(4, 1 << k), len(tables)), dtype=np.uint8)
    terms[: 1 << k] = bits[:, : 1 << k].T
    for bit in range(k):
        half = terms.reshape(-1, 2, 1 << bit, len(tables))
        half[:, 1] ^= half[:, 0]
    by_function = terms.reshape(-1, 4, len(tables)).astype(np.intp)
    return np.asarray((by_function << np.arange(4)[:, None]).sum(axis=1))


def look_up(words: Words, idx: Ints, chosen: NDArray[np.intp]) -> Words:
    """Return uint64[n_tables, words]: each table's output for every sample.

    All sixteen functions of a table's first two address bits are computed once, the polynomial
    chooses among them, and Horner's rule takes in one further address bit a step.

    Parameters
    ----------
    words
        Packed inputs.
    idx
        int[n_tables, K]; address bit k of a table is row ``idx[., k]``.
    chosen
        The tables, as :func:`selectors` gives them.
    """
    (n_tables, k), width = idx.shape, words.shape[1]
    result = np.empty((n_tables, width), dtype=np.uint64)
    wide = max(1, min(width, _CACHE))
    deep = max(1, min(n_tables, _CACHE // wide))
    for left in range(0, width, wide):
        part = np.ascontiguousarray(words[:, left : left + wide])
        size = part.shape[1]
        functions = np.zeros((16, deep, size), dtype=np.uint64)
        functions[1] = ~np.uint64(0)
        terms = np.empty((len(chosen), deep, size), dtype=np.uint64)
        for top in range(0, n_tables, deep):
            wires = idx[top : top + deep]
            n = len(wires)
            # 0, 1, a, not a; the same plus b; the same again plus a b.
            f = functions[:, :n]
            f[2], f[4] = part[wires[:, 0]], part[wires[:, min(1, k - 1)]]
            np.bitwise_and(f[2], f[4], out=f[8])
            np.bitwise_not(f[2], out=f[3])
            np.bitwise_xor(f[1:4], f[4], out=f[5:8])
            np.bitwise_xor(f[1:8], f[8], out=f[9:16])
            value = terms[:, :n]
            flat = functions.reshape(16 * deep, size)
            rows = chosen[:, top : top + deep] * deep + np.arange(n)
            for own, row in zip(value, rows, strict=True):
                np.take(flat, row, axis=0, out=own, mode="clip")
            for bit in range(k - 1, 1, -1):
                half = len(value) // 2
                value, high = value[:half], value[half:]
                high &= part[wires[:, bit]]
                value ^= high
            result[top : top + n, left : left + size] = value[0]
    return result


def count(words: Words) -> Words:
    """Return how many rows are one, for each sample, in carry-save form and then in binary.

    uint64[n_sums, n_rows, words] becomes uint64[n_sums, bits, words], least significant bit first.
    """
    column, result = words, []
    while column.shape[1]:
        carries = []
        while column.shape[1] > 1:
            third = column.shape[1] // 3
            if third:
                a, b = column[:, :third], column[:, third : 2 * third]
                c, rest = column[:, 2 * third : 3 * third], column[:, 3 * third :]
                half = a ^ b
                total = half ^ c
                carries.append((a & b) | (half & c))
            else:
                a, b, rest = column[:, :1], column[:, 1:], column[:, 2:]
                total = a ^ b
                carries.append(a & b)
            column = np.concatenate([total, rest], axis=1) if rest.shape[1] else total
        result.append(column)
        column = np.concatenate(carries, axis=1) if carries else column[:, :0]
    if not result:
        return np.zeros((words.shape[0], 1, words.shape[2]), dtype=np.uint64)
    return np.concatenate(result, axis=1)


def gather_count(words: Words, rows: Ints, n: int) -> Ints:
    """Return int64[n, n_sums]: the number of ones among rows[n_sums, most] of each sample.

    An entry of -1 stands for no row.
    """
    n_sums, result = len(rows), np.empty((n, len(rows)), dtype=np.int64)
    padded = np.concatenate([words, np.zeros((1, words.shape[1]), dtype=np.uint64)])
    step = max(1, _CACHE * 32 // max(1, rows.shape[1] * words.shape[1]))
    for start in range(0, n_sums, step):
        part = slice(start, start + step)
        binary = count(padded[rows[part]])
        sums, bits, width = binary.shape
        flat = unpack(binary.reshape(sums * bits, width), n).reshape(n, sums, bits)
        total = flat[:, :, 0].astype(np.int64)
        for bit in range(1, bits):
            total += flat[:, :, bit].astype(np.int64) << bit
        result[:, part] = total
    return result


def members(out: Ints, n_out: int) -> Ints:
    """Return int64[n_out, most]: which entries of ``out`` equal each m, padded with -1."""
    counts = np.bincount(out, minlength=n_out)
    table = np.full((n_out, max(1, int(counts.max(initial=0)))), -1, dtype=np.int64)
    order = np.argsort(out, kind="stable")
    column = np.arange(len(out)) - np.repeat(np.cumsum(counts) - counts, counts)
    table[out[order], column] = order
    return table
