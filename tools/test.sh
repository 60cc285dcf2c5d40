#!/usr/bin/env bash
# Every test: cargo's (units, documentation, golden values, notebooks compiled) and, unless a filter is given, the
# notebooks run by real kernels. The last line counts all of them: "N passed, N failed".
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$ISOTHERM_PROJECT"
mkdir -p "$ISOTHERM_STATE"
readonly log=$ISOTHERM_STATE/test.log
status=0
cargo test --locked --no-fail-fast -- "$@" 2>&1 </dev/null | tee "$log" || status=1
if [[ $# == 0 ]]; then
    { tools/setup.sh kernel && tools/test_notebooks.sh; } 2>&1 </dev/null | tee -a "$log" || status=1
fi
count=$(awk '/^test result:/ { for (i = 2; i <= NF; i++) { if ($i ~ /^passed/) p += $(i - 1); if ($i ~ /^failed/) f += $(i - 1) } }
    END { print p + 0, f + 0 }' "$log")
read -r passed failed <<<"$count"
# What did not compile, or died, has no line of its own.
[[ $status == 0 || $failed != 0 ]] || failed=1
[[ $failed == 0 ]] || status=1
echo "$passed passed, $failed failed" | tee "$ISOTHERM_STATE/test.count"
exit $status
