"""Direct sampling: every weight is drawn, and multiplied, for every sample."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import memory

from nomul.golden.dm import Config
from nomul.golden.dm.config import ROOTS
from nomul.hw.lfsr import transform
from nomul.hw.popcount import popcount


def sample(
    m: Module,
    cfg: Config,
    busy: Signal,
    go: Signal,
    weights: memory.ReadPort,
    vector: memory.ReadPort,
) -> tuple[Value, Value, Signal]:
    """Describe two multipliers in a row, one weight per cycle, for each sample anew.

    Returns
    -------
    done, closes, total
        A sample is whole; it is its vector's last; twice the sample.
    """
    column, number = Signal(range(max(2, cfg.inputs))), Signal(range(max(2, cfg.samples)))
    row, first = Signal(range(max(2, cfg.outputs))), Signal(range(max(2, cfg.weights)))
    across, sampled, final = Signal(), Signal(), Signal()
    m.d.comb += [
        across.eq(column == cfg.inputs - 1),
        sampled.eq(number == cfg.samples - 1),
        final.eq(row == cfg.outputs - 1),
        weights.addr.eq(first + column),
        weights.en.eq(go),
        vector.addr.eq(column),
        vector.en.eq(go),
    ]
    with m.If(go & busy):
        m.d.sync += column.eq(Mux(across, 0, column + 1))
        with m.If(across):
            m.d.sync += number.eq(Mux(sampled, 0, number + 1))
        with m.If(across & sampled):
            m.d.sync += [
                row.eq(Mux(final, 0, row + 1)),
                first.eq(Mux(final, 0, first + cfg.inputs)),
            ]
        with m.If(across & sampled & final):
            m.d.sync += busy.eq(0)
    # What becomes of a weight: read, drawn, multiplied, added.
    way: dict[str, list[Value]] = {
        "there": [busy],
        "begin": [~column.any()],
        "ends": [across],
        "closes": [sampled & final & across],
    }
    for name, stages in way.items():
        for stage in range(1, 5):
            after = Signal(name=f"{name}{stage}")
            with m.If(go):
                m.d.sync += after.eq(stages[-1])
            stages.append(after)
    drawn = _noise(m, cfg, go & way["there"][1])
    noise_bits = cfg.largest_noise.bit_length() + 1
    weight = Signal(signed(max(cfg.mu_bits + 1, cfg.sigma_bits + noise_bits) + 1))
    activation, product = Signal(signed(cfg.act_bits)), Signal(signed(cfg.sum_bits))
    total = Signal(signed(cfg.sum_bits))
    with m.If(go):
        m.d.sync += [
            weight.eq((weights.data.mu << 1) + weights.data.sigma * drawn),
            activation.eq(vector.data),
            product.eq(weight * activation),
        ]
        with m.If(way["there"][3]):
            m.d.sync += total.eq(Mux(way["begin"][3], 0, total) + product)
    return way["there"][4] & way["ends"][4], way["closes"][4], total


def _noise(m: Module, cfg: Config, draws: Value) -> Value:
    """Describe the shift register; return 2 H of the weight that is drawn."""
    state = Signal(cfg.lfsr_width, init=cfg.seed)
    with m.If(draws):
        m.d.sync += state.eq(transform(cfg.step, state))
    drawn = Signal(signed(cfg.largest_noise.bit_length() + 1))
    if cfg.noise == "sign":
        m.d.comb += drawn.eq(Mux(state[0], ROOTS[cfg.bits], -ROOTS[cfg.bits]))
    else:
        ones = popcount(m, list(state[: cfg.bits]))
        m.d.comb += drawn.eq((ones << 1) - cfg.bits)
    return drawn
