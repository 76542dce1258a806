"""Exhaustive verification of arithmetic in the array: resumable, with its progress on record."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nomul
from nomul import ledger

if TYPE_CHECKING:
    from nomul.golden.sotfp import Config

FORMATS = ("fp16",)
ROWS = 8  # first operands to a chunk, each with all second operands
JUDGED = 256  # pairs of a chunk for which numpy is compared with the exact judge


@dataclass
class Record:
    """How far a sweep over all pairs of one operation has come.

    ``done`` first operands, each with all 65,536 second ones; ``wrong`` pairs, the first of them
    in ``examples`` (a, b, got, expected). ``judged`` of the pairs, drawn at random, also showed
    that numpy agrees with the exact integer judge. ``program`` is a digest of the microcode.
    """

    format: str
    op: str
    mode: str
    steps: int
    program: str
    version: str
    done: int = 0
    judged: int = 0
    wrong: int = 0
    seconds: float = 0.0
    examples: list[list[int]] = field(default_factory=list)

    @property
    def pairs(self) -> int:
        """Pairs compared so far."""
        return self.done << 16

    @property
    def complete(self) -> bool:
        """Whether every pair was compared."""
        return self.done == 1 << 16


def verify(form: str, ops: Sequence[str], folder: Path, rows: int) -> list[Record]:
    """Sweep the named operations, both if none is named, with a bar on standard error.

    Raises
    ------
    ValueError
        Format, operation or number of rows is not one.
    """
    from nomul import present

    if not 0 < rows <= 1 << 16:
        raise ValueError(f"rows must be in 1..65536, not {rows}")
    records = []
    for op in ops or ("add", "mul"):
        with present.counting(f"{form} {op}", -(-rows // ROWS)) as count:
            seen = 0

            def show(record: Record, count: Callable[[], None] = count) -> None:
                nonlocal seen
                for _ in range(seen, -(-record.done // ROWS)):
                    count()
                seen = -(-record.done // ROWS)

            records.append(exhaustive(form, op, folder, rows=rows, progress=show))
    return records


def exhaustive(
    form: str,
    op: str,
    folder: Path,
    *,
    rows: int = 1 << 16,
    progress: Callable[[Record], None] = lambda _: None,
) -> Record:
    """Compare the array with numpy.float16 on every pair, from where the last run stopped.

    Parameters
    ----------
    form
        ``fp16``.
    op
        ``add`` or ``mul``.
    folder
        Keeps ``sotfp-<format>-<op>.json``, replaced after every chunk.
    rows
        First operands to have done in the end: fewer make a partial sweep.
    progress
        Called with the record after every chunk.

    Raises
    ------
    ValueError
        The format or operation is unknown.
    """
    from nomul.golden import sotfp

    if form not in FORMATS:
        raise ValueError(f"verify has no format {form!r}; it has {', '.join(FORMATS)}")
    cfg = sotfp.Config.preset(form)
    steps = sotfp.program(cfg, op).steps
    digest = digest_of(cfg, op)
    record = Record(form, op, cfg.mode, steps, digest, nomul.__version__)
    # Another program must be verified from the start.
    about = {"format": form, "op": op, "mode": cfg.mode, "steps": steps, "program": digest}
    entry = ledger.Entry(folder / f"sotfp-{form}-{op}.json")
    known = entry.get(about)
    record = Record(**known) if known else record
    array = _Array(cfg, op)
    while record.done < min(rows, 1 << 16):
        start = time.perf_counter()
        size = min(ROWS, rows - record.done)
        wrong = array.chunk(record.done, size)
        record.done += size
        record.judged += JUDGED
        record.wrong += len(wrong)
        record.examples = (record.examples + wrong)[:10]
        record.seconds += time.perf_counter() - start
        entry.put(about, asdict(record))
        progress(record)
    return record


def digest_of(cfg: "Config", op: str) -> str:
    """Return 16 digits that stand for an operation's microcode."""
    from nomul.golden import sotfp

    code = sotfp.program(cfg, op)
    fields = [(s.dst, s.f, s.a, s.b, s.p, s.pol, s.search and tuple(s.search)) for s in code.code]
    return hashlib.sha256(repr((fields, code.inputs, code.output)).encode()).hexdigest()[:16]


def recorded(form: str, op: str) -> Record:
    """Return the committed record of a sweep."""
    from importlib.resources import files

    path = files("nomul.experiments") / "baseline" / f"exhaustive-sotfp-{form}-{op}.json"
    return Record(**ledger.opened(json.loads(path.read_text())))


class _Array:
    """Executor of one program on all second operands, which are packed into columns once."""

    def __init__(self, cfg: "Config", op: str):
        import numpy as np

        from nomul.golden import sotfp
        from nomul.golden.sotfp import array as pimarray

        self.cfg, self.op, self.code = cfg, op, sotfp.program(cfg, op)
        self.every = np.arange(1 << 16, dtype=np.uint16)
        self.columns = pimarray.to_columns(self.every, 16)

    def chunk(self, first: int, rows: int) -> list[list[int]]:
        """Return the pairs that differ, for some first operands and all second ones.

        Raises
        ------
        ArithmeticError
            numpy and the exact judge disagree on one of the pairs drawn at random.
        """
        import numpy as np

        from nomul.golden import sotfp
        from nomul.golden.sotfp import array as pimarray

        a, size = np.arange(first, first + rows, dtype=np.uint16), self.columns.shape[1]
        memory = np.zeros((self.code.columns, rows * size), dtype=np.uint64)
        left, right = (list(columns) for columns in self.code.inputs)
        bits = a[None, :] >> np.arange(16, dtype=np.uint16)[:, None] & 1
        memory[left] = np.repeat(np.where(bits, ~np.uint64(0), np.uint64(0)), size, axis=1)
        memory[right] = np.tile(self.columns, rows)
        pimarray.execute(self.code, memory)
        got: Any = pimarray.from_columns(memory[list(self.code.output)], rows << 16)
        expected = np.concatenate([self._expected(word) for word in a])
        some = np.random.default_rng(first).integers(0, len(got), JUDGED)
        judged = sotfp.reference(self.cfg, self.op, a[some >> 16], self.every[some & 0xFFFF])
        if not np.array_equal(self._canonical(expected[some]), judged):
            raise ArithmeticError(f"numpy.float16 and the exact judge disagree on {self.op}")
        # numpy keeps a NaN's payload, so NaN may differ here and be right.
        unlike = np.nonzero(got != expected)[0]
        result = self._canonical(expected[unlike])
        wrong = unlike[got[unlike] != result], result[got[unlike] != result]
        return [
            [int(a[i >> 16]), int(i & 0xFFFF), int(got[i]), int(word)]
            for i, word in zip(*wrong, strict=True)
        ]

    def _canonical(self, words: Any) -> Any:
        import numpy as np

        return np.where(self.cfg.form.is_nan(words), np.uint16(self.cfg.form.nan), words)

    def _expected(self, word: Any) -> Any:
        """Return numpy's results for one first operand and all second ones.

        A product's sign is that of its operands, so those with negative second operands follow.
        """
        import numpy as np

        half, every = word.view(np.float16), self.every.view(np.float16)
        with np.errstate(all="ignore"):
            if self.op == "add":
                return np.add(half, every).view(np.uint16)
            positive = np.multiply(half, every[: 1 << 15]).view(np.uint16)
        return np.concatenate([positive, positive ^ np.uint16(1 << 15)])
