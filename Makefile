# One word for each thing a person does here.
#
#   make demo    a running service with a virtual modem: nothing else is needed
#   make test    every test
#   make check   format, lints, documentation: no test, no installation
#   make audit   licenses, sources and bans of the dependencies, and whether each is used
#   make bench   how fast it is on this machine
#   make torture kills, full disks, jumping clocks and failing modems for an hour, and a count of what became of every request
#   make deb     the Debian package, checked; ARCH=arm64 for a Raspberry Pi
#   make test-deb  the package through install, upgrade, remove and purge in a Debian root of its own; as root, by hand
#   make fuzz    any bytes through everything that strangers write, FUZZ_SECONDS a target; needs a nightly compiler

# Never -j: the targets share one build directory.
.NOTPARALLEL:
.PHONY: demo test check audit bench torture deb test-deb fuzz packages packages-to-build packages-to-compare packages-to-torture

CARGO ?= cargo

demo: packages-to-build
	$(CARGO) run --locked -- demo

test: packages
	CARGO=$(CARGO) scripts/run-tests

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

# As root the disk gets full too, on a small file system of its own; others' files are limited in size. What is done follows
# from TORTURE_SEED, which is printed; TORTURE_RATE requests a second are asked for. TORTURE_PROGRAM names another build of
# the daemon. A broken promise ends it with an error, and leaves database and logs in target/tmp.
TORTURE_SECONDS ?= 3600
TORTURE_SEED ?= $(shell date +%s)

torture: packages-to-torture
	TORTURE_SECONDS=$(TORTURE_SECONDS) TORTURE_SEED=$(TORTURE_SEED) $(CARGO) test --locked --test torture -- --nocapture

# Another architecture than this machine's is built by Debian's cross compilers, and tried under qemu.
ARCH ?= $(shell dpkg --print-architecture)

deb: packages-to-build
	scripts/install-packages package $(if $(filter-out $(shell dpkg --print-architecture),$(ARCH)),package-$(ARCH))
	scripts/build-deb $(ARCH)

# SUITE is another release of Debian than this machine's.
test-deb: deb
	scripts/install-packages root
	tests/package/run $$(ls -t target/debian/simverify_*_$(ARCH).deb | head -n 1) $(SUITE)

# A minute each finds what a change broke; a night finds more. What breaks lands in fuzz/artifacts and ends the run; what
# reaches new code lands in target/fuzz, for a person to choose from.
FUZZ_SECONDS ?= 60

fuzz: packages-to-build
	$(CARGO) fuzz --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-fuzz
	cp Cargo.lock fuzz/Cargo.lock
	for target in line reply pdu parameters config template verdict callback wav; do \
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

packages-to-torture:
	scripts/install-packages build torture
