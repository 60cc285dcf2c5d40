#!/usr/bin/env bash
# Times the library side by side with the Python programs that do the same (benches/peers/run.py says how). The peers are
# installed into an environment of their own; those that cannot be are skipped by name.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$ISOTHERM_PROJECT"
readonly venv=$ISOTHERM_TOOLS/peers-bench requirements=benches/peers/requirements.txt

install_peers() {
    local stamp=$venv/.stamp sum
    sum=$(sha256sum "$requirements" | cut -d ' ' -f 1)
    [[ -f $stamp && $(cat "$stamp") == "$sum" ]] && return
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        fail "python3 (3.11 or later) was not found: install it, then run this again"
    [[ -x $venv/bin/pip ]] || python3 -m venv "$venv" ||
        fail "python3 could not make a virtual environment: install its venv module (Debian: python3-venv), then run this again"
    say "installing the peers into .tools/peers-bench"
    if "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$requirements"; then
        printf '%s\n' "$sum" >"$stamp"
    else
        # The driver itself needs only this one.
        "$venv/bin/python" -c 'import numpy' 2>/dev/null ||
            "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: numpy ||
            fail "numpy could not be installed: read pip's message above"
        say "not every peer could be installed: those that are missing will be skipped"
    fi
}

with_lock "$ISOTHERM_TOOLS/setup.lock" install_peers
say "building the program"
# The profile of everything else; cargo names the file that it made.
program=$(cargo build --locked --bench peers --message-format json-render-diagnostics |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
[[ -x $program ]] || fail "cargo did not name the program that it built"
# Linked dynamically, to the library and to Rust's own.
LD_LIBRARY_PATH=$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/debug:$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/debug/deps:$(rustc --print target-libdir)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
exec "$venv/bin/python" benches/peers/run.py --program "$program" "$@"
