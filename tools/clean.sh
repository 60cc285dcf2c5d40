#!/usr/bin/env bash
# Removes what was built and executed; with "all" also the tools and everything else that was downloaded or cached.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$ISOTHERM_PROJECT"
case ${1:-build} in
build) rm -rf .isotherm/{executed,kernels,notebooks} ;;
all) rm -rf .isotherm .tools ;;
*) fail "clean: expected build or all, found '$1'" ;;
esac
rm -rf "$CARGO_TARGET_DIR"/{notebooks,notebooks.part,kernels}
[[ ${1:-build} != all ]] || rm -rf "$CARGO_TARGET_DIR"/evcxr-*
cargo clean --quiet
