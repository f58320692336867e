# The project's commands. `make run` on a fresh machine installs, writes the demo company and runs its night.
# Needs Python >= 3.11 with venv, make and libgomp1 (scripts/debian-packages); everything else comes from the lock.

PYTHON ?= python3
HOME_DIR ?= home
BIN := .venv/bin
# Set in many images; here it would have every process compile Dagster, dbt and Great Expectations anew (a fifth of a
# small company's night, dbt's and the workers' included).
unexport PYTHONDONTWRITEBYTECODE
INSTALLED := .venv/.installed
PYTEST := $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder
BENCH_INSTALLED := .venv/.installed-bench

.PHONY: run test test-nights chaos audit lint format ui dbt-docs site bench clean install lock
.DEFAULT_GOAL := run

# uv is fetched into the venv itself: it installs the locked set in seconds where pip needs minutes.
$(INSTALLED): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(BENCH_INSTALLED): $(INSTALLED) benchmarks/requirements.lock
	$(BIN)/uv pip install --quiet --require-hashes -r benchmarks/requirements.lock
	@touch $@

install: $(INSTALLED)

# The whole demo: write the company's extracts, run one night, say where to look.
run: $(INSTALLED)
	$(BIN)/shelfcast demo --home $(HOME_DIR)
	$(BIN)/shelfcast run --home $(HOME_DIR)

test: $(INSTALLED)
	$(PYTEST) -m "not nights"

# Nights after a first one, and a real shop's: whole nights, which would make `make test` longer than ten minutes.
test-nights: $(INSTALLED)
	$(PYTEST) -m nights

# The whole of what `make test` runs samples of: thousands of broken extracts, and whole nights that are killed at every
# failpoint and 50 moments, starved of disk and memory, locked out, given a broken warehouse, read while they publish.
chaos: $(INSTALLED)
	$(BIN)/python tests/orchestration/ingestion/fuzzing.py 6000
	$(BIN)/python tests/chaos_nights.py 50

# Known weaknesses of the locked packages; asks the package registry's advisories, so it is not part of lint.
audit: $(INSTALLED)
	$(BIN)/uv tool run pip-audit --requirement requirements.lock --require-hashes --disable-pip

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive orchestration ml data_quality seeds scripts
	$(BIN)/sqlfluff lint --processes 2 dbt_project/models
	$(BIN)/dg check defs

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Dagster's UI has no login, so it listens on this machine only.
ui: $(INSTALLED)
	$(BIN)/shelfcast ui --home $(HOME_DIR)

# Every table with its columns, tests, SQL and lineage as one page, home/dbt_docs.html, after a first night.
dbt-docs: $(INSTALLED)
	$(BIN)/shelfcast dbt-docs --home $(HOME_DIR)

# The docs as a site, site/index.html; a link that leads nowhere ends it.
site: $(INSTALLED)
	$(BIN)/uv pip install --quiet --require-hashes -r docs/requirements.lock
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

bench: $(BENCH_INSTALLED)
	$(BIN)/python -m benchmarks.run

# New pins: edit pyproject.toml, then this. Hashes stay, no host name enters the lock.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
lock: $(INSTALLED)
	$(LOCK) --extra demo --extra dev --extra server pyproject.toml --output-file requirements.lock
	$(LOCK) --extra site --constraint requirements.lock pyproject.toml --output-file docs/requirements.lock
	$(LOCK) --all-extras --constraint requirements.lock pyproject.toml --output-file benchmarks/requirements.lock

# Removes what this project made, the home with its warehouse and published nights included.
clean:
	rm -rf $(HOME_DIR) .venv site dbt_project/target dbt_project/logs logs benchmarks/results
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
