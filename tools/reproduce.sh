#!/usr/bin/env bash
# The whole way: tools, build, data, the notebooks whose inputs changed, checks. With nothing changed it ends in seconds.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$ISOTHERM_PROJECT"
begun=$SECONDS
step() { say "[$((SECONDS - begun)) s] $*"; }

step "tools"
tools/setup.sh python
source tools/environment.sh # what was just installed
step "building (the first time all dependencies: about 10 minutes on two cores)"
cargo build --quiet --locked
step "data"
isotherm data fetch --bundle registry
stale=$(isotherm paper notebooks --stale)
if [[ -n $stale ]]; then
    step "notebook kernel"
    tools/setup.sh kernel
    while IFS= read -r notebook; do
        step "running $notebook"
        .tools/venv/bin/python tools/run_notebook.py "$notebook" </dev/null
        isotherm paper done "$notebook"
    done <<<"$stale"
else
    step "no notebook is stale"
fi
step "checking that figures and tables belong to this code and data"
isotherm paper verify
step "done"
say "figures and tables: figures/ (each with its passport beside it); executed notebooks: .isotherm/executed/"
say "read them with ./justw lab; where a figure comes from: ./justw why figures/scatter.png"
