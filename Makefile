# The commands a person needs. `make run` and `make test` install what they need by themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ALERT ?=
PORT ?= 8080
LABELS ?= labels
REPLAY ?= 6
SEED ?=
SEEDS ?= 1
POSTS ?= 10000
PROCESSES ?= 1
# One more than the cores it may use: journeys spend half their time waiting. macOS binds no process to a core.
WORKERS = $(shell $(PYTHON) -c 'import os; mine = getattr(os, "sched_getaffinity", None); \
	print(min(4, (len(mine(0)) if mine else os.cpu_count() or 1) + 1))')
RATE ?= 50
DATABASE ?=
DESK_POSTS ?= 1000000

.DEFAULT_GOAL := help
.PHONY: help run test check fast lint chaos desk model tune evaluate attacks mutants messages pins clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.run ## Run the whole system; with no genlyd.toml, the sandbox (ALERT=json://host/path tells you of escalations)
	@$(BIN)/genlyd run --port $(PORT) --replay $(REPLAY) $(if $(ALERT),--alert "$(ALERT)")

test: $(VENV)/.dev ## Run every test: SQLite, PostgreSQL, a real browser, journeys
	@scripts/browser
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

fast: $(VENV)/.dev ## Run the tests that need neither a browser nor PostgreSQL
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not browser and not postgres"

check: $(VENV)/.dev lint test ## Everything CI runs

lint: $(VENV)/.dev ## Style, types, floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

chaos: $(VENV)/.dev ## Break everything while 10,000 posts come, and check every promise (SEEDS=20, PROCESSES=3, SEED=7 for one)
	@$(BIN)/python -m benchmarks.chaos $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) \
		--posts $(POSTS) --processes $(PROCESSES) --rate $(RATE)

desk: $(VENV)/.dev ## Measure the desk with a million posts: DATABASE=postgresql://... an empty one of yours, else SQLite
	@$(if $(DATABASE),$(BIN)/python -m benchmarks.desk.data "$(DATABASE)" --posts $(DESK_POSTS))
	@$(BIN)/python -m benchmarks.desk --posts $(DESK_POSTS) $(if $(DATABASE),--database "$(DATABASE)")

model: $(VENV)/.dev ## Train and export the shipped model from ../shared (some two hours and a half on two cores; OPEN=1: half an hour)
ifdef OPEN
	@$(BIN)/python -m sentiment.training.train --open --epochs 1 --out build/part-open
	@$(BIN)/python -m sentiment.training.export --trained build/part-open --out build/open
else
	@$(BIN)/python -m sentiment.training.train --epochs 2 --out build/part-one
	@$(BIN)/python -m sentiment.training.train --epochs 2 --after build/part-one --out build/part-two
	@$(BIN)/python -m sentiment.training.export --trained build/part-one build/part-two --out build/untuned
	@$(BIN)/python -m sentiment.training.calm --model build/untuned
endif

tune: $(VENV)/.dev ## Train the shipped model on, on labels of yours: LABELS=folder (docs/model.md)
	@$(BIN)/python -m sentiment.training.tune --labels "$(LABELS)"

evaluate: $(VENV)/.dev ## Print the model card's tables
	@$(BIN)/genlyd evaluate

attacks: $(VENV)/.dev ## Kill a sender at every point with every fault of both platforms, and freeze it (eleven minutes)
	@GENLYD_ATTACKS=1 $(BIN)/python -m pytest -q tests/journeys/test_killed_sending.py tests/journeys/test_frozen.py \
		tests/journeys/test_killed_on_the_way_in.py

mutants: $(VENV)/.dev ## Put one wrong line after the other into a copy of the code: a test must notice each
	@$(BIN)/python -m tests.mutants

messages: $(VENV)/.dev ## Bring the desk's catalogs up to date with what the pages say (dashboard/locale)
	@$(BIN)/python -m scripts.messages

pins: ## Choose new versions within pyproject.toml's bounds (needs uv)
	@scripts/pins

clean: ## Remove what was built (never your data/)
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.run: requirements/run.txt pyproject.toml package-lock.json
	@PYTHON="$(PYTHON)" scripts/install run

$(VENV)/.dev: requirements/dev.txt pyproject.toml package-lock.json
	@PYTHON="$(PYTHON)" scripts/install dev
