"""What the papers claim, beside what the committed tables say: ours, and what it is compared with.

The papers' figures are those of ``papers.toml``, quoted and never measured here. Where nothing of
ours is comparable, the entry says so instead of giving a number.

One file, since every paper's claims are rows of the same form, and are read beside each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nomul import registry
from nomul.experiments import papers, tables

Rows = list[dict[str, Any]]
NOT = "not reproduced"

# What "up to twice" of LUTNet's claim comes to.
TWICE = 2

# Relative error of 16 ideal, independent bits per lane: what a unit must reach to be compared.
SIXTEEN_IDEAL_BITS = 0.556


@dataclass(frozen=True)
class Claim:
    """A paper's claims, beside what was measured in one size.

    Attributes
    ----------
    block, title
        Whose claims, and what was measured.
    claims
        Each with what the paper says, what we have, and whether that meets it.
    rows
        What was measured for them; none where committed tables are read.
    notes
        What the numbers are of, one sentence each.
    """

    block: str
    title: str
    claims: Rows
    rows: Rows = field(default_factory=list)
    notes: Sequence[str] = ()


def measure(
    block: str, settings: Sequence[str] = (), tell: Callable[[str], None] = lambda _: None
) -> Claim:
    """Return the claims of a block's paper, measured in the size that the settings say.

    A block that declares no ``claim`` of its own has those of its committed tables.

    Parameters
    ----------
    block
        Its name.
    settings
        ``name=value`` each.
    tell
        Called with a line for whoever waits.

    Raises
    ------
    TypeError, ValueError
        The block has no paper with a claim, or none that can be measured in another size, or
        refuses a setting.
    """
    owner = registry.get(block)
    own = owner.capability("claim")
    if own is not None:
        return own(settings, tell)
    rows = of(block)
    if not rows:
        able = [name for name in registry.blocks() if of(name)]
        raise ValueError(f"no paper's claim is known for {block!r}; there are {', '.join(able)}")
    if settings:
        able = registry.able("claim")
        raise ValueError(
            f"the claim of {block} is read from committed tables, in their sizes alone; "
            f"in a size of your own it is measured for {', '.join(able)}"
        )
    again = f"Measured again by nomul report {block} --table NAME --update, in minutes to hours."
    return Claim(block, "as committed tables have it", rows, notes=[again])


def of(block: str) -> Rows:
    """Return a block's claims as rows: claim, paper (quoted), ours, met, compared with.

    Empty for a block without a paper, or as long as its tables are not measured.
    """
    try:
        return _CLAIMS[block]() if block in _CLAIMS else _declared(block)
    except FileNotFoundError:
        return []


def _declared(block: str) -> Rows:
    """Return what the module of tables of another package's block claims, by ``claims()``."""
    owner = registry.get(block)
    claims = None if owner.own else getattr(owner.tables(), "claims", None)
    return list(claims()) if claims else []


def _row(
    claim: str, paper: str, ours: str, against: str, met: bool | None = None
) -> dict[str, Any]:
    """Return the row of a claim; ``met`` is None where nothing of ours is comparable."""
    judged = "not comparable" if met is None else "yes" if met else "no"
    row = {"claim": claim, "paper (quoted)": paper, "ours": ours, "met": judged}
    return {**row, "compared with": against}


def _rows(block: str, name: str, **where: Any) -> Rows:
    """Return the rows of a committed table that have the given values."""
    rows = tables.load(block, name).rows
    return [row for row in rows if all(row[key] == value for key, value in where.items())]


def _essop() -> Rows:
    fp16 = "our IEEE FP16 multiplier, FreePDK45"
    planes = [r for r in _rows("essop", "T1", cycles=1) if r["product in a register"]]
    able = [r for r in planes if r["BL"] and r["relative error"] <= SIXTEEN_IDEAL_BITS]
    best = min(able, key=lambda row: row["um2"])
    (int4,) = (row for row in planes if row["unit"] == "INT4")
    made = f"{best['unit']}, streams of {best['BL']} bits"
    claims, quoted = [], papers.quoted("essop")
    for what in ("area", "energy"):
        wanted = quoted[f"{what}_saved_percent"]
        saved, small = best[f"{what} saved %"], int4[f"{what} saved %"]
        words = f"{saved:.1f} % less ({made}); INT4, which errs half as much: {small:.1f} % less"
        claims.append(_row(f"{what} per product", f"{wanted} % less", words, fp16, saved >= wanted))
    return claims


def _spimc() -> Rows:
    (dense,) = _rows("spimc", "T4", pattern="dense", format="dense")
    sparse = min(_rows("spimc", "T4", pattern="90"), key=lambda row: row["storage"])
    where = f"dense storage, a pruned layer of 784 x 256 with 90 % zeros, format {sparse['format']}"
    fewer, quoted = dense["beats"] / sparse["beats"], papers.quoted("spimc")
    density, written = quoted["storage_density"], quoted["entries_written"]
    return [
        _row(
            "storage density",
            density,
            f"{1 / sparse['storage']:.1f} times",
            where,
            sparse["storage"] < 1,
        ),
        _row(
            "entries written per inference", written, f"{fewer:.1f} times fewer", where, fewer > 1
        ),
    ]


