# `make run` and `make test` set everything up themselves; they need python3, make and a C++ compiler.
# BUILD.md tells the rest.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

UV_VERSION := 0.13.8
# An interpreter to use instead of the one scripts/choose_python.py finds.
PYTHON ?=
# Extra arguments of pytest: make test ARGS="-k losses"
ARGS ?=
# Processes of the fast tests; each pays 8 s of TensorFlow and TFX imports, and up to 1.5 GB. A file's
# tests stay in one process, so that its fixtures (Beam runs, exported models) are made once.
WORKERS ?= 2

# The slow tests of `make test-brief`: a run, the same compiled, the examples, our nodes beside TFX's.
BRIEF := tests/e2e/test_run.py tests/e2e/test_compiled.py tests/e2e/test_examples.py \
  tests/components tests/pipeline --ignore=tests/components/example_gen/test_memory.py

# What `make test-newer-stack` makes in its root: test, test-fast, test-brief ..., with ARGS.
TARGET ?= test

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.synced

# The stack is chosen here, from what the machine has; uv must not bring a Python of its own.
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(VENV)

.PHONY: help setup run test test-fast test-slow test-brief test-newer-stack lint types contracts \
  package check clean distclean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP)  ## create .venv from uv.lock

# Compiling while installing saves 12 s of every process that imports TFX.
$(STAMP): pyproject.toml uv.lock
	@set -eu; \
	uv=$$(scripts/bootstrap_uv.sh .uv $(UV_VERSION)); \
	python=$$($$(scripts/working_python.sh) scripts/choose_python.py "$(PYTHON)"); \
	"$$uv" sync --locked --compile-bytecode --python "$$python"; \
	touch $@

run: $(STAMP)  ## the whole pipeline on simulated impressions, to a pushed, served, queried model
	$(BIN)/rankbeam run --query

test: $(STAMP)  ## all tests, the fast ones first
	$(MAKE) --no-print-directory test-fast
	$(MAKE) --no-print-directory test-slow

test-fast: $(STAMP)  ## unit tests
	$(BIN)/pytest -m "not slow" -n $(WORKERS) --dist loadfile $(ARGS)

test-slow: $(STAMP)  ## tests that run a DAG, start a server or train for long
	$(BIN)/pytest -m slow $(ARGS)

test-brief: $(STAMP)  ## the unit tests and some of the slow ones (the gate, on the newer stack)
	$(MAKE) --no-print-directory test-fast
	$(MAKE) --no-print-directory test-slow ARGS="$(BRIEF) $(ARGS)"

test-newer-stack:  ## the tests on TFX 1.21, in a Debian 13 root (as root; TARGET=test-fast for less)
	"$$(scripts/working_python.sh)" -m scripts.newer_stack \
	  make $(TARGET) WORKERS=$(WORKERS) ARGS="$(ARGS)"

lint: $(STAMP)  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)  ## mypy, strict
	$(BIN)/mypy

contracts: $(STAMP)  ## which package may import which
	$(BIN)/lint-imports

package: $(STAMP)  ## wheel and sdist: complete, and passing the fast tests outside the checkout
	$(BIN)/python scripts/check_package.py --workers $(WORKERS) \
	  --uv "$$(scripts/bootstrap_uv.sh .uv $(UV_VERSION))"

check:  ## all of the above, as the gate runs it
	.ci/run

clean:  ## remove what tools and runs left behind
	rm -rf build dist src/*.egg-info rankbeam-out .mypy_cache .ruff_cache .pytest_cache \
	  .import_linter_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean  ## and the environment and uv
	rm -rf $(VENV) .uv
