# One command each: set up, show, test, check, measure. Needs Python 3.11 or newer, git and make; nothing else.
PYTHON ?= python3
BIN := .venv/bin
SAMPLE ?= examples/lovable-tasklight
PORT ?= 8000
WORKERS ?= 2

.PHONY: setup demo test lint bench docs lock wheel clean

setup: .venv/ready

.venv/ready: locks/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed; try: make PYTHON=python3.12 setup"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the locked packages into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	$(BIN)/freehold up $(SAMPLE) --port $(PORT)

test: setup lint
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

lint: setup
	$(BIN)/ruff format --check --quiet src tests benchmarks scripts
	$(BIN)/ruff check --quiet src tests benchmarks scripts
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/write_docs.py --check

docs: setup
	$(BIN)/python scripts/write_docs.py

bench: setup
	$(BIN)/python -m benchmarks

lock: setup
	$(BIN)/uv pip compile --quiet pyproject.toml --generate-hashes --no-emit-index-url --python-version 3.11 -o locks/runtime.txt
	$(BIN)/uv pip compile --quiet pyproject.toml --group dev --generate-hashes --no-emit-index-url --python-version 3.11 -o locks/dev.txt
	cd src/freehold/kit/tools/serving && $(abspath $(BIN))/uv pip compile --quiet requirements.in --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 -o requirements.txt

wheel: setup
	$(BIN)/python -m build --quiet --no-isolation --wheel --outdir dist .

clean:
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache
