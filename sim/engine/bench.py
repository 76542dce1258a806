"""Bench of the engine: inputs through the whole network, under all stalls; what is malformed."""

import os

import cocotb
import numpy as np

from nomul.golden import engine, network
from nomul.golden.network import ArgMax
from nomul.sim import harness
from nomul.sim.engine.driver import Driver
from nomul.sim.stream import STALLS, assert_equal

MEASURED = "images_in_sequence"
OPERATION = "image"
RECORDED = "inputs_equal_the_model/source=never/sink=never"

FEW = 20_000  # cycles of an input above which the bench takes fewer of them


def number(unit: Driver) -> int:
    """Return how many inputs are tried: corners and random ones."""
    return 6 if unit.cfg.interval < FEW else 2


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def inputs_equal_the_model(dut, source, sink):
    """Scores and classes, under all stalls; cycles as the formula says, input by input."""
    unit = Driver(dut, source, sink)
    x = unit.inputs(number(unit))
    await unit.bench.reset()
    for image in x:
        unit.offer(image)
    got = await unit.take(len(x))
    assert_equal(got, engine.model(unit.cfg, x), "answers")
    wanted = network.model(unit.cfg.net, x, unit.cfg.sums).reshape(len(x), -1)
    chosen = got[:, -1:] if isinstance(unit.cfg.net.layers[-1], ArgMax) else got[:, :-1]
    assert_equal(chosen, wanted, "answers of the network")
    unit.check_errors()
    if source == sink == "never":
        codes, scores = unit.cfg.program.entry.words, unit.cfg.program.scores
        for i in range(len(x)):
            measured = unit.y.cycles[(i + 1) * scores - 1] - unit.x.sent[i * codes] + 1
            assert_equal(measured, engine.cycles(unit.cfg, x[i : i + 1]), "cycles of an input")
        measured = unit.y.cycles[-1] - unit.x.sent[0] + 1
        assert_equal(measured, engine.cycles(unit.cfg, x), "cycles")
        harness.record(cycles=measured, images=len(x))


@cocotb.test()
async def images_in_sequence(dut):
    """Many inputs: what energy is measured on; those that ``NOMUL_STIMULI`` names, or random."""
    unit = Driver(dut)
    path = os.environ.get("NOMUL_STIMULI")
    if path is None:
        x = unit.inputs(4 if unit.cfg.interval < FEW else 1)
    else:
        with np.load(path) as file:
            x = file["x"]
    await unit.bench.reset()
    for image in x:
        unit.offer(image)
    assert_equal(await unit.take(len(x)), engine.model(unit.cfg, x), "answers")
    harness.record(images=len(x), cycles=unit.y.cycles[-1] - unit.x.sent[0] + 1)


@cocotb.test()
@cocotb.parametrize(source=STALLS)
async def malformed_inputs_give_nothing(dut, source):
    """Short and long inputs, codes out of range: a flag, no answer, and the next one is right."""
    unit = Driver(dut, source, source)
    x, done = unit.inputs(3), 0
    seen: set[str] = set()
    good, last = unit.words(x[0]), 1 << (unit.codes.width - 1)
    open_end = [word & ~last for word in good]
    wrong = [("E_LONG", [*open_end, *good]), ("E_LONG", [*open_end, good[0] | last])]
    if len(good) > 1:
        wrong += [("E_SHORT", [*good[:-2], good[0] | last]), ("E_SHORT", [good[0] | last])]
    net, width = unit.cfg.net, unit.cfg.program.widths["code"]
    signed = unit.cfg.program.code_signed
    if net.input_high < (1 << (width - int(signed))) - 1:
        wrong.append(("E_RANGE", [net.input_high + 1 | good[0] & last, *good[1:]]))
    await unit.bench.reset()
    for flag, words in wrong:
        unit.x.payloads = [*unit.x.payloads, *words]
        unit.offer(x[1])
        done, seen = done + 1, seen | {flag}
        got = await unit.take(done)
        assert_equal(got[-1], engine.model(unit.cfg, x[1:2])[0], "answer behind a wrong input")
        unit.check_errors(*seen)


