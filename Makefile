# make demo   environment and the whole chain on a small simulated catalog: look at demo-output/
# make test   environment, make check and the test suite (real files are read where CHANDRA_EMBED_DATA names them)
# make check  ruff and mypy --strict
# make bench  benchmarks against peers; writes tests/benchmarks/RESULTS.md
# make train  simulate, train and freeze the shipped bundle again (about an hour; not part of the gate)

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# real Chandra files for the tests, where they lie beside the checkout
CHANDRA_EMBED_DATA ?= $(wildcard $(abspath ../shared/data/chandra))
export CHANDRA_EMBED_DATA

.PHONY: demo test check bench train clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[plot]'
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[train,plot,csc,parquet,symbolic,dev]'
	@touch $@ $(VENV)/.base

$(VENV)/.bench: $(VENV)/.test
	$(PIP) -e '.[bench]'
	@touch $@

demo: $(VENV)/.base
	$(BIN)/chandra-embed demo -o demo-output --overwrite

test: check
	$(BIN)/python -m pytest tests
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q -m kernel tests

# a checkout may have any name: mypy finds the package through a link
check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@mkdir -p .mypy_path && ln -sfn .. .mypy_path/chandra_embed
	MYPYPATH=.mypy_path $(BIN)/mypy --strict -p chandra_embed

bench: $(VENV)/.bench
	$(BIN)/python tests/benchmarks/run.py

train: $(VENV)/.test
	mkdir -p runs/models
	cd runs && ../$(BIN)/chandra-embed simulate -n 60000 --seed 1 -o sim-train.h5
	cd runs && ../$(BIN)/chandra-embed simulate -n 20000 --seed 2 -o sim-reference.h5
	cd runs && ../$(BIN)/chandra-embed train autoencoder sim-train.h5 -o run-spectrum-8 --epochs 40
	cd runs && ../$(BIN)/chandra-embed export run-spectrum-8 -o models/spectrum-8 --reference sim-reference.h5

clean:
	rm -rf build dist *.egg-info .mypy_path .mypy_cache .pytest_cache .ruff_cache demo-output
