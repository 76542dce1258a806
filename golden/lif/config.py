"""Parameters of a spiking network's hardware: one layer, or a trained network from a file."""

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from nomul.golden.lif import coders, files, readouts
from nomul.golden.lif.layer import SPIKER22, Layer
from nomul.golden.lif.network import Network

Form = Literal["frames", "events"]
Weights = Literal["rom", "load", "large"]
WEIGHTS: tuple[Weights, ...] = get_args(Weights)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Layer):
    """Parameters of a layer's hardware, or of a network's.

    The first ones are those of :class:`nomul.golden.lif.Layer`. With a network they are its first
    layer's and must not say otherwise; ``lanes`` is free, and holds for every layer.

    Parameters
    ----------
    network
        Path of a network file, or the name of a trained network that comes with nomul; empty for
        one layer, whose weights are loaded.
    weights
        Of a network: ``rom``, in memories that the bitstream fills, ``load``, through a port, or
        ``large``, through a port too, and those of the first layer into the device's large
        memories, which iCE40 UP5K has. A layer without a network has them loaded in any case.
    form
        What comes in with coder ``direct``: ``frames`` of M bits, or ``events``, numbers of inputs.
    chunk
        Bits of a frame per beat, 1..64; more than M are zero.
    counter_bits
        Bits of each counter, which wraps; 0 for no counters.
    coder, readout, steps, pixel_bits
        As of :class:`nomul.golden.lif.Network`, which sets them if there is one.
    """

    network: str = ""
    weights: Weights = "rom"
    form: Form = "frames"
    chunk: int = 8
    counter_bits: int = 32
    coder: coders.Coder = "direct"
    readout: readouts.Readout = "spikes"
    steps: int = 0
    pixel_bits: int = 4

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {},
        "events": {
            **{"inputs": 20, "neurons": 10, "lanes": 3, "form": "events", "leak": (2, 4)},
            **{"rounding": "rne", "reset": "zero_now", "steps": 4, "readout": "counts"},
        },
        "spiker22": {**SPIKER22, "inputs": 24, "neurons": 12, "lanes": 4},
        "digits-32": {"network": "digits-32", "lanes": 8},
    }

    def validate(self) -> None:
        """Check the choices, take what a network says, and check the layer."""
        self.check_choice("weights")
        self.check_choice("form")
        self.check_range("chunk", 1, 64)
        self.check_range("counter_bits", 0, 32)
        self.check_choice("coder")
        self.check_choice("readout")
        self.check_range("steps", 0, 4096)
        self.check_range("pixel_bits", 1, 8)
        if self.network:
            known = ", ".join(trained())
            exists = self.network in trained() or Path(self.network).is_file()
            self.check("network", exists, f"a file or one of {known}")
            self._adopt()
        rule = f"more than 0 for coder {self.coder!r} and readout {self.readout!r}"
        endless = (self.coder, self.readout) == ("direct", "spikes")
        self.check("steps", self.steps > 0 or endless, rule)
        super().validate()

    def files(self) -> dict[str, Path]:
        """Return the network's file, unless the network is one that comes with nomul."""
        own = not self.network or self.network in trained()
        return {} if own else {"network": Path(self.network)}

    def _adopt(self) -> None:
        """Take the network's parameters; refuse one that was given and differs."""
        network = self.load()
        own = {n: getattr(network.layers[0], n) for n in Layer.names() if n != "lanes"}
        own |= {n: getattr(network, n) for n in ("coder", "readout", "steps", "pixel_bits")}
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        for name, value in own.items():
            given = getattr(self, name)
            rule = f"{value!r}, as network {self.network!r} has it, or left out"
            self.check(name, given in (value, defaults[name]), rule)
            object.__setattr__(self, name, value)

    def load(self) -> Network:
        """Return the network.

        Raises
        ------
        ValueError
            There is none: weights are loaded.
        """
        if not self.network:
            raise ValueError("lif.network is empty: the weights of this layer are loaded")
        return self._loaded

    @cached_property
    def _loaded(self) -> Network:
        return files.load(trained().get(self.network, Path(self.network)))

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Parameters of every layer."""
        if self.network:
            return tuple(layer.replace(lanes=self.lanes) for layer in self._loaded.layers)
        return (Layer.from_dict({name: getattr(self, name) for name in Layer.names()}),)

    @property
    def loads(self) -> bool:
        """Whether weights come through a port."""
        return not self.network or self.weights != "rom"

    @property
    def readout_cycles(self) -> int:
        """Cycles that an image's last step takes more: its neurons are compared one by one."""
        last = self.layers[-1]
        compares = self.readout in ("counts", "potential")
        return last.groups * (last.parallel - 1) if compares else 0

    @property
    def outputs(self) -> int:
        """Neurons of the last layer."""
        return self.layers[-1].neurons


def trained() -> dict[str, Path]:
    """Return the trained networks that come with nomul, by name."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.npz"))}
