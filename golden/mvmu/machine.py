"""What a core computes: the product of its units, and its programs, instruction by instruction."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import bitplanes
from nomul.golden.arrays import Floats, Ints, integers
from nomul.golden.mvmu.config import FETCH, POINT, Config
from nomul.golden.mvmu.isa import FUNCTIONS, KINDS, OPERATIONS, WHENS, Instruction

LIMIT = 10_000_000  # instructions of a program that ends


class Product(NamedTuple):
    """Sums int64[V, outputs], and how many reads of a column were clipped."""

    y: Ints
    clips: int


def offset(cfg: Config, w: ArrayLike) -> bitplanes.Packed:
    """Return a unit's matrix as it is stored: 2^(weight_bits - 1) added to every weight.

    Raises
    ------
    TypeError, ValueError
        It does not hold integers, is of another size, or a weight does not fit.
    """
    half = 1 << (cfg.weight_bits - 1)
    return bitplanes.compress(cfg.unit, _matrix(cfg, "w", w) + half)


def _matrix(cfg: Config, name: str, w: ArrayLike) -> Ints:
    array = np.asarray(w)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, not {array.dtype}")
    if array.shape != (cfg.inputs, cfg.outputs):
        raise ValueError(f"{name} must be of shape {(cfg.inputs, cfg.outputs)}, not {array.shape}")
    return _words(name, array, cfg.weight_bits)


def _words(name: str, values: ArrayLike, bits: int) -> Ints:
    array, half = integers(name, values), 1 << (bits - 1)
    wrong = array[(array < -half) | (array >= half)]
    if wrong.size:
        raise ValueError(f"{name} must be in {-half}..{half - 1}, not {int(wrong[0])}")
    return array


def model(cfg: Config, w: ArrayLike, x: ArrayLike) -> Product:
    """Return x @ w and the clips; exact where no converter clips.

    Weights are stored in offset binary and read by slices, activations bit by bit; what the offset
    adds, 2^(weight_bits - 1) times the sum of the activations, is taken off again.

    Parameters
    ----------
    w
        int[inputs, outputs].
    x
        int[V, inputs].
    """
    packed = offset(cfg, w)
    stored, clips = bitplanes.model(cfg.unit, packed, x, with_clips=True)
    sums = np.asarray(x, dtype=np.int64).sum(axis=1, keepdims=True)
    return Product(stored - (sums << (cfg.weight_bits - 1)), clips)


def ideal(cfg: Config, w: ArrayLike, x: ArrayLike) -> Floats:
    """Return x @ w, float64[V, outputs]: the matrix-vector product of arXiv 1901.10351."""
    product: Floats = np.asarray(x, dtype=np.float64) @ np.asarray(w, dtype=np.float64)
    return product


def fixed(y: ArrayLike) -> Ints:
    """Return sums of Q4.12 products as words of Q4.12: rounded half to even, cut to 16 bits."""
    sums = np.asarray(y, dtype=np.int64)
    down = sums >> POINT
    rest = sums & ((1 << POINT) - 1)
    half = 1 << (POINT - 1)
    rounded = down + ((rest > half) | ((rest == half) & (down & 1 == 1)))
    return np.clip(rounded, -32768, 32767)


@dataclasses.dataclass
class Core:
    """A core's state: ``memory`` and ``registers`` of words of 16 bits, and what it has spent.

    Attributes
    ----------
    cfg
        Its parameters.
    matrices
        One int[inputs, outputs] per unit that a program uses.
    memory, registers
        int64 of 16 bits, two's complement.
    cycles, clips
        Of all programs so far.
    fault
        A program left its registers, units, memory or instructions, and was ended there.

    Raises
    ------
    TypeError, ValueError
        A matrix, memory or registers hold what is no integer or does not fit, are of another size,
        or there are more matrices than units.
    """

    cfg: Config
    matrices: Sequence[ArrayLike] = ()
    memory: Ints = dataclasses.field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    registers: Ints = dataclasses.field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    cycles: int = 0
    clips: int = 0
    fault: bool = False

    def __post_init__(self) -> None:
        for name, size in (("memory", self.cfg.words), ("registers", self.cfg.every_register)):
            given = _words(name, getattr(self, name), 16).ravel()
            if len(given) > size:
                raise ValueError(f"{name} has {size} words, not {len(given)}")
            whole = np.zeros(size, dtype=np.int64)
            whole[: len(given)] = given
            setattr(self, name, whole)
        if len(self.matrices) > self.cfg.units:
            raise ValueError(f"the core has {self.cfg.units} units, not {len(self.matrices)}")
        for number, matrix in enumerate(self.matrices):
            _matrix(self.cfg, f"matrices[{number}]", matrix)

    def run(self, program: Sequence[Instruction]) -> None:
        """Run a program to its halt, or to the instruction that leaves what there is.

        Raises
        ------
        ValueError
            It does not end within ten million instructions.
        """
        counter = 0
        for _ in range(LIMIT):
            if counter >= self.cfg.program_words:
                self.cycles += FETCH
                self._fault()
                return
            there = counter < len(program)  # behind a program its memory holds 0, which halts
            counter = self._step(program[counter] if there else Instruction(0), counter)
            if counter < 0:
                return
        raise ValueError(f"the program does not end within {LIMIT} instructions")

    def _step(self, now: Instruction, counter: int) -> int:
        """Carry an instruction out; return the next one's number, or -1 at the end."""
        self.cycles += FETCH
        name = OPERATIONS[now.op] if now.op < len(OPERATIONS) else ""
        if not name or now.kind >= len(KINDS.get(name, ("",))):
            return self._fault()
        if name == "jump":
            if not self._there(now.a):
                return self._fault()
            self.cycles += 1
            value = int(self.registers[now.a])
            taken = {"always": True, "nonzero": value != 0, "negative": value < 0}
            return now.dst if taken[WHENS[now.kind]] else counter + 1
        if name == "mvm":
            if now.a >= len(self.matrices):
                return self._fault()
            self._product(now.a)
            return counter + 1
        if name == "halt":
            self.cycles += 1
            return -1
        self.cycles += now.count == 0
        for k in range(now.count):
            if not self._element(name, now, k):
                return self._fault()
            self.cycles += 3 if name == "load" else 2
        return counter + 1

    def _there(self, *numbers: int) -> bool:
        """Return whether all these registers exist."""
        return all(number < len(self.registers) for number in numbers)

    def _fault(self) -> int:
        """End the program: one cycle."""
        self.fault, self.cycles = True, self.cycles + 1
        return -1

    def _product(self, unit: int) -> None:
        """Multiply a unit's inputs, as far as an activation has bits, by its matrix."""
        cfg, most = self.cfg, 1 << (self.cfg.act_bits - 1)
        self.cycles += cfg.product_cycles
        x = ((self.registers[: cfg.inputs] + most) & (2 * most - 1)) - most
        y, clips = model(cfg, self.matrices[unit], x[None])
        self.registers[cfg.out : cfg.general] = fixed(y[0])
        self.clips += clips

    def _element(self, name: str, now: Instruction, k: int) -> bool:
        """Carry out one element of a vector; return whether it is within what there is."""
        registers, memory = self.registers, self.memory
        moves = name in ("load", "store")
        if moves and now.kind and not self._there(now.b):
            return False
        index = int(registers[now.b]) if moves and now.kind else 0
        if name == "load":
            at = now.a + k + index
            if not self._there(now.dst + k) or not 0 <= at < len(memory):
                return False
            registers[now.dst + k] = memory[at]
        elif name == "store":
            at = now.dst + k + index
            if not self._there(now.a + k) or not 0 <= at < len(memory):
                return False
            memory[at] = registers[now.a + k]
        elif name == "set":
            if not self._there(now.dst + k):
                return False
            registers[now.dst + k] = ((now.b + 32768) & 0xFFFF) - 32768
        else:
            function = FUNCTIONS[now.kind]
            single = function in ("relu", "copy", "shift")
            if not self._there(now.dst + k, now.a + k, *([] if single else [now.b + k])):
                return False
            b = now.b if single else int(registers[now.b + k])
            registers[now.dst + k] = alu(function, int(registers[now.a + k]), b)
        return True


def alu(function: str, a: int, b: int) -> int:
    """Return a function of two words, cut to 16 bits."""
    value = {
        "add": a + b,
        "sub": a - b,
        "min": min(a, b),
        "max": max(a, b),
        "relu": max(a, 0),
        "copy": a,
        "shift": a >> (b & 15),
    }[function]
    return max(-32768, min(32767, value))


def stimuli(cfg: Config, rng: np.random.Generator, vectors: int = 3) -> dict[str, Ints]:
    """Return a random matrix with its extremes, and vectors of which one is the least."""
    half, most = 1 << (cfg.weight_bits - 1), 1 << (cfg.act_bits - 1)
    w = rng.integers(-half, half, (cfg.inputs, cfg.outputs))
    w[0, 0], w[-1, -1] = -half, half - 1
    x = rng.integers(-most, most, (vectors, cfg.inputs))
    x[-1] = -most
    return {"w": w, "x": x}
