"""What a product of ESSOP costs, against multipliers of floating point and of small integers.

One file, since its tables and plots are about the same few candidates.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nomul.experiments import papers, tables
from nomul.experiments.captions import caption
from nomul.experiments.essop import candidates, errors
from nomul.experiments.labels import label
from nomul.golden import fp16mul, plane

Rows = list[dict[str, Any]]

_PAPER = papers.quoted("essop")
QUOTED_AREA, QUOTED_ENERGY = _PAPER["area_saved_percent"], _PAPER["energy_saved_percent"]

# Registers with a common enable that get a clock gate in T1-gated.
GATED = 3

# Finished candidates of T1 stay here, under the current folder.
KEPT = Path("build/essop/T1")


def _essop(product: plane.Product, bl: int, **values: Any) -> tuple[str, plane.Config]:
    return f"ESSOP {product}", plane.Config(product=product, stream_bits=bl, **values)


def integers(bits: int, **values: Any) -> tuple[str, plane.Config]:
    """Return name and plane of integers of so many bits, rounded at random up to seven."""
    rounding = "nearest" if bits == 8 else "stochastic"
    values |= {"product": "multiply", "bits": bits, "rounding": rounding, "source": "lfsr"}
    return f"INT{bits}", plane.Config(**values)


Candidates = tuple[tuple[str, plane.Config | fp16mul.Config], ...]

BASELINES: Candidates = (
    ("FP16 IEEE", fp16mul.Config(mode="ieee")),
    ("FP16 flush to zero", fp16mul.Config(mode="ftz")),
)

# A product per cell and cycle: the smallest ESSOP that errs no more than 16 ideal bits, and the
# integers on either side of its error.
PARALLEL: Candidates = (
    ("ESSOP prefix", plane.Config.preset("paper")),
    ("ESSOP prefix", plane.Config.preset("paper", registered=False)),
    integers(3),
    integers(4),
)

# Longer streams, and the integers that err no more.
MORE: Candidates = (
    integers(5),
    integers(8),
    _essop("prefix", 16, row_levels=8),
    _essop("prefix", 32, row_levels=8),
)

# Other planes, each some minutes of mapping and simulation.
OTHERS: Candidates = (
    integers(2),
    integers(3, registered=False),
    integers(4, registered=False),
    _essop("prefix", 16, row_levels=8, registered=False),
    _essop("prefix", 8),
    *(_essop("popcount", n) for n in (8, 16, 32)),
    *(_essop("popcount", n, bits_per_cycle=draws) for n in (8, 16, 32) for draws in (1, 4)),
    *(_essop("snapshot", n) for n in (8, 16, 32)),
)


@caption("Area and energy of a product per cell and cycle: 32 x 32, FreePDK45 at 1 ns.")
def area_and_energy() -> Rows:
    """Return area and energy of a product per cell and cycle: 32 x 32, FreePDK45 at 1 ns."""
    rows = _measured((*BASELINES, *PARALLEL))
    return [*rows[:2], quoted(rows[0]), *sorted(rows[2:], key=lambda row: row["um2"])]


def quoted(like: dict[str, Any]) -> dict[str, Any]:
    """Return the row of the paper's own figures, with the columns of another row."""
    return dict.fromkeys(like) | {
        "unit": "ESSOP chip, 14 nm (quoted)",
        "area saved %": QUOTED_AREA,
        "energy saved %": QUOTED_ENERGY,
    }


@caption("Area and energy of a product with longer streams, and of integers that err no more.")
def more() -> Rows:
    """Return area and energy of a product with longer streams, and of integers that err no more."""
    return sorted(_measured((*BASELINES[:1], *MORE))[1:], key=lambda row: row["um2"])


@caption("Area and energy of a product in other planes: popcount, serial, without registers.")
def others() -> Rows:
    """Return area and energy of a product in other planes: popcount, serial, without registers."""
    return sorted(_measured((*BASELINES[:1], *OTHERS))[1:], key=lambda row: row["um2"])


