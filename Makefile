# Every target does its own set-up: a machine needs Python 3.11 or newer and make, nothing else.
.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench fuzz train clean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup-done

help:
	@echo "make setup   the environment in $(VENV), with the tower command"
	@echo "make demo    the sample company: generate, ingest, ask the four seed questions"
	@echo "make test    the whole test suite"
	@echo "make check   format, lint, types, import layering"
	@echo "make format  rewrite the sources in the house format"
	@echo "make bench   golden questions on the sample company, ingest and search beside stock LlamaIndex; FULL=1: hours"
	@echo "make fuzz    the long runs that look for leaks: the guard's oracle, changed tokens, tampered audit logs, ..."
	@echo "make train   train the ranker anew: make train EVALS=FOLDER, a folder of questions with known queries"
	@echo "make clean   remove the environment and the caches (workspaces stay)"

export PYTHON

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh $(VENV)
	@touch $@

demo: setup
	@$(BIN)/tower demo

test: setup
	@$(BIN)/python -m pytest -n 2

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup
	@bash scripts/bench.sh $(BIN)/tower $(if $(FULL),--full)

fuzz: setup
	$(BIN)/python -m scripts.fuzz_guard sqlite --count 200000
	$(BIN)/python -m scripts.fuzz_guard postgres --count 20000
	$(BIN)/python -m scripts.fuzz_guard postgres --count 20000 --row-level-security
	$(BIN)/python -m scripts.mutants
	$(BIN)/python -m scripts.fuzz_vectors --count 100000
	$(BIN)/python -m scripts.fuzz_http --count 20000
	$(BIN)/python -m scripts.fuzz_openapi --count 20000
	$(BIN)/python -m scripts.fuzz_tokens --count 100000
	$(BIN)/python -m scripts.fuzz_audit --count 10000
	$(BIN)/python -m scripts.fuzz_masking --count 100000

train: setup
	@test -d "$(EVALS)/spider_train" || { \
	  echo "make train needs EVALS, the folder with spider_train/: make train EVALS=FOLDER (see docs/evaluation.md)" >&2; exit 2; }
	$(BIN)/python scripts/train_ranker.py "$(EVALS)"

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
