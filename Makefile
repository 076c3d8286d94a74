# make demo   environment and the whole chain on a small simulated catalog: look at demo-output/
# make test   environment, make check and the test suite (real files are read where CHANDRA_EMBED_DATA names them)
# make check  ruff and mypy --strict
# make bench  benchmarks against peers; writes tests/benchmarks/RESULTS.md (SUBJECTS="degree forest": these alone)
# make fuzz   100 kills of ingest, embed and score, and 2,000 mutated FITS files (about ten minutes)
# make train  simulate, train and freeze every bundle again, into runs/models (about 90 minutes; -j2 for two at once)
# make sweep  train the runs of reduced budget again and keep their records (about two hours)
# make seeds  three seeds of each recipe, trained towards the noise-free truth, with their clusters (about an hour)

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# real Chandra files for the tests, where they lie beside the checkout
CHANDRA_EMBED_DATA ?= $(wildcard $(abspath ../shared/data/chandra))
export CHANDRA_EMBED_DATA

.PHONY: demo test check bench fuzz train train-spectrum-8 train-spectrum-8-flux train-spectrum-64 train-aligned-64 sweep seeds clean

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
	$(BIN)/python tests/benchmarks/run.py $(SUBJECTS)

fuzz: $(VENV)/.test
	$(BIN)/python tests/fuzz_kills.py
	$(BIN)/python tests/fuzz_fits.py

# what both bundles are fitted to: simulated after the catalog tables, and one population that follows none
TABLES := $(CHANDRA_EMBED_DATA)/tables
FITTED := train-muwclass train-labelled train-sdss train-globular train-population
RUN := cd $(CURDIR)/runs && CHANDRA_EMBED_THREADS=1 $(CURDIR)/$(BIN)/chandra-embed
SIMULATE := $(RUN) simulate --overwrite

of-muwclass = --catalog $(TABLES)/muwclass_TD.csv -n 41600 --seed 11
of-labelled = --catalog $(TABLES)/csc2_detections_labelled.csv -n 14660 --seed 12
of-sdss = --catalog $(TABLES)/csc2_detections_sdss_simbad.csv -n 4512 --seed 13
of-globular = --catalog $(TABLES)/csc2_detections_globular_clusters.csv.gz --seed 14
of-population = -n 30000 --seed 1
$(FITTED:%=runs/%.h5): runs/train-%.h5: | $(VENV)/.test
	@mkdir -p runs
	$(SIMULATE) $(of-$*) -o $(@F)
$(FITTED:%=runs/%-flux.h5): runs/train-%-flux.h5: | $(VENV)/.test
	@mkdir -p runs
	$(SIMULATE) $(of-$*) --quantity flux -o $(@F)
runs/reference.h5 runs/reference-flux.h5: | $(VENV)/.test
	@mkdir -p runs
	$(SIMULATE) -n 20000 --seed 2 $(if $(findstring flux,$@),--quantity flux) -o $(@F)

# make -j2 train: a model trains on one thread, for the same bytes from the same seed
train: train-spectrum-8 train-spectrum-8-flux train-aligned-64
train-spectrum-8: ARGS = 8 1.2.1 reconstruction clusters latents nuisance
train-spectrum-8-flux: ARGS = 8 1.0.1 reconstruction clusters latents nuisance
train-spectrum-8 train-spectrum-8-flux: FIT = --epochs 30 --denoise 0.5
train-spectrum-64: ARGS = 64 1.1.0 reconstruction clusters nuisance
train-spectrum-64: FIT = --epochs 24 --denoise 1
train-spectrum-8-flux: QUANTITY = -flux
train-spectrum-8 train-spectrum-64: $(FITTED:%=runs/%.h5) runs/reference.h5
train-spectrum-8-flux: $(FITTED:%=runs/%-flux.h5) runs/reference-flux.h5
train-spectrum-8 train-spectrum-8-flux train-spectrum-64: train-%:
	$(RUN) train autoencoder $(FITTED:%=%$(QUANTITY).h5) -o $* --latents $(word 1,$(ARGS)) --test 0.5 --noise 0.03 $(FIT)
	rm -rf runs/drafts/$* runs/models/$*
	$(RUN) export $* -o drafts/$* --version $(word 2,$(ARGS)) --reference reference$(QUANTITY).h5
	for what in $(wordlist 3,9,$(ARGS)); do \
	  $(RUN) evaluate $$what --model drafts/$* -o evaluation-$* --overwrite || exit 1; done
	$(RUN) export $* -o models/$* --version $(word 2,$(ARGS)) --reference reference$(QUANTITY).h5 --evaluation evaluation-$*

# spectra, events and words in one space, on the encoder frozen just before; the texts are semi-simulated
runs/train-pairs.h5: ARGS = --catalog $(TABLES)/muwclass_TD.csv -n 31200 --seed 21
runs/train-pairs.h5: | $(VENV)/.test
	@mkdir -p runs
	$(SIMULATE) $(ARGS) -o $(@F)
