"""SOT-MRAM PIM: IEEE floating point executed inside a memory array, one micro-operation at a time.

After Wang et al., "A New MRAM-based Process In-Memory Accelerator for Efficient Neural Network
Training with Floating Point Precision", ISCAS 2020, arXiv 2003.01551. Its abstract names a
four-step full addition and a floating-point procedure; the programs here are our reconstruction.
"""

import dataclasses
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import config, lfsr, pimarray, sotfp_add, sotfp_judge, sotfp_mul, sotfp_shift
from nomul.golden.microcode import ZERO, A, Builder, Program, Step
from nomul.golden.microcode_nor import NorBuilder
from nomul.golden.sotfp_judge import Format

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

OPSETS = ("sot", "nor", "sot+search", "nor+search")
PORTS = ("replicated", "dual")
OPS = ("add", "mul")
CHAIN = ("begin", "mac")
FAULT_BITS = 16
FAULT_WIDTH = 32


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of the array and of the numbers in it.

    Parameters
    ----------
    exponent_bits, mantissa_bits
        Ne, 3..8, and Nm, 2..23, of an IEEE-style format.
    lanes
        R, words that one program works on, 2..1024.
    mode
        ``ieee``: gradual underflow. ``ftz``: subnormal operands count as zero, and results below
        the smallest normal number become zero.
    opset
        ``sot``: any two-input function, with predicated write. ``nor``: NOT and NOR. With
        ``+search``: masked equality over an operand's exponent columns in one step.
    columns
        C, bit columns; None takes what the programs need.
    mac
        Whether the array also has the programs ``begin`` and ``mac``: sums of products that stay.
    ports
        ``replicated``: four copies of the memory, a step takes two cycles. ``dual``: one memory
        with two ports, three cycles.
    write_errors
        Probability times 2**16 that a step's write fails in one lane, 0..65535.
    fault_seed
        Start of the register that chooses step and lane of the failures, not 0.
    stuck_lanes
        Lanes whose cells hold zero whatever is written.
    """

    exponent_bits: int = 5
    mantissa_bits: int = 10
    lanes: int = 64
    mode: str = "ieee"
    opset: str = "sot"
    columns: int | None = None
    mac: bool = False
    ports: str = "replicated"
    write_errors: int = 0
    fault_seed: int = 1
    stuck_lanes: tuple[int, ...] = ()

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "fp16": {"lanes": 16},
        "bf16": {"exponent_bits": 8, "mantissa_bits": 7, "lanes": 16},
        "fp32": {"exponent_bits": 8, "mantissa_bits": 23, "lanes": 16},
        "fp8": {"exponent_bits": 5, "mantissa_bits": 2, "lanes": 16},
    }

    def validate(self) -> None:
        """Check the ranges, and that the programs fit the columns."""
        self.check_range("exponent_bits", 3, 8)
        self.check_range("mantissa_bits", 2, 23)
        self.check_range("lanes", 2, 1024)
        self.check_choice("mode", sotfp_judge.MODES)
        self.check_choice("opset", OPSETS)
        self.check_choice("ports", PORTS)
        self.check_range("write_errors", 0, (1 << FAULT_BITS) - 1)
        self.check_range("fault_seed", 1, (1 << FAULT_WIDTH) - 1)
        legal = all(0 <= lane < self.lanes for lane in self.stuck_lanes)
        self.check("stuck_lanes", legal, f"in 0..{self.lanes - 1}")
        if self.columns is not None:
            need = self.columns_needed
            self.check("columns", need <= self.columns <= 1024, f"in {need}..1024 for its programs")

    @property
    def form(self) -> Format:
        """The number format."""
        return Format(self.exponent_bits, self.mantissa_bits)

    @property
    def width(self) -> int:
        """Bits of a word."""
        return self.form.width

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of the programs, in the order of their numbers."""
        return (*OPS, *CHAIN) if self.mac else OPS

    @property
    def columns_needed(self) -> int:
        """Columns that the longest-lived set of bits of any program needs."""
        return max(program(self, op).columns for op in self.programs)

    @property
    def depth(self) -> int:
        """C, columns of the array."""
        return self.columns or self.columns_needed

    @property
    def cycles_per_step(self) -> int:
        """Cycles of a read phase and a write phase."""
        return {"replicated": 2, "dual": 3}[self.ports]

    def cycles(self, n: int, op: str = "mul") -> int:
        """Cycles that ``n`` programs keep the array busy: three more each than its steps take."""
        return n * (self.cycles_per_step * program(self, op).steps + 3)

    @property
    def latency(self) -> int:
        """Cycles of the longest program."""
        return max(self.cycles(1, op) for op in self.programs)

    @property
    def interval(self) -> int:
        """Cycles between two batches of the longest program; loading and storing hide behind it."""
        return self.latency

    @property
    def faulty(self) -> bool:
        """Whether faults are injected."""
        return bool(self.write_errors or self.stuck_lanes)


