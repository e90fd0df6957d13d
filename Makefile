# What a person types. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench

VENV := .venv
BRANCHLINE := $(VENV)/bin/branchline
# Empty files that say when what they depend on was last installed.
SETUP := $(VENV)/.setup-done
SETUP_TEST := $(VENV)/.setup-test-done
SHELL_FILES := install.sh .ci/run $(wildcard tests/install/*.sh)

help: ## list what can be made
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s  %s\n", $$1, $$2 }' Makefile

setup: $(SETUP) ## install Debian packages and the virtual environment

$(SETUP): pyproject.toml install.sh
	./install.sh --venv $(VENV)
	@touch $@

$(SETUP_TEST): pyproject.toml install.sh
	./install.sh --venv $(VENV) --with-tests
	@touch $(SETUP) $@

demo: $(SETUP) ## fetch the models and call simulated people over loopback SIP
	$(BRANCHLINE) models pull
	$(BRANCHLINE) demo

test: $(SETUP_TEST) ## run every test, real telephone peers and browser included
	$(BRANCHLINE) models pull
	$(VENV)/bin/python -m pytest -n 4 --dist loadfile

lint: $(SETUP_TEST) ## check style, types, layers and shell scripts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	shellcheck -x $(SHELL_FILES)

bench: $(SETUP) ## measure latency on simulated calls, from the audio itself
	$(BRANCHLINE) models pull
	$(BRANCHLINE) bench latency --calls 20 --lines 1 --json
