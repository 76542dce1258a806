"""Parameters of a network's hardware, the networks that come with nomul, and inputs to try."""

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import compressor, config
from nomul.golden.arrays import Ints
from nomul.golden.lutnet import examples
from nomul.golden.lutnet.heads import GroupSum, LutNetTiled
from nomul.golden.lutnet.layers import Layer
from nomul.golden.lutnet.network import Network
from nomul.golden.lutnet.schedule import Schedule
from nomul.golden.lutnet.stream import Kernels, Windows

Registers = Literal["layers", "end"]
Weights = Literal["rom", "read", "load"]
WEIGHTS: tuple[Weights, ...] = get_args(Weights)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of a network's hardware.

    Parameters
    ----------
    network
        Path of a network file, or the name of an example of
        :mod:`nomul.golden.lutnet.examples`, or of a trained network that comes with nomul.
    adder
        How ones are added: ``lut6``, ``carry`` or ``plus``, as in :mod:`nomul.golden.compressor`.
    registers
        ``layers``: one after every layer. ``end``: one after the last, and after tiled layers.
    weights
        Of tiled layers: ``rom``, ``read`` (a port reads them) or ``load`` (it writes them too).
    count_cycles
        Cycles in which a streamed network counts the bits of its group sum, a part in each; 1
        elsewhere.
    """

    block_name: ClassVar[str] = "lutnet"

    network: str = "unrolled"
    adder: compressor.Adder = "lut6"
    registers: Registers = "layers"
    weights: Weights = "rom"
    count_cycles: int = 1

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"network": "unrolled"},
        "residual": {"network": "residual", "adder": "plus"},
        "tiled": {"network": "tiled"},
        "reload": {"network": "tiled", "weights": "load", "registers": "end"},
        "direct": {"network": "direct", "registers": "end"},
        "table": {"network": "table", "adder": "carry"},
        "streamed": {"network": "streamed", "registers": "end", "count_cycles": 5},
        "digits-xc7": {"network": "digits-xc7"},
        "digits-numbers": {"network": "digits-numbers", "registers": "end"},
        "digits-tiny": {"network": "digits-tiny", "adder": "plus", "registers": "end"},
        "digits-streamed": {
            **{"network": "digits-streamed", "adder": "carry"},
            **{"registers": "end", "count_cycles": 15},
        },
        "digits-hx1k": {"network": "digits-hx1k", "adder": "carry", "registers": "end"},
    }

    def validate(self) -> None:
        """Check the choices, and that the network exists and is one."""
        self.check_choice("adder")
        self.check_choice("registers")
        self.check_choice("weights")
        known = [*examples.KINDS, *trained()]
        self.check(
            "network",
            self.network in known or Path(self.network).is_file(),
            f"a file or one of {', '.join(known)}",
        )
        network = self.load()
        tiled = network.tiled
        self.check("weights", self.weights == "rom" or bool(tiled), "rom: no layer is tiled")
        kinds = [type(layer) for layer in network.layers]
        places = [i for i, kind in enumerate(kinds) if kind in (Kernels, Windows)]
        front = kinds[:2] == [Kernels, Windows] and places == [0, 1] and not tiled
        rule = "one whose kernels and windows come first, once each, and that has no tiled layer"
        self.check("network", front or not places, rule)
        counted = network.streamed and GroupSum in kinds
        self.check_range("count_cycles", 1, network.inputs if counted else 1)

    def files(self) -> dict[str, Path]:
        """Return the network's file, unless the network is one that comes with nomul."""
        if self.network in examples.KINDS or self.network in trained():
            return {}
        return {"network": Path(self.network)}

    def load(self) -> Network:
        """Return the network that the hardware computes: of codes, without a quantiser.

        :meth:`codes` makes them of features, where the network's file has a quantiser.
        """
        return self._coded

    def codes(self, x: ArrayLike) -> Ints:
        """Return the codes int64[n, inputs] that the hardware takes, of what the network takes.

        Those are real features where its file has a quantiser, and the codes themselves elsewhere.
        """
        network = self._loaded
        return np.asarray(x) if network.quantiser is None else network.quantise(x)

    @cached_property
    def _coded(self) -> Network:
        return self._loaded.coded

    @cached_property
    def _loaded(self) -> Network:
        if self.network in examples.KINDS:
            rng = np.random.default_rng(1)
            return Network(**examples.KINDS[self.network](rng))
        return Network.load(trained().get(self.network, Path(self.network)))

    @property
    def schedule(self) -> Schedule | None:
        """The stages of the front of a streamed network; None: vectors come whole."""
        kernels, *others = self.load().layers
        if not isinstance(kernels, Kernels):
            return None
        assert isinstance(others[0], Windows)
        return Schedule(kernels, others[0])

    @property
    def stages(self) -> list[tuple[Layer, ...]]:
        """The layers between two registers, in order; a tiled layer stands alone.

        So do kernels and windows of a streamed network, and a group sum that takes several cycles
        ends its stage.
        """
        layers = self.load().layers
        groups: list[list[Layer]] = [list(layers[:2])] if self.schedule else []
        fresh = True
        for layer in layers[len(groups) * 2 :]:
            if fresh or self.registers == "layers" or isinstance(layer, LutNetTiled):
                groups.append([])
            groups[-1].append(layer)
            fresh = isinstance(layer, LutNetTiled) or self.counted(layer)
        return [tuple(group) for group in groups]

    def counted(self, layer: Layer) -> bool:
        """Return whether a layer is a group sum that takes several cycles."""
        return self.count_cycles > 1 and isinstance(layer, GroupSum)

    @property
    def latency(self) -> int:
        """Cycles from a vector to its answer: one per register, TM TN + 1 per tiled layer.

        Of a streamed network from the last pixel of an image: the stages of its front and one,
        ``count_cycles`` + 2 for the group sum, one per further register.
        """
        return sum(map(self._cycles, self.stages))

    def _cycles(self, stage: tuple[Layer, ...]) -> int:
        first = stage[0]
        if self.schedule is not None and isinstance(first, Kernels):
            return self.schedule.latency
        if self.counted(stage[-1]):
            return self.count_cycles + 2
        return first.tile_m * first.tile_n + 1 if isinstance(first, LutNetTiled) else 1

    @property
    def interval(self) -> int:
        """Cycles between two vectors, or images, without stalls.

        An image takes a cycle per pixel, and more only if its bits are in use for longer than the
        next image's first rows take.
        """
        if self.schedule is not None:
            stage = self.stages[1]
            hold = self.count_cycles if self.counted(stage[-1]) else self._cycles(stage)
            interval = self.load().inputs + self.schedule.waiting(hold)
            return max(interval, *(self._cycles(later) for later in self.stages[1:]))
        tiles = [self._cycles(s) - 1 for s in self.stages if isinstance(s[0], LutNetTiled)]
        return max(tiles, default=1)

    def cycles(self, n: int) -> int:
        """Cycles from the first vector's transfer to the last answer's, inclusive, unstalled."""
        pixels = self.load().inputs if self.schedule else 1
        return pixels - 1 + self.latency + (n - 1) * self.interval + 1


def trained() -> dict[str, Path]:
    """Return the trained networks that come with nomul, by name."""
    folder = Path(__file__).parent
    return {path.stem: path for path in folder.glob("*.json")}


def stimuli(cfg: Config, rng: np.random.Generator, n: int | None = None) -> dict[str, Ints]:
    """Return inputs ``x`` int64[n, inputs]: all zero, all ones, and every density between.

    Where nobody says how many, they are 130, or 30 of a streamed network, which takes longer.
    """
    network = cfg.load()
    n = (30 if network.streamed else 130) if n is None else n
    most = (1 << network.input_bits) - 1
    density = np.linspace(0, 1, n)[:, None]
    corner = rng.random((n, network.inputs)) < density
    noise = rng.integers(0, most + 1, (n, network.inputs))
    mixed = np.where(corner, most, 0)
    mixed[2::2] = noise[2::2]
    mixed[-1] = most
    return {"x": mixed.astype(np.int64)}
