#!/bin/sh
# packed.sh: solutions whose sources stand in their solution.json: files in folders that include each
# other, an entry point in any of them, many of them; and that they are unpacked when they changed
# and not otherwise.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

build=$scratch/build
start_build "$build"
cp -R "$tests/cases/common/good" "$scratch/data"
cd "$scratch" || exit 2

body='(const tm_float32 *x, tm_float32 *y, const tm_axes *axes, tm_stream stream) {\n    (void)stream;\n    for (int64_t i = 0; i < axes->n * TM_WIDTH; i++)\n        y[i] = factor() * x[i];\n    return 0;\n}\n'
# pack FILE, entry point, then pairs of a path and a content: its name is that of the file
pack() {
    file=data/solutions/$1.json name=${1##*/} entry=$2
    shift 2
    mkdir -p "${file%/*}"
    {
        printf '{"name": "%s", "definition": "twice", "author": "tests",\n' "$name"
        printf ' "spec": {"language": "c", "target_hardware": ["cpu"], "entry_point": "%s"},\n' "$entry"
        printf ' "sources": ['
        comma=''
        while [ $# -gt 1 ]; do
            printf '%s\n  {"path": "%s", "content": "%s"}' "$comma" "$1" "$2"
            comma=,
            shift 2
        done
        printf '],\n "tracemill": {"binding": "c"}}\n'
    } >"$file"
}
# From the root of the sources, from beside itself, and by way of a header in between.
pack deep/er/folders src/deep/run.c::run \
    src/deep/run.c '#include \"contract.h\"\n#include \"near.h\"\n#include <inc/far.h>\nint run'"$body" \
    src/deep/near.h '#include \"inc/far.h\"\n' \
    inc/far.h 'float factor(void);\n' \
    factor.c '#include <inc/far.h>\nfloat factor(void) { return 2; }\n'
# shellcheck disable=SC2016 # no variable of ours
pack blanks 'my dir/$run it#.c::run' \
    'my dir/$run it#.c' '#include \"contract.h\"\n#include <my dir/a b.h>\nint run'"$body" \
    'my dir/a b.h' 'static float factor(void) { return 2; }\n'
pack faulty k/run.c::run k/run.c 'int run(void) {\n    return nothing;\n}\n'
set -- run.c '#include \"contract.h\"\n#include \"h/998.h\"\nint run'"$body"
i=0
while [ $i -lt 999 ]; do
    if [ $i -eq 0 ]; then
        set -- "$@" h/0.h 'static float factor(void) { return 2; }\n'
    else
        set -- "$@" h/$i.h '#include \"'$((i > 100 ? 0 : i - 1))'.h\"\n'
    fi
    i=$((i + 1))
done
pack thousand run.c::run "$@"
{
    printf '{"name": "huge", "definition": "twice", "author": "tests",\n'
    printf ' "spec": {"language": "c", "target_hardware": ["cpu"], "entry_point": "run.c::run"},\n'
    printf ' "sources": [{"path": "run.c", "content": "#include \\"contract.h\\"\\n#include \\"big.h\\"\\nint run%s"},' "$body"
    printf '\n  {"path": "big.h", "content": "static float factor(void) { return 2; }\\n'
    head -c 8000000 /dev/zero | tr '\0' ' '
    printf '"}],\n "tracemill": {"binding": "c"}}\n'
} >data/solutions/huge.json

cd "$build" || exit 2
"$srcdir/configure" --arch=cpu --dataset=../data --warmup-runs=1 --iterations=5 --num-trials=1 \
    >configure.log 2>&1 || cat configure.log
ninja bench >bench.log 2>&1
expect packed/bench 0 $?
verdicts() {
    find build/traces -name '*.json' | LC_ALL=C sort | while IFS= read -r trace; do
        folder=${trace%/*}
        printf '%s %s\n' "${folder##*/}" \
            "$(sed -n 's/.*"status": *"\([A-Z_]*\)".*/\1/p' "$trace")"
    done
}
expect packed/verdicts 'minus_loop PASSED
blanks PASSED
faulty COMPILE_ERROR
folders PASSED
huge PASSED
thousand PASSED
twice_loop PASSED' "$(verdicts)"
expect packed/'an error leads to the unpacked file' 1 \
    "$(grep -c 'twice-3 (n=3): build/unpacked/solutions/faulty/k/run.c:[12]:' build/report/summary.txt)"
expect packed/'the same bytes' 8000040 "$(wc -c <build/unpacked/solutions/huge/big.h)"
ninja bench >bench.log 2>&1
expect packed/'nothing is left to do' 'ninja: no work to do.' "$(tail -n 1 bench.log)"

# Written again as it was; then one file of it changes; then it goes.
edges() { sed -n 's/^\[[0-9/]*\] //p' bench.log | sed 's/^PASSED .*/PASSED/;s/^REPORT.*/REPORT/' | tr '\n' ','; }
file=../data/solutions/deep/er/folders.json
cp $file again && mv again $file
ninja bench >bench.log 2>&1
expect packed/'written again: only a plan' 'PLAN the matrix,' "$(edges | sed 's/CONFIGURE build.ninja,//;s/STAGES of build.ninja,//')"
before=$(ls -l --time-style=full-iso build/unpacked/solutions/folders/inc/far.h)
sed 's/return 2;/return 2.0f; \/* exactly *\//' $file >again && mv again $file
ninja bench >bench.log 2>&1
expect packed/'the changed file is compiled' 1 "$(grep -c 'SOLUTION build/solutions/' bench.log)"
expect packed/'an unchanged one is left alone' "$before" \
    "$(ls -l --time-style=full-iso build/unpacked/solutions/folders/inc/far.h)"
rm $file
ninja bench >bench.log 2>&1
expect packed/'one that went leaves nothing' 'no' \
    "$([ -e build/unpacked/solutions/folders ] && echo yes || echo no)"
finish
