# One word for each thing a person does here.
#
#   make demo    a running service with a virtual modem: nothing else is needed
#   make test    every test
#   make check   format, lints, documentation: no test, no installation
#   make bench   how fast it is on this machine

# Never -j: the targets share one build directory.
.NOTPARALLEL:
.PHONY: demo test check bench packages packages-to-build packages-to-compare

CARGO ?= cargo

demo: packages-to-build
	$(CARGO) run --locked -- demo

test: packages
	$(CARGO) test --locked

check:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --locked --no-deps --document-private-items

bench: packages-to-compare
	$(CARGO) bench --locked

# What a build needs, and what the tests need beside it.
packages-to-build:
	scripts/install-packages build

packages:
	scripts/install-packages build test
	scripts/install-tools

packages-to-compare:
	scripts/install-packages build bench
