#!/bin/sh
# variants.sh: solutions with a table of macro values, and with axes that are compiled in. What is
# compiled and run for them, which of it again after which edit, and what the report says.
#
# The dataset is tests/data/variants: sums_w4 with the rows three-two, three-five and seven-two
# (rows, parts), sums_w8 with one. tuned has 2 x 2 variants, baked has `rows` compiled in, both has
# a list of variants and both axes compiled in, family is generic with two variants; view has all of it
# behind tvm-ffi.
#
# What ran is what build/.ninja_log gained, shortened: so/NAME an object, generic/NAME one that is
# copied, cell/NAME/UUID a trace, plan, report.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

build=$scratch/bench
data=$scratch/data
tuned=$data/kernels/tuned
start_build "$build"
cp -R "$tests/data/variants" "$data"
cd "$build" || exit 1
configure() { # further options
    "$srcdir/configure" --arch=cpu --dataset=../data --authors=tuner --workloads=all \
        --iterations=2 --num-trials=1 --warmup-runs=0 "$@" >configure.log 2>&1 || {
        cat configure.log
        exit 3
    }
}

# Builds a target; what ran is in $ran, one short name per line, sorted.
build() { # target
    grep -v '^#' build/.ninja_log | sort >log.before
    if ! ninja "$1" >build.log 2>&1; then
        cat build.log
        ran='ninja failed'
        return
    fi
    grep -v '^#' build/.ninja_log | sort >log.after
    ran=$(comm -13 log.before log.after | cut -f4 | sed \
        -e 's,^build/report/.*,report,' \
        -e 's,^build/matrix\.ninja$,plan,' \
        -e 's,^build/solutions/\(.*\)\.so$,so/\1,' \
        -e 's,^build/generic/[0-9a-f]*/\(.*\)\.so$,generic/\1,' \
        -e '/^build\/ceilings\.json$/d' \
        -e 's,^build/traces/tuner/sums/[^/]*/\(.*\)\.json$,cell/\1,' | LC_ALL=C sort -u)
}
# expect_ran NAME TARGET EDGE...: that is what runs, and the next time nothing.
expect_ran() {
    name=$1 target=$2
    shift 2
    expected=$(for edge; do printf '%s\n' "$edge"; done | LC_ALL=C sort)
    build "$target"
    expect "variants/$name" "$expected" "$ran"
    build "$target"
    [ -z "$ran" ] || failed "variants/$name" "a second time it ran [$ran]"
}
cells() { # solution... of sums_w4
    for one; do
        printf 'cell/%s/%s\n' "$one" three-two "$one" three-five "$one" seven-two
    done
}
edit() { # file, sed script: changed in place, and never without effect
    sed "$2" "$1" >edited
    ! cmp -s "$1" edited || failed "edit" "\"$2\" changes nothing in $1"
    cat edited >"$1"
}
statuses() { # solution: how many cells have which verdict
    cat build/traces/tuner/sums/sums_w4/"$1"/*.json |
        sed -n 's/^ *"status": *"\([A-Z_]*\)".*/\1/p' | sort | uniq -c | xargs
}

configure
build bench
# Equal values share an object: three rows, two values of `rows`; and one compile serves both widths.
# shellcheck disable=SC2046 # names without blanks
expect variants/objects "$(printf '%s\n' 'so/baked@rows=3' 'so/baked@rows=7' \
    generic/family_generic+START=-0.0f generic/family_generic+START=0.0f \
    generic/reference_generic so/reference_sums_w4 so/reference_sums_w8 \
    so/family_sums_w4+START=-0.0f so/family_sums_w4+START=0.0f \
    so/family_sums_w8+START=-0.0f so/family_sums_w8+START=0.0f \
    so/tuned_sums_w4+STRIDE=1+WAYS=2 so/tuned_sums_w4+STRIDE=1+WAYS=4 \
    so/tuned_sums_w4+STRIDE=2+WAYS=2 so/tuned_sums_w4+STRIDE=2+WAYS=4 \
    $(for of in TYPE=double+FROM=1 TYPE=float+FROM=0; do
        printf 'so/both+%s@%s\n' $of parts=2@rows=3 $of parts=5@rows=3 $of parts=2@rows=7
    done) | LC_ALL=C sort)" "$(printf '%s\n' "$ran" | grep -e ^so/ -e ^generic/)"
expect variants/passed '29 passed' "$(sed -n 2p build/report/summary.txt)"
expect variants/macros '-DSTRIDE=2 -DWAYS=4' "$(ninja -t commands \
    build/solutions/tuned_sums_w4+STRIDE=2+WAYS=4.so | tail -n 1 | grep -o -- '-DSTRIDE.*[0-9]')"
expect variants/baked-macros '-DTYPE=float -DFROM=0 -DTM_PARTS=5 -DTM_ROWS=3' "$(ninja -t commands \
    'build/solutions/both+TYPE=float+FROM=0@parts=5@rows=3.so' | tail -n 1 | grep -o -- '-DTYPE.*[0-9]')"
expect variants/best-of-base 1 "$(grep -c '^. tuned_sums_w4+' build/report/summary.txt)"
expect variants/families 'both family_{definition} tuned_{definition}' \
    "$(sed -n '/^VARIANTS/,/^$/s/^  \([^ ]*\): .*/\1/p' build/report/summary.txt | xargs)"

