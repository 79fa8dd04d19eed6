#!/bin/sh
# Builds the Linux side of the benchmark and its driver, and runs both systems: what `make bench` calls, with Ochre's kernel and
# archive already built. Arguments go to the driver (`--help` lists them).
#
#   BENCH_ROWS=a,b     only these rows
#   BENCH_MODE=icount  only one of the modes icount and tcg
#   BENCH_ONLY=linux   only one of the systems
#   BENCH_PROFILE=1    where the instructions of the one row in BENCH_ROWS go, instead of the table
#   CARGO              the cargo whose compiler is used (default /usr/bin/cargo, else the first in PATH)
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
work=build/bench
mkdir -p "$work"

cargo=${CARGO:-/usr/bin/cargo}
[ -x "$cargo" ] || cargo=cargo
rustc=${RUSTC:-$(dirname "$cargo")/rustc}
[ -x "$rustc" ] || rustc=rustc
target=${CARGO_TARGET_DIR:-target}
linux=x86_64-unknown-linux-gnu

# Linux at its best: a static program, which the C library starts and forks fastest.
RUSTFLAGS="-Ctarget-feature=+crt-static -Crelocation-model=static" \
    "$cargo" build --quiet --release --package ochre-bench --bin bench --target "$linux"
cp "$target/$linux/release/bench" "$work/bench-linux.full"
strip -o "$work/bench-linux" "$work/bench-linux.full"

# The small program that is executed: the same source for both systems, here with the C library that starts fastest.
"$rustc" --edition 2024 --emit=obj -Copt-level=3 -Cpanic=abort -o "$work/true.o" tests/bench/src/true.rs
musl-gcc -static -no-pie -s -o "$work/true-linux" "$work/true.o"

# The heap that ours is measured by.
"$rustc" --edition 2024 --emit=obj -Copt-level=3 -Cpanic=abort -o "$work/heap.o" tests/bench/src/heap.rs
musl-gcc -static -no-pie -s -o "$work/heap-linux" "$work/heap.o"

"$cargo" build --quiet --release --package ochre-bench-run

# The kernel may be installed; if it is not, the package is fetched and unpacked here.
linux_root=/
if ! ls /boot/vmlinuz-*-cloud-amd64 >/dev/null 2>&1; then
    linux_root=$work/linux
    if ! ls "$linux_root"/boot/vmlinuz-*-cloud-amd64 >/dev/null 2>&1; then
        package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
        echo "fetching $package (about 30 MB)"
        mkdir -p "$linux_root"
        (cd "$work" && apt-get download "$package" && dpkg -x "$package"_*.deb linux && rm "$package"_*.deb)
    fi
fi

set -- --linux-root "$linux_root" --linux-bench "$work/bench-linux" --linux-true "$work/true-linux" \
    --linux-heap "$work/heap-linux" --work "$work" \
    ${BENCH_ROWS:+--rows "$BENCH_ROWS"} ${BENCH_MODE:+--mode "$BENCH_MODE"} ${BENCH_ONLY:+--only "$BENCH_ONLY"} "$@"
if [ -n "${BENCH_PROFILE:-}" ]; then
    "$cargo" build --quiet --release --package ochre-bench-plugin
    symbols=$work/bench-linux.full
    # The unstripped programs of Ochre's archive lie beside the stripped ones.
    for program in bench bench-true procmgr ramfs nsmgr bootstrap; do
        full=$target/x86_64-unknown-redox/release/$program
        if [ -f "$full" ]; then symbols=$symbols,$full; fi
    done
    kernel=$target/x86_64-unknown-none/release/ochre-kernel
    if [ -f "$kernel" ]; then set -- --kernel-symbols "$kernel" "$@"; fi
    set -- profile --plugin "$target/release/libochre_bench_plugin.so" --symbols "$symbols" "$@"
fi
exec "$target/debug/ochre-bench-run" "$@"
