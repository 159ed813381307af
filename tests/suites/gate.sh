#!/bin/sh
# gate.sh: `ninja gate` from end to end: it benches first, finds the baseline, knows by their hashes
# the cells that have not changed, and fails the build, with its files written, when one broke. The
# verdicts themselves are in tests/cases/report-gate and tests/unit/test_gate.c.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

build=$scratch/bench
data=$scratch/data
start_build "$build"
cp -R "$tests/data/tiny" "$data"
cd "$build" || exit 1
configure() { # further options
    "$srcdir/configure" --arch=cpu --dataset=../data --authors=tiny --workloads=all \
        --iterations=5 --num-trials=1 --warmup-runs=0 "$@" >configure.log 2>&1 || {
        cat configure.log
        exit 3
    }
}
gate() {
    ninja gate >gate.log 2>&1
    status=$?
}
said() { # the last line of the gate
    grep '^gate ' gate.log
}

configure
gate
expect 'gate/no baseline' 'failed' "$([ $status -ne 0 ] && echo failed)"
expect 'gate/no baseline is said' 'tracemill: error: --baseline: expected a path, got nothing' \
    "$(grep -o '^tracemill: error: --baseline: expected a path, got nothing' gate.log)"

cp -R build/traces ../earlier
configure --baseline=../earlier --gate-threshold=3.5
gate
expect 'gate/nothing has changed' "0 gate passed: 8 SAME" "$status $(said)"
expect 'gate/by identity' 'SAME by identity (solution, harness, device): 8;' \
    "$(grep -o '^SAME by identity .*: 8;' gate.log)"
expect 'gate/threshold' 'Relevant from 3.5% on' "$(grep -o '^Relevant from [^ ]* on' gate.log)"

expect 'gate/in report.html' '"gate":{"failed":false' \
    "$(grep -o '"gate":{"failed":[a-z]*' build/report/report.html)"

# A comment changes no byte of the object; another configuration is another harness.
echo '/* more */' >>"$data/kernels/tiny/plain/plain.c"
gate
expect 'gate/a comment' "0 gate passed: 8 SAME" "$status $(said)"
sed -i 's/tiny_use(200)/tiny_use(201)/' "$data/kernels/tiny/wide/wide.c"
sed -i 's/tiny_use(300);/tiny_use(300); return 1;/' "$data/kernels/tiny/narrow/narrow.c"
gate
identical=$(sed -n 's/^ *"identical": \([0-9]*\),$/\1/p' build/report/gate.json)
expect 'gate/what is new' '4' "$identical"
regressed=$(sed -n 's/^ *"REGRESSED": \([0-9]*\),$/\1/p' build/report/gate.json)
expect 'gate/a broken kernel' 'failed 2' "$([ $status -ne 0 ] && echo failed) $regressed"
expect 'gate/its summary' '### Passed before, and does not now: 2' \
    "$(grep '^### Passed before' build/report/gate.md)"

# The traces that reports carry: no samples, hashes all the same.
cp -R build/report ../artifact
sed -i 's/ return 1;//' "$data/kernels/tiny/narrow/narrow.c"
configure --baseline=../artifact
gate
expect 'gate/JSON Lines' '0 gate passed: 2 FIXED, 6 SAME' "$status $(said)"
finish
