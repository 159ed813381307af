#!/bin/sh
# reference.sh: the native references against the definitions' own PyTorch `reference`, on the CPU,
# on inputs that the harness's generator draws. What a native reference gets wrong, no other test
# can see: it is what everything else is compared with.
#
# Needs a python3 with torch (PYTHON names another). SEED=N repeats a run.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

python=${PYTHON:-python3}
if ! why=$("$python" -c 'import torch' 2>&1); then
    skipped reference "$python has no torch: $(printf '%s\n' "$why" | tail -n 1)"
    finish
fi
start_build "$scratch/build"
cd "$scratch/build" || exit 2
# No solutions: each definition is planned with its reference alone.
if ! "$srcdir/configure" --arch=cpu --solutions=none >configure.log 2>&1 ||
    ! find build/solutions -name 'reference_*.json' | sed 's/json$/so/' | xargs ninja >ninja.log 2>&1; then
    failed reference/build "$(cat ./*.log | tail -n 20)"
fi
# The generator, for Python to call: without the flags of this build, which may be a sanitizer's.
${CC:-cc} -shared -fPIC -std=c11 -D_GNU_SOURCE -O3 -fno-math-errno -fopenmp "-I$srcdir" \
    "$srcdir/harness/random_fill.c" "$srcdir/lib/dtype.c" -o draw.so -lm 2>draw.log ||
    failed reference/draw.so "$(tail -n 5 draw.log)"
[ "$failures" -eq 0 ] || finish

"$python" "$tests/suites/reference.py" "$srcdir/definitions" build/solutions ./draw.so \
    "${SEED:-$(date +%s)}" >python.log 2>&1
status=$?
cat python.log
[ $status -le 1 ] || failed reference/python "exit status $status"
[ $status -ne 1 ] || failures=1
expect reference/definitions "$(find "$srcdir/definitions" -name '*.json' | wc -l) judged" \
    "$(grep -c '^\(PASS\|FAIL\) reference/[^/]*/' python.log) judged"
finish
