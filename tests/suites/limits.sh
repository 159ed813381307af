#!/bin/sh
# limits.sh: what the device can do at most is measured, a row is held against it, and what is faster
# than the device is no pass. The device's ceilings are replaced by hand here: a kernel cannot be made
# too fast for this machine, but the machine can be made too slow for a kernel.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

build=$scratch/build
start_build "$build"
cd "$build" || exit 1
"$srcdir/configure" --arch=cpu --dataset="$tests/data/tiny" --definitions=tiny_h32 \
    --solutions=plain --iterations=5 --num-trials=1 --warmup-runs=0 >configure.log 2>&1 || {
    cat configure.log
    failed limits 'configure failed'
    finish
}
trace=build/traces/tiny/rmsnorm/tiny_h32/plain/one.json
rerun() { # the one cell
    rm -f $trace
    ninja bench >bench.log 2>&1 || {
        cat bench.log
        failed limits 'ninja bench failed'
        finish
    }
}
field() { # of the trace, as it stands there
    sed -n "s/^ *\"$1\": \(.*[^,]\),*\$/\1/p" $trace
}
# ceilings BYTES_PER_S: all that the device can move.
ceilings() {
    printf '{"devices": [{"copy_bytes_per_s": %s, "most_bytes_per_s": %s}]}' "$1" "$1" \
        >build/ceilings.json
}
numbers() { # name, awk condition over the numbers of the trace
    if awk "BEGIN { exit !($2) }"; then pass "$1"; else failed "$1" "it is not so: $2"; fi
}

# As it is measured: figures that a machine can have, and a kernel that passes beside them.
rerun
expect limits/measured '"PASSED"' "$(field status)"
measured() { # key of build/ceilings.json
    sed -n "s/^ *\"$1\": \([0-9.e+]*\),*\$/\1/p" build/ceilings.json
}
copy=$(measured copy_bytes_per_s)
rate=$(measured float32)
numbers 'limits/bytes per second' "${copy:-0} > 1e8 && ${copy:-0} < 1e13"
numbers 'limits/operations per second' "${rate:-0} > 1e8 && ${rate:-0} < 1e15"
bytes=$(field least_bytes) limit=$(field limit_ns) percent=$(field percent_of_limit)
latency=$(field latency_ms)
numbers 'limits/limit' "${bytes:-0} > 0 && (${limit:-0} * $copy / 1e9 - $bytes) ^ 2 < 1"
numbers 'limits/percent' \
    "${percent:-0} > 0 && ($percent - $limit / $latency / 1e4) ^ 2 < (1e-6 * $percent) ^ 2"
expect limits/bound '"memory"' "$(field limited_by)"
# On a busy machine the cell may well be UNSTABLE.
expect limits/flags '' "$(field flags | grep IMPOSSIBLE)"
shown=$(awk "BEGIN { p = $percent
    print p < 0.05 ? \"<0.1%\" : sprintf(p < 9.95 ? \"%.1f%%\" : \"%.0f%%\", p) }")
expect limits/summary "$shown" "$(sed -n 's/^\* plain .* //p' build/report/summary.txt)"
if grep -q "^| .*plain.* | $shown | $shown |\$" build/report/report.md; then
    pass limits/report.md
else
    failed limits/report.md "expected [$shown] twice, got [$(grep plain build/report/report.md)]"
fi
expect limits/report.json "$percent" \
    "$(sed -n 's/^ *"percent_of_limit": \(.*[^,]\),*$/\1/p' build/report/report.json)"
got=$(build/harness/tiny_h32/one build/solutions/plain.so | sed 's/.*, [0-9.e+-]*% of/% of/')
expect limits/line '% of the limit' "$got"

# A device that moves a byte in ten seconds: no honest kernel could be so fast.
ceilings 0.1
rerun
expect limits/impossible '"RUNTIME_ERROR"' "$(field status)"
case $(field reason) in
'"IMPOSSIBLE: '*' is below the '*" ms that $bytes bytes need on this device at least "*)
    pass 'limits/impossible: reason'
    ;;
*) failed 'limits/impossible: reason' "got $(field reason)" ;;
esac
expect 'limits/impossible: flag' '"IMPOSSIBLE"' "$(tr -d '\n' <$trace |
    sed -n 's/.*"flags": \[\([^]]*\)\].*/\1/p' | grep -o '"IMPOSSIBLE"')"
expect 'limits/impossible: percent' '' "$(field percent_of_limit)"
got=$(build/harness/tiny_h32/one build/solutions/plain.so)
expect 'limits/impossible: exit status by hand' 1 $?
case $got in
'RUNTIME_ERROR plain '*': IMPOSSIBLE: '*) pass 'limits/impossible: by hand' ;;
*) failed 'limits/impossible: by hand' "got [$got]" ;;
esac
expect 'limits/impossible: summary' '  RUNTIME_ERROR  tiny_h32 / plain' \
    "$(grep '^  RUNTIME_ERROR' build/report/summary.txt)"

# Ceilings that a cell exceeds were measured on a busy CPU: they are measured again, and the higher
# figure stays, unless that was done a moment ago (as above). A kernel is not accused by them either.
for slow in 1e5 0.1; do
    ceilings $slow
    touch -d '2 minutes ago' build/ceilings.json
    rerun
    expect "limits/remeasured ($slow)" '"PASSED"' "$(field status)"
    percent=$(field percent_of_limit)
    numbers "limits/remeasured ($slow): percent" "${percent:-0} > 0 && ${percent:-0} < 105"
    copy=$(measured copy_bytes_per_s)
    numbers "limits/remeasured ($slow): bytes per second" "${copy:-0} > 1e8 && ${copy:-0} < 1e13"
done
printf '{"devices": [{"copy_bytes_per_s": 1e14, "most_bytes_per_s": 2e14}]}' >earlier.json
build/bin/tm-ceilings build/device.json earlier.json >higher.json
expect limits/higher '100000000000000 200000000000000' \
    "$(sed -n 's/^ *"\(copy\|most\)_bytes_per_s": \([0-9.e+]*\),*$/\2/p' higher.json | paste -s -d ' ')"
build/bin/tm-ceilings build/device.json absent.json >absent.log 2>&1
expect limits/absent '3 tracemill: error: absent.json: No such file or directory; run ninja' \
    "$? $(cat absent.log)"

# A device of which nothing is known accuses nobody, and there is no limit.
echo '{"devices": []}' >build/ceilings.json
rerun
expect limits/unknown '"PASSED"' "$(field status)"
expect 'limits/unknown: limit' '' "$(field limit_ns)"
expect 'limits/unknown: summary' '-' "$(sed -n 's/^\* plain .* //p' build/report/summary.txt)"
finish
