#!/bin/sh
# synthesize.sh: a row whose blob is not on disk is left out, and with --synthesize-blobs runs on
# inputs that are made, which its trace and the reports say. One that writes its recipe runs anyhow.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

build=$scratch/build
start_build "$build"
cp -R "$tests/data/tiny" "$scratch/data"
cd "$build" || exit 1
rows=$(find ../data/workloads -name 'tiny_h32.jsonl')
row() { # uuid, more of the workload
    printf '{"definition": "tiny_h32", "workload": {"uuid": "%s", "axes": {"batch_size": 2}, "inputs": {"weight": {"type": "safetensors", "path": "blob/%s.safetensors", "tensor_key": "weight"}}%s}, "solution": null, "evaluation": null}\n' "$1" "$1" "$2"
}
{
    row absent ''
    row written ', "tracemill": {"recipe": {}}'
} >>"$rows"
run() { # option: the matrix of one solution
    "$srcdir/configure" --arch=cpu --dataset=../data --definitions=tiny_h32 --solutions=plain \
        --iterations=5 --num-trials=1 --warmup-runs=0 "$@" >configure.log 2>&1 &&
        ninja bench >bench.log 2>&1 && return
    cat configure.log bench.log
    failed "synthesize/$*" 'the matrix did not run'
    finish
}
cells() { # uuid and status of each, and a word about inputs that were made
    for trace in build/traces/tiny/rmsnorm/tiny_h32/plain/*.json; do
        printf '%s %s%s\n' "$(basename "$trace" .json)" \
            "$(sed -n 's/^ *"status": "\(.*\)",$/\1/p' "$trace")" \
            "$(sed -n 's/^ *"synthesized": true,$/ made/p' "$trace")"
    done
}
flagged() { # how often in the traces, and in the summary
    grep -l '"flags": \[.*"SYNTHESIZED"' build/traces/tiny/rmsnorm/tiny_h32/plain/*.json |
        xargs -r -n 1 basename
    grep -o '^SYNTHESIZED  [0-9]* cell' build/report/summary.txt
}
run
expect synthesize/without 'one PASSED
written PASSED' "$(cells)"
expect synthesize/without/reason 'its blob is not on disk' \
    "$(sed -n '/"kind": "workload"/,/}/s/^ *"reason": "\(.*\)",*$/\1/p' build/plan.json)"
expect synthesize/without/flags '' "$(flagged)"
run --synthesize-blobs
expect synthesize/with 'absent PASSED made
one PASSED
written PASSED' "$(cells)"
expect synthesize/with/flags 'absent.json
SYNTHESIZED  1 cell' "$(flagged)"
# Other inputs for each row, and the same on every machine.
expect synthesize/blobs '1909896545 absent
31277452 written' "$(for blob in absent written; do
    tail -c 64 "build/blobs/rmsnorm/tiny_h32/$blob.safetensors" | cksum | sed "s/ .*/ $blob/"
done)"
finish
