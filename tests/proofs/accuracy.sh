#!/bin/sh
# accuracy.sh [--arch=ARCH] [--workloads=UUIDS]: an almost empty kernel, copies of 1 to 1024 MB and
# a large product, each by the engine, by the events that it records beside its samples, and by
# Nsight Compute, which times each launch with clean, empty caches too. Engine and ncu must agree
# within 0.2 us or 2 %, whichever is larger.
workloads=all
# shellcheck source=tests/proofs/proofs.sh
. "$(dirname "$0")/proofs.sh"

start --dataset="$proofs/accuracy" --solutions='copy_vectors,gemm_cublaslt_*' --workloads="$workloads"
bench bench.log

# Median time of a call in ns by ncu, or "-". Kernels of the harness and of the reference, which
# come up too, have other names. A call of several kernels is the sum of their medians.
by_ncu() { # definition, row, solution
    ncu --clock-control none --cache-control all --target-processes all \
        --metrics gpu__time_duration.sum --print-units base --csv \
        --kernel-name 'regex:copy_vectors|nvjet|xmma|cutlass|sm90_|sm80_|cublasLt|splitK' \
        "build/harness/$1/$2" --solution "build/solutions/$3.so" --in-process >ncu.csv 2>ncu.log ||
        { tail -n 5 ncu.csv ncu.log >&2; }
    awk '
    /^"ID"/ { count = split(substr($0, 2, length($0) - 2), head, "\",\"")
              for (i = 1; i <= count; i++) column[head[i]] = i; next }
    /^"[0-9]+"/ && count {
        split(substr($0, 2, length($0) - 2), field, "\",\"")
        if (field[column["Metric Name"]] != "gpu__time_duration.sum") next
        value = field[column["Metric Value"]]; unit = field[column["Metric Unit"]]
        gsub(/,/, "", value)
        if (unit ~ /^u/) value *= 1e3
        if (unit ~ /^m/) value *= 1e6
        print field[column["Kernel Name"]] "\t" value
    }' ncu.csv >ncu.values
    cut -f1 ncu.values | sort -u >ncu.names
    while IFS= read -r name; do
        awk -F '\t' -v name="$name" '$1 == name { print $2 }' ncu.values | median
    done <ncu.names | awk '{ sum += $1 } END { print NR ? sum : "-" }'
    printf '    ncu, %s: %s\n' "$2" "$(awk -F '\t' '{ printf "%s ns (%.40s) ", $2, $1 }' ncu.values)" >>details.txt
}

: >table.txt
: >details.txt
find build/traces -name '*.json' | sort -V >traces.txt
[ -s traces.txt ] || failed accuracy 'no traces'
while IFS= read -r trace; do
    definition=$(sed -n 's/^  "definition": "\(.*\)",*$/\1/p' "$trace")
    solution=$(sed -n 's/^  "solution": "\(.*\)",*$/\1/p' "$trace")
    row=$(basename "$trace" .json)
    engine=$(numbers "$trace" latency_ms)
    ncu=-
    if command -v ncu >/dev/null 2>&1; then ncu=$(by_ncu "$definition" "$row" "$solution" </dev/null); fi
    printf '%s %s %s %s %s\n' "$definition" "$row" "${engine:--}" \
        "$(numbers "$trace" events_median_ns | median)" "$ncu" >>table.txt
done <traces.txt
awk '
BEGIN { printf "%-22s %-8s %11s %11s %9s %11s %9s %8s  %s\n", "definition", "row", "engine us", "events us", "- engine",
               "ncu us", "- engine", "%", "within max(0.2 us, 2 %)" }
{
    engine = $3 * 1e3; verdict = "yes"
    events = $4 == "-" ? "-" : sprintf("%.3f", $4 / 1e3)
    above = $4 == "-" ? "-" : sprintf("%+.3f", $4 / 1e3 - engine)
    if ($3 == "-") verdict = "NO: not PASSED"
    else if ($5 == "-") verdict = "no ncu"
    off = $5 == "-" || $3 == "-" ? 0 : $5 / 1e3 - engine
    limit = engine * 0.02 > 0.2 ? engine * 0.02 : 0.2
    if (off > limit || -off > limit) verdict = "NO"
    printf "%-22s %-8s %11.3f %11s %9s %11s %9s %8s  %s\n", $1, $2, engine, events, above,
        $5 == "-" ? "-" : sprintf("%.3f", $5 / 1e3), $5 == "-" ? "-" : sprintf("%+.3f", off),
        $5 == "-" || !engine ? "-" : sprintf("%+.2f", off / engine * 100), verdict
}' table.txt | tee result.txt
cat details.txt
if grep -q 'NO' result.txt; then
    failed accuracy "$(grep -c NO result.txt) rows differ by more"
elif [ -s traces.txt ] && grep -q 'no ncu' result.txt; then
    skipped accuracy 'no ncu to compare with'
elif [ -s traces.txt ]; then
    pass accuracy
fi
end_keeper || failed accuracy 'the keeper does not end'
finish
