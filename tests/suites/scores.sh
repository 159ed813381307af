#!/bin/sh
# scores.sh: `tm-report best` and `rank` give for a folder of traces what flashinfer-bench's own
# functions give, number by number.
#
# Needs a python3 with flashinfer_bench (PYTHON names another): no part of the toolkit does. Asks for
# tests/data/flashinfer; DATASET=DIR for another dataset with traces.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

python=${PYTHON:-python3}
if ! "$python" -c 'import flashinfer_bench.data' >"$scratch/import" 2>&1; then
    skipped scores "$python has no flashinfer_bench ($(tail -n 1 "$scratch/import")); name one with PYTHON"
    finish
fi
start_build "$scratch/build"
dataset=${DATASET:-$tests/data/flashinfer}
for view in best rank; do
    "$scratch/build/build/bin/tm-report" $view "$dataset" --json >"$scratch/$view.json" || {
        failed "scores/$view" "exit status $?"
        finish
    }
done
"$python" "$tests/suites/scores.py" "$dataset" "$scratch/best.json" "$scratch/rank.json" || failures=1
finish
