# Two commands do everything: `make demo` and `make test`. See README.md for the same without make.
PYTHON ?= python3.11
PORT ?= 7860
OPEN ?= 1
DATA ?= data/everyday_sounds
RUN ?= runs/everyday_sounds
WEIGHTS ?= whisper-tiny.en

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo weights install install-dev test check format lint types benchmarks pictures hub clean

# The pretrained weights make the demo better; without them it trains a network from scratch.
demo: install  ## train on the bundled sounds, print the test scores, open the app
	if $(BIN)/audiocls weights $(WEIGHTS); then model=auto; else model=cnn; fi; \
	$(BIN)/python train_hf.py $(DATA) --model $$model --output_dir $(RUN) --overwrite
ifneq ($(OPEN),0)
	$(BIN)/python app.py --model $(RUN) --port $(PORT)
endif

test: install-dev weights  ## install and run the whole test suite
	$(PYTEST)

check: install-dev weights format lint types  ## format, lint, types and tests
	$(PYTEST)

weights: install  ## fetch the pretrained model that the demo and the tests use
	$(BIN)/audiocls weights $(WEIGHTS)

install: .venv/.installed
install-dev: .venv/.installed-dev

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: requirements.txt constraints.txt pyproject.toml | .venv/bin/python
	$(PIP) -r requirements.txt
	$(PIP) --no-deps --editable .
	touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed
	$(PIP) -r requirements-dev.txt
	touch $@

format:
	$(BIN)/ruff format --check .

lint:
	$(BIN)/ruff check .

types:
	$(BIN)/mypy

benchmarks: install-dev  ## print every table that README quotes
	for name in accuracy features predict inspection honesty; do $(BIN)/python benchmarks/$$name.py || exit 1; done

pictures: install-dev  ## take the pictures of the app that the documents show
	$(BIN)/python docs/screenshots.py --model $(RUN)

HUB_PORT ?= 8765
hub: install-dev  ## a server of the Hub's protocol on this machine, to try publishing on
	$(BIN)/python -m tests.hub_server --root build/hub --port $(HUB_PORT)

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache
