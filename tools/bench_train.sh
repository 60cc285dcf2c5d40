#!/usr/bin/env bash
# Times training steps side by side with PyTorch (benches/train/run.py says how). PyTorch is installed into an environment of
# its own; where it cannot be, it is skipped by name.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$ISOTHERM_PROJECT"
# shellcheck source=/dev/null
source tools/pytorch.sh

with_lock "$ISOTHERM_TOOLS/setup.lock" install_pytorch
say "building the program"
# The profile of everything else; cargo names the file that it made.
program=$(cargo build --locked --bench train --message-format json-render-diagnostics |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
[[ -x $program ]] || fail "cargo did not name the program that it built"
# Linked dynamically, to the library and to Rust's own.
LD_LIBRARY_PATH=$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/debug:$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/debug/deps:$(rustc --print target-libdir)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
exec "$ISOTHERM_PYTORCH/bin/python" benches/train/run.py --program "$program" "$@"
