# One word for each thing a person does here.
#
#   make demo    a running service with a virtual modem: nothing else is needed
#   make test    every test
#   make check   format, lints, documentation: no test, no installation
#   make audit   licenses, sources and bans of the dependencies, and whether each is used
#   make bench   how fast it is on this machine
#   make fuzz    any bytes through the readers of lines, replies and PDUs, FUZZ_SECONDS each; needs a nightly compiler

# Never -j: the targets share one build directory.
.NOTPARALLEL:
.PHONY: demo test check audit bench fuzz packages packages-to-build packages-to-compare

CARGO ?= cargo

demo: packages-to-build
	$(CARGO) run --locked -- demo

# Most tests wait for a modem or a phone, and not for a core.
test: packages
	RUST_TEST_THREADS=$${RUST_TEST_THREADS:-$$((2 * $$(nproc)))} $(CARGO) test --locked

check:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --locked --no-deps --document-private-items

# Each at the version that it was tried with. Advisories are left out: their database is not in a package registry.
audit:
	$(CARGO) deny --version 2>/dev/null | grep -q 'cargo-deny 0.20.2' || $(CARGO) install --locked cargo-deny@0.20.2
	$(CARGO) machete --version 2>/dev/null | grep -q '0.9.2' || $(CARGO) install --locked cargo-machete@0.9.2
	$(CARGO) deny --locked --all-features check bans licenses sources
	$(CARGO) machete

bench: packages-to-compare
	$(CARGO) bench --locked

# A minute each finds what a change broke; a night finds more. What breaks lands in fuzz/artifacts and ends the run; what
# reaches new code lands in target/fuzz, for a person to choose from.
FUZZ_SECONDS ?= 60

fuzz: packages-to-build
	$(CARGO) fuzz --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-fuzz
	cp Cargo.lock fuzz/Cargo.lock
	for target in line reply pdu; do \
	    mkdir -p target/fuzz/$$target; \
	    $(CARGO) +nightly fuzz run --sanitizer none $$target target/fuzz/$$target fuzz/corpus/$$target -- \
	        -max_total_time=$(FUZZ_SECONDS) -max_len=1024 || exit 1; \
	done

# What a build needs, and what the tests need beside it.
packages-to-build:
	scripts/install-packages build

packages:
	scripts/install-packages build test
	scripts/install-tools

packages-to-compare:
	scripts/install-packages build bench
