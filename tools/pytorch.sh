# Sourced after environment.sh by the benchmarks that have PyTorch as their peer: `install_pytorch` puts it into an
# environment of its own; where it cannot be, only our half is timed.
readonly ISOTHERM_PYTORCH=$ISOTHERM_TOOLS/train-bench

install_pytorch() {
    local requirements=benches/train/requirements.txt stamp=$ISOTHERM_PYTORCH/.stamp sum
    sum=$(sha256sum "$requirements" | cut -d ' ' -f 1)
    [[ -f $stamp && $(cat "$stamp") == "$sum" ]] && return
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        fail "python3 (3.11 or later) was not found: install it, then run this again"
    [[ -x $ISOTHERM_PYTORCH/bin/pip ]] || python3 -m venv "$ISOTHERM_PYTORCH" ||
        fail "python3 could not make a virtual environment: install its venv module (Debian: python3-venv), then run this again"
    say "installing PyTorch into .tools/train-bench (some 5 GB)"
    if "$ISOTHERM_PYTORCH/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$requirements"; then
        printf '%s\n' "$sum" >"$stamp"
    else
        say "PyTorch could not be installed (pip says why above): only our half will be timed"
    fi
}
