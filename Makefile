# Everything a person or CI does here; `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

.PHONY: lint
lint: $(BIN)/.dev ## ruff and import-linter
	$(BIN)/ruff check .
	$(BIN)/lint-imports

.PHONY: type
type: $(BIN)/.dev ## mypy --strict
	$(BIN)/mypy
