# What a newcomer types: `make demo` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: test
test: $(VENV)/.ready
	$(BIN)/python -m pytest -m "not long"

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -e .[sim,synth,train,dev]
	touch $@