def _lutnet() -> Rows:
    rows = _rows("lutnet", "T1-equal", **{"XNOR inputs": "pruned"})
    kinds = [f"{title}, times fewer" for title in ("LUTNet", "learned wires")]
    ratios = [[row[key] for row in rows] for key in kinds]
    ranges = [f"{min(times)} to {max(times)}" for times in ratios]
    words = f"{ranges[0]} times fewer LUTs, with learned wires {ranges[1]}"
    against = "our pruned XNOR networks, digits, five seeds, accuracies "
    against += f"from {rows[0]['accuracy']} to {rows[-1]['accuracy']}"
    quoted = papers.quoted("lutnet")["area_efficiency"]
    return [_row("area at equal accuracy", quoted, words, against, max(ratios[0]) >= TWICE)]


def _sonic() -> Rows:
    claim = "frames per joule, energy per bit: times better"
    return [
        _row(claim, ", ".join(map(str, figures)), NOT, name)
        for name, figures in papers.quoted("sonic", "rivals").items()
    ]


def _sotfp() -> Rows:
    (add,) = _rows("sotfp", "opsets", format="FP16", op="add")
    (mul,) = _rows("sotfp", "opsets", format="FP16", op="mul")
    ratio = "`nor` / `sot`"
    steps = f"{add[ratio]} (add), {mul[ratio]} (mul) times fewer steps, FP16"
    against = "NOR only, our own programs; steps, not seconds"
    accelerator = papers.figures("sotfp")["against"]
    least = papers.quoted("sotfp")["latency_times_less"]
    compared: dict[str, tuple[Any, ...]] = {
        "latency": (steps, against, min(add[ratio], mul[ratio]) >= least),
        "energy": (NOT, accelerator),
        "area": (NOT, accelerator),
    }
    quoted = papers.quoted("sotfp")
    return [
        _row(what, f"{quoted[f'{what}_times_less']} times less", *measured)
        for what, measured in compared.items()
    ]


def _lif() -> Rows:
    theirs, spiker = papers.quoted("lif"), papers.quoted("lif", "spiker")
    efficient = f"{theirs['more_efficient_percent']} % more energy-efficient"
    image = f"{spiker['latency_us']} us and {spiker['energy_mj']} mJ per image"
    (placed,) = _rows("lif", "T2", target="ecp5")
    ours = f"{placed['us per image']} us, placed and routed"
    return [
        _row("energy", efficient, NOT, papers.figures("lif")["against"]),
        _row(
            "Spiker: an image of 28 x 28",
            image,
            ours,
            f"784-128-10, {placed['device']}",
            placed["us per image"] <= spiker["latency_us"],
        ),
    ]


def _structured(name: str, key: str, rival: str = "dense, INT8") -> str:
    """Return how many times less of something a member's array takes than another one."""
    (theirs,) = _rows("products", "T2", array=rival)
    (ours,) = _rows("products", "T2", array=name)
    ratio = theirs[key] / ours[key]
    compared = f"{ratio:.1f} times less" if ratio >= 1 else f"{1 / ratio:.1f} times more"
    return f"{compared} {SPENT[key]}, {name}"


# What columns of the family's arrays are spent on.
SPENT = {
    "um2": "area",
    "um2 x us": "area x time",
    "pJ per vector": "energy",
    "ns per vector": "time",
}
# What the arrays of the family are compared with, and how they were measured.
DENSE = "dense INT8 of 16 x 8, FreePDK45"


def _permdiag() -> Rows:
    quoted, circnn = papers.quoted("permdiag"), papers.quoted("permdiag", "circnn")
    ours = {"area_efficiency_times": "um2 x us", "energy_efficiency_times": "pJ per vector"}
    rows = []
    for name, (low, high) in quoted.items():
        said = f"{low} to {high} times EIE's"
        key = ours.get(name)
        what = _structured("permdiag, p = 4", key) if key else NOT
        against = DENSE if key else papers.figures("permdiag")["against"]
        rows.append(_row(_words(name), said, what, against))
    rival, ours = "circulant, k = 4", ours | {"throughput_times": "ns per vector"}
    for name, times in circnn.items():
        what = _structured("permdiag, p = 4", ours[name], rival)
        rows.append(_row(_words(name), f"{times} times CirCNN's", what, f"{rival}, FreePDK45"))
    return rows


