#!/usr/bin/env bash
# Builds the command line with the feature `cuda`, on a machine with or without a card, then trains small networks with the
# same build: on a machine without CUDA that proves that it starts there and computes on the processor.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$ISOTHERM_PROJECT"
# shellcheck source=/dev/null
source tools/cuda_toolchain.sh

program=$(built_program --bin isotherm)
[[ -x $program ]] || fail "cargo did not name the program that it built"
say "training small networks with it"
run_with_libraries cargo test --locked --features cuda --test training_loop --test training_arithmetic -- --quiet
run_with_libraries "$program" --version
say "built: $program"
