"""Tiles of the products' family from files, run through their member's Verilog."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nomul.golden.config import Config


def layer(
    member: str, weights: Path, inputs: Path | None, folder: Path | None, seed: int = 1
) -> tuple["Config", Path, dict[str, Any]]:
    """Prepare the run of a tile through the Verilog of its member, compared with the model.

    Parameters
    ----------
    member
        Of the family.
    weights
        What ``Packed.save`` wrote; it says which configuration.
    inputs
        ``.npy`` of integers [V, inputs], or one vector [inputs]; if None corners and random ones.
    folder
        Where results go; build/MEMBER/layer if None.
    seed
        Of random activations.

    Returns
    -------
    The configuration, the folder, and test, environment and expected cycles for
    :func:`nomul.flow.simulate`.
    """
    import numpy as np

    from nomul.golden import products
    from nomul.golden.foreign.archives import array_file
    from nomul.golden.foreign.refusals import reading

    module = products.member(member)
    packed = module.Packed.load(weights)
    cfg = packed.cfg
    if inputs is None:
        x = module.stimuli(cfg, np.random.default_rng(seed))["x"]
    else:
        x = array_file(inputs)
        x = x[None] if x.ndim == 1 else x
        with reading(inputs):
            if not len(x):
                raise ValueError("holds no vector")
            module.model(cfg, packed, x)  # refuses what does not fit, before anything is built
    cycles = module.cycles(cfg, packed, x)
    folder = folder or Path("build", member, "layer")
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "x.npy", x)
    environment = {
        "NOMUL_TILE": str(Path(weights).resolve()),
        "NOMUL_INPUTS": str((folder / "x.npy").resolve()),
    }
    more = {"environment": environment, "expected": packed.beats + cycles}
    return cfg, folder, {"tests": "vectors_in_sequence", **more}


dense, permdiag, circulant, pow2basis, pq = (
    partial(layer, name) for name in ("dense", "permdiag", "circulant", "pow2basis", "pq")
)
