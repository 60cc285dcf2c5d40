# Sourced by every script here (and by `just`, through BASH_ENV): where things are, and the settings that the
# project's build, the tests and the notebooks must agree on so that dependencies are compiled once.
unset BASH_ENV

# What an outer `cargo test` or `cargo run` tells its program is not for a cargo started inside: build scripts of
# dependencies (ring's) would take it for a change and build again.
for ISOTHERM_NAME in "${!CARGO_@}"; do
    case $ISOTHERM_NAME in
    CARGO_MANIFEST_* | CARGO_PKG_* | CARGO_BIN_* | CARGO_CRATE_NAME | CARGO_PRIMARY_PACKAGE | CARGO_TARGET_TMPDIR | \
        CARGO_MAKEFLAGS | CARGO_RUSTC_CURRENT_DIR) unset "$ISOTHERM_NAME" ;;
    esac
done
unset CARGO ISOTHERM_NAME

ISOTHERM_PROJECT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
export ISOTHERM_PROJECT
ISOTHERM_TOOLS=$ISOTHERM_PROJECT/.tools
ISOTHERM_STATE=$ISOTHERM_PROJECT/.isotherm

CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$ISOTHERM_PROJECT/target}
[[ $CARGO_TARGET_DIR == /* ]] || CARGO_TARGET_DIR=$ISOTHERM_PROJECT/$CARGO_TARGET_DIR
export CARGO_TARGET_DIR

# evcxr always names the host as target, and replaces the flags of .cargo/config.toml by its own equal ones.
# Flags of the caller's environment would split the build in two.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_BUILD_BUILD_DIR
if [[ -z ${CARGO_BUILD_TARGET:-} ]]; then
    CARGO_BUILD_TARGET=$(rustc -vV 2>/dev/null | sed -n 's/^host: //p') || true
    if [[ -z $CARGO_BUILD_TARGET ]]; then
        echo "rustc was not found: install Rust 1.95 or later from https://rustup.rs, then run this again" >&2
        exit 1
    fi
    export CARGO_BUILD_TARGET
fi

# Everything that Jupyter and evcxr write stays inside the project: JUPYTER_PATH also keeps evcxr from
# "updating" a kernel that the user installed for himself.
export JUPYTER_PATH=$ISOTHERM_TOOLS/share/jupyter
export EVCXR_CONFIG_DIR=$ISOTHERM_TOOLS/evcxr
export PYTHONDONTWRITEBYTECODE=1
if [[ -x $ISOTHERM_TOOLS/venv/bin/python ]]; then
    export ISOTHERM_PYTHON=${ISOTHERM_PYTHON:-$ISOTHERM_TOOLS/venv/bin/python}
fi

# The NetCDF C library is built from source by cmake 3.26 to 3.x (4 refuses its older scripts).
if [[ -z ${CMAKE:-} ]]; then
    ISOTHERM_CMAKE_VERSION=$(cmake --version 2>/dev/null | sed -n '1s/.* //p') || true
    if [[ ! $ISOTHERM_CMAKE_VERSION =~ ^3\.(2[6-9]|[3-9][0-9])\. && -x $ISOTHERM_TOOLS/venv/bin/cmake ]]; then
        export CMAKE=$ISOTHERM_TOOLS/venv/bin/cmake
    fi
fi

say() { printf 'isotherm: %s\n' "$*"; }
fail() {
    printf 'isotherm: %s\n' "$*" >&2
    exit 1
}
# Runs "$@" while no other process of this project holds the lock named by the first argument.
with_lock() {
    local lock=$1
    shift
    mkdir -p "$(dirname "$lock")"
    if command -v flock >/dev/null; then
        (
            flock 9
            "$@" 9>&-
        ) 9>"$lock"
    else
        "$@"
    fi
}
# copy_build FROM TO: a cargo target folder's parts, as hard links where the file system has them. Cargo writes in
# place into fingerprints and into the files beside each build script's output: these become copies.
copy_build() {
    local from=$1 to=$2 half part
    for half in "$CARGO_BUILD_TARGET/debug" debug; do
        mkdir -p "$to/$half"
        for part in deps build; do
            [[ -d $from/$half/$part ]] || continue
            cp -al "$from/$half/$part" "$to/$half/" 2>/dev/null || cp -a --reflink=auto "$from/$half/$part" "$to/$half/"
        done
        [[ ! -d $from/$half/.fingerprint ]] || cp -a "$from/$half/.fingerprint" "$to/$half/"
        [[ ! -d $from/$half/build ]] || (
            cd "$from/$half"
            find build -mindepth 2 -maxdepth 2 -type f ! -name 'build*script*' ! -name 'build_script*' -print0 |
                xargs -0 -r cp -a --remove-destination --parents -t "$to/$half"
        )
    done
}
# The command line, built if need be.
isotherm() { cargo run --quiet --bin isotherm -- "$@"; }
