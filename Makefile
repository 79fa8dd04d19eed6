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
# Compiles with the lints, which are errors. Not by `cargo clippy` and `cargo fmt`: cargo would take a rustup's, which has other versions
# and no source of the library, before those that lie beside it.
LINTED := RUSTC_WORKSPACE_WRAPPER=$(RUST_BIN)/clippy-driver $(CARGO) -Zwarnings --config 'build.warnings="deny"'
TARGET_DIR ?= $(or $(CARGO_TARGET_DIR),target)
export CARGO_TARGET_DIR := $(TARGET_DIR)
KERNEL_TARGET := x86_64-unknown-none
USER_TARGET := x86_64-unknown-redox
USER_DIR := $(TARGET_DIR)/$(USER_TARGET)/release
PLAIN_DIR := $(TARGET_DIR)/$(USER_TARGET)/plain
# The host's tools are built as the host's tests are: what both stand on is built once (Cargo.toml).
TOOLS_DIR := $(TARGET_DIR)/debug
KERNEL_FLAGS := --release --target $(KERNEL_TARGET) -Zbuild-std=core,alloc,compiler_builtins \
	-Zbuild-std-features=compiler-builtins-mem
USER_FLAGS := --release --target $(USER_TARGET) -Zbuild-std=std,panic_abort
# Programs that are not optimised as a whole (Cargo.toml).
PLAIN_FLAGS := --profile plain --target $(USER_TARGET) -Zbuild-std=std,panic_abort
WHOLE := --config 'profile.release.lto="fat"' --config profile.release.codegen-units=1
# The kernel with its symbols, which lie beside the stripped one.
KERNEL_ELF := $(TARGET_DIR)/$(KERNEL_TARGET)/release/ochre-kernel
CHECKED_ELF := $(TARGET_DIR)/checked/$(KERNEL_TARGET)/release/ochre-kernel

