#!/bin/sh
# references.sh [--arch=ARCH] [--dataset=DIR] [--definitions=GLOBS] [--sets=ours,dataset]
#               [--what=small,rows,hostile] [--seed=N] [--bytes=N] [--operations=N] [--seconds=N]:
# the native references as they are compiled for a GPU, run there, against the definitions' own
# PyTorch and against the same sources compiled for the CPU. Of our definitions, and of those of a
# dataset, the public one by default.
#
#   small    the odd sizes of tests/suites/reference.sh; experts at smaller hidden sizes
#   rows     one or two rows of each definition, of at most --bytes and --operations, and --seconds
#            for PyTorch, on the GPU where its source allows
#   hostile  the index tensors of tests/suites/attention.sh, offsets and pages that point anywhere
#
# Needs a python3 with torch (PYTHON names another). tests/proofs/references/references.py says what
# its lines mean.
# shellcheck disable=SC2034 # variables of options
definitions='*' sets=ours,dataset what=small,rows,hostile seed='' bytes=1800000000 operations=50000000000 seconds=20
# shellcheck source=tests/proofs/proofs.sh
. "$(dirname "$0")/proofs.sh"

python=${PYTHON:-python3}
[ -n "$seed" ] || seed=$(date +%s)
listed() { # words of a comma list
    printf '%s' "$1" | tr , ' '
}
for one in $(listed "$what,$sets"); do
    case $one in
    small | rows | hostile | ours | dataset) ;;
    *)
        echo "$0: --what, --sets: expected a list of what its first lines say, got \"$one\"" >&2
        exit 2
        ;;
    esac
done
if ! why=$("$python" -c 'import torch' 2>&1); then
    skipped references "$python has no torch: $(printf '%s\n' "$why" | tail -n 1)"
    finish
fi
device=cpu
[ "$arch" = native ] && nvidia-smi -L >/dev/null 2>&1 && arch=sm_$(nvidia-smi \
    --query-gpu=compute_cap --format=csv,noheader | sed -n '1s/\.//p')
case $arch in cpu | native) arch=cpu ;; *) device=cuda ;; esac

# The references of a dataset, for an architecture, to a folder of their own. False when no
# definition fits.
compile_references() { # architecture, folder, configure option...
    architecture=$1 folder=$scratch/$2
    shift 2
    mkdir -p "$scratch/build-$architecture" "$folder"
    (
        cd "$scratch/build-$architecture" &&
            "$srcdir/configure" --arch="$architecture" --definitions="$definitions" "$@" &&
            find build/solutions -name 'reference_*.json' | sed 's/json$/so/' >targets.txt &&
            xargs ninja build/bin/tm-blobs <targets.txt &&
            xargs -I '{}' mv '{}' "$folder" <targets.txt &&
            sed 's/so$/json/' targets.txt | xargs -I '{}' mv '{}' "$folder"
    ) >"$folder.log" 2>&1 || {
        if grep -q 'a filter matches nothing' "$folder.log"; then return 1; fi
        tail -n 20 "$folder.log" >&2
        failed "references/${folder##*/}" 'see above'
        finish
    }
}

run() { # what, of the set that judge is at
    # shellcheck disable=SC2154 # --bytes, --operations, --seconds
    case $1 in
    hostile)
        "$python" "$tests/suites/attention.py" "$of/definitions" "$scratch/$name-device" $device \
            "$scratch/draw.so" "$seed"
        ;;
    *)
        "$python" "$proofs/references/references.py" "$of/definitions" "$of/workloads" \
            "$scratch/$name-cpu" "$scratch/$name-device" $device "$scratch/draw.so" \
            "$scratch/build-cpu/build/bin/tm-blobs" "$seed" "$1" "$bytes" "$operations" "$seconds"
        ;;
    esac
}

# judge NAME DATASET CONFIGURE-OPTION...
judge() {
    name=$1 of=$2
    shift 2
    begin=$(date +%s)
    compile_references cpu "$name-cpu" "$@" || {
        skipped "references/$name" "it has no definition that fits $definitions"
        return
    }
    case $arch in
    cpu) cp -R "$scratch/$name-cpu" "$scratch/$name-device" ;; # two copies: samplers count calls
    *) compile_references "$arch" "$name-device" "$@" ;;
    esac
    count=$(find "$scratch/$name-device" -name '*.so' | wc -l)
    for object in "$scratch/$name-device"/*.so; do
        if head -n 1 "$object" | grep -aq '^tracemill: compile error'; then
            failed "references/${object##*/}" "$(grep -a -m 1 'error' "$object" | tail -n 1)"
        fi
    done
    printf '%s: %s references compiled in %d s\n' "$name" "$count" $(($(date +%s) - begin))
    [ -z "$gone" ] || return
    begin=$(date +%s)
    for one in $(listed "$what"); do
        # Lines are shown as they come, for who has to stop it.
        {
            run "$one"
            echo $? >"$scratch/status"
        } 2>&1 | tee "$scratch/$name-$one.log"
        status=$(cat "$scratch/status")
        [ "$status" -le 1 ] || failed "references/$name/$one" "exit status $status"
        [ "$status" -ne 1 ] || failures=$((failures + 1))
        # hostile knows attention alone.
        found=$(sed -n 's,^\(PASS\|FAIL\|SKIP\) [a-z]*/\([^/:]*\)[/:].*,\2,p' "$scratch/$name-$one.log" |
            sort -u | wc -l)
        wanted=$count
        [ "$one" != hostile ] || wanted=$(find "$scratch/$name-device" -name 'reference_[gm][ql]a_*.so' | wc -l)
        expect "references/$name/$one" "$wanted definitions judged" "$found definitions judged"
        printf '%s %s: %s in %d s\n' "$name" "$one" "$(grep -c '^PASS' "$scratch/$name-$one.log") PASS, \
$(grep -c '^FAIL' "$scratch/$name-$one.log") FAIL, $(grep -c '^SKIP' "$scratch/$name-$one.log") SKIP, \
$(grep -c '^NOTE' "$scratch/$name-$one.log") beyond a rounding" $(($(date +%s) - begin))
        begin=$(date +%s)
    done
    # shellcheck disable=SC2046 # words
    set -- $(listed "$what")
    for one in "$@"; do cat "$scratch/$name-$one.log"; done | awk -f "$proofs/references/table.awk"
}

# Why nothing can be run.
gone=''
if [ $device = cuda ] && ! why=$("$python" -c 'import torch
torch.zeros(1, device="cuda")' 2>&1); then
    gone=$(printf '%s\n' "$why" | tail -n 1)
fi
${CC:-cc} -shared -fPIC -std=c11 -D_GNU_SOURCE -O3 -fno-math-errno -fopenmp "-I$srcdir" \
    "$srcdir/harness/random_fill.c" "$srcdir/harness/random_form.c" "$srcdir/lib/dtype.c" \
    -o "$scratch/draw.so" -lm || failed references/draw.so 'it does not compile'
printf 'inputs of seed %s; elements; largest absolute error, relative error, matched ratio\n' "$seed"
[ -n "$dataset" ] || dataset=$srcdir/../shared/dataset
for set in $(listed "$sets"); do
    case $set in
    ours) judge ours "$srcdir" ;;
    *)
        if [ -d "$dataset/definitions" ]; then
            judge dataset "$dataset" --dataset="$dataset"
        else
            skipped references/dataset "no $dataset"
        fi
        ;;
    esac
done
[ -z "$gone" ] || skipped references "compiled; $gone"
[ "$failures" -ne 0 ] || [ -n "$gone" ] || pass references
finish
