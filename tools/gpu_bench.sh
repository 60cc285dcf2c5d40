#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: audits the gradients on the card, times training steps beside PyTorch and convolutions
# against the roofline (benches/gpu/comparison.py says how). Without one it type-checks all of that and says so.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$ISOTHERM_PROJECT"

if ! nvidia-smi --list-gpus 2>/dev/null | grep -q '^GPU '; then
    say "no NVIDIA GPU was found (nvidia-smi lists none), so nothing is measured and the CUDA side is only type-checked"
    exec tools/check_cuda.sh
fi

# PyTorch's wheels bring the CUDA libraries, too.
# shellcheck source=/dev/null
source tools/pytorch.sh
with_lock "$ISOTHERM_TOOLS/setup.lock" install_pytorch
# shellcheck source=/dev/null
source tools/cuda_toolchain.sh

say "building the programs for the card"
program=$(built_program --bench gpu)
[[ -x $program ]] || fail "cargo did not name the program that it built"

say "auditing the gradients on the card"
ISOTHERM_TEST_DEVICE=${ISOTHERM_TEST_DEVICE:-cuda} run_with_libraries \
    cargo test --locked --features cuda --test gradients --test blocks_gradients -- --test-threads=1

run_with_libraries "$ISOTHERM_PYTORCH/bin/python" benches/gpu/comparison.py --program "$program" "$@"
