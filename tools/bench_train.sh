#!/usr/bin/env bash
# Times training steps side by side with PyTorch (benches/train/run.py says how). PyTorch is installed into an environment of
# its own; where it cannot be, it is skipped by name.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$ISOTHERM_PROJECT"
readonly venv=$ISOTHERM_TOOLS/train-bench requirements=benches/train/requirements.txt

install_pytorch() {
    local stamp=$venv/.stamp sum
    sum=$(sha256sum "$requirements" | cut -d ' ' -f 1)
    [[ -f $stamp && $(cat "$stamp") == "$sum" ]] && return
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        fail "python3 (3.11 or later) was not found: install it, then run this again"
    [[ -x $venv/bin/pip ]] || python3 -m venv "$venv" ||
        fail "python3 could not make a virtual environment: install its venv module (Debian: python3-venv), then run this again"
    say "installing PyTorch into .tools/train-bench (some 5 GB)"
    if "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$requirements"; then
        printf '%s\n' "$sum" >"$stamp"
    else
        say "PyTorch could not be installed (pip says why above): only our half will be timed"
    fi
}

with_lock "$ISOTHERM_TOOLS/setup.lock" install_pytorch
say "building the program"
# The profile of everything else; cargo names the file that it made.
program=$(cargo build --locked --bench train --message-format json-render-diagnostics |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
[[ -x $program ]] || fail "cargo did not name the program that it built"
# Linked dynamically, to the library and to Rust's own.
LD_LIBRARY_PATH=$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/debug:$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/debug/deps:$(rustc --print target-libdir)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
exec "$venv/bin/python" benches/train/run.py --program "$program" "$@"
