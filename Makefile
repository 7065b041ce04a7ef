# domctl: make demo shows it, make check test runs what CI runs.
GO ?= go
SEEDS ?= 2000
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: all build demo check fmt generate image instance-types test test-live test-bake test-k8s test-forge test-web sim bench bench-bake bench-serve clean

all: build

build:
	$(GO) build -o bin/domctl ./cmd/domctl

demo: build
	hack/demo.sh

check:
	hack/check.sh $(STATICCHECK)

# image packs the program alone into a container image, which needs no container engine.
image:
	$(GO) run ./hack/image

generate:
	$(GO) run ./hack/gendocs

# instance-types rewrites the table that check judges by, from a release of moto
# on PyPI; its date and version stand in schema/fit.go too.
instance-types:
	mkdir -p dist && python3 -m pip download -q --no-deps -d dist moto==5.2.5
	hack/instance_types.py dist/moto-5.2.5-py3-none-any.whl > schema/instance_types.txt

test:
	$(GO) test -timeout 20m ./...
	$(GO) test -C hack/promql ./...

# test-live installs pinned wire servers (cached outside the tree), and runs the
# contract and end-to-end suites against them.
test-live:
	hack/wire/install.sh
	hack/wire/sshd.sh
	hack/domino/install.sh
	DOMCTL_WIRE=1 $(GO) test -timeout 20m -count=1 -tags wire -skip Forge ./internal/wiretest/...
	DOMCTL_WIRE=1 $(GO) test -timeout 20m -count=1 -tags wire -run "Wire|Live|Fault" ./internal/mongo/... ./internal/aws/... ./internal/domino/... ./internal/registry/... ./internal/ssh/... ./internal/engine/... ./cmd/domctl/...

# test-bake bakes AMIs on instances that are real: each has an SSH server, a Docker
# engine and a containerd of its own on this machine. As root.
test-bake:
	hack/wire/install.sh
	hack/wire/sshd.sh
	hack/bake/install.sh
	DOMCTL_WIRE=1 $(GO) test -timeout 20m -count=1 -parallel 3 -tags wire,bake -run TestBake ./internal/wiretest/... ./cmd/domctl/... ./hack/image/...

# test-k8s is test-live against a Kubernetes control plane, which takes minutes to
# build the first time.
test-k8s:
	hack/wire/install.sh
	hack/wire/install.sh kube
	DOMCTL_WIRE=1 $(GO) test -timeout 20m -count=1 -tags wire -run Kube ./internal/kube/... ./internal/engine/... ./cmd/domctl/...

# test-forge is test-live against a Gitea, which takes minutes to build the first time.
test-forge:
	hack/wire/install.sh
	hack/wire/install.sh forge
	hack/web/install.sh
	DOMCTL_WIRE=1 $(GO) test -timeout 20m -count=1 -tags wire -run Forge ./internal/wiretest/... ./internal/forge/... ./internal/gitops/... ./internal/web/... ./cmd/domctl/...

# test-web opens the page in a real browser, Debian's Chromium.
test-web:
	hack/web/install.sh
	$(GO) test -timeout 20m -count=1 -tags wire -run Browser -skip Forge ./internal/web/...

# sim plays histories: SEEDS of them, a line after each 10,000. Little of its memory is
# kept, so that the collector may run seldom.
sim:
	GOGC=800 GOMEMLIMIT=1GiB $(GO) test ./internal/sim -run TestSim -count 1 -timeout 3h -v -args -seeds $(SEEDS)

# bench measures domctl beside its peer, and a controller under load.
bench:
	hack/bench.sh
	$(MAKE) bench-serve

# bench-bake writes what test-bake measures into docs/bake-figures.md.
bench-bake:
	hack/bake/figures.sh $(GO)

# bench-serve puts a controller under the load that test-forge has a small one of, and
# writes what that measures into docs/serve-figures.md. It takes six minutes.
bench-serve:
	hack/wire/install.sh
	hack/wire/install.sh forge
	hack/serve-figures.sh $(GO)

clean:
	rm -rf bin dist
