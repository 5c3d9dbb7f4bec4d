# What a person and CI do with this project; `make` alone lists it. Needs Python 3.11 or newer and nothing else.
#
# `make run ARGS="--port 8001"` and `make test ARGS="-k cursor"` hand ARGS on; `make PYTHON=python3.12 run` picks a Python.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --no-input --disable-pip-version-check

# Compiled modules are kept, whatever the environment says: else each process compiles all of them again, for a second.
unexport PYTHONDONTWRITEBYTECODE

# Stamps: the virtual environment holds what the locks say as of then.
RUNTIME := $(VENV)/installed
TESTING := $(VENV)/installed-for-tests

CHECKS := check-locks check-lint check-format check-types check-migrations check-layers check-unused

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test check $(CHECKS) lock migration schemas snapshot bench bench-writes bench-search bench-rivals bench-releases bench-imports clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(RUNTIME) ## install, migrate and load what is missing, then serve on 127.0.0.1:8000
	@exec $(BIN)/evidence serve --prepare $(ARGS)

test: $(TESTING) ## run all tests, on SQLite and on PostgreSQL
	@$(BIN)/python -m pytest --numprocesses=3 --dist=loadfile $(ARGS)

check: $(CHECKS) ## locks, lint, format, types, migrations against models, import layers, unused code

# Nothing is locked twice at two versions, and no lock names an index.
check-locks: $(TESTING)
	@! grep --only-matching --extended-regexp '^[^ ]+==[^ ]+' requirements.lock | grep --invert-match --line-regexp \
		--fixed-strings "$$(grep --only-matching --extended-regexp '^[^ ]+==[^ ]+' requirements-test.lock)"
	@! grep --line-number '://' requirements.lock requirements-test.lock
	@$(PIP) check

check-lint: $(TESTING)
	@$(BIN)/ruff check

check-format: $(TESTING)
	@$(BIN)/ruff format --check

check-types: $(TESTING)
	@$(BIN)/mypy --strict

check-migrations: $(RUNTIME)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && export EVIDENCE_DATABASE_URL="sqlite:///$$folder/check.db" \
		&& $(BIN)/evidence migrate && $(BIN)/alembic check

check-layers: $(TESTING)
	@$(BIN)/lint-imports --no-cache --no-logo

# Below 80 % vulture takes what a library or the API calls for unused.
check-unused: $(TESTING)
	@$(BIN)/vulture app --min-confidence 80

# The tool that locks is in no lock: it lives in a virtual environment of its own, for as long as it runs. What builds
# the project is locked with what runs it, so that installing never fetches anything else.
lock: ## write both lock files from pyproject.toml; ARGS=--upgrade takes the newest releases in range
	@tool=$$(mktemp -d) && trap 'rm -rf "$$tool"' EXIT && $(PYTHON) -m venv "$$tool" \
		&& "$$tool/bin/python" -m pip --quiet --no-input --disable-pip-version-check install 'uv>=0.13,<0.14' \
		&& "$$tool/bin/python" -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['build-system']['requires'], sep='\n')" > "$$tool/build.in" \
		&& lock() { UV_CUSTOM_COMPILE_COMMAND='make lock' "$$tool/bin/uv" pip compile --quiet --python "$$tool/bin/python" --universal \
			--python-version 3.11 --generate-hashes --no-annotate $(ARGS) "$$@" pyproject.toml - < "$$tool/build.in"; } \
		&& lock --output-file requirements.lock \
		&& lock --extra test --constraints requirements.lock --output-file requirements-test.lock

migration: $(TESTING) ## write the next migration from the models: NAME=what_changes
	@$(BIN)/python -m migrations.new "$(NAME)"

schemas: $(RUNTIME) ## write the JSON Schemas that editors check seeds/ with
	@$(BIN)/python -m app.releases.json_schemas

snapshot: $(TESTING) ## write the API's snapshot and examples; their diff shows every change to the contract
	@$(BIN)/python -m tests.snapshot

bench: $(TESTING) ## measure the server against a bare ASGI app
	@$(BIN)/python -m benchmarks.serve

bench-writes: $(TESTING) ## measure single changes of eight editors at once
	@$(BIN)/python -m benchmarks.writes

bench-search: $(TESTING) ## measure how well a search finds what judges found relevant
	@$(BIN)/python -m benchmarks.search

bench-rivals: $(TESTING) ## measure search, facets, pages and exports against Datasette and Django REST framework
	@$(BIN)/python -m benchmarks.rivals

bench-releases: $(TESTING) ## measure a release of 100,000 records, and readers beside it
	@$(BIN)/python -m benchmarks.releases $(ARGS)

bench-imports: $(TESTING) ## measure imports of 100,000 registry records and 20,000 articles
	@$(BIN)/python -m benchmarks.imports $(ARGS)

clean: ## remove all that the other targets made, except data
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis .schemathesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=python3.12 run")'
	@echo "Installing the locked packages into $(VENV)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(TESTING): requirements-test.lock $(RUNTIME)
	@echo "Installing what the tests need" >&2
	@$(PIP) install --require-hashes --requirement requirements-test.lock
	@touch $@
