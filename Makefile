SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO ?= go
export GO
# The product needs no C. With one setting for build, vet and staticcheck each
# package is compiled once.
export CGO_ENABLED := 0

STATE ?= .heddle
LINTERS := .cache/bin/built
SCHEMAS := mesh/config/schema/crds/.built
GO_FILES = find backend deploy frontend mesh test xds -name node_modules -prune -o -name '*.go' -print0
CONSOLE := frontend/dist/index.html
MODULES := frontend/node_modules/.package-lock.json
CONSOLE_FILES := $(shell find frontend/src frontend/public -type f ! -name '*.test.*' ! -path '*/testing/*') $(wildcard frontend/*.html frontend/*.ts frontend/*.json)
# Everything that lives in this process; the rest starts real programs.
UNIT = $(shell $(GO) list ./... | grep -v -e /test/e2e -e /test/dashboards -e /test/bench -e /test/golden)

.PHONY: help
help: ## this list
	@echo "Heddle, a service mesh and its console in one program."
	@echo
	@awk -F ':.*## ' '/^[a-z][a-z0-9%-]*:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: up
up: build ## build, and run the mesh with the bookinfo demo on this machine (Ctrl-C ends it)
	@bin/heddle envoy install --state $(STATE)
	@PATH="$(CURDIR)/bin:$$PATH" exec bin/heddle up --state $(STATE) deploy/samples/bookinfo

.PHONY: build
build: $(SCHEMAS) $(CONSOLE) ## build bin/heddle with its console, and bin/heddle-samples
	@.ci/need go node python
	@echo "building bin/heddle and bin/heddle-samples (the first time fetches 250 MB and takes some minutes)"
	@.ci/build bin/heddle ./backend/cmd/heddle
	@.ci/build bin/heddle-samples ./deploy/samples

# The schemas of the CRDs come from the modules that go.mod names, and are
# embedded.
$(SCHEMAS): go.mod $(wildcard mesh/config/schema/extract/*.go)
	@.ci/need go
	@echo "extracting the schemas of the CRDs"
	@$(GO) generate ./mesh/config/schema
	@touch $@

# npm writes its own lock file last.
# Versions and hashes are those of the lock file, which --no-save leaves as it
# is. `npm ci` refuses a registry that lacks builds for other systems, which
# mirrors often do.
$(MODULES): frontend/package.json frontend/package-lock.json frontend/.npmrc
	@.ci/need node
	@echo "fetching the packages of the console"
	@cd frontend && npm install --no-save --no-progress --loglevel=error
	@touch $@

$(CONSOLE): $(MODULES) $(CONSOLE_FILES)
	@.ci/need node
	@echo "building the console"
	@cd frontend && npx vite build --logLevel warn

# The console in development: pages change as their files do.
.PHONY: dev
dev: $(MODULES) ## the console on http://127.0.0.1:20002, against the mesh of make up (or HEDDLE_CONSOLE)
	@.ci/need node
	@cd frontend && npx vite

# The last lines of the output are those of go test itself.
.PHONY: test
test: lint check-generated test-frontend test-unit test-ui test-e2e ## lint, and run every test

.PHONY: test-unit
test-unit: $(SCHEMAS) ## tests without other programs, with the race detector
	@.ci/need go cc
	@echo "testing with the race detector"
	@CGO_ENABLED=1 $(GO) test -race -timeout 15m $(UNIT)

.PHONY: test-frontend
test-frontend: $(MODULES) $(CONSOLE) ## types, lint, unit tests and size budgets of the console
	@.ci/need node
	@echo "testing the console"
	@cd frontend && npx tsc --noEmit && npx biome check --error-on-warnings . && npx vitest run && node tools/budgets.mjs

.PHONY: test-ui
test-ui: build ## the console in a browser, against a running mesh (make test-ui SPEC=canary: some of it)
	@.ci/build bin/picky ./test/picky
	@bin/heddle envoy install --state $(STATE)
	@chromium=$$(.ci/chromium); \
		echo "testing the console in $$chromium"; \
		cd frontend && CHROMIUM="$$chromium" HEDDLE_ENVOY="$(abspath $(STATE))/envoy/envoy" npx playwright test $(SPEC)

.PHONY: test-e2e
test-e2e: build ## tests of the running mesh: real Envoys, real applications
	@bin/heddle envoy install --state $(STATE)
	@echo "testing the running mesh"
	@$(GO) test -count=1 -p 1 -timeout 30m ./test/bench/... ./test/golden/... ./test/dashboards/... ./test/e2e/...

.PHONY: test-user
test-user: build ## the tests of the running mesh as an ordinary user, also when root starts them
	@bin/heddle envoy install --state $(STATE)
	@HEDDLE_TEST_USER=$$(if [ "$$(id -u)" = 0 ]; then echo "$${SUDO_UID:-65534}"; fi) \
		$(GO) test -count=1 -timeout 30m ./test/e2e/...

.PHONY: fuzz
fuzz: $(SCHEMAS) ## look for inputs that break what every input must keep, 20 seconds for each
	@.ci/need go
	@grep -rno --include='*_test.go' '^func Fuzz[A-Za-z0-9]*' mesh xds backend | sed 's|/[^/]*:[0-9]*:func | |' | sort | \
		while read -r folder name; do \
			echo "$$name of $$folder"; \
			$(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime 20s -fuzzminimizetime 10x "./$$folder" </dev/null; \
		done

.PHONY: soak
soak: build ## ten minutes of bookinfo: memory and CPU of the control plane stay low
	@bin/heddle envoy install --state $(STATE)
	@HEDDLE_SOAK=10m $(GO) test -count=1 -v -timeout 30m -run '^TestSoak' ./test/e2e

.PHONY: bench-%
bench-%: build ## a benchmark of test/bench by name: make bench-routes; make bench-all
	@$(GO) test -run '^$$' -bench '(?i)$(if $(filter all,$*),.,$*)' -timeout 30m ./test/bench/...

.PHONY: bench-ui
bench-ui: $(CONSOLE) ## what the topology costs a browser with thousands of services, against its bounds
	@.ci/need node
	@chromium=$$(.ci/chromium); cd frontend && CHROMIUM="$$chromium" node bench/ui.mjs

.PHONY: generate-findings
generate-findings: $(SCHEMAS) ## write the page of codes and the console's words about findings
	@.ci/need go
	@$(GO) generate ./mesh/validate/catalogue

.PHONY: generate-client
generate-client: $(SCHEMAS) $(MODULES) ## write the OpenAPI document and the console's client of it
	@.ci/need go node
	@$(GO) run ./backend/api/openapi frontend/openapi.json
	@cd frontend && npx openapi-ts --silent

.PHONY: generate-contract
generate-contract: $(SCHEMAS) ## write what the API answers to each scenario of test/contract
	@.ci/need go
	@$(GO) test -count=1 ./test/contract -update

.PHONY: generate
generate: generate-findings generate-client generate-contract ## write everything that is made from other files

.PHONY: check-generated
check-generated: ## write everything anew, and fail where that differs
	@.ci/generated

.PHONY: lint
lint: $(LINTERS) $(SCHEMAS) ## go vet, staticcheck, gofumpt, import rules
	@.ci/need go
	@echo "linting"
	@$(GO) vet ./...
	@.cache/bin/staticcheck ./...
	@unformatted=$$($(GO_FILES) | xargs -0 .cache/bin/gofumpt -l); \
		if [ -n "$$unformatted" ]; then echo "not formatted, run make format:"; echo "$$unformatted"; exit 1; fi
	@$(GO) test ./test/arch

.PHONY: format
format: $(LINTERS) ## format all Go files
	@$(GO_FILES) | xargs -0 .cache/bin/gofumpt -w

# Versions and checksums of the linters stand in .ci/tools.
$(LINTERS): .ci/tools/go.mod .ci/tools/go.sum
	@.ci/need go
	@echo "building the linters"
	@GOBIN=$(CURDIR)/.cache/bin GOFLAGS=-mod=readonly $(GO) -C .ci/tools install tool
	@touch $@

.PHONY: clean
clean: ## remove what was built; the state folder stays
	@find frontend/dist -mindepth 1 ! -name .gitkeep -delete
	@rm -rf frontend/node_modules bin .cache mesh/config/schema/crds/*.json $(SCHEMAS)
