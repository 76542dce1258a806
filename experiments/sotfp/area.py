"""Area and clock of the array's emulator: by format, lanes and memory, on three targets."""

from typing import Any

from nomul import registry
from nomul.experiments.captions import caption
from nomul.golden.sotfp import Config
from nomul.synth.measure import measure

Rows = list[dict[str, Any]]

# Name, configuration, and whether to place and route it (minutes) where there is such a flow.
CASES: tuple[tuple[str, dict[str, Any], bool], ...] = (
    ("E5M2", {"exponent_bits": 5, "mantissa_bits": 2, "lanes": 16}, True),
    ("E5M2", {"exponent_bits": 5, "mantissa_bits": 2, "lanes": 64}, False),
    ("FP16", {"lanes": 16}, True),
    ("FP16", {"lanes": 64}, False),
    ("FP16, dual", {"lanes": 16, "ports": "dual"}, False),
    ("FP16, mac", {"lanes": 16, "mac": True}, False),
    ("BF16", {"exponent_bits": 8, "mantissa_bits": 7, "lanes": 16}, False),
    ("FP32", {"exponent_bits": 8, "mantissa_bits": 23, "lanes": 16}, False),
)


def _rows(target: str, cases: tuple[tuple[str, dict[str, Any], bool], ...]) -> Rows:
    rows, block = [], registry.get("sotfp")
    for name, values, placed in cases:
        cfg = Config.from_dict(values)
        options: dict[str, Any] = {"preset": name, "seeds": (1,) if placed else ()}
        row = measure(block.top(cfg), cfg, block.name, target, paper=block.paper, **options)
        clock = round(row.timing.fmax_mhz, 1) if row.timing else None
        values = {"format": name, "columns": cfg.depth, "lanes": cfg.lanes}
        if row.area_um2 is None:
            sizes = {name.upper(): row.resources[name] for name in ("luts", "ffs", "bram")}
        else:
            sizes = {"area, um2": round(row.area_um2), "of it sequential": 0}
            sizes["of it sequential"] = round(row.sequential_um2 or 0)
        rows.append(values | sizes | {"clock, MHz": clock})
    return rows


@caption("What the emulator takes of an ECP5, and its clock after place and route.")
def ecp5() -> Rows:
    """Return what the emulator takes of an ECP5, and its clock after place and route."""
    return _rows("ecp5", CASES)


@caption("What the emulator takes of an iCE40, not placed.")
def ice40() -> Rows:
    """Return what the emulator takes of an iCE40, not placed."""
    rows = _rows("ice40", tuple((name, values, False) for name, values, _ in CASES))
    return [{key: value for key, value in row.items() if key != "clock, MHz"} for row in rows]


@caption("The emulator's area on FreePDK45, its memories made of flip-flops.")
def freepdk45() -> Rows:
    """Return the emulator's area on FreePDK45, its memories made of flip-flops."""
    return _rows("freepdk45", (CASES[0], CASES[2]))
