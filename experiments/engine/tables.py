"""Tables of the engine: which networks fit which FPGA with their weights, and where cycles go."""

from functools import partial
from pathlib import Path
from typing import Any

from nomul import flow, ledger, registry
from nomul.experiments.captions import caption
from nomul.experiments.tables import Rows
from nomul.golden import engine
from nomul.runs import folders
from nomul.synth import yosys

KEPT = Path("build/engine-tables")

SEED = 1

# Network, what is changed of it, target, device.
PLACES: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("digits-mlp-int4", {}, "ice40", "up5k"),
    ("digits-mlp-int4", {}, "ice40", "hx8k"),
    ("digits-mlp-int8", {}, "ecp5", "25k"),
    ("fashion-residual-int8", {}, "ecp5", "25k"),
)

# The same, of what takes long to route.
LARGE: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("fashion-convnet-int8", {}, "ecp5", "45k"),
)

# What a family calls a look-up table, a block of memory and a multiplier.
SITES = {
    "ice40": ("ICESTORM_LC", "ICESTORM_RAM", "ICESTORM_DSP"),
    "ecp5": ("TRELLIS_COMB", "DP16KD", "MULT18X18D"),
}


@caption("Networks on FPGAs with their weights inside: clock after place and route, sites, speed.")
def placed() -> Rows:
    """Return clock, sites and inputs per second of networks on FPGAs, one seed each."""
    return _on_devices(PLACES)


@caption("The convolutional network with its weights inside, placed and routed on an LFE5U-45F.")
def placed_large() -> Rows:
    """Return what :func:`placed` does for the convnet, on the smallest ECP5 that holds it."""
    return _on_devices(LARGE)


def _on_devices(places: tuple[tuple[str, dict[str, Any], str, str], ...]) -> Rows:
    rows = []
    for network, changes, target, device in places:
        cfg = engine.configured(network, **changes)
        about = {
            "table": "placed",
            "config": cfg.to_dict(),
            "target": target,
            "device": device,
            "seed": SEED,
            "tool": yosys.version(),
        }
        work = partial(_placed, cfg, target, device)
        rows.append(ledger.kept(ledger.Folder(KEPT), about, work))
    return rows


def _placed(cfg: engine.Config, target: str, device: str) -> dict[str, Any]:
    with folders.scratch() as folder:
        block = registry.get(cfg.block_name)
        done = flow.place(block, cfg, folder, target, device=device, seeds=(SEED,))
    logic, memory, multiplier = SITES[target]
    return {
        "network": cfg.network,
        "member": f"{cfg.member}, {cfg.inputs} x {cfg.outputs}",
        "device": done.device,
        "look-up tables": done.utilisation[logic],
        "memories": done.utilisation.get(memory, 0),
        "multipliers": done.utilisation.get(multiplier, 0),
        "clock, MHz": round(done.fmax_mhz, 1),
        "cycles per input": cfg.interval,
        "inputs per second": int(1e6 * done.fmax_mhz / cfg.interval),
    }


@caption("Where the cycles of an input go, and what its memories hold.")
def parts() -> Rows:
    """Return cycles by kind of work, and bits of memory, of the trained networks: all modelled."""
    rows = []
    for name in ("digits-mlp-int8", "fashion-convnet-int8", "fashion-residual-int8"):
        cfg = engine.configured(name)
        program, (codes, sums) = cfg.program, cfg.depths
        work = dict.fromkeys(("product", "vector"), 0)
        for step, cycles in zip(program.passes, engine.passes(cfg).tolist(), strict=False):
            work[step.kind] += cycles
        loads = program.beats
        rows.append(
            {
                "network": cfg.network,
                "tile": f"{cfg.inputs} x {cfg.outputs}",
                "products": cfg.net.products,
                "passes": len(program.passes),
                "loading weights": loads,
                "products, cycles": work["product"] - loads,
                "pooling and rescaling": work["vector"],
                "codes in, scores out": cfg.overhead,
                "cycles": cfg.interval,
                "products per cycle": round(cfg.net.products / cfg.interval, 1),
                "kbit of codes": round(codes * program.widths["code"] / 1000, 1),
                "kbit of sums": round(sums * cfg.tile.y_lanes * program.widths["sum"] / 1000, 1),
                "kbit of weights": round(
                    loads * cfg.tile.lanes * cfg.tile.columns * cfg.tile.weight_bits / 1000, 1
                ),
            }
        )
    return rows


TABLES = {"T1": placed, "T1-convnet": placed_large, "T2": parts}
