# Everything a person or CI does here; `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
DATA ?= ../shared/data
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT_RUN := python3-venv python3-dev gcc libc6-dev pkg-config libsystemd-dev libasound2-data mosquitto openssl
APT_TEST := $(APT_RUN) jackd2 procps chromium nodejs systemd udev
APT_SYSTEM := $(APT_TEST) systemd-container mmdebstrap user-mode-linux openssh-client iproute2 e2fsprogs

# $(call apt,packages): install what is missing and say so; silent when nothing is.
define apt
	@missing=$$(for p in $(1); do dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null \
	  | grep -qx installed || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  echo "Installing Debian packages:" $$missing; \
	  $(SUDO) apt-get update -qq && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

.PHONY: apt-run apt-test apt-system
apt-run:
	$(call apt,$(APT_RUN))
apt-test:
	$(call apt,$(APT_TEST))
apt-system:
	$(call apt,$(APT_SYSTEM))

$(BIN)/.desk: pyproject.toml | apt-run
	@echo "Installing the Python packages of the device and the desk into .venv"
	@$(PYTHON) -m venv .venv && $(PIP) -e '.[desk]'
	@touch $@

$(BIN)/.dev: pyproject.toml | apt-test
	@echo "Installing the Python packages of the device and its tests into .venv"
	@$(PYTHON) -m venv .venv && $(PIP) -e '.[dev]'
	@touch $@ $(BIN)/.desk

$(BIN)/.train: pyproject.toml $(BIN)/.dev
	@echo "Installing the Python packages of training into .venv"
	@$(PIP) -e '.[train]'
	@touch $@

$(BIN)/.oracles: pyproject.toml | $(BIN)/.desk
	@echo "Installing the Python packages of the comparison into .venv"
	@$(PIP) -e '.[oracles]'
	@touch $@

$(BIN)/.listen: pyproject.toml | $(BIN)/.desk
	@echo "Installing the Python packages of the listening test into .venv"
	@$(PIP) -e '.[listen]'
	@touch $@

# Only Ansible: who provisions units need not be able to compile the device's packages.
$(BIN)/.provision: pyproject.toml
	$(call apt,python3-venv openssh-client openssl)
	@echo "Installing Ansible into .venv"
	@$(PYTHON) -m venv .venv && $(PIP) $$($(BIN)/python -c "import tomllib; \
	  print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['provision'])")
	@touch $@

INVENTORY ?= provisioning/inventory
# $(call play,name): run a playbook; LIMIT=unit-07 for one unit, CHECK=1 to see only, ARGS= for Ansible itself.
define play
	@test -e $(INVENTORY) || { echo "No $(INVENTORY): copy provisioning/inventory.example, or say INVENTORY="; exit 1; }
	@ANSIBLE_CONFIG=provisioning/ansible.cfg $(BIN)/ansible-playbook --inventory $(INVENTORY) \
	  $(if $(LIMIT),--limit $(LIMIT)) $(if $(CHECK),--check --diff) $(ARGS) provisioning/$(1).yml
endef

.PHONY: wheelhouse
wheelhouse: $(BIN)/.provision | apt-run ## a release for this Python and processor; leaves build/wheelhouse; WHEELHOUSE="--release NAME"
	@$(BIN)/python provisioning/wheelhouse.py $(WHEELHOUSE)

.PHONY: provision update rollback decommission
provision: $(BIN)/.provision ## make machines units over ssh; INVENTORY=… LIMIT=unit-07 CHECK=1
	$(call play,provision)
update: $(BIN)/.provision ## a new release on units, back by itself when unhealthy; INVENTORY=… LIMIT=… CHECK=1
	$(call play,update)
rollback: $(BIN)/.provision ## the release before, on units; INVENTORY=… LIMIT=…
	$(call play,rollback)
decommission: $(BIN)/.provision ## wipe a unit; INVENTORY=… LIMIT=unit-07 ARGS="-e tranquillo_confirm=unit-07"
	$(call play,decommission)

.PHONY: run
run: $(BIN)/.desk ## a 3-minute session on simulated hardware; leaves out/report.html and out/session.wav
	@$(BIN)/tranquillo run

.PHONY: test
test: $(BIN)/.dev ## all tests, three files at a time: on two processors many of them wait
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 3 --dist loadfile

SYSTEM ?= tests/system
.PHONY: test-system
test-system: $(BIN)/.dev apt-system ## whole machines: provisioning, faults, updates, power cuts; as root
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(SYSTEM) --system --numprocesses 3 --dist loadfile \
	  --no-loadscope-reorder   # the long files first, power cuts while a machine is provisioned

.PHONY: contract
contract: $(BIN)/.desk ## write docs/telemetry/schemas and telemetry's own words from the sources
	$(BIN)/python -m device.desk.contract

.PHONY: contract-check
contract-check: ## AsyncAPI's own parser on docs/telemetry/asyncapi.yaml; needs node and npm
	@npm install --silent --no-audit --no-fund --prefix build/asyncapi @asyncapi/parser@3.6.3
	@cd build/asyncapi && node --input-type=module - $(CURDIR)/docs/telemetry/asyncapi.yaml \
	  < $(CURDIR)/tests/support/asyncapi_check.mjs

.PHONY: lint
lint: $(BIN)/.dev ## ruff and the rule of who may import whom
	$(BIN)/ruff check .
	$(BIN)/lint-imports

.PHONY: type
type: $(BIN)/.dev ## mypy --strict
	$(BIN)/mypy

.PHONY: listen
listen: $(BIN)/.listen ## render and measure sessions of every style; leaves out/listen; LISTEN="--style nature" for some
	@OMP_NUM_THREADS=1 $(BIN)/tranquillo listen $(LISTEN)

.PHONY: bench
bench: $(BIN)/.desk ## latency, memory and processor time of a real-time session
	@$(BIN)/tranquillo bench

KILLS ?= 200
LINKAGE_WARD ?= 40x30
LINKAGE_WARDS ?= 30
.PHONY: bench-outbox bench-linkage
bench-outbox: $(BIN)/.dev ## KILLS=200 random kill -9 of telemetry and broker, and a backlog of 20,000 letters; leaves out/*.json
	@mkdir -p out
	KILLS=$(KILLS) KILLS_OUT=out/bench-kills.json $(BIN)/python -m pytest tests/scenarios/test_random_kills.py
	DRAIN=20000 DRAIN_OUT=out/bench-drain.json DRAIN_HEARD_OUT=out/bench-drain-heard.json \
	  $(BIN)/python -m pytest tests/scenarios/test_drain.py
bench-linkage: $(BIN)/.dev ## who has both streams of wards of 40 units and 30 days; leaves out/bench-linkage*.json
	@mkdir -p out
	OMP_NUM_THREADS=1 LINKAGE_WARD=$(LINKAGE_WARD) LINKAGE_WAIT_DAYS=1-14 LINKAGE_OUT=out/bench-linkage.json \
	  LINKAGE_RULES_OUT=out/bench-linkage-rules.json \
	  LINKAGE_WARDS=$(LINKAGE_WARDS) LINKAGE_WARDS_OUT=out/bench-linkage-wards.json \
	  $(BIN)/python -m pytest tests/scenarios/test_linkage_rules.py tests/scenarios/test_linkage.py

.PHONY: bench-fleet dashboard-demo
bench-fleet: $(BIN)/.desk ## one broker and 2,000 simulated units; leaves out/bench-fleet.json; FLEET="--units 500"
	@$(BIN)/python -m device.desk.fleet_bench $(FLEET)
dashboard-demo: $(BIN)/.desk ## the clinic's page with 40 simulated units, to look at; DEMO="--units 10 --port 8090"
	@$(BIN)/python -m device.desk.dashboard_demo $(DEMO)

.PHONY: bench-stress
bench-stress: $(BIN)/.oracles ## features beside NeuroKit2 and HeartPy; leaves out/bench-stress.json
	@OMP_NUM_THREADS=1 $(BIN)/python -m device.evaluation.oracle_bench --data $(DATA) --out out

.PHONY: efficacy
efficacy: $(BIN)/.desk ## closed loop, open loop, sham and silence on simulated listeners; leaves out/efficacy
	@OMP_NUM_THREADS=1 $(BIN)/tranquillo efficacy

.PHONY: train train-stress train-melody
train: train-stress train-melody ## train both models again from the data beside the checkout
train-stress: $(BIN)/.train
	$(BIN)/python -m models.stress.training.train --data $(DATA)/stress-predict --out models/stress
	$(BIN)/python -m models.stress.training.eeg_train --data $(DATA)/eeg/eegmat --out models/stress/eeg
train-melody: $(BIN)/.train
	$(BIN)/python -m models.melody.training.train --data $(DATA)/melody --out models/melody

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf .venv out build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