@caption("What clock gates change for the units of T1: 32 x 32, FreePDK45 at 1 ns.")
def gated() -> Rows:
    """Return what clock gates change for the units of T1: 32 x 32, FreePDK45 at 1 ns.

    Registers of three bits or more that share an enable get a gate; products of planes are then
    held by their enable. Savings are against the IEEE multiplier with gates.
    """
    rows = []
    for name, cfg in (*BASELINES, PARALLEL[0], PARALLEL[3]):
        held = cfg.replace(hold="enable") if isinstance(cfg, plane.Config) else cfg
        before, after = candidates.measure(cfg, KEPT), candidates.measure(held, KEPT, GATED)
        rows.append((name, before, after))
    reference = rows[0][2]
    return [
        {
            "unit": name,
            "um2": round(before.area_um2, 1),
            "um2 gated": round(after.area_um2, 1),
            "area saved %": round(100 * (1 - after.area_um2 / reference.area_um2), 2),
            "fJ": _rounded(before.fj, 1),
            "fJ gated": _rounded(after.fj, 1),
            "energy saved %": _rounded(_saved(after.fj, reference.fj), 2),
            "MHz gated": round(after.fmax_mhz),
        }
        for name, before, after in rows
    ]


def _measured(chosen: Candidates) -> Rows:
    """Return the rows of candidates; savings are against the first."""
    pairs = errors.network_pairs()
    measured = [(name, cfg, candidates.measure(cfg, KEPT)) for name, cfg in chosen]
    return [row(name, cfg, cost, measured[0][2], pairs) for name, cfg, cost in measured]


