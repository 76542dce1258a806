"""The claim of ESSOP's paper at a size of one's own: measured beside FP16 and small integers."""

from collections.abc import Callable, Sequence
from typing import Any

from nomul.experiments.claims import Claim
from nomul.experiments.essop import candidates, costs
from nomul.experiments.essop.errors import network_pairs
from nomul.golden import essop, fp16mul, plane
from nomul.runs import parallel

Candidate = tuple[str, plane.Config | fp16mul.Config]

INTEGERS = range(2, 9)  # bits of the integers that are looked through

# Products that errors are measured on, so that large planes take seconds too.
MOST_PRODUCTS = 1 << 21


def configured(settings: Sequence[str] = ()) -> plane.Config:
    """Return the plane that is measured: the preset ``paper`` with some parameters changed.

    Longer streams have rows of eight levels, unless the settings say how many.

    Raises
    ------
    TypeError, ValueError
        The plane has no such parameter, or refuses its value, or its products are no streams'.
    """
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ValueError(f"--set wants name=value, not {setting!r}")
        values[name.strip()] = plane.Config.parse(name.strip(), text.strip())
    length = values.get("stream_bits", 8)
    levels = {"row_levels": min(length, 4 if length <= 8 else 8)}
    changed = levels if "stream_bits" in values and "row_levels" not in values else {}
    if values.get("product") == "multiply":
        raise ValueError("plane.product: the claim is about streams, and 'multiply' has none")
    return plane.Config.preset("paper", **(changed | values))


def rival(cfg: plane.Config) -> Candidate:
    """Return the smallest integers that err no more than a plane's streams, in its place.

    Raises
    ------
    ValueError
        None of eight bits or less does.
    """
    pairs = operands(cfg)
    most = plane.relative_error(cfg, pairs)
    size: dict[str, Any] = {"rows": cfg.rows, "cols": cfg.cols, "width": cfg.width}
    for bits in INTEGERS:
        name, other = costs.integers(bits, registered=cfg.registered, **size)
        if plane.relative_error(other, pairs) <= most:
            return name, other
    raise ValueError(f"no integer of {INTEGERS[-1]} bits or less errs no more than {most:.3f}")


def operands(cfg: plane.Config) -> dict[str, Any]:
    """Return what errors are measured on: the pairs of docs/essop.md in the plane's size."""
    count = max(8, min(1500, MOST_PRODUCTS // (cfg.rows * cfg.cols)))
    return network_pairs(count, cfg.rows, cfg.cols, cfg.width)


def _measure(candidate: Candidate) -> candidates.Measured:
    return candidates.measure(candidate[1], costs.KEPT)


def measure(settings: Sequence[str] = (), tell: Callable[[str], None] = lambda _: None) -> Claim:
    """Measure ESSOP in a size of one's own beside FP16 and the smallest integers that err no more.

    Parameters
    ----------
    settings
        ``name=value`` each: parameters of :class:`nomul.golden.plane.Config` that are not those of
        its preset ``paper``.
    tell
        Called with one line as soon as a unit is measured, and with what is begun.

    Raises
    ------
    TypeError, ValueError
        As :func:`configured`.
    """
    cfg = configured(settings)
    chosen: list[Candidate] = [
        costs.BASELINES[0],
        (f"ESSOP {cfg.product}", cfg),
        rival(cfg),
    ]
    tell(f"measuring {', '.join(name for name, _ in chosen)}: map, time, simulate the cells")
    measured: dict[int, candidates.Measured] = {}
    for place, cost in parallel.each(_measure, chosen):
        measured[place] = cost
        energy = f"{cost.fj:,.1f} fJ" if cost.fj is not None else "too large to be simulated"
        tell(f"{chosen[place][0]}: {cost.area_um2:,.1f} um2 per product and cycle, {energy}")
    pairs = operands(cfg)
    rows = [
        costs.row(name, unit, measured[place], measured[0], pairs)
        for place, (name, unit) in enumerate(chosen)
    ]
    return Claim(
        "essop",
        f"{cfg.rows} x {cfg.cols} products, {_stream(cfg)}, FreePDK45 at 1 ns",
        rows=[rows[0], costs.quoted(rows[0]), *rows[1:]],
        claims=_claims(rows),
        notes=_notes(cfg, rows),
    )


def _stream(cfg: plane.Config) -> str:
    levels = cfg.row_levels or cfg.stream_bits
    return f"streams of {cfg.stream_bits} bits, rows of {levels} levels, {cfg.product}"


def _claims(rows: costs.Rows) -> costs.Rows:
    """Return what the paper claims beside what was measured, and whether it is met."""
    _, ours, integers = rows
    result = []
    for what, wanted in (("area", costs.QUOTED_AREA), ("energy", costs.QUOTED_ENERGY)):
        saved, other = (row[f"{what} saved %"] for row in (ours, integers))
        result.append(
            {
                "claim": f"{what} per product",
                "paper (quoted)": f"{wanted} % less",
                "ours": _less(saved),
                "met": "not measured" if saved is None else "yes" if saved >= wanted else "no",
                integers["unit"]: _less(other),
                "takes least": _winner(what, ours, integers),
            }
        )
    return result


def _less(saved: float | None) -> str:
    return "not measured" if saved is None else f"{saved:.1f} % less"


def _winner(what: str, ours: dict[str, Any], integers: dict[str, Any]) -> str:
    column = "um2" if what == "area" else "fJ"
    if ours[column] is None or integers[column] is None:
        return "not measured"
    winner = ours if ours[column] < integers[column] else integers
    return str(winner["unit"])


def _notes(cfg: plane.Config, rows: costs.Rows) -> list[str]:
    _, ours, integers = rows
    whole = ours["um2"] * cfg.rows * cfg.cols / cfg.interval
    cycles = "every cycle" if cfg.interval == 1 else f"every {cfg.interval} cycles"
    serial = essop.Config(rows=cfg.rows, cols=cfg.cols, width=cfg.width)
    return [
        f"The whole plane takes {whole:,.0f} um2 and a pair of vectors {cycles}; "
        "um2 in the table is per product and cycle.",
        f"Error is the pooled relative RMSE: {ours['relative error']} of the streams, and "
        f"{integers['relative error']} of {integers['unit']}, the smallest that err no more.",
        "The paper's figures are of 14 nm and its own multiplier; these are without wires.",
        f"The serial unit of the block itself takes a pair every {serial.interval} cycles: "
        f"nomul synth essop --set rows={cfg.rows} --set cols={cfg.cols}.",
    ]
