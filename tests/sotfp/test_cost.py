"""SOT-MRAM PIM: costs, the layer on real digits, the exhaustive sweep, and the page's tables."""

import json

import numpy as np
import pytest

from nomul import flow, registry
from nomul.capabilities import sotfp as verify
from nomul.golden import sotfp
from nomul.golden.sotfp import Config, array, cost


def test_published_formulas():
    """The values the formulas have for three formats."""
    assert [cost.floatpim_mul(5, 10), cost.floatpim_mul(8, 7)] == [633, 360]
    assert cost.floatpim_mul(8, 23) == 3360
    assert cost.floatpim_add(5, 10) == (373, 21)
    assert cost.floatpim_add(8, 7) == (313, 15)
    assert cost.floatpim_add(8, 23) == (1097, 47)


def test_cost_is_counts_times_constants():
    cfg = Config(opset="sot+search", lanes=100)
    code = sotfp.program(cfg, "add")
    names = cost.CONSTANTS
    values = dict(zip(names, (2.0, 3.0, 5.0, 7.0, 11.0, 13.0), strict=True))
    device = cost.Device("x", values, dict.fromkeys(names, "test"), ())
    got = cost.cost(code, 100, device)
    assert got.time == 2 * code.reads + 3 * code.writes + 5 * code.searches
    pj = (7 * code.sensed + 11 * code.writes + 13 * code.searches) * 100 / 1000
    assert got.energy == pytest.approx(pj)
    assert (got + got).steps == got.times(2).steps == 2 * code.steps


def test_every_constant_has_a_source_and_says_whether_it_was_measured():
    for device in cost.devices().values():
        assert set(device.sources) == set(device.values) == set(cost.CONSTANTS)
        assert set(device.placeholders) == set(cost.CONSTANTS)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "device sot.t_write lacks value, source, placeholder"),
        ('t_write = { value = 1.0, source = "x" }', "device sot.t_write lacks placeholder"),
        (
            't_write = { value = -1.0, source = "x", placeholder = false }',
            "device sot.t_write must not be negative: -1.0",
        ),
    ],
)
def test_bad_device_tables_are_named(tmp_path, line, message):
    path = tmp_path / "devices.toml"
    path.write_text(
        f'[sot]\nt_read = {{ value = 1.0, source = "x", placeholder = true }}\n{line}\n'
    )
    with pytest.raises(ValueError, match=r"^device") as caught:
        cost.devices(path)
    assert str(caught.value) == message


def test_dot_rounds_every_product_and_every_sum():
    cfg = Config.preset("bf16")
    a, b = np.random.default_rng(1).integers(0x3E00, 0x4100, (2, 50, 7))
    a[::3] |= 0x8000
    got = sotfp.dot(cfg, a, b)
    assert np.array_equal(got, sotfp.reference_dot(cfg, a, b))
    with pytest.raises(ValueError, match="must be of one shape"):
        sotfp.dot(cfg, a, b[:, :3])


@pytest.mark.parametrize("preset", ["fp16", "bf16"])
def test_a_layer_forward_and_backward_on_real_digits(preset):
    pytest.importorskip("sklearn", reason="try: pip install scikit-learn")
    from nomul.train import sotfp as sotfp_layer

    cfg = Config.preset(preset)
    items = sotfp_layer.layer(cfg, images=16)
    assert [item.shape for item in items] == [(16, 16, 10), (10, 16, 16), (16, 10, 16)]
    for item in items:
        n, k, m = item.shape
        assert item.wrong == 0
        assert item.words.any()
        assert item.macs == n * m * k
        # A sum of k products, each step rounded to Nm + 1 bits.
        assert item.error < 2 * k * 2.0 ** -(cfg.mantissa_bits + 1)
        begin, mac = (sotfp.program(cfg, op).steps for op in sotfp.CHAIN)
        assert item.cost.steps == -(-n * m // cfg.lanes) * (begin + (k - 1) * mac)


def test_sweep_resumes_and_records(tmp_path):
    seen = []
    first = verify.exhaustive(
        "fp16", "add", tmp_path, rows=8, progress=lambda r: seen.append(r.done)
    )
    assert (first.done, first.wrong, first.complete) == (8, 0, False)
    again = verify.exhaustive(
        "fp16", "add", tmp_path, rows=16, progress=lambda r: seen.append(r.done)
    )
    assert seen == [8, 16]
    assert again.pairs == 16 << 16
    kept = json.loads((tmp_path / "sotfp-fp16-add.json").read_text())
    assert kept["done"] == 16


@pytest.mark.parametrize(
    ("name", "value"), [("program", "x"), ("done", 4096), ("wrong", 0), ("stamp", "0" * 32)]
)
def test_a_changed_record_is_not_gone_on_from(tmp_path, monkeypatch, name, value):
    """It would say of pairs that nobody compared that they are right."""
    plain = array.from_columns
    with monkeypatch.context() as patch:
        patch.setattr(array, "from_columns", lambda c, n: plain(c, n) ^ (np.arange(n) == 77))
        assert verify.exhaustive("fp16", "mul", tmp_path, rows=2).wrong > 0
    path = tmp_path / "sotfp-fp16-mul.json"
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({**kept, name: value}))
    record = verify.exhaustive("fp16", "mul", tmp_path, rows=1)
    assert (record.done, record.wrong) == (1, 0)


