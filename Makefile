# The two that matter: `make demo` shows coord at work, `make test` proves it. Both need python3 (3.11 or newer, with
# its venv module), git and make; everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-clients test-faults test-long mutants lint types imports docs pictures bench bench-peers clean

demo: $(READY)
	@$(BIN)/coord demo

test: lint types imports docs $(READY)
	$(BIN)/python -m pytest -n auto

# The agents' own programs against a model played by the test, where they are installed: see tests/clients/__init__.py.
test-clients: $(READY)
	$(BIN)/python -m pytest -n auto -m clients -rs tests/clients

# The attacks that need strace, mounts or many minutes, on the installed coord.
test-faults: $(READY)
	$(BIN)/python -m pytest -n auto -m machine

# Every attack of docs/explanation/reliability.md, with the long counts: many hours.
test-long: $(READY)
	COORD_TEST_LONG=1 $(BIN)/python -m pytest -n auto -m 'attack or machine'
	$(MAKE) mutants

# A tool makes everything in the functions wrong, one thing at a time, in a copy; the last lines say what no test noticed.
# `python -m tests.mutants` tries those that a person chose, each against the tests that keep that place.
mutants: $(READY)
	$(BIN)/python -m pip install --quiet --group mutation
	rm -rf build/mutants
	$(BIN)/python -m tests.mutants --copy build/mutants
	cd build/mutants && $(abspath $(BIN))/mutmut run && $(abspath $(BIN))/mutmut results

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

docs: $(READY)
	$(BIN)/python docs/reference/generate.py --check

pictures: $(READY)
	$(BIN)/python -m pip install --quiet --group pictures
	$(BIN)/python docs/pictures/make.py

# Every cost as a ratio, against its target: some minutes. With `--quick` in its place: half a minute.
bench: $(READY)
	$(BIN)/python -m benchmarks --json build/bench.json --plot docs/pictures/cost.svg

# The same work done with what one might pick instead, installed into build/peers.
bench-peers: $(READY)
	$(BIN)/python -m benchmarks.peers

clean:
	rm -rf $(VENV) build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys, venv; sys.exit(sys.version_info < (3, 11) and "coord needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group test --group check
	@touch $@
