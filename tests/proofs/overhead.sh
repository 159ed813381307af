#!/bin/sh
# overhead.sh [--arch=ARCH]: what a timed sample costs the worker beside the call, step by step:
# where the time from an edit to its verdicts goes that neither the protocol's flush nor the
# compiler takes. `edit.sh` shows the same of whole cells.
# shellcheck source=tests/proofs/proofs.sh
. "$(dirname "$0")/proofs.sh"

start --definitions=rmsnorm_h128 --solutions='*'
ninja build/tests/proofs/overhead >overhead.log 2>&1 || {
    tail -n 20 overhead.log
    failed overhead 'it cannot be built'
    finish
}
for elems in 16384 16777216; do
    echo "inputs of $elems bfloat16, us:"
    if build/tests/proofs/overhead $elems >table.txt 2>error.txt; then
        cat table.txt
        pass "overhead/$elems"
    else
        failed "overhead/$elems" "$(cat error.txt)"
    fi
done
finish
