# What a newcomer types: `make demo` and `make test`. The first run installs what is missing.
SHELL := /bin/bash
VENV  ?= .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
# Test processes; a bench is mostly one simulator, so one per core is right.
JOBS  ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n > 8 ? 8 : n)))
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

.PHONY: demo test test-long bench formal dev lint docs-test site notebooks clean

demo: $(READY)
	$(BIN)/nomul demo

test: $(READY)
	$(PYTEST) -m "not long"

test-long: $(READY)
	$(PYTEST)

bench: $(READY)
	$(BIN)/python -m nomul.experiments.essop.bench_golden
	$(BIN)/python -m nomul.experiments.essop.bench_training
	$(BIN)/python -m nomul.experiments.spimc.bench
	$(BIN)/python -m nomul.experiments.sotfp.bench
	$(BIN)/python -m nomul.experiments.bench_cells
	$(BIN)/python -m nomul.experiments.bench_scale
	$(BIN)/python -m nomul.experiments.lutnet.bench
	$(BIN)/python -m nomul.experiments.network.bench
	$(BIN)/python -m nomul.experiments.spdnn.bench

formal: $(READY)
	$(BIN)/python -m nomul.experiments.spimc.proofs

dev: $(READY)
	$(BIN)/pre-commit install

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs-test: $(READY)
	$(BIN)/python -m pytest tests/rules/test_docs.py

# The documentation as a site; what leads nowhere is an error.
site: $(READY)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --builder html --conf-dir docs . build/site

notebooks: $(READY)
	$(BIN)/python -m pytest tests/flow/test_notebooks.py

$(READY): pyproject.toml constraints.txt .ci/setup
	@VENV=$(VENV) .ci/setup
	@touch $@

clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
