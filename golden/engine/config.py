"""Parameters of the engine: a network, the member that computes its products, and the memories."""

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from nomul.golden import config
from nomul.golden.arrays import Ints
from nomul.golden.engine import examples, loading, members, timing
from nomul.golden.engine.compiler import program
from nomul.golden.engine.program import Program, code_format
from nomul.golden.engine.projection import lay
from nomul.golden.engine.rows import Rows
from nomul.golden.foreign.archives import array_file
from nomul.golden.network import examples as trained
from nomul.golden.network.evaluate import Sums, check
from nomul.golden.network.files import load
from nomul.golden.network.network import Network
from nomul.golden.products import Plan

Member = Literal["dense", "bitplanes", "permdiag", "circulant", "pow2basis", "pq", "spimc", "sonic"]
MEMBERS: tuple[Member, ...] = get_args(Member)
Weights = Literal["rom", "stream"]

# Bits of the sticky error register, least significant first, and what each says.
RULES = {
    "E_SHORT": "An input had too few codes, and has no answer.",
    "E_LONG": "An input had too many codes, and has no answer.",
    "E_RANGE": "An input had a code that the network does not take, and has no answer.",
    "E_WSHORT": "A streamed tile had too few words; its input has no answer.",
    "E_WLONG": "A streamed tile had too many words; its input has no answer.",
    "E_PROGRAM": "A layer program had too many rows or no answer at its end, and is not there.",
}
FLAGS = tuple(RULES)

