"""The challenge's files: lines of row, column and value, read in pieces of bounded memory."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Ints
from nomul.golden.foreign import Refused
from nomul.golden.spdnn.config import FAN_IN
from nomul.golden.spdnn.layers import Layer

PIECE = 1 << 20  # bytes of a file that are held at a time
LONGEST = 64  # bytes of a line
DIGITS = 9  # of a number of a row or column
EXPECTED_IMAGES = 60_000


class Lines(NamedTuple):
    """Some lines of a file: row and column from 1, value as text; ``first`` is the first's number.

    ``row`` and ``column`` are int64[n]; ``value`` is the text of each line's last field, bytes[n].
    """

    first: int
    row: Ints
    column: Ints
    value: NDArray[np.bytes_]


def tsv(layer: Layer) -> bytes:
    """Return a layer as the challenge writes it: ``row<TAB>column<TAB>value``, from 1, no header.

    Lines are sorted by column, then row, and values are written like ``6.250000e-02``.
    """
    values = {int(w): f"{w / 16:.6e}" for w in np.unique(layer.weight)}
    columns = (layer.row + 1, layer.column + 1, layer.weight)
    return "".join(
        f"{row}\t{column}\t{values[weight]}\n"
        for row, column, weight in zip(*(part.tolist() for part in columns), strict=True)
    ).encode()


def pieces(path: Path) -> Iterator[Lines]:
    """Yield the lines of a file of triples, a megabyte of the file at a time.

    Raises
    ------
    Refused
        A line is not three fields with tabs between them, or the file ends within a line.
    """
    number, rest = 1, b""
    with path.open("rb") as file:
        while block := file.read(PIECE):
            block = rest + block
            end = block.rfind(b"\n") + 1
            block, rest = block[:end], block[end:]
            if len(rest) > LONGEST:
                at = number + block.count(10)
                raise Refused(f"{path.name}: line {at}: has no end")
            if block:
                lines = _split(path, block, number)
                yield lines
                number += len(lines.row)
    if rest:
        raise Refused(f"{path.name}: line {number}: is cut off: the file does not end with a line")


def _split(path: Path, block: bytes, number: int) -> Lines:
    """Return the fields of whole lines, all at once."""
    data = np.frombuffer(block, dtype=np.uint8)
    marks = np.flatnonzero((data == 9) | (data == 10))
    ends = np.flatnonzero(data[marks] == 10)
    # Every third mark ends a line, or some line has too few or too many fields.
    regular = np.arange(2, 2 + 3 * len(ends), 3)
    wrong = np.flatnonzero(ends != regular)
    if len(wrong):
        line = number + int(wrong[0])
        raise Refused(f"{path.name}: line {line}: must be row, column and value, with tabs between")
    tabs = marks.reshape(-1, 3)
    starts = np.concatenate([[0], tabs[:-1, 2] + 1])
    row = _numbers(path, data, starts, tabs[:, 0], number, "row")
    column = _numbers(path, data, tabs[:, 0] + 1, tabs[:, 1], number, "column")
    return Lines(number, row, column, _texts(path, data, tabs[:, 1] + 1, tabs[:, 2], number))


def _numbers(
    path: Path, data: NDArray[np.uint8], start: Ints, end: Ints, number: int, name: str
) -> Ints:
    """Return the whole numbers between places, from 1; anything but digits is refused."""
    size = end - start
    value, good = np.zeros(len(start), dtype=np.int64), (size >= 1) & (size <= DIGITS)
    for k in range(int(min(size.max(initial=0), DIGITS))):
        inside = k < size
        digit = data[np.where(inside, start + k, 0)].astype(np.int64) - ord("0")
        good &= ~inside | ((digit >= 0) & (digit <= 9))
        value = np.where(inside, 10 * value + digit, value)
    good &= value >= 1
    wrong = np.flatnonzero(~good)
    if len(wrong):
        k = int(wrong[0])
        text = data[start[k] : min(end[k], start[k] + 20)].tobytes().decode("latin-1")
        raise Refused(
            f"{path.name}: line {number + k}: {name} must be a whole number from 1, not {text!r}"
        )
    return value


def _texts(
    path: Path, data: NDArray[np.uint8], start: Ints, end: Ints, number: int
) -> NDArray[np.bytes_]:
    """Return the texts between places, bytes[n]."""
    size = end - start
    wrong = np.flatnonzero((size < 1) | (size > LONGEST))
    if len(wrong):
        line = number + int(wrong[0])
        raise Refused(f"{path.name}: line {line}: value must be a number")
    longest = int(size.max(initial=1))
    table = np.zeros((len(start), longest), dtype=np.uint8)
    for k in range(longest):
        inside = k < size
        table[inside, k] = data[start[inside] + k]
    return table.view(f"S{longest}")[:, 0]


def _sixteenths(path: Path, lines: Lines) -> Ints:
    """Return the values in sixteenths, or refuse one that is no whole number of them."""
    texts, which = np.unique(lines.value, return_inverse=True)
    values = np.empty(len(texts), dtype=np.int64)
    for k, text in enumerate(texts.tolist()):
        try:
            value = float(text) * 16
        except ValueError:
            value = float("nan")
        if not (value == value and abs(value) < 1 << 20 and value == int(value)):
            line = lines.first + int(np.flatnonzero(which == k)[0])
            shown = text.decode("latin-1")
            raise Refused(
                f"{path.name}: line {line}: value must be a number of sixteenths, not {shown!r}"
            )
        values[k] = int(value)
    return values[which]


def read_layer(path: str | Path, neurons: int, *, general: bool = False) -> Layer:
    """Return the layer in one of the challenge's files.

    Parameters
    ----------
    path
        File of lines ``row<TAB>column<TAB>value``, from 1, sorted by column, then row.
    neurons
        N, whose layer it is.
    general
        Take any weights that are whole sixteenths, and any number of edges.

    Raises
    ------
    Refused
        A line that cannot be read; an edge out of range, out of order or there twice; unless
        ``general``, a weight other than 1/16 or another number of edges than 32 N. File and line
        are named.
    """
    path, edges = Path(path), []
    before = -1
    for lines in pieces(path):
        row, column = lines.row - 1, lines.column - 1
        for name, values in (("row", row), ("column", column)):
            wrong = np.flatnonzero(values >= neurons)
            if len(wrong):
                _refuse(path, lines, wrong[0], f"{name} must be in 1..{neurons}")
        key = column * neurons + row
        step = np.diff(key, prepend=before)
        wrong = np.flatnonzero(step <= 0)
        if len(wrong):
            twice = step[wrong[0]] == 0
            rule = "is there twice" if twice else "is out of order: column first, then row"
            _refuse(path, lines, wrong[0], rule)
        before = int(key[-1])
        weight = _sixteenths(path, lines)
        if not general and (weight != 1).any():
            wrong = np.flatnonzero(weight != 1)
            _refuse(path, lines, wrong[0], "weight must be 6.250000e-02 unless engine=general")
        edges.append((row, column, weight))
    row, column, weight = (
        np.concatenate([part[k] for part in edges]) if edges else np.zeros(0, dtype=np.int64)
        for k in range(3)
    )
    if not general and len(row) != FAN_IN * neurons:
        raise Refused(
            f"{path.name}: holds {len(row)} edges, not {FAN_IN * neurons} "
            f"({FAN_IN} for each of {neurons} neurons)"
        )
    return Layer(neurons, row, column, weight)


def _refuse(path: Path, lines: Lines, at: int, rule: str) -> None:
    row, column, value = lines.row[at], lines.column[at], lines.value[at].decode("latin-1")
    raise Refused(f"{path.name}: line {lines.first + at}: {row} {column} {value}: {rule}")


def read_network(
    folder: str | Path, neurons: int = 1024, layers: int = 120, *, general: bool = False
) -> list[Layer]:
    """Return the layers in a folder of the challenge, files ``n1024-l1.tsv`` and so on.

    Raises
    ------
    Refused
        A file is missing, which is named with the number of layers asked for, or cannot be read.
    """
    folder, network = Path(folder), []
    for number in range(1, layers + 1):
        path = folder / f"n{neurons}-l{number}.tsv"
        if not path.is_file():
            raise Refused(f"{path.name}: is not in {folder}, which should hold {layers} layers")
        network.append(read_layer(path, neurons, general=general))
    return network


@dataclasses.dataclass(frozen=True)
class Images:
    """Images of 0 and 1, eight pixels to a byte: 60,000 of 65,536 pixels take 490 MB.

    Attributes
    ----------
    neurons
        N, pixels of an image.
    packed
        uint8[V, N / 8], the first pixel in the lowest bit.
    """

    neurons: int
    packed: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.packed)

    def block(self, first: int, count: int, fraction: int = 16) -> Ints:
        """Return some images as :func:`nomul.golden.spdnn.model` takes them: int64[n, N]."""
        bits = np.unpackbits(self.packed[first : first + count], axis=1, bitorder="little")
        return bits.astype(np.int64) << fraction

    def blocks(self, count: int = 1024, fraction: int = 16) -> Iterator[Ints]:
        """Yield all images, ``count`` at a time."""
        for first in range(0, len(self), count):
            yield self.block(first, count, fraction)


def read_images(path: str | Path, neurons: int = 1024, images: int = EXPECTED_IMAGES) -> Images:
    """Return the images of one of the challenge's files, lines ``image<TAB>pixel<TAB>1``.

    Lines may come in any order. Memory is one bit per pixel and some 30 MB for a piece of the file.

    Parameters
    ----------
    path
        The file.
    neurons
        N, pixels of an image.
    images
        How many images there are; those without a line are empty.

    Raises
    ------
    Refused
        A line that cannot be read, a pixel out of range or there twice, a value other than 1.
    """
    path = Path(path)
    packed = np.zeros((images, -(-neurons // 8)), dtype=np.uint8)
    flat = packed.reshape(-1)
    for lines in pieces(path):
        for name, values, most in (("image", lines.row, images), ("pixel", lines.column, neurons)):
            wrong = np.flatnonzero(values > most)
            if len(wrong):
                _refuse(path, lines, wrong[0], f"{name} must be in 1..{most}")
        wrong = np.flatnonzero(_sixteenths(path, lines) != 16)
        if len(wrong):
            _refuse(path, lines, wrong[0], "value must be 1")
        pixel = lines.column - 1
        place = (lines.row - 1) * packed.shape[1] + pixel // 8
        mask = (1 << (pixel % 8)).astype(np.uint8)
        known, times = np.unique(place * 8 + pixel % 8, return_counts=True)
        there = (flat[place] & mask) != 0
        if there.any() or (times > 1).any():
            again = np.isin(place * 8 + pixel % 8, known[times > 1])
            _refuse(path, lines, int(np.flatnonzero(there | again)[0]), "is there twice")
        np.bitwise_or.at(flat, place, mask)
    return Images(neurons, packed)


def write_categories(path: str | Path, numbers: Ints) -> None:
    """Write the numbers of active images as the challenge's files have them: one per line."""
    Path(path).write_text("".join(f"{n}\n" for n in numbers.tolist()))
