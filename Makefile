# The commands that developers and CI run. .ci/run runs the steps of `make check` in their
# order. Only this file defines what a step does.

GO        ?= go
FUZZTIME  ?= 20000x
KILLS     ?= 2000
LEADERS   ?= 10
SCHEDULES ?= 1000
MUTANTS   ?= 300
SEED      ?= 1
SUDO      := $(shell test "$$(id -u)" = 0 || echo sudo)
GOFUMPT   := $(GO) tool -modfile=tools/go.mod gofumpt
GOLANGCI  := $(GO) tool -modfile=$(CURDIR)/tools/lint/go.mod golangci-lint
BENCHSTAT := $(GO) tool -modfile=tools/go.mod benchstat

# Every folder with a go.mod, and those of them that hold packages.
MODULES  := $(patsubst %/go.mod,%,$(wildcard ./go.mod ./*/go.mod ./*/*/go.mod))
PACKAGED := $(filter-out ./tools ./tools/lint,$(MODULES))

# The systems that vet-cross vets for.
TARGETS := windows/386 darwin/arm64

# each runs the command $(2) in each of the folders $(1), and stops at the first failure.
each = @set -e; for dir in $(1); do (cd $$dir && $(2)) || { echo "in module $$dir"; exit 1; }; done
# silent runs the command $(1), and fails with the message $(2) if it prints anything.
silent = @out=$$($(1)) && test -z "$$out" || { printf '%s\n' "$$out"; echo "$(2)"; exit 1; }

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: check
check: ## everything that CI runs, step by step and timed
	@bash .ci/run

# Commands that change files

.PHONY: fmt fix generate tidy
fmt: ## format the code
	$(GOFUMPT) -w .

fix: ## rewrite the code with the newest idioms
	$(GO) fix ./...

generate: ## write the generated files again
	$(GO) generate ./...

tidy: ## tidy every module
	$(call each,$(MODULES),$(GO) mod tidy)

# The tests with peers need other implementations of the protocols, and a database server.
# Without these, the tests are skipped.

.PHONY: peers
peers: ## install the peers of the tests: providers' implementations, PostgreSQL, PgBouncer, Chromium (npm, apt)
	@cd test/peers && npm ci
	@perl -MNet::SMPP -e1 2>/dev/null || { $(SUDO) apt-get -q update && $(SUDO) apt-get -qy --no-install-recommends install libnet-smpp-perl; }
	@ls /usr/lib/kannel/test/drive_smpp >/dev/null 2>&1 || { $(SUDO) apt-get -q update && $(SUDO) apt-get -qy --no-install-recommends install kannel-extras; }
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || \
		{ $(SUDO) apt-get -q update && $(SUDO) apt-get -qy --no-install-recommends install postgresql; }
	@ls /usr/sbin/pgbouncer >/dev/null 2>&1 || command -v pgbouncer >/dev/null || \
		{ $(SUDO) apt-get -q update && $(SUDO) apt-get -qy --no-install-recommends install pgbouncer; }
	@command -v chromium >/dev/null && fc-list | grep -q CJK || \
		{ $(SUDO) apt-get -q update && $(SUDO) apt-get -qy --no-install-recommends install chromium fonts-noto-cjk fontconfig; }

# Commands that only check

.PHONY: download check-fmt check-fix check-generate check-tidy vet vet-cross build lint
download: ## fetch the modules and build the formatter
	@$(GO) version
	$(call each,$(PACKAGED),$(GO) mod download)
	@$(GOFUMPT) -version

check-fmt: ## is the code formatted?
	$(call silent,$(GOFUMPT) -l .,make fmt formats these)

check-fix: ## does it use the newest idioms?
	$(call silent,$(GO) fix -diff ./...,make fix makes these changes)

# The tree is compared with itself, not with the last commit, so that the check works in a
# tree with changes too. New files count.
check-generate: ## are the generated files up to date?
	@set -e; tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; export GIT_INDEX_FILE="$$tmp/index"; \
	git add --all; before=$$(git write-tree); \
	$(GO) generate ./...; \
	git add --all; after=$$(git write-tree); \
	git --no-pager diff --exit-code "$$before" "$$after" || { echo "make generate changes these"; exit 1; }

check-tidy: ## is every module tidy?
	$(call each,$(MODULES),$(GO) mod tidy -diff)

vet: ## go vet, tests included
	$(call each,$(PACKAGED),$(GO) vet ./...)

# Systems that CI does not run on: other system calls, and an int of 32 bits. The modules of
# tests and benchmarks run where CI does.
vet-cross: ## go vet of the library for Windows, macOS on arm64, and 32 bits
	@set -e; for target in $(TARGETS); do \
		CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) vet ./... || { echo "for $$target"; exit 1; }; \
	done