train-aligned-64: train-spectrum-64 runs/train-pairs.h5 runs/reference.h5
	$(RUN) train pairs train-pairs.h5 -o train-pairs.jsonl --overwrite
	$(RUN) train text train-pairs.jsonl -o text --components 512 --min-df 50 --overwrite
	$(RUN) train events train-pairs.h5 -o events --overwrite
	$(RUN) train aligner train-pairs.h5 --texts train-pairs.jsonl --text text --model models/spectrum-64 \
	  --events events -o aligned --overwrite
	rm -rf runs/drafts/aligned-64 runs/models/aligned-64
	$(RUN) export aligned -o drafts/aligned-64 --reference reference.h5
	for what in alignment regression anomalies; do \
	  $(RUN) evaluate $$what --model drafts/aligned-64 -o evaluation-aligned-64 --overwrite || exit 1; done
	$(RUN) export aligned -o models/aligned-64 --reference reference.h5 --evaluation evaluation-aligned-64

RECORDS := $(CURDIR)/training/evaluation/records
# runs of reduced budget (20,000 spectra, 12 epochs): seeds, kinds, and one setting changed at a time
SWEEP := transformer-s0 recurrent-s0 transformer-s1 recurrent-s1 transformer-s2 recurrent-s2 \
	lr-5e-4-s0 lr-4e-3-s0 depth-1-s0 width-48-s0 latents-4-s0 latents-16-s0 \
	patch-40-s0 dropout-0.1-s0 heads-2-s0 noise-0.03-s0 mask-0.2-s0 weighted-s0 \
	recurrent-lr-5e-4-s0 recurrent-lr-4e-3-s0
runs/transformer-s0/meta.json: ARGS = --kind transformer --seed 0
runs/recurrent-s0/meta.json: ARGS = --kind recurrent --seed 0
runs/transformer-s1/meta.json: ARGS = --kind transformer --seed 1
runs/recurrent-s1/meta.json: ARGS = --kind recurrent --seed 1
runs/transformer-s2/meta.json: ARGS = --kind transformer --seed 2
runs/recurrent-s2/meta.json: ARGS = --kind recurrent --seed 2
runs/lr-5e-4-s0/meta.json: ARGS = --lr 5e-4
runs/lr-4e-3-s0/meta.json: ARGS = --lr 4e-3
runs/depth-1-s0/meta.json: ARGS = --depth 1
runs/width-48-s0/meta.json: ARGS = --width 48
runs/latents-4-s0/meta.json: ARGS = --latents 4
runs/latents-16-s0/meta.json: ARGS = --latents 16
runs/patch-40-s0/meta.json: ARGS = --patch 40
runs/dropout-0.1-s0/meta.json: ARGS = --dropout 0.1
runs/heads-2-s0/meta.json: ARGS = --heads 2
runs/noise-0.03-s0/meta.json: ARGS = --noise 0.03
runs/mask-0.2-s0/meta.json: ARGS = --mask 0.2
runs/weighted-s0/meta.json: ARGS = --weighted
runs/recurrent-lr-5e-4-s0/meta.json: ARGS = --kind recurrent --lr 5e-4
runs/recurrent-lr-4e-3-s0/meta.json: ARGS = --kind recurrent --lr 4e-3
$(SWEEP:%=runs/%/meta.json): $(FITTED:%=runs/%.h5)
	$(RUN) train autoencoder $(FITTED:%=%.h5) -o $(notdir $(@D)) --test 0.5 --rows 20000 --epochs 12 $(ARGS)

sweep: $(SWEEP:%=runs/%/meta.json)
	$(RUN) evaluate record $(SWEEP) --spectra train-muwclass.h5 -o $(RECORDS) --overwrite
	$(BIN)/chandra-embed evaluate sweep -o evaluation --overwrite

# the denoised runs of three seeds and both recipes; their clusters are kept in their records
SEEDS := s0 s1 s2
$(SEEDS:%=runs/rate-d5-%/meta.json): $(FITTED:%=runs/%.h5)
$(SEEDS:%=runs/flux-d5-%/meta.json): $(FITTED:%=runs/%-flux.h5)
$(foreach r,rate flux,$(SEEDS:%=runs/$(r)-d5-%/meta.json)):
	$(RUN) train autoencoder $(notdir $^) -o $(notdir $(@D)) --test 0.5 --rows 20000 --epochs 12 --denoise 0.5 \
	  --seed $(subst s,,$(lastword $(subst -, ,$(notdir $(@D)))))

seeds: $(foreach r,rate flux,$(SEEDS:%=runs/$(r)-d5-%/meta.json))
	$(RUN) evaluate record $(SEEDS:%=rate-d5-%) --spectra train-muwclass.h5 -o $(RECORDS) --overwrite
	$(RUN) evaluate record $(SEEDS:%=flux-d5-%) --spectra train-muwclass-flux.h5 -o $(RECORDS) --overwrite
	for run in $(foreach r,rate flux,$(SEEDS:%=$(r)-d5-%)); do \
	  rm -rf $(CURDIR)/runs/drafts/$$run; \
	  $(RUN) export $$run -o drafts/$$run --version 0.0.1 || exit 1; \
	  $(RUN) evaluate clusters --model drafts/$$run --record $(RECORDS)/$$run.json -o evaluation-$$run --overwrite || exit 1; \
	done

clean:
	rm -rf build dist *.egg-info .mypy_path .mypy_cache .pytest_cache .ruff_cache demo-output evaluation
