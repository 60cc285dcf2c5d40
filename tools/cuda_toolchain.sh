# Sourced after environment.sh by what builds with the feature `cuda`: a toolchain, a build folder of its own, and the way to
# the CUDA libraries. The toolchain (CUDA 13.0, for drivers from 580 on) comes from PyPI; with ISOTHERM_CUDA=system it is the
# machine's own, which must then have nvcc, cuBLAS, cuRAND and cuDNN.

# Machines with a card: kernels for that card; without: for compute capability 9.0.
if [[ -z ${CUDA_COMPUTE_CAP:-} ]]; then
    CUDA_COMPUTE_CAP=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d '. ') || true
    export CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-90}
fi
if [[ ${ISOTHERM_CUDA:-} != system ]]; then
    [[ -x $ISOTHERM_TOOLS/cuda/cuda/bin/nvcc ]] || say "making a CUDA toolchain in .tools/cuda (some 100 MB from PyPI)"
    with_lock "$ISOTHERM_TOOLS/setup.lock" tools/cuda_environment.sh "$ISOTHERM_TOOLS/cuda" thin >"$ISOTHERM_TOOLS/cuda.log" 2>&1 ||
        fail "the CUDA toolchain could not be made: see .tools/cuda.log"
    # shellcheck source=/dev/null
    source "$ISOTHERM_TOOLS/cuda/env.sh"
fi

# A folder beside the usual one, which another set of features would make build anew; it begins with what is built there.
ISOTHERM_PLAIN_TARGET=$CARGO_TARGET_DIR
export CARGO_TARGET_DIR=$ISOTHERM_PLAIN_TARGET/cuda
if [[ ! -d $CARGO_TARGET_DIR && -d $ISOTHERM_PLAIN_TARGET/$CARGO_BUILD_TARGET ]]; then
    copy_build "$ISOTHERM_PLAIN_TARGET" "$CARGO_TARGET_DIR"
fi

# Prints the file that `cargo build "$@"` makes.
built_program() {
    cargo build --locked --features cuda "$@" --message-format json-render-diagnostics |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1
}

# Runs "$@" so that it finds the library, Rust's own, and the CUDA libraries of PyTorch's wheels where they are.
run_with_libraries() {
    local folders part
    folders=$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/debug:$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/debug/deps:$(rustc --print target-libdir)
    for part in "$ISOTHERM_TOOLS"/train-bench/lib/python3*/site-packages/nvidia/*/lib; do
        [[ ! -d $part ]] || folders+=:$part
    done
    LD_LIBRARY_PATH=$folders${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$@"
}