build: ## compile every package
	$(call each,$(PACKAGED),$(GO) build -o /dev/null ./...)

lint: ## golangci-lint (the first time builds it: a minute or two)
	@$(GOLANGCI) config verify
	$(call each,$(PACKAGED),$(GOLANGCI) run ./...)

# Commands that run the code

.PHONY: test e2e screenshots race crash ha schedules explore mutants oracle bench bench-compare fuzz examples
test: ## every test
	$(GO) test -timeout=30m ./...
	@cd tools/mutants && $(GO) test ./...
	@cd otel && $(GO) test ./...

e2e: ## the console in Chromium, with axe
	@cd e2e && $(GO) test -count=1 -parallel=2 ./...

screenshots: ## take the screenshots of the documents again (look at them before you commit them)
	@cd e2e && $(GO) test -count=1 -run=Screenshots ./... -screenshots

# In short mode each store has its suite once.
# SQLite is C that was translated to Go. The checks of its pointers took a third of the time.
race: ## every test again, shuffled and in short mode, with the race detector
	$(GO) test -race -short -shuffle=on -count=1 -timeout=40m '-gcflags=modernc.org/...=-d=checkptr=0' ./...

crash: ## kill dispatching processes KILLS times over each durable store (2000: twenty minutes)
	$(GO) test -count=1 -v -timeout=3h -run=KilledProcess ./sqlitestore ./pgstore -kills=$(KILLS)

ha: ## kill the leaders of a Patroni cluster LEADERS times under load (ten: three minutes)
	@command -v patroni etcd >/dev/null || { $(SUDO) apt-get -q update && $(SUDO) apt-get -qy --no-install-recommends install patroni etcd-server; }
	$(GO) test -count=1 -v -timeout=1h -run=Patroni ./pgstore -leaders-killed=$(LEADERS)

schedules: ## SCHEDULES random schedules with lost answers, crashes and receipts on each store (a thousand: five minutes)
	$(GO) test -count=1 -v -timeout=24h -run=LosesNothingOnAnyStore ./smsplus -schedules=$(SCHEDULES)

explore: ## every schedule of one message, deeper (a million states of each configuration: half an hour)
	$(GO) test -count=1 -v -timeout=3h -run=EverySchedule ./smsplus -explore=1000000

# The state machine, the claim and the receipts.
MUTATED := $(addprefix $(CURDIR)/smsplus/,route.go evidence.go indoubt.go job.go attempt.go completion.go claim.go receipt.go sweep.go batch.go cancel.go)

mutants: ## break each rule of the protocol, then MUTANTS other places drawn with SEED, and name the changes that no test notices
	cd tools/mutants && $(GO) run . -rules rules.txt
	cd tools/mutants && $(GO) run . -n $(MUTANTS) -seed $(SEED) $(MUTATED)

oracle: ## compare with other implementations, and check histories of calls to the stores
	$(call each,test/oracle test/collector,$(GO) test ./...)

bench: ## every benchmark and comparison once, with little data, so that all keep working
	@out=$$($(GO) test -run='^$$' -bench=. -benchtime=1x ./...) || { printf '%s\n' "$$out"; exit 1; }; \
	printf '%s\n' "$$out" | sed -n '/^Benchmark/p'
	@cd bench && $(GO) test ./...

bench-compare: ## compare two files of benchmark results: OLD=before.txt NEW=after.txt
	$(BENCHSTAT) $(OLD) $(NEW)

# FUZZTIME is a count, not a duration: up to Go 1.26, a target without a failure may end
# with "context deadline exceeded" when its time has passed (go.dev/issue/75804). The same
# goes for what each new input may take to be made smaller: a minute each, by default.
fuzz: ## every fuzz target for FUZZTIME (a count such as 100000x)
	@set -e; list=$$($(GO) test -list='^Fuzz' ./...); \
	printf '%s\n' "$$list" | awk '/^Fuzz/ { name[n++] = $$1 } /^ok/ { while (n) print $$2, name[--n] }' | \
	while read -r package target; do \
		echo "$$package $$target"; \
		out=$$($(GO) test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=100x "$$package" </dev/null) || \
			{ printf '%s\n' "$$out"; exit 1; }; \
		printf '%s\n' "$$out" | tail -n 1; \
	done

# The console would run until it is interrupted.
examples: ## run every example
	@set -e; for main in $(wildcard examples/*/main.go); do \
		dir=$$(dirname $$main); args=; test $$dir != examples/console || args="-for 3s"; \
		echo "go run ./$$dir $$args"; $(GO) run ./$$dir $$args </dev/null; \
	done
