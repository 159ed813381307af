#!/bin/sh
# accuracy.sh [--arch=ARCH] [--workloads=UUIDS]: an almost empty kernel, copies of 1 to 1024 MB and
# a large product, each by the engine, by the events that it records beside its samples, and by
# Nsight Compute, which times each launch with clean, empty caches too, and by a long
# run. The engine must agree with one of the last two within 0.2 us or 2 %, whichever is larger.
workloads=all
# shellcheck source=tests/proofs/proofs.sh
. "$(dirname "$0")/proofs.sh"

start --dataset="$proofs/accuracy" --solutions='copy_vectors,gemm_cublaslt_*' --workloads="$workloads"
bench bench.log
end_keeper || failed accuracy 'the keeper does not end'

# ns per call of a long run, or "-".
by_back_to_back() { # row, solution
    case $1 in
    square) sizes='8192,8192,8192 134217728 134217728 134217728' ;;
    empty) sizes='4 16 16' ;;
    *) sizes="$((${1%MB} * 262144)) $((${1%MB} * 1048576)) $((${1%MB} * 1048576))" ;;
    esac
    # shellcheck disable=SC2086 # words
    timeout 120 ./back_to_back "build/solutions/$2.so" $sizes || echo -
}
if grep -q '^--backend=cuda' build/plan.args; then
    nvcc=$(sed -n 's/^nvcc = //p' build.ninja)
    cuda=$(readlink -f "$(command -v "$nvcc")")
    # shellcheck disable=SC2046 # words
    "$nvcc" -std=c++17 -O2 $(sed -n 's/^arch = //p' build.ninja) -cudart shared \
        -Xlinker -rpath,"${cuda%/bin/nvcc}/lib64" -o back_to_back \
        "$proofs/accuracy/back_to_back.cu" -ldl || failed accuracy 'back_to_back does not compile'
fi

# Median time of a call in ns by ncu, or "-". Kernels of the harness and of the reference, which
# come up too, have other names. A call of several kernels is the sum of their medians.
by_ncu() { # definition, row, solution
    timeout 120 ncu --clock-control none --cache-control all --target-processes all \
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
    run=-
    if [ -x back_to_back ]; then run=$(by_back_to_back "$row" "$solution"); fi
    printf '%s %s %s %s %s %s\n' "$definition" "$row" "${engine:--}" \
        "$(numbers "$trace" events_median_ns | median)" "$ncu" "$run" >>table.txt
done <traces.txt
awk '
function us(ns) { return ns == "-" ? "-" : sprintf("%.3f", ns / 1e3) }
function near(ns) { return ns != "-" && ns / 1e3 - engine <= limit && engine - ns / 1e3 <= limit }
function above(ns) { return ns == "-" || !engine ? "-" : sprintf("%+.3f", ns / 1e3 - engine) }
BEGIN { printf "%-22s %-8s %10s %10s %9s %10s %9s %7s %12s %9s %7s  %s\n", "definition", "row", "engine us",
    "events us", "- engine", "ncu us", "- engine", "%", "in a row us", "- engine", "%", "within max(0.2 us, 2 %)" }
{
    engine = $3 == "-" ? 0 : $3 * 1e3
    limit = engine * 0.02 > 0.2 ? engine * 0.02 : 0.2
    agree = (near($5) ? " ncu" : "") (near($6) ? " run" : "") (near($4) ? " events" : "")
    verdict = !engine ? "NO: not PASSED" : $5 == "-" && $6 == "-" ? "nothing to compare with" : near($5) || near($6) ? "yes:" agree : "NO" (agree ? ", but" agree : "")
    printf "%-22s %-8s %10.3f %10s %9s %10s %9s %7s %12s %9s %7s  %s\n", $1, $2, engine, us($4), above($4),
        us($5), above($5), $5 == "-" || !engine ? "-" : sprintf("%+.2f", ($5 / 1e3 / engine - 1) * 100),
        us($6), above($6), $6 == "-" || !engine ? "-" : sprintf("%+.2f", ($6 / 1e3 / engine - 1) * 100), verdict
}' table.txt | tee result.txt
cat details.txt
if grep -q 'NO' result.txt; then
    failed accuracy "$(grep -c NO result.txt) rows differ by more"
elif [ -s traces.txt ] && grep -q 'nothing to compare' result.txt; then
    skipped accuracy 'neither ncu nor a GPU to compare with'
elif [ -s traces.txt ]; then
    pass accuracy
fi
finish
