#!/bin/sh
# What a machine needs before anything is built: finds it, installs what is missing (Debian and Ubuntu), and writes
# build/toolchain.mk, which tells the Makefile which compiler to use. Nothing but packages of the distribution is fetched.
#
#   setup.sh build        what building and the host's checks need
#   setup.sh run          what running in QEMU and making images need, too
set -eu
cd "$(dirname "$0")/.."
level=${1:-run}

# Commands, each with the package that brings it.
wanted="cc:gcc strip:binutils"
fonts=/usr/share/fonts/truetype
files="$fonts/jetbrains-mono/JetBrainsMono-Regular.ttf:fonts-jetbrains-mono $fonts/dejavu/DejaVuSansMono.ttf:fonts-dejavu-core \
    /usr/share/fonts/opentype/inter/Inter-Regular.otf:fonts-inter"
if [ "$level" = run ]; then
    wanted="$wanted qemu-system-x86_64:qemu-system-x86 xorriso:xorriso mformat:mtools grub-mkrescue:grub-common musl-gcc:musl-tools"
    files="$files /usr/lib/grub/i386-pc:grub-pc-bin /usr/lib/grub/x86_64-efi:grub-efi-amd64-bin /usr/share/OVMF/OVMF_CODE_4M.fd:ovmf"
fi

missing=""
for pair in $wanted; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
for pair in $files; do
    [ -e "${pair%%:*}" ] || missing="$missing ${pair##*:}"
done

# The compiler must come with the source of its library, since the targets' libraries are built from it.
library=lib/rustlib/src/rust/library/Cargo.lock
find_compiler() {
    for bin in /usr/bin "$(dirname "$(command -v rustc 2>/dev/null || echo /nowhere/rustc)")"; do
        [ -x "$bin/rustc" ] && [ -x "$bin/cargo" ] || continue
        root=$("$bin/rustc" --print sysroot 2>/dev/null) || continue
        # std of our target needs a compiler of these days.
        minor=$("$bin/rustc" --version | sed -n 's/^rustc 1\.\([0-9]*\)\..*/\1/p')
        if [ -e "$root/$library" ] && [ "${minor:-0}" -ge 96 ]; then
            echo "$bin"
            return
        fi
    done
}
compiler=$(find_compiler)
[ -n "$compiler" ] || missing="$missing rustc-web cargo-web rust-web-src rust-web-clippy rustfmt-web"
if [ -n "$compiler" ] && ! { [ -x "$compiler/clippy-driver" ] && [ -x "$compiler/cargo-fmt" ]; }; then
    missing="$missing rust-web-clippy rustfmt-web"
fi

if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "setup: this system has no apt; please install:$missing" >&2
        echo "setup: (the compiler: Rust 1.96 or newer with its library source, rustup component rust-src)" >&2
        exit 1
    fi
    sudo=""
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || { echo "setup: not root, and no sudo; please install:$missing" >&2; exit 1; }
        sudo=sudo
    fi
    echo "setup: installing$missing (one to three minutes)"
    log=build/setup.log
    mkdir -p build
    if ! { $sudo apt-get update && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        echo "setup: apt-get failed; all of it is in $log" >&2
        exit 1
    fi
    compiler=$(find_compiler)
    if [ -z "$compiler" ]; then
        echo "setup: no compiler with its library source was found: Rust 1.96 or newer and rust-src are needed" >&2
        exit 1
    fi
fi

mkdir -p build
new="RUST_BIN := $compiler"
[ "$(cat build/toolchain.mk 2>/dev/null)" = "$new" ] || echo "$new" >build/toolchain.mk
