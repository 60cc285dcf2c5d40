#!/usr/bin/env bash
# Type-checks and lints the CUDA side without a GPU, a driver or a toolkit: nothing is downloaded or run.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$ISOTHERM_PROJECT"

place=$ISOTHERM_TOOLS/cuda-check
"$ISOTHERM_PROJECT/tools/cuda_environment.sh" "$place" check >"$ISOTHERM_TOOLS/cuda-check.log" 2>&1 ||
    fail "the stand-ins for the CUDA libraries could not be made: see .tools/cuda-check.log"
# shellcheck source=/dev/null
source "$place/env.sh"
cargo clippy --locked --features cuda --all-targets -- -D warnings