def _circulant() -> Rows:
    low, high = papers.quoted("circulant")["energy_efficiency_times"]
    return [
        _row("energy efficiency", f"{low} to {high} times", _structured(name, key), DENSE)
        for name, key in (("circulant, k = 4", "pJ per vector"),)
    ]


def _pow2basis() -> Rows:
    quoted, other = papers.quoted("pow2basis"), papers.quoted("pow2basis", "other")
    key = {"energy_efficiency_times": "pJ per vector", "speed_times": "ns per vector"}
    rows = []
    for name, times in [*quoted.items(), *other.items()]:
        said = f"up to {times} times"
        if name in key:
            ours = _structured("pow2basis, factor", key[name])
            rows.append(_row(_words(name), said, ours, DENSE))
        else:
            rows.append(_row(_words(name), said, NOT, "four other accelerators"))
    return rows


def _pq() -> Rows:
    (times,) = papers.quoted("pq").values()
    ours = _structured("pq, 8 prototypes of 8", "um2 x us")
    return [_row("performance per area", f"up to {times} times", ours, DENSE)]


def _epitome() -> Rows:
    (times,) = papers.quoted("epitome").values()
    ours = _structured("epitome, 16 x 2 cells", "um2")
    return [_row("area of crossbars", f"{times} times less", ours, DENSE)]


def _spdnn() -> Rows:
    rows = _rows("spdnn", "T1")
    best = max((row for row in rows if row["TeraEdges/s per W"]), key=lambda r: r["lanes"])
    quoted = papers.quoted("spdnn")["tera_edges_per_second"]
    ours = f"{best['TeraEdges/s']} TeraEdges/s, {best['TeraEdges/s per W']} per W (modelled)"
    against = f"{best['lanes']} lanes, {best['machine']}; {papers.figures('spdnn')['against']}"
    return [_row("edges per second", f"{quoted} TeraEdges/s", ours, against)]


def _dm() -> Rows:
    quoted, against = papers.quoted("dm"), "direct sampling, 8 x 4, eight samples, FreePDK45"
    (direct,) = _rows("dm", "T2", method="direct")
    (ours,) = _rows("dm", "T2", method="memorised")
    more = {
        key: 100 * (ours[key] / direct[key] - 1) for key in ("um2", "pJ per sample of a result")
    }
    times = direct["cycles per vector"] / ours["cycles per vector"]
    area, energy = more.values()
    saved, wanted = quoted["energy_saved_percent"], quoted["speed_times"]
    return [
        _row("energy", f"{saved} % less", f"{energy:.0f} % more", against, -energy >= saved),
        _row("speed", f"{wanted} times", f"{times:.2f} times", against, times >= wanted),
        _row(
            "area",
            f"{quoted['area_more_percent']} % more",
            f"{area:.0f} % more",
            against,
            area <= quoted["area_more_percent"],
        ),
    ]


def _mvmu() -> Rows:
    quoted, against = papers.quoted("mvmu"), papers.figures("mvmu")["against"]
    return [
        _row(
            "operations per area",
            f"{quoted['gops_per_mm2']} GOPS/s per square millimetre",
            NOT,
            against,
        ),
        _row("operations per energy", f"{quoted['gops_per_watt']} GOPS/s per watt", NOT, against),
    ]


def _faultmem() -> Rows:
    """Return what the paper claims, beside the least energy that loses a point of accuracy."""
    quoted = papers.quoted("faultmem")
    low, high = quoted["system_energy_times"]
    rows = _rows("faultmem", "T2")
    right = {id(row): float(row["accuracy"].split()[0]) for row in rows}
    enough = [r for r in rows if right[id(r)] >= right[id(rows[0])] - 1]
    least = min(row["write energy"] for row in enough)
    (even, *_) = (row for row in enough if row["written with"] == "one energy for all bits")
    ours = f"{1 / least:.1f} times less than nominal, {even['write energy'] / least:.1f} times "
    ours += "less than the same energy for all bits (modelled)"
    least_times = quoted["write_energy_times"]
    return [
        _row(
            "system energy",
            f"{low} to {high} times less",
            NOT,
            papers.figures("faultmem")["against"],
        ),
        _row(
            "write energy",
            f"more than {least_times} times less",
            ours,
            "training of 64-32-10, a point of accuracy lost",
            1 / least > least_times,
        ),
    ]


def _words(name: str) -> str:
    return name.removesuffix("_times").replace("_", " ")


_CLAIMS: dict[str, Callable[[], Rows]] = {
    "essop": _essop,
    "spimc": _spimc,
    "lutnet": _lutnet,
    "sonic": _sonic,
    "sotfp": _sotfp,
    "lif": _lif,
    "permdiag": _permdiag,
    "circulant": _circulant,
    "pow2basis": _pow2basis,
    "pq": _pq,
    "epitome": _epitome,
    "spdnn": _spdnn,
    "dm": _dm,
    "mvmu": _mvmu,
    "faultmem": _faultmem,
}
