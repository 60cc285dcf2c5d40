#!/usr/bin/env bash
# Makes $CARGO_TARGET_DIR/notebooks: the target folder that kernels (and tests/notebooks.rs) start from.
# Dependencies are hard links to the project's own build. The isotherm library is built a second time, because
# cargo gives a crate that is used from outside its workspace another identity (but, being a dylib, the same
# file name, so the two cannot share a folder).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$ISOTHERM_PROJECT"
readonly base=$CARGO_TARGET_DIR/notebooks
readonly package=$ISOTHERM_STATE/notebooks/warm

link_dependencies() {
    local stamp half
    stamp=$(cat Cargo.toml Cargo.lock .cargo/config.toml <(rustc -vV) | sha256sum | cut -d ' ' -f 1)
    [[ -f $base/stamp && $(cat "$base/stamp") == "$stamp" ]] && return
    rm -rf "$base" "$base.part"
    mkdir -p "$base.part"
    copy_build "$CARGO_TARGET_DIR" "$base.part"
    for half in "$CARGO_BUILD_TARGET/debug" debug; do
        rm -rf "$base.part/$half"/{deps,build,.fingerprint}/{isotherm,libisotherm}[.-]*
    done
    printf '%s\n' "$stamp" >"$base.part/stamp"
    mv "$base.part" "$base"
}

build_library() {
    mkdir -p "$package/src"
    cp Cargo.lock "$package/Cargo.lock"
    cat >"$package/Cargo.toml" <<TOML
[package]
name = "warm"
version = "1.0.0"
edition = "2024"
publish = false

[dependencies]
isotherm = { path = "$ISOTHERM_PROJECT" }
TOML
    printf '' >"$package/src/lib.rs"
    (cd "$package" && CARGO_TARGET_DIR=$base cargo build --quiet --offline) ||
        fail "the library did not build for the notebooks: read cargo's message above"
}

warm() {
    link_dependencies
    build_library
}
with_lock "$CARGO_TARGET_DIR/notebooks.lock" warm
