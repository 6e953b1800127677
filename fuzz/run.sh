#!/usr/bin/env bash
# Fuzzes the engine's inputs:  fuzz/run.sh SECONDS [TARGET ...]
# What is found stays in fuzz/found/, what widens the corpus is kept in target/fuzz-corpus/.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:?how many seconds for each target}
shift
targets=("$@")
[ "${#targets[@]}" -gt 0 ] || targets=(stun dtls rtp rtcp srtp command decode)
host=$(rustc -vV | sed -n 's/^host: //p')
# the host is named, or what runs while it builds would be instrumented too
cargo build --release --locked --target "$host"
for target in "${targets[@]}"; do
    grown=../target/fuzz-corpus/$target
    if [ ! -d "$grown" ]; then
        mkdir -p ../target/fuzz-corpus
        tar -C ../target/fuzz-corpus -xJf grown.tar.xz "./$target"
    fi
    mkdir -p found
    length=1500 # a datagram's
    [ "$target" != decode ] || length=8192
    echo "==> $target for $seconds s"
    "../target/fuzz/$host/release/$target" -max_total_time="$seconds" -max_len="$length" -timeout=5 -print_final_stats=1 \
        -artifact_prefix="found/$target-" "$grown" "corpus/$target"
done
