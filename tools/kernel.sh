#!/usr/bin/env bash
# Started by Jupyter, by way of kernel.json: evcxr with a build folder of its own. Two kernels on one folder
# would load each other's cells, so each gets a hard-linked copy of the warm one, and removes it at its end.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
readonly name=kernel-$$
readonly work=$ISOTHERM_STATE/kernels/$name # inside the project, so that cargo finds .cargo/config.toml
readonly build=$CARGO_TARGET_DIR/kernels/$name # beside the warm folder, so that hard links are possible

remove_abandoned() {
    local folder
    for folder in "$ISOTHERM_STATE"/kernels/kernel-* "$CARGO_TARGET_DIR"/kernels/kernel-*; do
        [[ -d $folder ]] && ! kill -0 "${folder##*-}" 2>/dev/null && rm -rf "$folder"
    done
    return 0
}

# In a function, so that bash has read all of it before a long session starts.
serve() {
    remove_abandoned
    "$ISOTHERM_PROJECT/tools/warm_notebooks.sh"
    child=
    finish() {
        [[ -z $child ]] || { kill "$child" && wait "$child"; } 2>/dev/null || true
        # On its own: Jupyter gives a kernel five seconds to end.
        if command -v setsid >/dev/null; then setsid -f rm -rf "$work" "$build"; else rm -rf "$work" "$build"; fi
    }
    trap finish EXIT
    trap 'exit 143' TERM HUP
    mkdir -p "$work" "$build"
    with_lock "$CARGO_TARGET_DIR/notebooks.lock" copy_build "$CARGO_TARGET_DIR/notebooks" "$build"
    ln -s "$build" "$work/target"
    # The real tools, past rustup's proxies; then tools/kernel/bin goes before them (its cargo says why).
    ISOTHERM_RUSTC=$(rustc --print sysroot)/bin/rustc
    ISOTHERM_CARGO=$(dirname "$ISOTHERM_RUSTC")/cargo
    [[ -x $ISOTHERM_CARGO ]] || ISOTHERM_CARGO=$(command -v cargo)
    export ISOTHERM_RUSTC ISOTHERM_CARGO PATH=$ISOTHERM_PROJECT/tools/kernel/bin:$PATH
    # Cells are linked to the standard library by a relative path that does not survive the link above.
    LD_LIBRARY_PATH=$(rustc --print target-libdir)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export LD_LIBRARY_PATH
    EVCXR_TMPDIR=$work "$ISOTHERM_TOOLS/bin/evcxr_jupyter" "$@" >/dev/null &
    child=$!
    exec 2>/dev/null # bash would report each ended child
    # A Jupyter that was killed cannot end its kernels: they end by themselves.
    while kill -0 "$child" 2>/dev/null; do
        sleep 2 &
        wait -n "$child" $! 2>/dev/null || true
        [[ -z ${JPY_PARENT_PID:-} ]] || kill -0 "$JPY_PARENT_PID" 2>/dev/null || exit 1
    done
    wait "$child" 2>/dev/null
}
serve "$@"
exit
