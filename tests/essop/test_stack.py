"""Large arrays of ESSOP: rows in halves compute the same, and their text grows with N, not M N."""

import pytest

from nomul import registry
from nomul.experiments import bench_scale
from nomul.experiments.bench_scale import Scale
from nomul.golden.essop import Config
from nomul.synth.emit import emit

PLAIN = r"equal_the_model/source=\w+/sink=\w+$"


@pytest.mark.parametrize(("cols", "accumulate"), [(2, 12), (33, None)])
def test_large_arrays_equal_the_model(simulate, cols, accumulate):
    cfg = Config.preset("small", rows=35, cols=cols, accumulate=accumulate)
    assert simulate("essop", cfg, tests=PLAIN).tests == 4


def test_text_grows_with_the_side_of_the_array():
    sizes = {}
    for n in (48, 96):
        emitted = emit(registry.get("essop").top(Config.preset("small", rows=n, cols=n)), "essop")
        sizes[n] = len(emitted.rtlil), len(emitted.verilog)
    for small, large in zip(sizes[48], sizes[96], strict=True):
        assert large < 2.2 * small


def test_growth_is_told_against_modules_and_text():
    small = Scale("essop", "emission", 64, 1.0, 60, 99_990, 10)
    large = Scale("essop", "emission", 256, 4.0, 200, 399_990, 10, 12.0)
    assert round(bench_scale.exponent(small, large), 6) == 1
    text = bench_scale.table([small, large])
    assert text.splitlines()[-1] == (
        "| essop | emission | 256 x 256 | 4.0 | 1 | 200 | 10 | 399 | 12 | 1.00 |  |"
    )


def test_what_was_measured_is_not_measured_again(tmp_path, monkeypatch):
    """Unless it was on another machine, or in fewer tries, or nobody says where it is kept."""
    done = []

    def apart(block, step, size, tries=1):
        done.append((block, step, size, tries))
        return Scale(block, step, size, 2.5, 80, 1000, 9, 12.0, tries=tries)

    monkeypatch.setattr(bench_scale, "apart", apart)
    store = tmp_path / "scale.jsonl"
    key = ("spimc", "area", 64)
    assert bench_scale.known(*key, store) == bench_scale.known(*key, store) == apart(*key)
    assert len(done) == 2
    assert bench_scale.known(*key, store, tries=3).tries == 3
    assert bench_scale.known(*key, store, tries=2).tries == 3
    assert len(done) == 3
    monkeypatch.setattr(bench_scale, "machine", lambda: "another")
    bench_scale.known(*key, store)
    bench_scale.known(*key)
    assert len(done) == 5


def test_a_page_without_markers_is_refused(tmp_path):
    page = tmp_path / "scale.md"
    page.write_text(f"a\n{bench_scale.BEGIN}\nold\n{bench_scale.END}\nb\n")
    bench_scale.write(page, "new\n")
    assert page.read_text() == f"a\n{bench_scale.BEGIN}\nnew\n{bench_scale.END}\nb\n"
    page.write_text("nothing")
    with pytest.raises(ValueError, match="has no <!-- scale"):
        bench_scale.write(page, "new")
