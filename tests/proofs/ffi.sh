#!/bin/sh
# ffi.sh [--arch=ARCH] [--headers=DIR] [--library=yes|no]: solutions behind tvm-ffi on a GPU, each
# with the verdict that it must get (tests/ffi/expected.txt), and where the stream of the call is not
# the one that a solution uses, the same latency. DIR as of configure's --tvm-ffi; with --library=no
# the stand-in serves.
headers='' library=yes
# shellcheck source=tests/proofs/proofs.sh
. "$(dirname "$0")/proofs.sh"

# Latencies of one kernel, launched in different ways, differ by less than this.
most_percent=5 most_us=1

set --
[ -z "$headers" ] || headers=$(cd "$headers" && pwd) || exit 2
if [ "$library" = no ]; then # the headers alone
    lines=$("$srcdir/gen/tvm_ffi.sh" find "${CC:-cc}" ${headers:+"$headers"}) || lines=''
    mkdir -p "$scratch/headers/include"
    for folder in $(printf '%s\n' "$lines" | sed -n 1p); do
        ln -s "$folder"/* "$scratch/headers/include"
    done
    headers=$scratch/headers
fi
[ -z "$headers" ] || set -- --tvm-ffi="$headers"
start --dataset="$tests/ffi" --authors=ffi --solutions='cu_*' --timeout=60 \
    --workloads=small,plain,masked,each,zeros,large "$@"
bench bench.log

field() { # name, trace: of the first line that has it
    sed -n "s/^ *\"$1\": \"*\(.*[^\",]\)\"*,*\$/\1/p" "$2" | head -n 1 | sed 's/\\"/"/g'
}
printf '%-22s %-7s %-20s %10s %8s  %s\n' solution row verdict 'latency us' flags reason
sed -n '/^cu_/p' "$tests/ffi/expected.txt" >expected
while IFS='|' read -r solution status reason; do
    solution=${solution%% *} status=${status# } reason=${reason# }
    status=${status%% *}
    find build/traces -path "*/$solution/*.json" | sort >traces
    [ -s traces ] || failed "ffi/$solution" 'no trace'
    while read -r trace; do
        row=${trace##*/} got=$(field status "$trace") said=$(field reason "$trace")
        latency=$(field latency_ms "$trace")
        [ "$said" != null ] || said=''
        flags=$(sed -n 's/^    "flags": \[\(.*\)\].*/\1/p' "$trace" | tr -d '" ')
        printf '%-22s %-7s %-20s %10s %8s  %.70s\n' "$solution" "${row%.json}" "$got" \
            "$(awk -v ms="${latency:-0}" 'BEGIN { if (ms > 0) printf "%.2f", ms * 1e3; else print "-" }')" \
            "${flags:--}" "$said"
        if [ "$got" = "$status" ] && printf '%s\n' "$said" | grep -Eqx -- "$reason"; then
            pass "ffi/$solution/${row%.json}: $status" >>verdicts
        else
            failed "ffi/$solution/${row%.json}" "expected $status [$reason], got $got [$said]" \
                >>verdicts
        fi
    done <traces
done <expected
cat verdicts

# The same kernel on the call's stream, on others, with a wait, and into returned memory.
latency_of() { # solution
    field latency_ms "$(find build/traces -path "*/$1/large.json")"
}
base=$(latency_of cu_view)
for solution in cu_default_stream cu_own_stream cu_synchronises cu_returns cu_returns_cached; do
    differs=$(awk -v a="${base:-0}" -v b="$(latency_of $solution)" -v percent=$most_percent \
        -v us=$most_us 'BEGIN {
            far = b - a; far = far < 0 ? -far : far
            good = a > 0 && far <= a * percent / 100 + us / 1e3
            printf "%s%.2f us beside %.2f us", good ? "" : "too far: ", b * 1e3, a * 1e3 }')
    case $differs in
    too*) failed "ffi/$solution: its latency is that of cu_view" "$differs" ;;
    *) pass "ffi/$solution: its latency is that of cu_view ($differs)" ;;
    esac
done
cmp -s build/lib/libtvm_ffi.so build/lib/stand_in/libtvm_ffi.so && echo 'served by: the stand-in'
end_keeper || failed ffi 'the keeper does not end'
finish