@cocotb.test()
@cocotb.parametrize(source=STALLS)
async def malformed_tiles_give_nothing(dut, source):
    """Short and long tiles of streamed weights: flag, no answer; the next input is right.

    Where weights are inside, no flag of theirs is ever raised.
    """
    unit = Driver(dut, source, source)
    x, done, seen = unit.inputs(2), 0, set()
    await unit.bench.reset()
    tiles = unit.tiles()
    last = 1 << (unit.weight.width - 1) if unit.weight is not None else 0
    wrong = []
    if unit.streamed and tiles:
        begun, ended = [word & ~last for word in tiles[-1]], tiles[-1][-1]
        wrong.append(("E_WLONG", [*tiles[:-1], [*begun, begun[0], ended]]))
        if len(begun) > 1:
            wrong.append(("E_WSHORT", [[begun[0] | last], *tiles[1:-1], tiles[-1]][: len(tiles)]))
    for flag, words in wrong:
        unit.x.payloads = [*unit.x.payloads, *unit.words(x[0])]
        unit.feed(words)
        await unit.bench.until(lambda: unit.x.done and (not unit.weight or unit.weight.done))
        await unit.quiet(2 * unit.cfg.interval)
        seen.add(flag)
        unit.check_errors(*seen)
        unit.offer(x[1])
        done += 1
        got = await unit.take(done)
        assert_equal(got[-1], engine.model(unit.cfg, x[1:2])[0], "answer behind a wrong tile")
    unit.check_errors(*seen)


@cocotb.test()
@cocotb.parametrize(source=STALLS)
async def other_programs_are_computed(dut, source):
    """Where the layer program is loaded: another network, wrong programs, the first one again.

    Where it is inside there is no port for one, and no flag of it is ever raised.
    """
    unit = Driver(dut, source, source)
    x, done, seen = unit.inputs(2), 0, set()
    await unit.bench.reset()
    unit.offer(x[0])
    done += 1
    got = await unit.take(done)
    assert_equal(got[-1], engine.model(unit.cfg, x[:1])[0], "answer")
    program = unit.program
    if program is not None:
        other = engine.another(unit.cfg.net, unit.bench.numpy_rng, weights=unit.streamed)
        good = engine.load(unit.cfg)
        entries = [word for word in good if word >> unit.cfg.rows.bits]
        passes = good[: len(good) - len(entries)]
        long = [*passes, *(passes[:1] * unit.cfg.capacity[0]), *entries]
        crowded = [*passes, *(entries[:1] * (unit.cfg.capacity[1] + 1))]
        for words in (passes[:-1] + entries, long, crowded):
            program.payloads = [*program.payloads, *unit.program_words(words)]
            seen.add("E_PROGRAM")
            await unit.bench.until(lambda: program.done)
            await unit.quiet(3)
            unit.check_errors(*seen)
        for net in (other, None):
            unit.load(net)
            await unit.bench.until(lambda: program.done)
            unit.offer(x[1])
            done += 1
            got = await unit.take(done)
            wanted = network.model(net or unit.cfg.net, x[1:]).reshape(-1)
            chosen = got[-1][-1:] if isinstance(unit.cfg.net.layers[-1], ArgMax) else got[-1][:-1]
            assert_equal(chosen, wanted, "answer of another network")
    unit.check_errors(*seen)


@cocotb.test()
async def works_after_reset(dut):
    """Reset while an input comes in, while weights do, in the middle of passes."""
    unit = Driver(dut, "random", "random")
    x = unit.inputs(2)
    await unit.bench.reset()
    length = unit.cfg.interval
    for cycles in (1, 2 * len(unit.words(x[0])) + 7, length // 2, length):
        unit.offer(x[0])
        await unit.quiet(cycles)
        await unit.reset()
        unit.check_errors()
        unit.offer(x[1])
        assert_equal(await unit.take(1), engine.model(unit.cfg, x[1:2]), "answer after reset")
        await unit.reset()