RANDOM = 64  # inputs that tables are fitted to where none are given


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of the engine.

    Parameters
    ----------
    network
        Path of a network file, the name of one of :data:`nomul.golden.engine.examples.KINDS`, or of
        a trained network of :mod:`nomul.golden.network.examples`.
    member
        Which member of the product family computes W^T x.
    inputs, outputs
        Rows and columns of the member's tile; layers are cut to it, or filled up.
    settings
        Parameters of the member's own, ``name=value`` each.
    weights
        ``rom``: weights are inside. ``stream``: they come word by word, in the order of the layer
        program, anew for each input.
    impose
        Whether weights are projected onto what the member holds, which must hold them otherwise.
    samples
        Path of inputs, codes int[V, ...] as ``.npy``, that a member's tables are fitted to
        where its sums are not W^T x; random ones if None.
    loads
        Whether the layer program is loaded, over AXI4-Lite where there is one, rather than inside:
        then the engine computes other networks of these sizes too, see
        :func:`nomul.golden.engine.load`.
    codes_depth, sums_depth
        Words of the memories of codes and of sums; as many as the network needs if None.
    """

    block_name: ClassVar[str] = "engine"

    network: str = "mlp"
    member: Member = "dense"
    inputs: int = 8
    outputs: int = 4
    settings: tuple[str, ...] = ()
    weights: Weights = "rom"
    impose: bool = False
    samples: str | None = None
    loads: bool = False
    codes_depth: int | None = None
    sums_depth: int | None = None

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {},
        "conv": {"network": "conv", "weights": "stream"},
        "residual": {"network": "residual", "member": "bitplanes", "inputs": 6, "outputs": 3},
        "permdiag": {"network": "conv", "member": "permdiag", "impose": True},
    }

    def validate(self) -> None:
        """Check the choices, that network and member fit, and that the memories are deep enough."""
        self.check_choice("member")
        self.check_choice("weights")
        self.check_range("inputs", 1, 4096)
        self.check_range("outputs", 1, 1024)
        known = [*examples.KINDS, *trained.names()]
        self.check(
            "network",
            self.network in known or Path(self.network).is_file(),
            f"a file or one of {', '.join(known)}",
        )
        given = self.samples is None or Path(self.samples).is_file()
        self.check("samples", given, "none or a file")
        needed = self.program
        for name, words in (("codes_depth", needed.codes), ("sums_depth", needed.sums)):
            given = getattr(self, name)
            enough = given is None or words <= given <= 1 << 20
            self.check(name, enough, f"none or in {words}..{1 << 20} for this network")

    def files(self) -> dict[str, Path]:
        """Return the files of samples and network, unless that is one that comes with nomul."""
        found = {} if self.samples is None else {"samples": Path(self.samples)}
        if self.network in examples.KINDS or self.network in trained.names():
            return found
        return found | {"network": Path(self.network)}

    @property
    def net(self) -> Network:
        """The network that is computed; the projected one where the member's form is imposed."""
        return self._laid[0]

    @property
    def plans(self) -> dict[int, Plan]:
        """The tiles of each layer with weights, by the layer's number."""
        return self._laid[1]

    @cached_property
    def _laid(self) -> tuple[Network, dict[int, Plan]]:
        return lay(self._given, self.member, self.tile, self.impose, self.seen)

    @cached_property
    def seen(self) -> Ints | None:
        """Inputs that tables are fitted to, if the member has tables."""
        net = self._given
        if self.tile.exact:
            return None
        if self.samples is not None:
            try:
                return check(net, array_file(Path(self.samples))).astype(np.int64)
            except (TypeError, ValueError) as error:
                raise type(error)(f"engine.samples, {self.samples}: {error}") from None
        rng = np.random.default_rng(1)
        return rng.integers(net.input_low, net.input_high + 1, (RANDOM, *net.input_shape))

    @property
    def sums(self) -> dict[int, Sums]:
        """What layers give instead of W^T x, for :func:`nomul.golden.network.model`."""
        return {} if self.tile.exact else {n: plan.model for n, plan in self.plans.items()}

    @cached_property
    def _given(self) -> Network:
        if self.network in examples.KINDS:
            return examples.example(self.network)
        if self.network in trained.names():
            return trained.example(self.network)
        return load(self.network)

    @cached_property
    def tile(self) -> Any:
        """The member's configuration."""
        return self._tile(self._given)

    def _tile(self, net: Network) -> Any:
        bits, signed = code_format(net)
        return members.configure(
            self.member,
            self.settings,
            inputs=self.inputs,
            outputs=self.outputs,
            weight_bits=net.weight_bits,
            act_bits=bits,
            act_signed=signed,
        )

    @cached_property
    def program(self) -> Program:
        """The layer program; one that is loaded has widths for any network of these sizes."""
        made = program(self.net, self)
        return loading.roomy(self.net, self.tile, self.plans, made) if self.loads else made

    @cached_property
    def rows(self) -> Rows:
        """The layer program as rows of numbers."""
        return Rows(self.program, self.depths, self.loads)

    @property
    def capacity(self) -> tuple[int, int]:
        """Passes and entries of the requantisers' table that there is room for."""
        program = self.program
        passes, entries = len(program.passes), len(program.scale)
        whole = [1 << max(1, (count - 1).bit_length()) for count in (passes, entries)]
        return (whole[0], whole[1]) if self.loads else (passes, entries)

    @property
    def depths(self) -> tuple[int, int]:
        """Words of the memories of codes and of sums."""
        needed = self.program
        return self.codes_depth or needed.codes, self.sums_depth or max(1, needed.sums)

    @property
    def overhead(self) -> int:
        """Cycles of an input beside its passes: codes in, and scores out."""
        return self.program.entry.words + timing.FETCH + 1 + self.program.scores

    @cached_property
    def work(self) -> int:
        """Cycles of all passes of an input without zeros."""
        return int(timing.passes(self).sum())

    @property
    def latency(self) -> int:
        """Cycles from an input's last code to its first score, without zeros."""
        return self.work + timing.FETCH + 2

    @property
    def interval(self) -> int:
        """Cycles between two inputs without zeros."""
        return self.work + self.overhead

    def cycles(self, n: int) -> int:
        """Cycles from the first code of ``n`` inputs without zeros to the last score, inclusive."""
        return n * self.interval


# Tiles that suit the trained networks, by the networks' names.
TRAINED: dict[str, dict[str, Any]] = {
    "digits-mlp-int8": {"inputs": 64, "outputs": 16, "settings": ("multiplier=operator",)},
    "digits-mlp-int4": {"inputs": 64, "outputs": 16},
    "fashion-convnet-int8": {"inputs": 36, "outputs": 32, "settings": ("multiplier=operator",)},
    "fashion-residual-int8": {"inputs": 36, "outputs": 16, "settings": ("multiplier=operator",)},
}


def configured(network: str, **changes: Any) -> Config:
    """Return the engine of one of :data:`TRAINED`, on a dense array unless told otherwise.

    They are no presets, since a preset is mapped to standard cells, where memories of this size
    would be flip-flops.
    """
    return Config.from_dict({"network": network, **TRAINED[network], **changes})
