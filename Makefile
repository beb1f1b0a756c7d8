# Everything a person or the CI does with this repository. `make` alone lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
LOCKS := deploy/requirements
STAMP := .venv/.installed
ANALYTICS := .venv-analytics

.PHONY: help install run test check lint docs bench sim mutants faults fuzz compose sbom advisories up down watch lock clean

help: ## List what can be done
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) $(ANALYTICS)/.installed ## Create .venv with every dependency, pinned and hash-checked

run: install ## Run everything on this machine; FOR=60s stops it by itself
	@.venv/bin/horolog dev $(if $(FOR),--for $(FOR))

test: install lint ## Check the code and run every test; ARGS=... goes to pytest
	@$(PY) -m $(if $(ARGS),pytest $(ARGS),tests)

check: install lint ## Format, lint, types, import directions and the tidy rules; seconds
	@$(PY) -m pytest tests/tidy

docs: install ## Write the generated reference pages under docs/, and the dashboard
	@.venv/bin/horolog docs
	@$(PY) -m deploy.grafana

bench: install ## Measure throughput and latency; ARGS=... goes to the benchmark
	@$(PY) -m bench $(ARGS)

sim: install ## Play the whole system in virtual time; SEEDS=500 FIRST=0 says which seeds, SEED=7 replays one
	@$(PY) -m tests.sim $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),200) --first $(or $(FIRST),0)) $(ARGS)

mutants: install ## Switch on known-wrong behaviours one at a time, and see the simulation catch each; ARGS=... goes to it
	@$(PY) -m tests.sim --mutants $(ARGS)

faults: install ## Ill-treat a whole deployment on real servers, for up to 90 minutes; ARGS=... goes to the campaign
	@$(PY) -m tests.campaign $(ARGS)

fuzz: install ## Make up requests and text for all that reads them; CASES=100000 says how many requests
	@HOROLOG_FUZZ_CASES=$(or $(CASES),100000) $(PY) -m pytest --timeout 3600 tests/fuzz $(ARGS)

compose: install ## Load the Compose files by the Compose Specification's own library; needs Go 1.24
	@$(PY) -m pytest tests/compose $(ARGS)

sbom: ## Write what the product consists of to build/sbom.json, as CycloneDX
	@scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; mkdir -p build; \
	for part in tools runtime; do \
		$(PYTHON) -m venv "$$scratch/$$part"; \
		"$$scratch/$$part/bin/python" -m pip --disable-pip-version-check --quiet install \
			--require-hashes --requirement $(LOCKS)/$$part.txt; \
	done; \
	"$$scratch/tools/bin/cyclonedx-py" environment "$$scratch/runtime/bin/python" --pyproject pyproject.toml \
		--output-reproducible --output-file build/sbom.json; \
	echo "written: build/sbom.json"

advisories: ## Ask the advisory databases for known weaknesses of what is pinned; needs the network
	@scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	$(PYTHON) -m venv "$$scratch"; \
	"$$scratch/bin/python" -m pip --disable-pip-version-check --quiet install \
		--require-hashes --requirement $(LOCKS)/tools.txt; \
	"$$scratch/bin/pip-audit" --disable-pip --require-hashes --strict --requirement $(LOCKS)/runtime.txt

up: install ## Start real Kafka, Postgres and Valkey for development, without Docker
	@$(PY) -m deploy.local up

down: install ## Stop what `make up` started
	@$(PY) -m deploy.local down

watch: install ## Run Prometheus with our rules over processes of this machine; ARGS=ticker=9465 names others
	@$(PY) -m deploy.local watch $(ARGS)

lock: ## Pin the dependencies of pyproject.toml anew; ARGS=--upgrade takes newer ones
	@scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	uv=.venv/bin/uv; \
	if [ ! -x "$$uv" ]; then \
		$(PYTHON) -m venv "$$scratch/venv"; \
		"$$scratch/venv/bin/python" -m pip --disable-pip-version-check --quiet install uv; \
		uv="$$scratch/venv/bin/uv"; \
	fi; \
	build() { $(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")'; }; \
	pin() { "$$uv" --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-header $(ARGS) "$$@" > /dev/null; }; \
	build | pin - --output-file $(LOCKS)/build.txt; \
	printf '%s\n' cyclonedx-bom pip-audit | pin - --output-file $(LOCKS)/tools.txt; \
	pin pyproject.toml --output-file $(LOCKS)/runtime.txt; \
	build | pin pyproject.toml - --extra embedded --extra dev --output-file $(LOCKS)/dev.txt; \
	pin pyproject.toml --extra analytics --output-file $(LOCKS)/analytics.txt

clean: ## Remove .venv, caches and build results; data under .horolog stays
	@rm -rf .venv $(ANALYTICS) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

lint: install
	@$(PY) -m ruff format --check --quiet . || { echo "run: $(PY) -m ruff format ." >&2; exit 1; }
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy
	@report=$$(.venv/bin/lint-imports --no-logo) || { echo "$$report" >&2; exit 1; }

# The lock is installed first, so that building the project needs no package index at all.
$(STAMP): pyproject.toml $(LOCKS)/dev.txt
	@command -v $(PYTHON) > /dev/null || { echo "make install needs Python 3.11 or newer; there is no '$(PYTHON)'." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make install needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V)." >&2; \
		echo "Name another one: make install PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2> /dev/null || { \
		echo "'$(PYTHON)' cannot create virtual environments; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PY) -c 'import pip' 2> /dev/null || $(PYTHON) -m venv --clear .venv
	@$(PIP) install --require-hashes --requirement $(LOCKS)/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# What Faust wants (older versions of click and croniter) does not go beside the tools of development.
$(ANALYTICS)/.installed: $(STAMP) $(LOCKS)/analytics.txt
	@$(ANALYTICS)/bin/python -c 'import pip' 2> /dev/null || $(PYTHON) -m venv --clear $(ANALYTICS)
	@$(ANALYTICS)/bin/python -m pip --disable-pip-version-check --quiet install \
		--require-hashes --requirement $(LOCKS)/analytics.txt
	@touch $@
