#!/bin/sh
# reports.sh [10000|100000]: how long tm-report takes for all its outputs over that many traces, cold
# and warm, and tm-report gate over 10,000; prints the figures and fails when one is over its limit
# (docs/DESIGN.md: Decisions).
#
# Run it where tm-report has been built. The traces are synthetic (make_traces.c), of the size that a
# GPU's have, on the disk of TMPDIR (default /tmp). Each time is the best of several runs, as other
# programs share the machine; TM_SCALE_SLACK=1.5 allows half more.
# Exit status: 0, 1 a limit is exceeded, 2 usage, 3 something did not run.
set -eu
scale=$(cd "$(dirname "$0")" && pwd)
cells=${1-10000}
case $cells in
10000) definitions=20 solutions=10 limit=1 samples=50 runs=7 ;;
100000) definitions=100 solutions=20 limit=12 samples=0 runs=3 ;; # a page of so many shows none
*)
    echo "usage: $0 [10000|100000]" >&2
    exit 2
    ;;
esac
memory_limit=2000 gate_limit=3
tm_report=$PWD/build/bin/tm-report
[ -x "$tm_report" ] || {
    echo "$0: expected build/bin/tm-report; run it where that has been built" >&2
    exit 3
}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tracemill-scale.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
cd "$scratch"
for program in make_traces measure; do
    ${CC-cc} -std=c11 -D_GNU_SOURCE -O2 "$scale/$program.c" -lm -o "$program"
done
./make_traces $definitions $solutions 50 $samples
measure() { # file, arguments of tm-report
    file=$1
    shift
    ./measure "$file" "$tm_report" "$@" >log 2>&1 && return
    cat log >&2
    exit 3
}
for _ in $(seq $runs); do
    rm -rf new
    measure first --plan=plan.json --out=new --quiet
    measure again --plan=plan.json --out=old --quiet
done
[ "$(grep -c '"trace"' new/report.json)" = "$cells" ] || {
    echo "$0: expected $cells cells in report.json" >&2
    exit 3
}
status=0
row() { # what, file, seconds allowed
    seconds=$(cut -d ' ' -f 1 "$2" | sort -n | head -n 1)
    cpu=$(cut -d ' ' -f 2 "$2" | sort -n | head -n 1)
    memory=$(cut -d ' ' -f 3 "$2" | sort -n | tail -n 1)
    allowed=$(awk "BEGIN { print $3 * ${TM_SCALE_SLACK:-1} }")
    if awk "BEGIN { exit !($seconds <= $allowed && $memory <= $memory_limit) }"; then
        verdict=PASS
    else
        verdict=FAIL status=1
    fi
    printf '%s scale/%s of %s traces: %.2f s (limit %s), %.2f s of CPU, %.0f MB (limit %s)\n' \
        "$verdict" "$1" "$cells" "$seconds" "$allowed" "$cpu" "$memory" "$memory_limit"
}
row 'report, all files new' first "$limit"
row 'report, nothing changed' again "$limit"
if [ "$cells" = 10000 ]; then
    cp -r build/traces baseline
    for _ in $(seq 3); do
        measure gate gate --plan=plan.json --out=new --baseline=baseline
    done
    row 'gate' gate $gate_limit
fi
exit $status
