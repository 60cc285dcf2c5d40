#!/usr/bin/env bash
# Tests the notebooks' machinery with real kernels: notebooks that must pass do (two of them at once), and each way
# to fail is reported with its cell. Prints one line a test and a summary in the form of cargo's.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$ISOTHERM_PROJECT"
mkdir -p "$ISOTHERM_STATE/notebooks/logs"
passed=0 failed=0

start() { # NAME NOTEBOOK: runs it in the background
    "$ISOTHERM_TOOLS/venv/bin/python" tools/run_notebook.py "$2" >"$ISOTHERM_STATE/notebooks/logs/$1.log" 2>&1 </dev/null &
}
record() { # NAME yes|no
    if [[ $2 == yes ]]; then
        passed=$((passed + 1))
        echo "test notebook $1 ... ok"
    else
        failed=$((failed + 1))
        echo "test notebook $1 ... FAILED"
        sed 's/^/    /' "$ISOTHERM_STATE/notebooks/logs/$1.log" | tail -n 40
    fi
}
must_pass() { # NAME PID
    if wait "$2"; then record "$1" yes; else record "$1" no; fi
}
must_fail() { # NAME PID TEXT...: it fails, and its message has every text
    local name=$1 pid=$2 text
    shift 2
    if wait "$pid"; then record "$name" no && return; fi
    for text in "$@"; do
        grep -qF -- "$text" "$ISOTHERM_STATE/notebooks/logs/$name.log" || { record "$name" no && return; }
    done
    if grep -qF "must not run" <(grep -v '^    |' "$ISOTHERM_STATE/notebooks/logs/$name.log"); then record "$name" no; else record "$name" yes; fi
}

# Two at a time, as a machine of two cores allows. The first pair is the test of two kernels at once: the same names
# with other values, so that a kernel which loads the other's cells is noticed.
start gradient_across_cells tests/notebooks/gradient_across_cells.ipynb
first=$!
start same_names tests/notebooks/same_names.ipynb
second=$!
must_pass gradient_across_cells $first
must_pass same_names $second

start panic tests/notebooks/failing/panic.ipynb
first=$!
start timeout tests/notebooks/failing/timeout.ipynb
second=$!
must_fail panic $first "panic.ipynb: code cell 3" "assert_eq!(values.len(), 4" "the claim of this cell does not hold"
must_fail timeout $second "timeout.ipynb: code cell 2" "longer than 20 seconds"

start compile_error tests/notebooks/failing/compile_error.ipynb
first=$!
start question_mark tests/notebooks/failing/question_mark.ipynb
second=$!
must_fail compile_error $first "compile_error.ipynb: code cell 3" "let label: String = temperature;" "mismatched types"
must_fail question_mark $second "question_mark.ipynb: code cell 3" 'let bad: i32 = "twelve".parse()?;' "invalid digit"

for _ in {1..30}; do # each removes its folders after its end
    compgen -G "$ISOTHERM_STATE/kernels/kernel-*" >/dev/null || break
    sleep 1
done
if compgen -G "$ISOTHERM_STATE/kernels/kernel-*" >/dev/null; then
    ls -d "$ISOTHERM_STATE"/kernels/kernel-* >"$ISOTHERM_STATE/notebooks/logs/kernels_clean_up.log"
    record kernels_clean_up no
else
    record kernels_clean_up yes
fi

echo
[[ $failed == 0 ]] && verdict=ok || verdict=FAILED
echo "test result: $verdict. $passed passed; $failed failed"
[[ $failed == 0 ]]