def row(
    name: str,
    cfg: plane.Config | fp16mul.Config,
    cost: candidates.Measured,
    reference: candidates.Measured,
    pairs: dict[str, Any],
) -> dict[str, Any]:
    """Return a candidate's row of T1: what it is, what it costs, and saves against another."""
    about: dict[str, Any] = dict.fromkeys(("BL", "U", "R", "relative error"))
    about |= {"product in a register": True}
    if isinstance(cfg, plane.Config):
        about["product in a register"] = cfg.registered
        about["relative error"] = round(plane.relative_error(cfg, pairs), 3)
        if cfg.product != "multiply":
            about["BL"], about["U"] = cfg.stream_bits, cfg.stream_bits // cfg.interval
            about["R"] = cfg.row_levels or cfg.stream_bits
    return {
        "unit": name,
        **about,
        "cycles": cfg.interval,
        "um2": round(cost.area_um2, 1),
        "area saved %": round(100 * (1 - cost.area_um2 / reference.area_um2), 2),
        "fJ": _rounded(cost.fj, 1),
        "energy saved %": _rounded(_saved(cost.fj, reference.fj), 2),
        "fJ with glitches": _rounded(cost.glitch_fj, 1),
        "MHz": round(cost.fmax_mhz),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _saved(value: float | None, reference: float | None) -> float | None:
    return None if value is None or reference is None else 100 * (1 - value / reference)


@caption("Area, error and cycles of a product, and which candidates nothing beats.")
def pareto() -> Rows:
    """Return area, error and cycles of a product, and which candidates nothing beats.

    From the rows of T1, T1-more and T1-others that are committed.

    A candidate is on the front if no other is at least as good in area per product and cycle, in
    relative error and in cycles, and better in one.
    """
    rows = _committed()
    names = ("um2", "relative error", "cycles")
    columns = ("unit", "BL", "U", "R", "product in a register", *names, "fJ")
    return [
        {name: row[name] for name in columns}
        | {"front": not any(_beats(other, row, names) for other in rows)}
        for row in sorted(rows, key=lambda row: row["relative error"])
    ]


def _committed() -> Rows:
    """Return the planes of T1, T1-more and T1-others, as far as these tables are measured."""
    names = ("T1", "T1-more", "T1-others")
    measured = [t for t in tables.committed("essop") if t.name in names]
    return [row for t in measured for row in t.rows if row["relative error"] is not None]


def _beats(one: dict[str, Any], other: dict[str, Any], names: tuple[str, ...]) -> bool:
    """Whether one is nowhere worse than the other and somewhere better, registers alike."""
    if one["product in a register"] != other["product in a register"]:
        return False
    pairs = [(one[name], other[name]) for name in names]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


@caption("For each stream length the best ESSOP and the smallest INTk that errs no more.")
def winners() -> Rows:
    """Return for each stream length the best ESSOP and the smallest INTk that errs no more.

    From the rows of T1, T1-more and T1-others that are committed: one product per cell and cycle,
    in registers. Area and energy are ESSOP's over INTk's.
    """
    rows = [row for row in _committed() if row["cycles"] == 1 and row["product in a register"]]
    integers = [row for row in rows if row["unit"].startswith("INT")]
    result = []
    for length in sorted({row["BL"] for row in rows if row["BL"]}):
        essop = min((r for r in rows if r["BL"] == length), key=lambda r: float(r["um2"]))
        able = [row for row in integers if row["relative error"] <= essop["relative error"]]
        best = min(able, key=lambda row: float(row["um2"]))
        area = essop["um2"] / best["um2"]
        energy = essop["fJ"] / best["fJ"] if essop["fJ"] and best["fJ"] else None
        result.append(
            {
                "BL": length,
                "ESSOP": f"{essop['unit'].split()[1]}, R = {essop['R']}",
                "its error": essop["relative error"],
                "INTk": best["unit"],
                "error of INTk": best["relative error"],
                "area ratio": round(area, 2),
                "energy ratio": _rounded(energy, 2),
                "smaller": "ESSOP" if area < 1 else best["unit"],
                "thriftier": None if not energy else "ESSOP" if energy < 1 else best["unit"],
            }
        )
    return result


def _kind(row: dict[str, Any]) -> str:
    return str(row["unit"]).removeprefix("ESSOP ") if row["BL"] else "INTk"


@caption("Area per product and cycle against relative error, the front filled.")
def draw_pareto(rows: Rows, figure: Any) -> None:
    """Draw area per product and cycle against relative error, the front filled."""
    axes = figure.subplots()
    kinds = list(dict.fromkeys(map(_kind, rows)))
    for kind, marker in zip(kinds, "osD^v", strict=False):
        points = [row for row in rows if _kind(row) == kind]
        x, y = ([row[name] for row in points] for name in ("relative error", "um2"))
        (line,) = axes.plot(x, y, marker, fillstyle="none", label=kind)
        front = [(row["relative error"], row["um2"]) for row in points if row["front"]]
        axes.plot(*zip(*front, strict=True) if front else ([], []), marker, color=line.get_color())
    marks = []
    for row in rows:
        if row["front"] or not row["BL"]:
            bare = "" if row["product in a register"] or not row["BL"] else ", bare"
            levels = f", R {row['R']}" if row["BL"] == 8 else ""
            name = f"BL {row['BL']}{levels}{bare}" if row["BL"] else row["unit"]
            marks.append((row["relative error"], row["um2"], name))
    axes.margins(0.08)
    axes.set(xscale="log", yscale="log", xlabel="relative error of a product")
    axes.set_ylabel("um2 per product and cycle, FreePDK45")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    label(axes, marks)


@caption("Area and energy saved per product against the FP16 multiplier, beside the paper's.")
def draw_costs(rows: Rows, figure: Any) -> None:
    """Draw area and energy saved per product against the FP16 multiplier, beside the paper's."""
    axes = figure.subplots()
    drawn = [row for row in rows if row["um2"] and row["fJ"]]
    for kind, marker in (("ESSOP", "o"), ("INT", "s"), ("FP16", "D")):
        points = [row for row in drawn if row["unit"].startswith(kind)]
        axes.plot([r["um2"] for r in points], [r["fJ"] for r in points], marker, label=kind)
    marks = []
    for row in drawn:
        bare = "" if row["product in a register"] else ", without registers"
        name = f"{row['unit']}, BL {row['BL']}" if row["BL"] else row["unit"]
        marks.append((row["um2"], row["fJ"], f"{name}{bare}"))
    fp16 = rows[0]
    axes.axvline(fp16["um2"] * (1 - QUOTED_AREA / 100), linestyle=":", color="gray")
    axes.axhline(fp16["fJ"] * (1 - QUOTED_ENERGY / 100), linestyle=":", color="gray")
    axes.margins(0.12)
    axes.set(xscale="log", yscale="log", xlabel="um2 per product and cycle")
    axes.set_ylabel("fJ per product; dotted: the paper's savings")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, loc="upper left")
    label(axes, marks)


TABLES: dict[str, Callable[[], Rows]] = {
    "T1": area_and_energy,
    "T1-more": more,
    "T1-others": others,
    "T1-gated": gated,
    "T1-winners": winners,
    "T5": pareto,
}
PLOTS: dict[str, Callable[[Rows, Any], None]] = {"T1": draw_costs, "T5": draw_pareto}