def builder(opset: str) -> Builder:
    """Return an empty builder for an operation set."""
    family, _, search = opset.partition("+")
    return {"sot": Builder, "nor": NorBuilder}[family](search == "search")


def program(cfg: Config, op: str) -> Program:
    """Return the microcode of ``add``, ``mul``, ``mac`` or ``begin``.

    ``mac`` adds the product to a third operand, and also writes the sum over that operand in the
    bank whose program comes next; ``begin`` sets the operand to +0 before. Every step is executed
    whatever the operands are: there is no branch. All counts come from it.
    """
    return _program(cfg.exponent_bits, cfg.mantissa_bits, cfg.mode, cfg.opset, op)


@cache
def _program(ne: int, nm: int, mode: str, opset: str, op: str) -> Program:
    if op not in (*OPS, *CHAIN):
        raise ValueError(f"sotfp has no operation {op!r}; it has {', '.join((*OPS, *CHAIN))}")
    if op == "begin":
        mac = _program(ne, nm, mode, opset, "mac")
        clear = tuple(Step(column, ZERO, 0, 0) for column in mac.inputs[2])
        return dataclasses.replace(mac, code=clear + mac.code, inputs=mac.inputs[:2])
    b = builder(opset)
    x, y = sotfp_shift.load(b, ne, nm), sotfp_shift.load(b, ne, nm)
    inputs = [x.bits, y.bits]
    if op == "add":
        return b.program(inputs, sotfp_add.add(b, x, y, mode))
    product = sotfp_mul.mul(b, x, y, mode)
    if op == "mul":
        return b.program(inputs, product)
    z = sotfp_shift.load(b, ne, nm)
    # The exponents were not loaded as they are now: no search finds them.
    b.searching = False
    inputs.append(z.bits)
    term = sotfp_shift.Word(product[:nm], product[nm:-1], product[-1])
    code = b.program(inputs, sotfp_add.add(b, z, term, mode))
    pairs = zip(code.inputs[2], code.output, strict=True)
    kept = tuple(Step(into, A, bit, 0, other=True) for into, bit in pairs)
    return dataclasses.replace(code, code=code.code + kept)


def _words(cfg: Config, name: str, x: ArrayLike) -> Any:
    x = np.asarray(x)
    if x.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not of shape {list(x.shape)}")
    if x.dtype.kind not in "iu" and x.size:
        raise ValueError(f"{name} must hold bit patterns (integers), not {x.dtype}")
    if x.size and (int(x.min()) < 0 or int(x.max()) >> cfg.width):
        raise ValueError(f"{name} must hold words of {cfg.width} bits")
    return x


def _pair(cfg: Config, a: ArrayLike, b: ArrayLike) -> tuple[Any, Any]:
    x, y = _words(cfg, "a", a), _words(cfg, "b", b)
    if len(x) != len(y):
        raise ValueError(f"a holds {len(x)} words and b holds {len(y)}")
    return x, y


def model(cfg: Config, op: str, a: ArrayLike, b: ArrayLike) -> NDArray[Any]:
    """Return the bit patterns of a op b, as the array computes them.

    Parameters
    ----------
    op
        ``add`` or ``mul``.
    a, b
        Bit patterns [n], in batches of ``cfg.lanes`` from the first one on.

    Returns
    -------
    unsigned integers [n]; NaN is the canonical quiet one
    """
    if op not in OPS:
        raise ValueError(f"sotfp has no operation {op!r}; it has {', '.join(OPS)}")
    x, y = _pair(cfg, a, b)
    if cfg.faulty:
        return Array(cfg).run(op, x, y)
    return pimarray.run(program(cfg, op), x, y)


def reference(cfg: Config, op: str, a: ArrayLike, b: ArrayLike) -> Ints:
    """Return the bit patterns of a op b by exact integer arithmetic, apart from any program."""
    if op not in OPS:
        raise ValueError(f"sotfp has no operation {op!r}; it has {', '.join(OPS)}")
    return sotfp_judge.OPS[op](cfg.form, cfg.mode, *_pair(cfg, a, b))


def ideal(cfg: Config, op: str, a: ArrayLike, b: ArrayLike) -> Floats:
    """Return a op b of the operands' values in float64, without the format's rounding."""
    x, y = decode(cfg, a), decode(cfg, b)
    with np.errstate(all="ignore"):
        return np.asarray(x + y if op == "add" else x * y)


