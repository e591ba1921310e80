# What a developer runs; `make` alone lists it. Users need nothing here but xla-cpu or xla-cuda.

# Packages whose tests need no tensor library, which takes minutes to build with the race detector.
PURE := $(addprefix ./,qa/... interval/... comparison/... rollout/... tokenizer/... grpo/... estimator/... gae/... slate/... likelihood/... \
	refiner/... judge/... internal/retry/... safetensors/... checkpoint/... plain/... runfolder evaluate \
	retrieval retrieval/topk retrieval/index retrieval/wire retrieval/server retrieval/client retrieval/load retrieval/hybrid retrieval/weaviate \
	baseline/searchr1 baseline/stepsearch baseline/gigpo baseline/mrsearch baseline/igpo baseline/oneshot)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
ERRCHECK := github.com/kisielk/errcheck@v1.20.0
FUZZTIME ?= 20s

.PHONY: help build test test-go race lint vet fuzz ci xla-cpu xla-cuda

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/searchrl
	go build -o bin/ ./cmd/searchrl

test: ## all tests, on every backend that is installed
	go test ./...

test-go: ## all tests without cgo: the pure Go backend alone
	CGO_ENABLED=0 go test ./...

race: ## the packages without tensors under the race detector
	go test -race -short $(PURE)

vet: ## go vet, with cgo and without
	go vet ./...
	CGO_ENABLED=0 go vet ./...

lint: ## gofmt, staticcheck, errcheck, shell syntax
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; }
	go run $(STATICCHECK) ./...
	go run $(ERRCHECK) -ignoretests -exclude .ci/errcheck-exclude.txt ./...
	bash -n scripts/*.sh .ci/run

fuzz: ## every fuzz target for FUZZTIME (20s) each
	@grep -rl '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r dir; do \
		for f in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$dir/*_test.go | cut -d' ' -f2); do \
			echo "$$dir $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$dir || exit 1; \
		done; done

ci: ## what the continuous integration runs
	.ci/run

# Both install for the current user into XLA_DIR (default ~/.local/lib/go-xla) and do nothing if a working plugin is
# there; FORCE=1 installs anew.
xla-cpu: ## install XLA for the CPU
	@XLA_DIR='$(XLA_DIR)' FORCE='$(FORCE)' scripts/install-xla.sh cpu

xla-cuda: ## install XLA for NVIDIA GPUs (about 4 GB)
	@XLA_DIR='$(XLA_DIR)' FORCE='$(FORCE)' scripts/install-xla.sh cuda
