# Everything runs in .venv, which `make setup` builds from pyproject.toml with the versions in requirements.lock.
PYTHON ?= python3
BIN := .venv/bin
DG := $(BIN)/dg
FIRST_DAY := 2026-10-01
LAST_DAY := 2026-10-14

# dagster.yaml lies here, and keeps what Dagster writes in `.dagster`.
export DAGSTER_HOME ?= $(CURDIR)
# The environment that the commands below are of: `dg` warns of another.
export VIRTUAL_ENV := $(CURDIR)/.venv
# Waiting threads sleep instead of spinning, which matters wherever cores are shared.
export OMP_WAIT_POLICY ?= passive
# Memory that a training step frees is kept for the next one, instead of given back and cleared by the system.
demo demo-real: export MALLOC_MMAP_THRESHOLD_ ?= 4294967296
demo demo-real: export MALLOC_TRIM_THRESHOLD_ ?= 8589934592

.PHONY: help setup lock demo demo-real gateway loop test test-second test-all coverage dev serve dev-postgres check check-types check-others docs bench clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/installed  ## the virtual environment and everything in it

# Modules are compiled when they are first imported: most of what is installed never is.
.venv/installed: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	@touch $@

# Keeps the versions that are there and adds what is missing; `make lock UPGRADE=--upgrade` moves to the newest.
lock: setup  ## requirements.lock anew from pyproject.toml, for every system and Python that is supported
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet $(UPGRADE) --universal --python-version 3.11 \
		--all-extras --no-emit-index-url --no-emit-find-links --annotation-style line --output-file requirements.lock pyproject.toml

# The demo trains on one part of its log; without this, every segment is trained on.
demo: export RL_ASSETS_RECIPE := demo
demo: setup  ## a whole night on the quickstart log: from files to a promotion decision
	$(BIN)/python -m rl_assets.quickstart.install
	$(BIN)/python -m rl_assets.instance.gone_runs
	$(DG) launch --assets 'group:raw or group:datasets' --partition-range $(FIRST_DAY)...$(LAST_DAY)
	$(DG) launch --assets 'group:adapters or group:reports' --partition $(LAST_DAY)
	$(BIN)/python -m rl_assets.quickstart.summary $(LAST_DAY)

gateway: setup  ## an OpenAI-compatible address on this machine whose answers come from the demo's champion
	$(BIN)/python -m rl_assets.serving

# A real model on the real parts of the log, one part after the other; started again it goes on where it stopped.
demo-real: export RL_ASSETS_HOME := data-real
demo-real: export RL_ASSETS_BASE_MODEL := smollm2-135m
demo-real: export RL_ASSETS_CPU_BFLOAT16 := true
demo-real: export RL_ASSETS_RECIPE := rl_assets/quickstart/real/recipe.yaml
demo-real: export RL_ASSETS_SEGMENTS := rl_assets/quickstart/real/segments.yaml
demo-real: setup  ## the same with a real model of 135M parameters on real logs; half an hour, or 45 minutes on older CPUs
	$(BIN)/python -m rl_assets.quickstart.install
	$(BIN)/python -m rl_assets.instance.gone_runs
	$(DG) launch --assets key:base_model
	$(DG) launch --assets 'group:raw or group:datasets' --partition-range $(FIRST_DAY)...$(LAST_DAY)
	$(DG) launch --assets 'key:haiku_* or key:arithmetic_* or key:questions_*' --partition $(LAST_DAY)
	$(BIN)/python -m rl_assets.quickstart.summary $(LAST_DAY) haiku arithmetic questions

# Where the demo's champion lies.
LOOP_HOME := $(or $(RL_ASSETS_HOME),data)

# Programs on free ports, all on this machine; the demo's champion is made first where there is none.
loop: export RL_ASSETS_RECIPE := demo
loop: setup  ## once round: serve the champion, let users ask and raters compare, train on what they said, decide
	test -f $(LOOP_HOME)/champion.json || $(MAKE) demo
	$(BIN)/python -m rl_assets.instance.gone_runs
	$(BIN)/python -m rl_assets.quickstart.loop

# Tests write thousands of small files and commit hundreds of transactions: in memory, if 4 GB of it are free.
MEMORY := $(shell df --output=avail /dev/shm 2>/dev/null | awk 'END { if ($$1 > 4e6) print "/dev/shm" }')
test test-second test-all coverage: export TMPDIR ?= $(or $(MEMORY),/tmp)

# What a test needs is its marker: see pyproject.toml and rl_assets_tests/conftest.py.
SECOND_TIER := training or server or postgres or ray or browser or gpu or slow
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test: setup  ## the tests that need no training, server or browser; minutes
	$(PYTEST) -m 'not ($(SECOND_TIER))'

# Many of them wait for daemons and servers: one worker more than there are cores.
test-second: export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
test-second: setup  ## the tests that `make test` leaves out
	$(PYTEST) -m '$(SECOND_TIER)'

test-all: setup  ## every test
	$(PYTEST)

coverage: setup  ## the first tier with the lines that it reaches; takes twice as long
	$(PYTEST) --cov -m 'not ($(SECOND_TIER))'

dev: setup  ## the UI on http://localhost:3000 and the daemon, on what is there
	$(DG) dev

serve: setup  ## the feedback service on http://127.0.0.1:8802: pages for raters, REST for programs
	$(BIN)/python -m rl_assets.service

# On a server that runs already; psql's own variables name it.
dev-postgres: export PGHOST ?= localhost
dev-postgres: export PGPORT ?= 5432
dev-postgres: export PGUSER ?= postgres
dev-postgres: export PGPASSWORD ?=
dev-postgres: export PGDATABASE ?= postgres
dev-postgres: setup .dagster-postgres/dagster.yaml  ## dev, with Dagster's own tables in the PostgreSQL that PGHOST and so on name
	DAGSTER_HOME=$(CURDIR)/.dagster-postgres $(DG) dev

.dagster-postgres/dagster.yaml: deploy/dagster-postgres.yaml
	@mkdir -p $(@D) && cp $< $@

# Where a secret could lie; those of tests are made up.
SECRETS := rl_assets sql docs deploy .ci .github '*.toml' '*.yml' '*.yaml' '*.md' Makefile ':!*.gz' ':!*.png' ':!rl_assets_tests'
NOT_SECRET := --disable-plugin Base64HighEntropyString --disable-plugin HexHighEntropyString --exclude-lines postgresql://

check: setup  ## lint, format, types, layers, SQL, secrets, definitions, documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(MAKE) --jobs=2 --output-sync=target --no-print-directory check-types check-others

check-types:
	$(BIN)/mypy

check-others:
	$(BIN)/lint-imports --no-logo
	$(BIN)/sqlfluff lint --processes 2 sql
	git ls-files -- $(SECRETS) | xargs $(BIN)/detect-secrets-hook $(NOT_SECRET)
	$(DG) check defs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

docs: setup  ## the documentation as a site, in site/
	$(BIN)/mkdocs build --strict

bench: setup  ## ratios against bare baselines, measured in one run
	$(BIN)/python -m rl_assets_tests.benchmarks
	$(BIN)/python -m rl_assets_tests.benchmarks.training --arms bare defaults --rounds 1 --steps 40

clean:  ## remove the environment, the Dagster instance and the demo's data
	rm -rf .venv .dagster .dagster-postgres data data-real site
