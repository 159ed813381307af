#!/bin/sh
# attention.sh: the native references of gqa_* and mla_* on the index tensors that recipes leave out
# (requests without queries or keys, more queries than keys, partial pages, offsets and pages that
# point anywhere), against the definitions' own PyTorch: ours, and with TM_PUBLIC=1 the public ones.
#
# Needs a python3 with torch (PYTHON names another). SEED=N repeats a run.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

python=${PYTHON:-python3}
if ! why=$("$python" -c 'import torch' 2>&1); then
    skipped attention "$python has no torch: $(printf '%s\n' "$why" | tail -n 1)"
    finish
fi

# judge NAME DATASET CONFIGURE-ARGUMENT...: the references of a dataset.
judge() {
    name=$1 dataset=$2
    shift 2
    start_build "$scratch/$name"
    (
        cd "$scratch/$name" &&
            "$srcdir/configure" --arch=cpu --op-types='gqa_*,mla_*' "$@" &&
            find build/solutions -name 'reference_*.json' | sed 's/json$/so/' | xargs ninja &&
            ${CC:-cc} -shared -fPIC -std=c11 -D_GNU_SOURCE -O3 -fno-math-errno -fopenmp "-I$srcdir" \
                "$srcdir/harness/random_fill.c" "$srcdir/harness/random_form.c" "$srcdir/lib/dtype.c" \
                -o draw.so -lm
    ) >"$scratch/$name.log" 2>&1 || {
        failed "attention/$name/build" "$(tail -n 20 "$scratch/$name.log")"
        return
    }
    "$python" "$tests/suites/attention.py" "$dataset/definitions" "$scratch/$name/build/solutions" cpu \
        "$scratch/$name/draw.so" "${SEED:-$(date +%s)}" >"$scratch/$name.log" 2>&1
    status=$?
    cat "$scratch/$name.log"
    [ $status -le 1 ] || failed "attention/$name/python" "exit status $status"
    [ $status -ne 1 ] || failures=1
    expect "attention/$name" "$(find "$dataset/definitions" -path '*/[gm][ql]a_*/*.json' | wc -l) judged" \
        "$(grep -c '^\(PASS\|FAIL\) attention/' "$scratch/$name.log") judged"
}

judge ours "$srcdir"
public=$srcdir/../shared/dataset
if [ -z "${TM_PUBLIC-}" ]; then
    skipped attention/public "TM_PUBLIC=1 asks for it; it takes a minute"
elif [ -d "$public" ]; then
    judge public "$public" "--dataset=$public"
else
    skipped attention/public "no $public"
fi
finish
