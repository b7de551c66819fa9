# Everything that Aegis needs is made here from the lock file; nothing but Python 3.11 or newer and make is needed.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
WORKERS ?= auto
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile
PURE := tests/domain tests/slack/views tests/incidents tests/cli tests/test_settings.py tests/test_env_file.py \
  tests/test_runtime.py tests/test_background.py
LONG := TORTURE=long AEGIS_TEST_LIVE=required $(BIN)/python -m pytest
LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
  --all-extras pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help demo run test live check lint types imports audit bench torture faults pictures lock image clean

help: ## Say what there is.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Aegis needs Python 3.11 or newer; this is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Making .venv from requirements-dev.lock (once; a minute or two) ..."
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## Show all of Aegis in a browser, with no account, no key and no Docker (ARGS="--port 8400" and the like).
	@$(BIN)/aegis demo $(ARGS)

run: $(READY) ## Run the bot with the settings in .env.
	@$(BIN)/aegis run

test: $(READY) ## Run what decides and shows: in two minutes, without a process, a socket or a browser.
	@$(PYTEST) -m "not slow and not live" $(PURE)

live: $(READY) ## Run all tests, with the real engine, database and browser required.
	@AEGIS_TEST_LIVE=required $(PYTEST)

check: lint types imports $(READY) ## Run everything that must pass: ruff, mypy, import-linter, all tests.
	@$(PYTEST)

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)
	@$(BIN)/mypy

imports: $(READY)
	@$(BIN)/lint-imports

audit: $(READY) ## Fail on known vulnerabilities of what is locked, and where the advisory database does not answer.
	@$(BIN)/python .ci/audit_dependencies.py

bench: $(READY) ## Measure speed and memory over the local workspace, beside a bare echo bot; digest, redaction, prompt, retrieval beside their peers; starts; storms.
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench.digest
	@$(BIN)/python -m bench.redaction
	@$(BIN)/python -m bench.prompt
	@$(BIN)/python -m bench.retrieval
	@$(BIN)/python -m bench.startup
	@$(BIN)/python -m bench.storm

torture: $(READY) ## Kill, error and silence at every effect; storms; replicas killed and paused at random: all in the long form.
	@$(BIN)/python -m tests.faults.torture
	@$(BIN)/python -m pytest -q -m slow tests/faults/test_storms.py
	@$(LONG) -q tests/adapters/database/test_store.py tests/adapters/runbook/test_file.py tests/live/test_store_postgres.py
	@$(LONG) -s tests/live/test_replicas.py
	@HYPOTHESIS_PROFILE=torture $(BIN)/python -m pytest -q tests/faults/test_state_machine.py
	@$(BIN)/python -m bench.fuzz --seconds 20

faults: $(READY) ## Write the tests that are marked with a fault into docs/faults.md.
	@$(BIN)/python -m tests.faults.page

pictures: $(READY) ## Photograph the demo for the README.
	@AEGIS_WRITE_PICTURES=1 $(BIN)/python -m pytest -q tests/live/test_demo_journeys.py -k "runbook or phone"

lock: $(READY) ## Write the lock files anew from pyproject.toml.
	@$(BIN)/python -m pip install --quiet uv
	@$(LOCK) -o requirements.lock
	@$(LOCK) --group dev --group bench -o requirements-dev.lock

image: ## Build the image.
	@docker build -t aegis .

clean: ## Remove what was made.
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist build