# The bus and its drivers; each driver has its toml file beside its crate.
DRIVERS := pcid ps2d virtio-inputd vgad virtio-gpud
# Files of the initfs that are no programs: drivers' files and key maps.
SETTINGS := $(foreach file,$(wildcard drivers/*/*.toml),$(if $(filter Cargo.toml,$(notdir $(file))),,etc/drivers/$(notdir $(file))=$(file))) \
	$(foreach file,$(wildcard schemes/input/keymaps/*.toml),etc/keymaps/$(notdir $(file))=$(file))
# Fonts of the desktop, from Debian's package fonts-inter.
SETTINGS += $(foreach weight,Regular SemiBold,fonts/Inter-$(weight).otf=/usr/share/fonts/opentype/inter/Inter-$(weight).otf)
# Fonts of the terminal, from fonts-jetbrains-mono and, for what that does not have, fonts-dejavu-core.
SETTINGS += $(foreach style,Regular Bold Italic BoldItalic,fonts/JetBrainsMono-$(style).ttf=/usr/share/fonts/truetype/jetbrains-mono/JetBrainsMono-$(style).ttf) \
	fonts/DejaVuSansMono.ttf=/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf
# Programs of the initfs: package names, and the executables they make. These are on the way of other programs' calls or pixels and
# optimised as a whole.
PACKAGES := \
	ochre-bootstrap \
	nsmgr \
	procmgr \
	zerod \
	ramfs \
	ipcd \
	ptyd \
	orbital \
	ochre-init
# Those of them that every boot needs: the benchmark's archive has no others, because it counts as memory.
BASE := bootstrap nsmgr procmgr init zerod ramfs ipcd ptyd
PROGRAMS := $(BASE) service orbital-keeper orbitald
# These are not.
PLAIN_PACKAGES := \
	inputd \
	$(DRIVERS) \
	ochre-live \
	ochre-session \
	ochre-terminal \
	ochre-console \
	ochre-errand \
	ochre-tools
PLAIN_PROGRAMS := \
	inputd \
	$(DRIVERS) \
	live \
	session terminal \
	console \
	errand \
	ps top trace
# What init starts: a unit for each service.
UNITS := $(patsubst userspace/init/units/%.toml,%,$(wildcard userspace/init/units/*.toml))
# Programs of the desktop: package names, and the executables they make. They are in the live image, unpacked into /bin, but for what is
# started before the root directory is filled: that is in the desktop's initfs.
DESKTOP_PACKAGES := panel editor files viewer settings
DESKTOP_PROGRAMS := $(DESKTOP_PACKAGES)
DESKTOP_FIRST := panel
# What each says of itself to the menu of programs.
APPLICATIONS := $(filter-out %/Cargo.toml,$(wildcard userspace/desktop/*/*.toml userspace/terminal/*.toml))
# Packages of other people in the live image, by their recipes.
RECIPES := yash-cli coreutils findutils sed kibi ripgrep hexyl tokei
# Programs that only tests and the documentation run: packages, executables, examples of the scheme server.
TEST_PACKAGES := ochre-guest
TEST_PROGRAMS := $(patsubst tests/guest/src/bin/%.rs,%,$(wildcard tests/guest/src/bin/*.rs))
EXAMPLES := $(patsubst schemes/server/examples/%.rs,%,$(wildcard schemes/server/examples/*.rs))
EXAMPLE_FLAGS := --package scheme-server --features scheme-server/fake --examples
# What the host's own tests reach.
HOST_PACKAGES := \
	$(PACKAGES) \
	$(PLAIN_PACKAGES) \
	$(DESKTOP_PACKAGES) \
	ochre-ui \
	ochre-abi \
	kernel-core \
	ochre-installer \
	ochre-bench-run \
	ochre-vm \
	ochre-desk \
	ochre-run \
	cook \
	ochre-tests \
	ochre-spawn \
	ochre-libc \
	ochre-socket \
	line-discipline \
	driver \
	graphics \
	input-contract \
	display-contract \
	scheme-server

# The virtual machines: MEMORY and CPUS change them, APPEND adds boot options. What follows is that of `gdb`.
MEMORY ?= 1G
CPUS ?= 2
APPEND ?=
QEMU := qemu-system-x86_64 -M q35 -accel tcg -cpu max -m $(MEMORY) -smp $(CPUS) -no-reboot -nic none \
	-kernel build/kernel -initrd build/initfs
SECONDS_FOR_EXEC ?= 120

.PHONY: help setup setup-build sysroot kernel test-kernel programs test-programs example-programs tools initfs iso qemu shots exec trace runner gdb \
	packages test-packages test-crates desktop-programs live desktop \
	check lint host-test test bench clean

help:
	@echo 'make qemu              build the desktop and boot it (MEMORY=1G CPUS=2 APPEND="boot options": target=console for text)'
	@echo 'make shots             drives the desktop through a tour; pictures are in build/shots'
	@echo 'make exec CMD="..."    boot without a window, obey one line of the console, exit with its status'
	@echo 'make trace CMD="..."   the same, with the calls of the program that the line names'
	@echo 'make runner            for packages anywhere: userspace/cargo run and userspace/cargo test run in Ochre'
	@echo 'make iso               build/ochre.iso: boots from CD and USB stick, by BIOS and UEFI'
	@echo 'make test              every check; the last line is "N passed, M failed"'
	@echo 'make packages          cooks every recipe of recipes/ (docs/recipes.md)'
	@echo 'make test-crates       runs the own tests of crates of others in Ochre'
	@echo 'make check             the quick part of it: format, lints, host tests'
	@echo 'make bench             the same program in Ochre and in Linux: one table with ratios'
	@echo 'make gdb               boot, wait for gdb, and say how to connect'
	@echo 'make clean             removes what was built'

setup:
	@installer/setup.sh run

setup-build:
	@installer/setup.sh build

# --- building ---------------------------------------------------------------------------------------------------------

# The C library, and empty libraries under the names that compilers ask for: all is in the first. Cargo does not know that
# programs are linked with it, so a new one takes their traces away. It is one object, whatever the profile of the programs says: Rust's
# own symbols must stay inside of it.
sysroot: setup-build
	@[ -f build/sysroot/lib/libc.a ] || echo '  libc (and the compiler library: the first build of all takes 3 to 6 minutes)'
	@$(CARGO) rustc --quiet --release $(WHOLE) --package ochre-libc --lib --crate-type staticlib --target $(USER_TARGET) \
		-Zbuild-std=core,alloc,compiler_builtins -Zbuild-std-features=compiler-builtins-mem
	@mkdir -p build/sysroot/lib
	@cmp -s $(USER_DIR)/libochre_libc.a build/sysroot/lib/libc.a || { \
		cp $(USER_DIR)/libochre_libc.a build/sysroot/lib/libc.a; \
		for package in $(PACKAGES) $(PLAIN_PACKAGES) $(DESKTOP_PACKAGES) $(TEST_PACKAGES) ochre-bench scheme-server; do \
			rm -rf $(USER_DIR)/.fingerprint/$$package-* $(PLAIN_DIR)/.fingerprint/$$package-*; done; }
	@for name in gcc gcc_eh m pthread rt dl util; do \
		[ -f build/sysroot/lib/lib$$name.a ] || ar crs build/sysroot/lib/lib$$name.a; done

kernel: setup-build
	@echo '  kernel'
	@$(CARGO) build --quiet --package ochre-kernel $(KERNEL_FLAGS)
	@mkdir -p build
	@strip -o build/kernel $(KERNEL_ELF)

# The kernel with its checks of lock order and lock times.
test-kernel: setup-build
	@echo '  kernel with its checks'
	@$(CARGO) build --quiet --package ochre-kernel --features test-build --target-dir $(TARGET_DIR)/checked $(KERNEL_FLAGS)

programs: sysroot
	@echo '  programs'
	@$(CARGO) build --quiet $(USER_FLAGS) $(PACKAGES:%=--package %)
	@$(CARGO) build --quiet $(PLAIN_FLAGS) $(PLAIN_PACKAGES:%=--package %)
	@mkdir -p build/programs
	@for name in $(PROGRAMS); do strip -o build/programs/$$name $(USER_DIR)/$$name; done
	@for name in $(PLAIN_PROGRAMS); do strip -o build/programs/$$name $(PLAIN_DIR)/$$name; done

test-programs: programs example-programs
	@echo '  test programs'
	@$(CARGO) build --quiet $(PLAIN_FLAGS) $(TEST_PACKAGES:%=--package %)
# Their summaries of crashes are looked at: the names of functions stay.
	@for name in $(TEST_PROGRAMS); do strip --strip-debug -o build/programs/$$name $(PLAIN_DIR)/$$name; done

example-programs: programs
	@echo '  examples'
	@$(CARGO) build --quiet $(PLAIN_FLAGS) $(EXAMPLE_FLAGS)
	@for name in $(EXAMPLES); do strip -o build/programs/$$name $(PLAIN_DIR)/examples/$$name; done

# Packages of other people that the whole-system tests run, and all that there are recipes for.
PROOF := $(RECIPES) ported
COOK = CARGO=$(CARGO) $(TOOLS_DIR)/cook --runner $(TOOLS_DIR)/ochre-run

test-packages: sysroot tools
	@echo '  packages (the first time takes some minutes, and the network)'
	@$(COOK) build $(PROOF)
	@mkdir -p build/programs
	@find $(PROOF:%=build/packages/%/bin) -type f -exec cp {} build/programs/ ';'

packages: sysroot tools
	@$(COOK) build all

# The own tests of crates that much else stands on, inside Ochre; and programs with windows of others.
test-crates: initfs test-programs
	@$(COOK) test all
	@$(COOK) build winit orbclient
	@cp build/packages/winit/bin/* build/packages/orbclient/bin/* build/programs
	@$(TOOLS_DIR)/ochre-tests --kernel $(KERNEL_ELF) --test-kernel $(KERNEL_ELF) --programs build/programs \
		--work build/tests --slow

tools: setup-build
	@echo '  tools'
	@$(CARGO) build --quiet --package ochre-installer --package ochre-tests --package ochre-run --package ochre-desk --package ochre-bench-run --package cook

# What the programs of the desktop share (widgets, text, drawing) is built once.
desktop-programs: sysroot
	@[ -d build/desktop/bin ] || echo '  programs of the desktop (the first time takes some minutes)'
	@$(CARGO) build --quiet $(PLAIN_FLAGS) $(DESKTOP_PACKAGES:%=--package %)
	@mkdir -p build/desktop/bin
	@for name in $(DESKTOP_PROGRAMS); do strip -o build/desktop/bin/$$name $(PLAIN_DIR)/$$name; done

# --- running ----------------------------------------------------------------------------------------------------------

# What every archive that is booted has: the system's programs, their settings, what init starts.
SYSTEM_FILES = kernel.sym=build/kernel.sym $(SETTINGS) \
	$(foreach name,$(PROGRAMS) $(PLAIN_PROGRAMS),bin/$(name)=build/programs/$(name)) \
	$(foreach name,$(UNITS),etc/init/$(name).toml=userspace/init/units/$(name).toml)

# The archive of `exec` and the runner: the system, the examples, and whichever test programs have been built.
initfs: setup kernel example-programs tools
	@$(TOOLS_DIR)/ochre-image symbols --kernel $(KERNEL_ELF) --out build/kernel.sym
	@$(TOOLS_DIR)/ochre-image initfs --out build/initfs $(SYSTEM_FILES) \
		$(foreach name,$(EXAMPLES),bin/$(name)=build/programs/$(name)) \
		$(foreach name,$(TEST_PROGRAMS),$(if $(wildcard build/programs/$(name)),bin/$(name)=build/programs/$(name)))

# The root directory of a system that runs from memory: programs of the desktop, packages of others, and the files of
# installer/root. Fonts are in the initfs, where the display server reads them before there is anything else.
live: setup desktop-programs tools
	@for name in $(RECIPES); do [ -d build/packages/$$name ] || \
		{ echo '  packages of others: $(RECIPES) (the first time takes minutes, and the network)'; break; }; done
	@$(COOK) build $(RECIPES)
	@$(TOOLS_DIR)/ochre-image live --out build/live.cpio.lz4 --tree installer/root $(RECIPES:%=--package build/packages/%) \
		$(foreach name,$(filter-out $(DESKTOP_FIRST),$(DESKTOP_PROGRAMS)),bin/$(name)=build/desktop/bin/$(name)) \
		$(foreach file,$(APPLICATIONS),usr/share/applications/$(notdir $(file))=$(file)) \
		--link usr/share/fonts=/scheme/initfs/fonts --directory var/log

# The archive of the desktop: the system, what of the desktop comes first, and the live image.
DESKTOP_FILES = $(SYSTEM_FILES) $(foreach name,$(DESKTOP_FIRST),bin/$(name)=build/desktop/bin/$(name)) live.cpio.lz4=build/live.cpio.lz4

desktop: setup kernel programs live tools
	@$(TOOLS_DIR)/ochre-image symbols --kernel $(KERNEL_ELF) --out build/kernel.sym
	@$(TOOLS_DIR)/ochre-image initfs --out build/initfs-desktop $(DESKTOP_FILES)

iso: desktop
	@$(TOOLS_DIR)/ochre-image iso --desktop --kernel build/kernel --initfs build/initfs-desktop --timeout 5 --out build/ochre.iso
	@echo "build/ochre.iso ($$(du -m build/ochre.iso | cut -f1) MB) is ready: for a CD, for a USB stick (dd), for \`qemu-system-x86_64 -cdrom\`"

qemu: desktop
	@$(TOOLS_DIR)/ochre-qemu --build build --memory $(MEMORY) --cpus $(CPUS) --append '$(APPEND)'

# Drives the desktop through a tour and keeps pictures: tests/desk/src/tour/stops.rs. TOUR=NAME ends behind that stop.
shots: desktop
	@$(TOOLS_DIR)/ochre-shots --build build --out build/shots --cpus $(CPUS) --memory $(MEMORY) $(TOUR:%=--until '%')

# The line reaches the runner by the environment, so that no shell takes it apart. RUN adds options: make exec CMD=ls RUN='--carry /etc'
exec: initfs
	@[ -n "$$CMD" ] || { echo 'what is to be done? make exec CMD="ls /scheme"' >&2; exit 2; }
	@$(TOOLS_DIR)/ochre-run --build build --cpus $(CPUS) --memory $(MEMORY) --seconds $(SECONDS_FOR_EXEC) \
		--boot '$(APPEND)' $(RUN) --line "$$CMD"
export CMD

# The calls of a program: make trace CMD='ps 1'
trace: initfs
	@[ -n "$$CMD" ] || { echo 'what is to be traced? make trace CMD="ps 1"' >&2; exit 2; }
	@$(TOOLS_DIR)/ochre-run --build build --cpus $(CPUS) --memory $(MEMORY) --seconds $(SECONDS_FOR_EXEC) \
		--boot '$(APPEND)' $(RUN) --line "trace $$CMD"

# What userspace/cargo runs packages of anywhere with: its configuration names this tree's linker and runner.
runner: initfs
	@{ echo '# Made by `make runner`.'; \
	echo '[build]'; echo 'target = "$(USER_TARGET)"'; \
	echo '[target.$(USER_TARGET)]'; echo 'linker = "$(CURDIR)/userspace/cc"'; \
	echo 'rustflags = ["-Cforce-frame-pointers=yes", "-Cforce-unwind-tables=yes"]'; \
	echo 'runner = ["$(abspath $(TOOLS_DIR))/ochre-run", "--build", "$(CURDIR)/build", "--cargo"]'; \
	echo '[unstable]'; echo 'build-std = ["std", "panic_abort"]'; } >build/cargo.toml
	@echo 'userspace/cargo is ready: $(CURDIR)/userspace/cargo test, in the folder of any package'

gdb: initfs
	@echo 'waiting; in another terminal: gdb $(KERNEL_ELF) -ex "target remote :1234"'
	@$(QEMU) -nographic -append '$(APPEND)' -s -S

# --- checking ---------------------------------------------------------------------------------------------------------

check: setup-build
	@echo '  format'
	@$(RUST_BIN)/cargo-fmt --all --check
	@$(MAKE) lint host-test

# Of what runs in Ochre; the host's are in host-test.
lint: sysroot
	@echo '  lints'
	@$(LINTED) check --quiet --package ochre-kernel $(KERNEL_FLAGS)
	@$(LINTED) check --quiet $(PLAIN_FLAGS) $(PACKAGES:%=--package %) $(PLAIN_PACKAGES:%=--package %) $(DESKTOP_PACKAGES:%=--package %) \
		$(TEST_PACKAGES:%=--package %)
# By itself, as it is built: what others want of a crate that it shares with them would bring std in.
	@$(LINTED) check --quiet $(USER_FLAGS) --package ochre-libc

# The tests of libc look at the archive that programs are linked with. What is compiled for them is linted in the same go: else all that
# they stand on would be gone through once more.
host-test: sysroot
	@echo '  host tests and their lints'
	@$(LINTED) test --quiet --no-fail-fast $(HOST_PACKAGES:%=--package %)

test: setup check kernel test-kernel test-programs test-packages initfs iso tools
	@echo '  the own tests of crates of others'
	@$(COOK) test quick
	@echo '  whole-system tests'
	@$(TOOLS_DIR)/ochre-tests --kernel $(KERNEL_ELF) --test-kernel $(CHECKED_ELF) --programs build/programs \
		--desktop build --work build/tests

# The benchmark's own program, in an archive of its own; Linux's side and the table are run.sh's.
bench: setup kernel programs desktop tools
	@$(CARGO) build --quiet $(USER_FLAGS) --package ochre-bench
	@strip -o build/programs/bench $(USER_DIR)/bench
	@strip -o build/programs/bench-true $(USER_DIR)/bench-true
	@strip -o build/programs/bench-desk $(USER_DIR)/bench-desk
	@$(TOOLS_DIR)/ochre-image initfs --out build/initfs-bench.cpio \
		$(foreach name,$(UNITS),etc/init/$(name).toml=userspace/init/units/$(name).toml) \
		$(foreach name,$(BASE) bench bench-true,bin/$(name)=build/programs/$(name))
	@$(TOOLS_DIR)/ochre-image initfs --out build/initfs-bench-desktop $(DESKTOP_FILES) \
		bin/bench-desk=build/programs/bench-desk etc/init/bench-desk.toml=tests/bench/desk.toml
	@CARGO=$(CARGO) tests/bench/run.sh

clean:
	rm -rf build $(TARGET_DIR)
