"""A few thousand damaged files: refused in one line, quickly and in little memory, or read."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).with_name("fuzz.py")


def fuzzed(count):
    seed = int(os.environ.get("NOMUL_FUZZ_SEED", random.SystemRandom().randrange(1 << 32)))
    done = subprocess.run(
        [sys.executable, str(FUZZ), str(seed), str(count)], capture_output=True, text=True
    )
    assert done.returncode == 0, f"seed {seed}: {done.stderr[-2000:]}"
    return json.loads(done.stdout.splitlines()[-1])


def judge(result):
    assert not result["wrong"], f"NOMUL_FUZZ_SEED={result['seed']}: {result['wrong'][0]}"
    assert result["MiB"] < 1024
    assert result["seconds"] < 5
    # A mutation that no reader takes says nothing about what is read.
    assert all(refused for _, refused in result["readers"].values())
    assert sum(loaded for loaded, _ in result["readers"].values()) > 50


def test_damaged_files_are_refused_in_one_line():
    pytest.importorskip("onnx", reason="pip install 'nomul[onnx]'")
    pytest.importorskip("torch", reason="pip install 'nomul[train]'")
    pytest.importorskip("nir", reason="pip install nir")
    judge(fuzzed(3000))


@pytest.mark.long
def test_many_damaged_files_are_refused_in_one_line():
    pytest.importorskip("onnx", reason="pip install 'nomul[onnx]'")
    pytest.importorskip("torch", reason="pip install 'nomul[train]'")
    pytest.importorskip("nir", reason="pip install nir")
    judge(fuzzed(60_000))
