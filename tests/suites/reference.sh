#!/bin/sh
# reference.sh: the native references against the definitions' own PyTorch `reference`, on the CPU,
# on inputs that the harness's generator draws and recipes make. What a native reference gets wrong,
# no other test can see: it is what everything else is compared with.
#
# Needs a python3 with torch (PYTHON names another). SEED=N repeats a run. NAMES=GLOBS judges those
# definitions alone. Of the public dataset, where it is at hand, what has more than BYTES (64 MiB) is
# left out; BYTES=0 judges all of it.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

python=${PYTHON:-python3}
seed=${SEED:-$(date +%s)}
if ! why=$("$python" -c 'import torch' 2>&1); then
    skipped reference "$python has no torch: $(printf '%s\n' "$why" | tail -n 1)"
    finish
fi
start_build "$scratch/build"
cd "$scratch/build" || exit 2
# The generator, for Python to call: without the flags of this build, which may be a sanitizer's.
${CC:-cc} -shared -fPIC -std=c11 -D_GNU_SOURCE -O3 -fno-math-errno -fopenmp "-I$srcdir" \
    "$srcdir/harness/random_fill.c" "$srcdir/harness/random_form.c" "$srcdir/lib/dtype.c" \
    -o draw.so -lm 2>draw.log ||
    failed reference/draw.so "$(tail -n 5 draw.log)"

# judge NAME DATASET BYTES: all native references of a dataset.
judge() {
    : >ninja.log
    if ! "$srcdir/configure" --arch=cpu "--dataset=$2" "--definitions=${NAMES:-*}" \
        >configure.log 2>&1 ||
        ! find build/solutions -name 'reference_*.json' | sed 's/json$/so/' | xargs ninja \
            build/bin/tm-blobs >ninja.log 2>&1; then
        failed "reference/$1/build" "$(cat configure.log ninja.log | tail -n 20)"
        return
    fi
    "$python" "$tests/suites/reference.py" "$2/definitions" build/solutions cpu ./draw.so \
        build/bin/tm-blobs "$seed" "$3" >python.log 2>&1
    status=$?
    cat python.log
    [ $status -le 1 ] || failed "reference/$1/python" "exit status $status"
    [ $status -ne 1 ] || failures=1
    expect "reference/$1/references" \
        "$(find build/solutions -name 'reference_*.json' | wc -l) judged" \
        "$(sed -n 's,^\(PASS\|FAIL\|SKIP\) reference/\([^/]*\)/.*,\2,p' python.log | sort -u |
            wc -l) judged"
    find build/solutions -name 'reference_*.json' -exec rm {} +
}

[ "$failures" -eq 0 ] || finish
judge ours "$srcdir" 0
if [ -d "$srcdir/../shared/dataset/definitions" ]; then
    judge public "$srcdir/../shared/dataset" "${BYTES:-67108864}"
else
    skipped reference/public '../shared/dataset is not here'
fi
finish