expect variants/compile-time "$(cat build/solutions/baked@rows=[37].ms | awk '{ sum += $1 } END { printf "%.3f", sum }')" \
    "$(sed -n '/"name": "baked"/,/"base"/s/.*"compile_ms": \(.*\),/\1/p' build/report/report.json | xargs printf %.3f)"

# By hand, with the line that the report gives, and with the object of another row.
command=$(sed -n 's/.*"command": "\(.*baked.*rows=7[^"]*\)".*/\1/p' build/report/report.json)
expect variants/by-hand PASSED "$($command | sed -n '1s/ .*//p')"
expect variants/wrong-row "tracemill: error: build/solutions/baked@rows=3.so: expected rows=7 compiled in, as \
this workload has it, got 3; give it to another harness" "$(build/harness/sums_w4/seven-two 'build/solutions/baked@rows=3.so' 2>&1)"

# Edits.
expect_ran nothing bench
edit "$tuned/solution.json" 's/"STRIDE": \[1, 2\]/"STRIDE": [1, 3]/'
# shellcheck disable=SC2046
expect_ran one-value bench plan build.ninja \
    so/tuned_sums_w4+STRIDE=3+WAYS=2 so/tuned_sums_w4+STRIDE=3+WAYS=4 \
    $(cells tuned_sums_w4+STRIDE=3+WAYS=2 tuned_sums_w4+STRIDE=3+WAYS=4) report
all=$(printf 'tuned_sums_w4+STRIDE=%s+WAYS=%s ' 1 2 1 4 3 2 3 4)
edit "$tuned/tuned.c" '1i /* A comment. */'
# shellcheck disable=SC2046,SC2086
expect_ran comment bench $(printf 'so/%s ' $all)
edit "$tuned/tuned.c" 's/sum = 0;/sum = 0.0f * axes->parts;/'
# shellcheck disable=SC2046,SC2086
expect_ran source bench $(printf 'so/%s ' $all) $(cells $all) report
# A combination that does not compile: the objects of the others are what they were.
edit "$tuned/tuned.c" '2i #if STRIDE == 3 \&\& WAYS == 4\n#error this one is too large\n#endif'
# shellcheck disable=SC2046,SC2086
expect_ran broken bench $(printf 'so/%s ' $all) $(cells tuned_sums_w4+STRIDE=3+WAYS=4) report
expect variants/broken-cells '3 COMPILE_ERROR' "$(statuses tuned_sums_w4+STRIDE=3+WAYS=4)"
expect variants/other-cells '3 PASSED' "$(statuses tuned_sums_w4+STRIDE=3+WAYS=2)"
expect variants/broken-log '#error this one is too large' \
    "$(sed -n 's/^    log  //p' build/report/summary.txt | xargs grep -oh '#error this.*' | head -n 1)"
expect variants/broken-count '4 variants, 1 failed' \
    "$(sed -n '/tuned_{definition}:/{n;s/^    \(.* failed\).*/\1/p;}' build/report/summary.txt)"

# Rows: one whose values are known is not compiled for, one with a new value is; the generic family
# and the variants without baked axes have an object already.
sed -n '1{s/three-two/again/p;s/again/nine-two/;s/"rows": 3/"rows": 9/p;}' \
    "$data/workloads/sums.jsonl" >added
cat added >>"$data/workloads/sums.jsonl"
build bench
# shellcheck disable=SC2046
expect variants/new-rows "$(printf '%s\n' 'so/baked@rows=9' \
    'so/both+TYPE=double+FROM=1@parts=2@rows=9' 'so/both+TYPE=float+FROM=0@parts=2@rows=9')" \
    "$(printf '%s\n' "$ran" | grep -e ^so/ -e ^generic/)"

# Names: of a variant, of a base, of both in a filter.
rm -r build/traces
build bench/tuned_sums_w4+STRIDE=1+WAYS=2
expect variants/target 5 "$(printf '%s\n' "$ran" | grep -c '^cell/tuned_sums_w4+STRIDE=1+WAYS=2/')"
build bench/tuned_sums_w4
expect variants/base-target 15 "$(printf '%s\n' "$ran" | grep -c ^cell/tuned_sums_w4+)"
configure --solutions='tuned_sums_w4,*+FROM=0'
# shellcheck disable=SC2086
expect variants/filter "$(printf '%s\n' both+TYPE=float+FROM=0 $all)" \
    "$(sed -n 's,^build bench/\(.*+.*\): phony.*,\1,p' build/matrix.ninja)"
expect variants/filter-known '' "$(grep warning configure.log)"
expect variants/filter-unknown 'tracemill: warning: --solutions: "tuned_sums_w4+STRIDE=4*" matches no '\
'solution in the datasets; did you mean "tuned_sums_w4+STRIDE=1+WAYS=4"?' "$("$srcdir/configure" \
    --arch=cpu --dataset=../data --solutions='tuned_sums_w4+STRIDE=4*' 2>&1 | grep warning)"

# Both through tvm-ffi.
configure --authors=viewer
if grep -q NEEDS_TVM_FFI build/plan.json; then
    skipped variants/tvm-ffi 'configure finds no tvm-ffi'
else
    build bench
    expect variants/tvm-ffi-objects "$(printf 'so/view+START=%s\n' '0@rows=3' '0@rows=7' '0@rows=9' \
        '1@rows=3' '1@rows=7' '1@rows=9')" "$(printf '%s\n' "$ran" | grep ^so/view)"
    expect variants/tvm-ffi '5 passed, 5 failed' "$(sed -n 2p build/report/summary.txt)"
fi
finish
