# `make demo` shows coord at work, `make check` is for each change, `make test` runs everything; `make help` lists the
# rest. Needed: python3 (3.11 or newer, with its venv module), git and make. Everything else is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo demo-machines help check test test-clients clients test-faults test-web test-long mutants mutants-chosen lint types imports docs pictures
.PHONY: bench bench-peers clean

demo: $(READY)  ## Watch three sessions work together, in a temporary folder
	@$(BIN)/coord demo

demo-machines: $(READY)  ## Watch two machines that share one history, in temporary folders
	@$(BIN)/coord demo --machines

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check: lint types imports docs $(READY)  ## Lint, types, imports, docs and the fast tests: about a minute
	COORD_TEST_EXAMPLES=0.2 $(BIN)/python -m pytest -n auto -m 'not slow and not machine and not clients and not web'

test: lint types imports docs $(READY)  ## Everything that must pass before a merge: some minutes
	$(BIN)/python -m pytest -n auto

# They run against a model that the test plays: see tests/clients/__init__.py.
CLIENT_VERSIONS := pinned newest
COORD_TEST_CLIENTS ?= $(wildcard $(CLIENT_VERSIONS:%=build/clients/%/node_modules))

test-clients: $(READY)  ## Test with the agents' own programs, in each folder of COORD_TEST_CLIENTS
	@set -e; for folder in $(or $(COORD_TEST_CLIENTS),''); do \
		echo "clients in $${folder:-the PATH}"; \
		COORD_TEST_CLIENTS=$$folder $(BIN)/python -m pytest -n auto -m clients -rs tests/clients; \
	done

clients:  ## Install the agents' programs for `make test-clients`: the pinned versions, and the newest ones
	npm install --no-audit --no-fund --prefix build/clients/pinned $$(cat tests/clients/versions.txt)
	npm install --no-audit --no-fund --prefix build/clients/newest $$(sed 's/@[^@]*$$/@latest/' tests/clients/versions.txt)

test-faults: $(READY)  ## Test with strace, mounts and killed processes, on the installed coord
	$(BIN)/python -m pytest -n auto -m machine

test-web: $(READY)  ## Test the page in a real browser, Debian's chromium
	$(BIN)/python -m pytest -n auto -m web tests/web

test-long: $(READY)  ## Run every attack of the reliability page with its long count: many hours
	COORD_TEST_LONG=1 $(BIN)/python -m pytest -n auto -m 'attack or machine'
	$(MAKE) mutants

# A tool changes one thing at a time in a copy of the code. The last lines list the changes that no test noticed.
mutants: $(READY)  ## Change every function in small ways, and list what no test notices: many hours
	$(BIN)/python -m pip install --quiet --group mutation
	rm -rf build/mutants
	$(BIN)/python -m tests.mutants --copy build/mutants
	cd build/mutants && $(abspath $(BIN))/mutmut run && $(abspath $(BIN))/mutmut results

mutants-chosen: $(READY)  ## Try the mutants that each break a promise, with the tests that must notice
	$(BIN)/python -m tests.mutants

lint: $(READY)  ## Check style and format with ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## Check types with mypy
	$(BIN)/mypy

imports: $(READY)  ## Check which package imports which
	$(BIN)/lint-imports

docs: $(READY)  ## Check that the reference is what the code says
	$(BIN)/python docs/reference/generate.py --check

pictures: $(READY)  ## Draw the pictures of the docs again
	$(BIN)/python docs/pictures/make.py

# `.venv/bin/python -m benchmarks --quick` takes half a minute.
bench: $(READY)  ## Measure what commands cost, against their targets: some minutes
	$(BIN)/python -m benchmarks --json build/bench.json --plots docs/pictures

bench-peers: $(READY)  ## Measure the same work done with other tools, installed into build/peers
	$(BIN)/python -m benchmarks.peers

clean:  ## Delete .venv, build, dist and all caches
	rm -rf $(VENV) build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys, venv; sys.exit(sys.version_info < (3, 11) and "coord needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group test --group check
	@touch $@
