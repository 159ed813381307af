#!/bin/sh
# upstream.sh: flashinfer-bench itself reads what we write: `ninja pack` as a dataset, the traces of
# a matrix with every kind of verdict; its report says what tm-report says; its builder builds a
# packed native solution, which computes on the CPU what the definition's PyTorch code does.
#
# Needs a python3 with flashinfer_bench and torch (PYTHON names another): no part of the toolkit
# does. DATASET=DIR and REPORT=FILE check others, such as a whole matrix that was run before.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

python=${PYTHON:-python3}
if ! "$python" -c 'import flashinfer_bench.data, flashinfer_bench.cli.main' >"$scratch/import" 2>&1; then
    skipped upstream "$python has no flashinfer_bench ($(tail -n 1 "$scratch/import")); name one with PYTHON"
    finish
fi
FIB_CACHE_PATH=$scratch/cache
PATH=$(dirname "$(command -v "$python")"):$PATH # its ninja, where there is one
export FIB_CACHE_PATH PATH

# Counts of the lines that the Python prints; its own exit status says whether one failed.
run() { # dataset, report, solution...
    "$python" "$tests/suites/upstream.py" "$@" 2>"$scratch/errors" || {
        failures=$((failures + 1))
        tail -n 5 "$scratch/errors"
    }
}

if [ -n "${DATASET-}" ]; then
    run "$DATASET" "$REPORT"
    finish
fi

start_build "$scratch/build"
cd "$scratch/build" || exit 2
{
    "$srcdir/configure" --arch=cpu --dataset="$srcdir" --dataset="$tests/planted" --dataset="$tests/upstream" \
        --dataset="$tests/data/variants" \
        --definitions='upstream_shift,planted_rmsnorm,rmsnorm_h2048,sums_w4' \
        --solutions='upstream_*,planted_right,planted_fails,planted_compile_error,planted_wrong_numbers,rmsnorm_cpu_*,tuned_*,baked,both*' \
        --workloads=smoke --warmup-runs=1 --iterations=5 --num-trials=2 && ninja bench pack
} >log 2>&1 || {
    cat log
    failed upstream 'the matrix could not be built'
    finish
}
sed -n 1,2p build/report/summary.txt
mkdir dataset
for part in definitions workloads solutions; do ln -s "../build/packed/$part" dataset/$part; done
ln -s ../build/report/traces dataset/traces
run dataset build/report/report.json upstream_shift_upstream_shift
finish