def decode(cfg: Config, x: ArrayLike) -> Floats:
    """Return the values of bit patterns, float64."""
    form = cfg.form
    s, e, m = form.unpack(_words(cfg, "x", x), cfg.mode)
    value = np.ldexp(m.astype(np.float64), e - form.bias - form.mantissa_bits)
    value = np.where(form.is_infinite(x), np.inf, np.where(form.is_nan(x), np.nan, value))
    return np.asarray(np.where(s == 1, -value, value))


def encode(cfg: Config, values: ArrayLike) -> Ints:
    """Return the bit patterns nearest to real numbers, ties to even."""
    values, form = np.asarray(values, dtype=np.float64), cfg.form
    fraction, exponent = np.frexp(np.where(np.isfinite(values), np.abs(values), 0.0))
    m = np.ldexp(fraction, 53).astype(np.int64)
    e = exponent.astype(np.int64) - 53 + form.bias + form.mantissa_bits
    packed = form.pack(np.signbit(values).astype(np.int64), e, m, cfg.mode)
    infinite = form.infinity | np.signbit(values).astype(np.int64) << (cfg.width - 1)
    packed = np.where(np.isinf(values), infinite, packed)
    return np.asarray(np.where(np.isnan(values), form.nan, packed))


class Array:
    """The array over time: two banks of cells, and the register that chooses write errors.

    A write error leaves the cell as it was, so what a bank held before matters; without faults it
    does not, and :func:`model` needs none of this.

    Parameters
    ----------
    cfg
        Format, lanes and faults.
    """

    def __init__(self, cfg: Config):
        self.cfg = cfg
        words = -(-cfg.lanes // 64)
        self.banks = np.zeros((2, cfg.depth, words), dtype=np.uint64)
        self.stuck = self._mask(list(cfg.stuck_lanes))
        self.steps = self.batches = 0

    def _mask(self, lanes: list[int]) -> NDArray[np.uint64]:
        mask = np.zeros(self.banks.shape[2], dtype=np.uint64)
        for lane in lanes:
            mask[lane // 64] |= np.uint64(1 << lane % 64)
        return mask

    def run(self, op: str, a: ArrayLike, b: ArrayLike) -> NDArray[Any]:
        """Return the results of the next batches, each of ``cfg.lanes`` words but the last.

        Of ``begin`` and ``mac`` those are the sums so far, lane by lane.
        """
        x, y = _pair(self.cfg, a, b)
        code, lanes = program(self.cfg, op), self.cfg.lanes
        parts = [
            self._batch(code, x[start : start + lanes], y[start : start + lanes])
            for start in range(0, len(x), lanes)
        ]
        return np.concatenate(parts) if parts else pimarray.run(code, x, y)

    def _batch(self, code: Program, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
        memory, other = self.banks[self.batches % 2], self.banks[1 - self.batches % 2]
        memory[:] &= ~self.stuck
        for columns, piece in zip(code.inputs[:2], (a, b), strict=True):
            full = np.zeros(self.cfg.lanes, dtype=np.uint64)
            full[: len(piece)] = piece
            memory[list(columns)] = pimarray.to_columns(full, len(columns)) & ~self.stuck
        failing = self._failures(code.steps)
        masks = {step: ~self._mask([lane]) for step, lane in failing.items()}
        every = ~self._mask([])
        pimarray.execute(
            code,
            memory,
            other=other,
            writable=lambda step: masks.get(step, every),
            stuck=self.stuck,
        )
        self.batches += 1
        self.steps += code.steps
        return pimarray.from_columns(memory[list(code.output)], len(a))

    def _failures(self, steps: int) -> dict[int, int]:
        """Return the steps of the next program whose write fails, and the lane of each.

        Each step draws 32 bits: an error if the low 16 are below ``write_errors``, in the lane that
        the high ones name.
        """
        step = lfsr.step_matrix(FAULT_WIDTH, lfsr.TAPS[FAULT_WIDTH]) ** FAULT_WIDTH
        first = (step**self.steps).apply(self.cfg.fault_seed)
        states = lfsr.walk(step, np.array([first], dtype=np.int64), steps)[:, 0]
        span = 1 << (self.cfg.lanes - 1).bit_length()
        lane = (states >> FAULT_BITS) & (span - 1)
        draw = states & ((1 << FAULT_BITS) - 1)
        hit = (draw < self.cfg.write_errors) & (lane < self.cfg.lanes)
        return {int(i): int(lane[i]) for i in np.nonzero(hit)[0]}


def stimuli(cfg: Config, rng: np.random.Generator, n: int = 1000) -> dict[str, Ints]:
    """Return operand pairs: every pair of the corner patterns, then random ones.

    A third of the random pairs have all bits at random, a third have neighbouring exponents (where
    sums cancel), and a third have products next to the limits of the format.
    """
    form, top = cfg.form, 1 << (cfg.width - 1)
    one = form.bias << form.mantissa_bits
    smallest = 1 << form.mantissa_bits
    plain = [0, 1, 2, smallest - 1, smallest, smallest + 1, one - 1, one, one + 1, one + smallest]
    plain += [form.infinity - 1, form.infinity, form.infinity + 1, form.nan, top - 1]
    corners = np.array(plain + [value | top for value in plain], dtype=np.int64)
    left, right = (grid.ravel() for grid in np.meshgrid(corners, corners))
    a, b = rng.integers(0, 2 * top, n), rng.integers(0, 2 * top, n)
    highest = (1 << form.exponent_bits) - 1
    exponent = (a >> form.mantissa_bits) & highest
    near = exponent + rng.integers(-2, 3, n)
    # The product's exponent lands on the subnormals, or on the overflow.
    edge = np.where(rng.random(n) < 0.5, rng.integers(-cfg.mantissa_bits - 2, 3, n), highest)
    limit = edge - rng.integers(0, 3, n) + form.bias - exponent
    kind = rng.integers(0, 3, n)
    field = np.clip(np.where(kind == 1, near, limit), 0, highest)
    placed = (b & ~(highest << form.mantissa_bits)) | field << form.mantissa_bits
    b = np.where(kind == 0, b, placed)
    return {"a": np.concatenate([left, a]), "b": np.concatenate([right, b])}


def rom_fields(cfg: Config) -> dict[str, int]:
    """Return names and widths of the fields of a microcode word, least significant first.

    ``sets``: whether the predicate ``p`` must be ``pol``. Operation sets with search add which
    operand's exponent to look at, the key bit, and whether to invert the answer.
    """
    column = (cfg.depth - 1).bit_length()
    fields = {"dst": column, "a": column, "b": column, "p": column}
    fields |= {"f": 4, "pol": 1, "sets": 1, "end": 1}
    if cfg.opset.endswith("search"):
        fields |= {"search": 1, "operand": 1, "key": 1, "invert": 1}
    if cfg.mac:
        fields |= {"other": 1}
    return fields


def rom_entries(cfg: Config) -> list[int]:
    """Return the address of each program's first word; ``begin`` runs into ``mac``."""
    add, mul = (program(cfg, op).steps for op in OPS)
    return [0, add, add + mul, add + mul + cfg.width][: len(cfg.programs)]


def rom(cfg: Config) -> list[int]:
    """Return the microcode words of ``add``, then ``mul``, then ``begin``, whose end is ``mac``."""
    words = []
    for op in (*OPS, "begin") if cfg.mac else OPS:
        code = program(cfg, op)
        exponents = [word[cfg.mantissa_bits : -1] for word in code.inputs]
        for number, step in enumerate(code.code):
            values = {"dst": step.dst, "a": step.a, "b": step.b, "p": max(step.p, 0), "f": step.f}
            values |= {"pol": step.pol, "sets": int(step.p >= 0), "end": number + 1 == code.steps}
            if step.search is not None:
                values |= {"search": 1, "operand": exponents.index(step.search.columns)}
                values |= {"key": step.search.keys[0], "invert": int(step.search.invert)}
            values["other"] = int(step.other)
            word = offset = 0
            for name, width in rom_fields(cfg).items():
                word |= int(values.get(name, 0)) << offset
                offset += width
            words.append(word)
    return words


def dot(cfg: Config, a: ArrayLike, b: ArrayLike) -> NDArray[Any]:
    """Return sum over k of a[n, k] * b[n, k], one ``mac`` program per k, in its order.

    The sum starts at +0 and stays in the array; every product and every sum is rounded, as separate
    multiplications and additions are.

    Parameters
    ----------
    a, b
        Bit patterns [n, k].

    Returns
    -------
    unsigned integers [n]
    """
    x, y = np.asarray(a), np.asarray(b)
    if x.ndim != 2 or x.shape != y.shape:
        raise ValueError(f"a and b must be of one shape [n, k], not {x.shape} and {y.shape}")
    code = program(cfg, "mac")
    total: NDArray[Any] = np.zeros(len(x), dtype=np.uint64)
    for k in range(x.shape[1]):
        total = pimarray.run(code, *_pair(cfg, x[:, k], y[:, k]), total)
    return total


def reference_dot(cfg: Config, a: ArrayLike, b: ArrayLike) -> Ints:
    """Return what :func:`dot` must give, by the exact judge."""
    x, y = np.asarray(a), np.asarray(b)
    total = np.zeros(len(x), dtype=np.int64)
    for k in range(x.shape[1]):
        total = reference(cfg, "add", total, reference(cfg, "mul", x[:, k], y[:, k]))
    return total
