# Every recipe is one line that calls a script or an mbs command; what it does is written there.

.DEFAULT_GOAL := help
.PHONY: help install run worker shell test test-all check contracts lint docs migrate revision db-check \
	doctor prepublish smoke bench image

PYTHON_OF_PROJECT := .venv/bin/python
MBS := $(PYTHON_OF_PROJECT) -m mbs

# Where nothing names a database or an environment, these find the one that `make run` uses.
ifeq ($(DATABASE_URL)$(MIGRATION_DATABASE_URL)$(APP_ENV)$(NODE_ENV),)
shell worker migrate doctor db-check: export APP_ENV := development
endif

##@ Work
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## Install the locked packages into .venv, if the lock changed
	@scripts/bootstrap

run: install ## Run the service on a database of its own (PORT=5000); Ctrl-C stops all
	@$(MBS) run $(ARGS)

worker: install ## Send what waits, follow events, print documents; `make run` starts one too (ARGS=--once)
	@$(MBS) worker $(ARGS)

shell: install ## Open a Python prompt with the application loaded
	@$(MBS) shell $(ARGS)

##@ Check
test: install ## Run the tests a developer runs (ARGS="-k word")
	@$(PYTHON_OF_PROJECT) -m pytest -n 2 -m "not slow" $(ARGS)

test-all: install ## Run all tests, storms and freezes too
	@$(PYTHON_OF_PROJECT) -m pytest -n 2 $(ARGS)

check: lint contracts ## Check format, lint, types, import contracts and architecture
	@$(PYTHON_OF_PROJECT) -m pytest tests/architecture

contracts: install ## Check which part of mbs may import which
	@.venv/bin/lint-imports

lint: install ## Check format, lint and types
	@scripts/lint

docs: install ## Check that the documents' commands, links and tables hold
	@$(PYTHON_OF_PROJECT) -m pytest tests/docs

##@ Database
migrate: install ## Bring the database to this code's schema
	@$(MBS) migrate $(ARGS)

revision: install ## Begin a migration (NAME="add a column")
	@$(MBS) migrate new "$(NAME)" $(ARGS)

doctor: install ## Work out anew what is stored of money (ARGS="--tenant my-salon")
	@$(MBS) doctor money $(or $(ARGS),--all)

db-check: install ## Hold the database's catalogue against the isolation rules
	@$(MBS) db-check $(ARGS)

##@ Release
prepublish: install ## Run every gate before a release (ARGS="--env-file production.env")
	@$(MBS) prepublish $(ARGS)

smoke: install ## Check a running service from outside (URL=https://..., SMOKE_ARGS="--wait 60")
	@$(MBS) smoke "$(URL)" $(SMOKE_ARGS)

bench: install ## Measure the hot paths on a durable database
	@$(PYTHON_OF_PROJECT) -m bench $(ARGS)

image: ## Build the container image (IMAGE=mbs)
	@docker build --build-arg GIT_SHA="$$(git rev-parse HEAD)" --tag "$(or $(IMAGE),mbs)" .
