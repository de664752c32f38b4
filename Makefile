# Every target sets up what it needs. `make` alone prints what there is.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-cluster lint types bench soak cluster-up cluster-status cluster-down images notebooks prove-isolation lock clean

help: ## print the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name words; do \
	printf '%-14s %s\n' "$$name" "$$words"; done

setup: ## make .venv from requirements.lock; instant when nothing changed
	@$(PYTHON) platform/bootstrap.py

demo: setup ## the main job on real data: train, release, serve, revert
	@$(BIN)/python platform/demo.py

test: setup ## run all tests; those of tests/cluster last, on a node that is made ready beside the others
	@$(BIN)/python tests/cluster/beside.py $(BIN)/pytest -n 2 tests projects --ignore tests/cluster
	@$(BIN)/pytest tests/cluster

test-cluster: setup ## run tests/cluster only, on a real Kubernetes node that it starts and leaves
	@$(BIN)/pytest tests/cluster

lint: setup ## check style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup ## check types
	@$(BIN)/mypy
	@cd platform && ../$(BIN)/mypy --config-file ../pyproject.toml bootstrap.py openmp.py demo.py image_build
	@cd jupyterhub/hub/src && ../../../$(BIN)/mypy --config-file ../../../pyproject.toml maru_hub
	@cd jupyterhub/server/src && ../../../$(BIN)/mypy --config-file ../../../pyproject.toml maru_server
	@MYPYPATH=tests/cluster $(BIN)/mypy -p node -p isolation

bench: setup ## measure against peers, into docs/benchmarks.md
	@$(BIN)/python tests/bench/bench.py

soak: setup ## kill every long job at 50 random points; on the node, cull at the real 600 s
	@MARU_KILL_POINTS=50 $(BIN)/pytest -n 2 tests/unit tests/e2e -k kill
	@MARU_SOAK=1 $(BIN)/pytest tests/cluster/test_culling.py

cluster-up: setup ## start a real Kubernetes node on this machine (root, Linux); KUBECONFIG names another
	@$(BIN)/python tests/cluster/node up

cluster-status: setup ## what runs on the node, and how it is
	@$(BIN)/python tests/cluster/node status

cluster-down: setup ## end the node: no process, mount, interface or rule is left
	@$(BIN)/python tests/cluster/node down

images: setup ## build what changed and push it; REGISTRY=host:port, else the node's own
	@$(BIN)/python platform/image_build $(if $(REGISTRY),--registry $(REGISTRY))

notebooks: cluster-up images ## node, images, platform; two people at work in a real browser
	@$(BIN)/maru install --environment test --helm "$$($(BIN)/python tests/cluster/node path helm)"
	@$(BIN)/python tests/cluster/notebooks.py

prove-isolation: setup ## on a cluster with a hub: one user can't harm, read or reach another
	@$(BIN)/python tests/cluster/isolation

lock: setup ## resolve requirements.lock anew; LOCK_OPTIONS=--upgrade for newer packages
	@$(BIN)/uv pip compile platform/pyproject.toml --extra cluster --extra dev --extra notebook $(LOCK_OPTIONS) \
	  --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet \
	  --output-file requirements.lock

clean: ## remove what can be made again: .venv, caches, the demo's clone; keeps .maru
	rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
