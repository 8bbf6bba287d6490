# Sightline. `make run` and `make test` set up what is missing by themselves.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
GO      := CGO_ENABLED=0 go
BUILD   := $(GO) build -trimpath -ldflags "$(LDFLAGS)"
UI_SRC  := $(shell find ui -path ui/node_modules -prune -o -type f \( -name '*.ts' -o -name '*.svelte' -o -name '*.css' -o -name '*.json' -o -name '*.mjs' -o -name '*.html' \) -print)
GO_SRC  := $(shell find . -path ./ui -prune -o -name '*.go' -print) go.mod go.sum

.PHONY: run test check lint build ui release clean setup browser-test licences

run: setup build ## build the demonstration cases and serve the desk and the editions
	@bin/sightline demo --dir cases

test: setup lint ## every test
	@make/team-tests.sh
	$(GO) test -timeout 20m ./...
	@$(MAKE) --no-print-directory browser-test

check: lint ## format, vet, types, import rule, licences, unit tests: before each commit
	$(GO) test -short -timeout 5m ./...

lint: ui/node_modules/.stamp web/assets/.built
	@bad=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$bad" ] || { echo "not formatted (gofmt -w): $$bad"; exit 1; }
	$(GO) vet ./...
	cd ui && npm run --silent check
	@make/licences.sh

build: web/assets/.built bin/sightline ## one binary with the interface inside

bin/sightline: $(GO_SRC) web/assets/.built
	$(BUILD) -o $@ ./cmd/sightline
	@size=$$(stat -c %s $@ 2>/dev/null || stat -f %z $@); [ $$size -le 62914560 ] || { echo "bin/sightline has $$size bytes, more than 60 MB"; exit 1; }

ui: web/assets/.built

web/assets/.built: $(UI_SRC) ui/node_modules/.stamp
	cd ui && npm run --silent build
	@touch $@

ui/node_modules/.stamp: ui/package.json ui/package-lock.json
	cd ui && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

setup: ## Debian packages that are missing; says what is lost where one cannot be installed
	@make/setup.sh

browser-test: build
	cd ui && npm run --silent browser-test

release: web/assets/.built ## binaries for six platforms with checksums and a bill of materials
	@make/release.sh "$(VERSION)" "$(LDFLAGS)"

licences:
	@make/licences.sh

clean:
	rm -rf bin dist cases ui/node_modules web/assets/* web/assets/.built
