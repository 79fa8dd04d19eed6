# Ochre: build, run, test. `make help` lists the targets; each installs what it needs first (installer/setup.sh).

.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

-include build/toolchain.mk
RUST_BIN ?= /usr/bin

# The compiler is a released one; what our targets need of it beyond that is switched on by RUSTC_BOOTSTRAP.
export RUSTC_BOOTSTRAP := 1
export PATH := $(RUST_BIN):$(PATH)

CARGO := $(RUST_BIN)/cargo
TARGET_DIR ?= $(or $(CARGO_TARGET_DIR),target)
KERNEL_TARGET := x86_64-unknown-none
USER_TARGET := x86_64-unknown-redox
USER_DIR := $(TARGET_DIR)/$(USER_TARGET)/release
KERNEL_FLAGS := --release --target $(KERNEL_TARGET) -Zbuild-std=core,alloc,compiler_builtins \
	-Zbuild-std-features=compiler-builtins-mem
USER_FLAGS := --release --target $(USER_TARGET) -Zbuild-std=std,panic_abort

# Programs of the initfs: package names, and the executables they make.
PACKAGES := ochre-bootstrap nsmgr zerod ramfs ochre-init
PROGRAMS := bootstrap nsmgr zerod ramfs init
# Programs that only tests run.
TEST_PACKAGES := ochre-guest
TEST_PROGRAMS := $(patsubst tests/guest/src/bin/%.rs,%,$(wildcard tests/guest/src/bin/*.rs))
# What the host's own tests reach.
HOST_PACKAGES := ochre-abi kernel-core ochre-installer ochre-bench-run ochre-tests ochre-spawn ochre-libc \
	scheme-server ochre-bootstrap nsmgr zerod ramfs ochre-init

QEMU := qemu-system-x86_64 -M q35 -accel tcg -cpu max -m 1G -smp 2 -no-reboot -net none

.PHONY: help setup setup-build sysroot kernel programs image iso qemu exec check lint host-test test bench gdb clean

help:
	@echo 'make qemu             build and boot'
	@echo 'make exec CMD="..."   boot without a window, run one command inside, exit with its status'
	@echo 'make iso              build/ochre.iso: boots from CD and USB stick, BIOS and UEFI'
	@echo 'make test             every check; the last line is "N passed, M failed"'
	@echo 'make check            the quick part of it: format, lints, host tests'
	@echo 'make bench            the same program in Ochre and in Linux: one table with ratios'
	@echo 'make gdb              boot and wait for gdb'

setup:
	@installer/setup.sh run

setup-build:
	@installer/setup.sh build

# --- building ---------------------------------------------------------------------------------------------------------

# The C library, and empty libraries under the names that compilers ask for: all is in the first.
sysroot: setup-build
	@echo '  libc'
	@$(CARGO) rustc --quiet --release --package ochre-libc --lib --crate-type staticlib --target $(USER_TARGET) \
		-Zbuild-std=core,alloc,compiler_builtins -Zbuild-std-features=compiler-builtins-mem
	@mkdir -p build/sysroot/lib
	@cmp -s $(USER_DIR)/libochre_libc.a build/sysroot/lib/libc.a || cp $(USER_DIR)/libochre_libc.a build/sysroot/lib/libc.a
	@for name in gcc gcc_eh m pthread rt dl util; do \
		[ -f build/sysroot/lib/lib$$name.a ] || ar crs build/sysroot/lib/lib$$name.a; done

kernel: setup-build
	@echo '  kernel'
	@$(CARGO) build --quiet --package ochre-kernel $(KERNEL_FLAGS)
	@mkdir -p build/programs
	@strip -o build/kernel $(TARGET_DIR)/$(KERNEL_TARGET)/release/ochre-kernel

# The kernel with its checks of lock order and lock times.
test-kernel: setup-build
	@echo '  kernel with its checks'
	@$(CARGO) build --quiet --package ochre-kernel --features test-build --target-dir $(TARGET_DIR)/checked $(KERNEL_FLAGS)

programs: sysroot
	@echo '  programs'
	@$(CARGO) build --quiet $(USER_FLAGS) $(PACKAGES:%=--package %)
	@mkdir -p build/programs
	@for name in $(PROGRAMS); do strip -o build/programs/$$name $(USER_DIR)/$$name; done

test-programs: programs
	@echo '  test programs'
	@$(CARGO) build --quiet $(USER_FLAGS) $(TEST_PACKAGES:%=--package %)
	@for name in $(TEST_PROGRAMS); do strip -o build/programs/$$name $(USER_DIR)/$$name; done

tools: setup-build
	@echo '  tools'
	@$(CARGO) build --quiet --release --package ochre-installer --package ochre-tests --package ochre-bench-run

# --- checking ---------------------------------------------------------------------------------------------------------

check: setup-build
	@echo '  format'
	@$(CARGO) fmt --all --check
	@$(MAKE) lint host-test

lint: sysroot
	@echo '  lints'
	@$(CARGO) clippy --quiet --all-targets $(HOST_PACKAGES:%=--package %) -- -D warnings
	@$(CARGO) clippy --quiet --package ochre-kernel $(KERNEL_FLAGS) -- -D warnings
	@$(CARGO) clippy --quiet $(USER_FLAGS) $(PACKAGES:%=--package %) $(TEST_PACKAGES:%=--package %) --package ochre-libc -- -D warnings

host-test: setup-build
	@echo '  host tests'
	@$(CARGO) test --quiet $(HOST_PACKAGES:%=--package %)

test: setup check kernel test-kernel test-programs tools
	@$(TARGET_DIR)/release/ochre-tests --kernel $(TARGET_DIR)/$(KERNEL_TARGET)/release/ochre-kernel \
		--test-kernel $(TARGET_DIR)/checked/$(KERNEL_TARGET)/release/ochre-kernel --programs build/programs --work build/tests

clean:
	rm -rf build $(TARGET_DIR)
