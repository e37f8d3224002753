# `make` alone lists what there is. Everything is installed into .venv, beside this file, and nothing outside it.

# The first of these that is 3.11 or newer and can make an environment; PYTHON=… names another.
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11

# Tools are run as modules or binaries: the first line of a console script breaks when the folder moves.
python := .venv/bin/python

# The tests run in a random order that SEED decides, in JOBS processes; COVERAGE=1 measures what of src/ they run.
SEED ?= 1
JOBS ?= 2

# What `make compare` trains with: course takes minutes, best about an hour.
RECIPE ?= course

.DEFAULT_GOAL := help
.PHONY: help run test lint format test-mnist test-load test-pipeline train train-production train-micro pipeline gate deliver rollback evaluate compare recovery lesson words lock install clean environment
.NOTPARALLEL: # the environment is looked at before what is installed in it

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' Makefile

run: environment .venv/run.stamp ## start the service and the page; Ctrl-C stops them
	@$(python) -m src.app.run

test: lint ## check style and types, then run the tests that need no download
	OMP_NUM_THREADS=1 $(python) -m pytest -m "not mnist" -n $(JOBS) --dist loadfile --randomly-seed=$(SEED) $(if $(COVERAGE),--cov)

test-mnist: install ## run the tests that need MNIST, which is fetched on first use
	$(python) -m pytest -m mnist

test-load: install ## minutes: load, killed workers, memory, thousands of made-up requests and broken pictures
	$(python) -m pytest -m load

test-pipeline: install ## minutes: from corrected pictures to a network in production, and not from poisoned ones
	$(python) -m pytest -m pipeline

lint: install ## check style, types, workflows and Dockerfiles
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	$(python) .venv/bin/lint-imports
	$(python) .venv/bin/actionlint .github/workflows/*.yml
	.venv/bin/zizmor --offline --quiet .github
	.venv/bin/hadolint Dockerfile.api Dockerfile.front

format: install ## bring the code into the project's style
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

train: environment .venv/train.stamp ## train a network and save it under model/
	@$(python) -m src.model.train_model

pipeline: environment .venv/pipeline.stamp ## from data to a release in the registry; what hasn't changed isn't done again
	@PATH="$(CURDIR)/.venv/bin:$$PATH" $(python) -m dvc repro

gate: environment .venv/train.stamp ## hold the released network against what any must be able to do
	@$(python) -m src.model.evaluation.release_gate

deliver: environment .venv/pipeline.stamp ## put the pipeline's release into production
	@$(python) -m src.model.pipeline.promote

rollback: environment .venv/pipeline.stamp ## put the network back that was in production before
	@$(python) -m src.model.pipeline.promote --rollback

train-production: environment .venv/train.stamp ## train the network that is served, three seeds; goes on where it was killed
	@$(python) -m src.model.training.train_production digit

train-micro: environment .venv/train.stamp ## train the best network of at most 6,422 parameters, three seeds
	@$(python) -m src.model.training.train_production micro

evaluate: environment .venv/train.stamp ## measure the released network in every way and keep the figures in docs/results
	@$(python) -m src.model.evaluation.evaluate --save

compare: environment .venv/train.stamp ## train CNN and MLP on given and permuted pixels; RECIPE=best for the long way
	@$(python) -m src.model.experiments.compare --recipe $(RECIPE) $(if $(RESUME),--resume)
	@$(python) -m src.model.experiments.update_docs

recovery: environment .venv/train.stamp ## find permuted pixels' places from ever more pictures
	@$(python) -m src.model.experiments.recovery_curve
	@$(python) -m src.model.experiments.update_docs

lesson: environment .venv/train.stamp ## make the networks that the page's experiment asks
	@$(python) -m src.model.experiments.export_permuted

.PHONY: screenshots bench bench-page
screenshots: install ## take the README's pictures of the page, and those that the tests compare it with
	@$(python) -m tools.screenshots

bench: install .venv-bench/made ## 20 minutes: the service's speed beside its floor and other frameworks; needs wrk
	@$(python) -m tools.bench

.venv-bench/made: requirements/bench.txt
	@$(python) -m venv --clear .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/bench.txt
	@touch $@

bench-page: install ## measure how long the page takes from the end of a stroke to the answer
	@$(python) -m tools.page_latency

words: install ## bring the page's catalogue of texts up to date and compile it
	$(python) -m tools.text_catalogue

lock: install ## write down every package of the images with its digests
	@for image in api page; do \
	  .venv/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-annotate \
	    --custom-compile-command "make lock" requirements/$$image.txt -o requirements/$$image.lock || exit; \
	done

install: environment .venv/test.stamp ## install everything: service, page, training, tests

clean: ## remove what these commands made here; data and models stay
	rm -rf .venv .venv-bench .mypy_cache .pytest_cache .ruff_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# What is installed, a stamp each: the requirements are looked at again only when they have changed.
.venv/run.stamp: requirements/api.txt requirements/page.txt
.venv/run.stamp: what = the service and the page, 0.7 GB
.venv/train.stamp: requirements/api.txt requirements/train.txt
.venv/train.stamp: what = what training needs, up to 6 GB
.venv/pipeline.stamp: requirements/api.txt requirements/train.txt requirements/pipeline.txt
.venv/pipeline.stamp: what = what training and the pipeline around it need, up to 6 GB
.venv/test.stamp: requirements/api.txt requirements/page.txt requirements/train.txt requirements/pipeline.txt requirements.txt
.venv/test.stamp: what = everything that training and tests need, up to 6 GB

.venv/%.stamp: requirements/constraints.txt
	@echo "Installing $(what), into .venv"
	@$(python) -m pip install --quiet --disable-pip-version-check $(patsubst %,-r %,$(filter-out %/constraints.txt,$^))
	@touch $@

# Looked at every time, since an interruption leaves no date: pip writes a package's RECORD last, so an environment
# that lacks one is half-made; and one whose Python has gone, or is another than it was made with, has no pip.
sound := from pathlib import Path; import sys, sysconfig; \
	here = Path(sysconfig.get_path("purelib")); \
	whole = all((package / "RECORD").exists() for package in here.glob("*.dist-info")); \
	sys.exit(not (whole and any(here.glob("pip-*.dist-info"))))
fit := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))

environment:
	@$(python) -c '$(sound)' 2>/dev/null && exit; \
	for candidate in $(PYTHON); do \
	  "$$candidate" -c '$(fit)' 2>/dev/null || continue; \
	  echo "Making .venv with $$candidate"; \
	  exec "$$candidate" -m venv --clear .venv; \
	done; \
	echo "None of these is a Python 3.11 or newer that can make environments: $(PYTHON)." >&2; \
	echo "Install one (Debian, Ubuntu: python3 and python3-venv), or name one: make … PYTHON=/path/to/python3" >&2; \
	exit 1