def test_the_record_of_another_program_is_not_gone_on_from(tmp_path, monkeypatch):
    assert verify.exhaustive("fp16", "add", tmp_path, rows=2).done == 2
    assert verify.exhaustive("fp16", "add", tmp_path, rows=1).done == 2
    monkeypatch.setattr(verify, "digest_of", lambda cfg, op: "another")
    assert verify.exhaustive("fp16", "add", tmp_path, rows=1).done == 1


def test_sweep_goes_on_after_an_interruption(tmp_path):
    """Stopped in its third chunk: the two before it count, and are not repeated."""
    plain, chunks = verify._Array.chunk, []

    def stop(self, first, rows):
        chunks.append(first)
        if len(chunks) == 3:
            raise KeyboardInterrupt
        return plain(self, first, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify._Array, "chunk", stop)
        patch.setattr(verify, "ROWS", 2)
        with pytest.raises(KeyboardInterrupt):
            verify.exhaustive("fp16", "mul", tmp_path, rows=8)
        record = verify.exhaustive("fp16", "mul", tmp_path, rows=8)
    assert chunks == [0, 2, 4, 4, 6]
    assert (record.done, record.wrong, record.judged) == (8, 0, 4 * verify.JUDGED)


def test_sweep_notices_that_numpy_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(sotfp, "reference", lambda cfg, op, a, b: a * 0)
    with pytest.raises(ArithmeticError, match=r"numpy.float16 and the exact judge disagree on add"):
        verify.exhaustive("fp16", "add", tmp_path, rows=1)


def test_sweep_notices_a_wrong_word(tmp_path, monkeypatch):
    plain = array.from_columns
    monkeypatch.setattr(array, "from_columns", lambda c, n: plain(c, n) ^ (np.arange(n) == 77))
    record = verify.exhaustive("fp16", "mul", tmp_path, rows=1)
    assert record.wrong == 1
    assert record.examples[0][1] == 77


@pytest.mark.parametrize("op", sotfp.OPS)
def test_the_recorded_sweep_is_complete_and_of_todays_program(op):
    record, cfg = verify.recorded("fp16", op), Config.preset("fp16")
    assert record.complete
    assert record.pairs == 1 << 32
    assert record.wrong == 0
    assert record.program == verify.digest_of(cfg, op)
    assert record.steps == sotfp.program(cfg, op).steps


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lfsr", "fp16", (), 1), "verify has no exhaustive check of 'lfsr'; it has sotfp"),
        (("sotfp", "fp32", (), 1), "verify has no format 'fp32'; it has fp16"),
        (
            ("sotfp", "fp16", ("div",), 1),
            "sotfp has no operation 'div'; it has add, mul, begin, mac",
        ),
        (("sotfp", "fp16", (), 0), "rows must be in 1..65536, not 0"),
    ],
)
def test_bad_sweeps_are_named(tmp_path, arguments, message):
    block, form, ops, rows = arguments
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        flow.verify(registry.get(block), form, ops, tmp_path, rows)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["steps", "conformance", "opsets", "device", "faults"])
def test_committed_tables_are_todays(name):
    """What costs seconds to measure; the others are measured by their command."""
    from nomul.experiments import tables

    assert tables.measure("sotfp", name).rows == tables.load("sotfp", name).rows


def test_the_layer_was_right_in_the_array_and_in_the_hardware():
    from nomul.experiments import tables

    for name in ("layer", "layer-rtl"):
        rows = tables.load("sotfp", name).rows
        assert len(rows) == 6
        assert not any(row["wrong"] for row in rows)
    assert all(row["cycles"] == row["cycles by formula"] for row in rows)
