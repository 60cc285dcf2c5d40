#!/usr/bin/env bash
# Sets up what is missing, in .tools/ only, and costs next to nothing when all is there.
#   tools/setup.sh python    the virtual environment: Jupyter, cmake, typos
#   tools/setup.sh peers     adds xarray and netCDF4, for the tests that compare with them
#   tools/setup.sh kernel    all of it: python, evcxr, the kernel's files, the warm build for notebooks
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$ISOTHERM_PROJECT"
readonly evcxr_version=0.22.0
readonly venv=$ISOTHERM_TOOLS/venv

# Installs a requirements file unless its stamp says that this very file is installed already.
install_requirements() {
    local file=$1 stamp=$venv/.stamp-$(basename "$1" .txt) sum
    sum=$(sha256sum "$file" | cut -d ' ' -f 1)
    [[ -f $stamp && $(cat "$stamp") == "$sum" ]] && return
    if [[ ! -x $venv/bin/pip ]]; then
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
            fail "python3 (3.10 or later) was not found: install it, then run this again"
        mkdir -p "$ISOTHERM_TOOLS"
        python3 -m venv "$venv" ||
            fail "python3 could not make a virtual environment: install its venv module (Debian: python3-venv), then run this again"
    fi
    say "installing $file into .tools/venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$file" || return 1
    printf '%s\n' "$sum" >"$stamp"
}

install_evcxr() {
    local cache=$CARGO_TARGET_DIR/evcxr-$evcxr_version binary=$ISOTHERM_TOOLS/bin/evcxr_jupyter
    [[ -x $binary && -f $ISOTHERM_TOOLS/evcxr-$evcxr_version ]] && return
    if [[ ! -x $cache/bin/evcxr_jupyter ]]; then
        say "building the notebook kernel (evcxr_jupyter $evcxr_version), once: 3 to 6 minutes on two cores"
        # From / so that the project's build settings do not apply; the build folder goes when it is done. The kernel only
        # parses cells and starts the compiler: little optimisation does, in half the time.
        (cd / && env -u CARGO_BUILD_TARGET CARGO_TARGET_DIR="$cache/build" CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
            CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0 \
            cargo install --quiet --locked --version "=$evcxr_version" --root "$cache" evcxr_jupyter) ||
            fail "evcxr_jupyter $evcxr_version could not be built: read cargo's message above"
        rm -rf "$cache/build"
    fi
    mkdir -p "$ISOTHERM_TOOLS/bin"
    cp -f "$cache/bin/evcxr_jupyter" "$binary"
    touch "$ISOTHERM_TOOLS/evcxr-$evcxr_version"
}

write_kernel_files() {
    local kernel=$JUPYTER_PATH/kernels/isotherm-rust
    mkdir -p "$kernel" "$EVCXR_CONFIG_DIR"
    cp tools/kernel/evcxr.toml tools/kernel/init.evcxr "$EVCXR_CONFIG_DIR/"
    "$venv/bin/python" - "$kernel/kernel.json" <<'PYTHON'
import json, os, sys

project = os.environ["ISOTHERM_PROJECT"]
with open(os.path.join(project, "tools/kernel/kernel.json")) as source:
    kernel = json.load(source)
kernel["argv"] = [part.replace("@PROJECT@", project) for part in kernel["argv"]]
kernel["env"]["CARGO_TARGET_DIR"] = os.environ["CARGO_TARGET_DIR"]
with open(sys.argv[1] + ".part", "w") as target:
    json.dump(kernel, target, indent=1)
os.replace(sys.argv[1] + ".part", sys.argv[1])
PYTHON
}

python() { install_requirements tools/requirements.txt || fail "pip could not install tools/requirements.txt: read its message above"; }
peers() {
    python
    install_requirements tools/requirements-peers.txt ||
        say "xarray and netCDF4 could not be installed: the tests that compare with them will be skipped"
}
kernel() {
    python
    install_evcxr
    write_kernel_files
    tools/warm_notebooks.sh
}

case ${1:-} in
python | peers | kernel) with_lock "$ISOTHERM_TOOLS/setup.lock" "$1" ;;
*) fail "setup: expected python, peers or kernel, found '${1:-}'" ;;
esac
