# What this project can do. Each target sets up what is missing, then calls one `python -m helpers`
# command; without make, type `python setup_env.py COMMAND` (README.md).

PYTHON ?= python3
PARAMETERS := TRUST YEAR AUDIENCE METHOD ENGINE DATA OUT WHAT_IF JOBS SIZE

# Values are taken as they were typed: nothing in them is expanded by make or run by the shell.
$(foreach name,$(PARAMETERS),$(eval override $(name) := $$(value $(name))))
export $(PARAMETERS)
UNKNOWN := $(strip $(foreach name,$(filter-out PYTHON $(PARAMETERS),$(.VARIABLES)),\
	$(if $(filter command,$(firstword $(origin $(name)))),$(filter-out -%,$(name)))))
$(if $(UNKNOWN),$(error There is no parameter named $(UNKNOWN); the parameters are $(PARAMETERS)))

HELPERS = @$(PYTHON) setup_env.py
OPTIONS = $(if $(YEAR),--year "$$YEAR") $(if $(AUDIENCE),--audience "$$AUDIENCE") \
	$(if $(METHOD),--method "$$METHOD") $(if $(ENGINE),--engine "$$ENGINE") \
	$(if $(DATA),--data "$$DATA") $(if $(OUT),--out "$$OUT")

.DEFAULT_GOAL := help
.PHONY: help report pdf reports published comparison demo lab test check bench clean

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

report: ## TRUST=xyz: from raw files to a finished report
	$(HELPERS) report $(OPTIONS) $(if $(WHAT_IF),--what-if "$$WHAT_IF") -- "$$TRUST"

pdf: ## TRUST=xyz: the same, and the whole report as one PDF
	$(HELPERS) pdf $(OPTIONS) $(if $(WHAT_IF),--what-if "$$WHAT_IF") -- "$$TRUST"

reports: ## the report of every trust under DATA
	$(HELPERS) reports $(OPTIONS) $(if $(JOBS),--jobs "$$JOBS")

published: ## what was found of NHS England's files, and what it enables
	$(HELPERS) published $(if $(DATA),--data "$$DATA")

comparison: ## all trusts that have a report, side by side
	$(HELPERS) comparison $(if $(YEAR),--year "$$YEAR") $(if $(AUDIENCE),--audience "$$AUDIENCE") \
		$(if $(OUT),--out "$$OUT")

demo: ## write the demonstration trusts' files afresh
	$(HELPERS) demo $(if $(YEAR),--year "$$YEAR") $(if $(DATA),--data "$$DATA") $(if $(SIZE),--size "$$SIZE") \
		-- $(if $(TRUST),"$$TRUST")

lab: ## open the notebooks in JupyterLab
	$(HELPERS) --lab lab

test: ## the whole test suite
	$(HELPERS) test

check: ## format, lint, rules
	$(HELPERS) check

bench: ## the benchmarks
	$(HELPERS) bench

clean: ## remove the reports that were made
	$(HELPERS) clean $(if $(OUT),--out "$$OUT")
