#!/bin/sh
# soak.sh [--arch=ARCH] [--solutions=10] [--rows=100] [--timeout=SECONDS] [--runner=WHICH]: a
# thousand cells, every tenth of which crashes, hangs or corrupts memory. All the others pass, each
# of these gets its verdict, nothing is left behind, and the memory of keeper, workers and judges
# is the same at the end as at the beginning.
solutions=10 rows=100 timeout='' runner=persistent
# shellcheck source=tests/proofs/proofs.sh
. "$(dirname "$0")/proofs.sh"

if grep -q '^cflags = .*-fsanitize' build.ninja 2>/dev/null; then
    sanitized=yes ASAN_OPTIONS=handle_segv=0:handle_sigill=0:allocator_may_return_null=1
    export ASAN_OPTIONS
else
    sanitized=no
fi
# A CUDA context takes a part of the time limit.
[ -n "$timeout" ] || case $arch in cpu) timeout=1 ;; *) timeout=4 ;; esac

solution_json() { # name, role, source, flags
    printf '{"name": "%s", "definition": "soak", "author": "soak", "description": "%s",\n' "$1" "$1"
    printf '  "spec": {"language": "c", "target_hardware": ["cpu", "cuda"], "entry_point": "%s::run"},\n' "$3"
    printf '  "sources": [{"path": "%s"}],\n' "$3"
    printf '  "tracemill": {"binding": "c", "role": "%s", "compile_flags": [%s]}}\n' "$2" "$4"
}
dataset=$scratch/dataset
mkdir -p "$dataset/definitions" "$dataset/workloads" "$dataset/kernels/reference"
cp "$proofs/soak/soak.json" "$dataset/definitions"
cp "$proofs/soak/soak_reference.c" "$dataset/kernels/reference"
solution_json soak_reference reference soak_reference.c '' >"$dataset/kernels/reference/solution.json"
for number in $(seq "$solutions"); do
    mkdir "$dataset/kernels/soak_$number"
    cp "$proofs/soak/soak.c" "$dataset/kernels/soak_$number"
    solution_json "soak_$number" solution soak.c "\"-DSOAK_WAY=$((number % 2))\", \"-DSOAK_NUMBER=$number\"" \
        >"$dataset/kernels/soak_$number/solution.json"
done
for batch in $(seq "$rows"); do
    printf '{"definition": "soak", "workload": {"uuid": "batch-%s", "axes": {"batch": %s}, "inputs": {}}, "solution": null, "evaluation": null}\n' \
        "$batch" "$batch"
done >"$dataset/workloads/soak.jsonl"

start --dataset="$dataset" --workloads=all --warmup-runs=1 --iterations=10 --num-trials=2 \
    --timeout="$timeout" --runner="$runner"

# Every half second: seconds, program, process, resident kB, open files.
watch() {
    while :; do
        processes '' | while read -r process program; do
            case $program in bin/tm-keeper | bin/tm-worker) ;; harness/*) program=judge ;; *) continue ;; esac
            resident=$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$process/status" 2>/dev/null)
            # A process that is just being started or ended has none.
            [ -z "$resident" ] || printf '%s %s %s %s %s\n' "$(date +%s.%N)" "${program#bin/tm-}" "$process" \
                "$resident" "$(find "/proc/$process/fd" 2>/dev/null | wc -l)"
        done
        sleep 0.5
    done
}
: >"$scratch/began"
watch >memory.txt 2>/dev/null &
watcher=$!
begin=$(date +%s)
bench bench.log
seconds=$(($(date +%s) - begin))
kill "$watcher"
wait "$watcher" 2>/dev/null

# Verdicts: of each trace its status and reason in one line, and what they should be.
find build/traces -name '*.json' | while IFS= read -r trace; do
    number=${trace%/*} batch=${trace##*/batch-}
    printf '%s %s %s %s\n' "${number##*_}" "${batch%.json}" \
        "$(sed -n 's/^    "status": "\(.*\)",*$/\1/p' "$trace")" \
        "$(sed -n 's/^    "reason": "\(.*\)",*$/\1/p' "$trace")"
done >verdicts.txt
awk '
{
    way = $1 % 2; kind = $2 % 10 ? "behaves" : $2 / 10 % 3 == 0 ? "hangs" : $2 / 10 % 3 == 1 ? "crashes" : "corrupts"
    wanted = kind == "behaves" ? "PASSED" : kind == "hangs" ? "TIMEOUT" : kind == "corrupts" && way ? "INCORRECT_NUMERICAL" : "RUNTIME_ERROR"
    reason = $0; sub(/^[^ ]* [^ ]* [^ ]* ?/, "", reason)
    good = $3 == wanted && (kind != "corrupts" || way || reason ~ /^wrote behind tensor y/) && (kind != "corrupts" || !way || reason ~ /elements wrong/)
    count[kind]++; right[kind] += good
    if (!good && shown++ < 10) print "    wrong verdict: soak_" $1 ", batch " $2 ", which " kind ": " $3 " " reason
    if (!(kind way in example)) example[kind way] = $3 " " substr(reason, 1, 90)
}
END {
    printf "%-10s %6s %9s\n", "a cell", "cells", "as it is"
    for (kind in count) printf "%-10s %6d %9d\n", kind, count[kind], right[kind]
    for (kind in example) printf "    %-10s %s\n", kind, example[kind]
    print NR, right["behaves"] + 0, right["hangs"] + right["crashes"] + right["corrupts"] > "counts.txt"
}' verdicts.txt
mess=$((solutions * (rows / 10)))
read -r cells passed told <counts.txt
printf '%s cells in %s s\n' "$cells" "$seconds"
expect 'soak/cells that behave pass' $((solutions * rows - mess)) "$passed"
expect 'soak/cells that misbehave get their verdict' "$mess" "$told"
expect 'soak/no other cells' $((solutions * rows)) "$cells"

# What is left while the keeper may still wait for more, and behind it.
left=$(processes '' | awk '{ print $2 }' | sort | uniq -c | awk '{ printf "%s %s ", $1, $2 }')
printf 'left with the keeper: %s\n' "${left:-nothing}"
case $runner:$left in
isolated: | 'persistent:2 bin/tm-keeper '[12]' bin/tm-worker ' | 'persistent:2 bin/tm-keeper ')
    pass 'soak/no more than what stays'
    ;;
*) failed 'soak/no more than what stays' "${left:-nothing}" ;;
esac
if end_keeper; then
    pass 'soak/no process is left'
else
    failed 'soak/no process is left' "$(processes '' | tr '\n' ' ')"
fi
expect 'soak/no shared memory is left' '' "$(find /dev/shm -type f -newer "$scratch/began" ! -path '*/tracemill-scale.*' 2>/dev/null | grep -v cuda)"

# Memory: the largest of the first and of the last quarter of the time.
sort -n memory.txt | awk -v sanitized=$sanitized -v rows="$rows" '
{ time[NR] = $1; program[NR] = $2; resident[NR] = $4; files[NR] = $5 }
END {
    printf "%-8s %8s %21s %20s %11s\n", "process", "samples", "first quarter, max kB", "last quarter, max kB", "open files"
    for (i = 1; i <= NR; i++) {
        at = NR > 1 ? (time[i] - time[1]) / (time[NR] - time[1] + 1e-9) : 0
        p = program[i]; n[p]++
        if (at < 0.25 && resident[i] > first[p]) first[p] = resident[i]
        if (at >= 0.75 && resident[i] > last[p]) last[p] = resident[i]
        if (files[i] > most[p]) most[p] = files[i]
    }
    for (p in n) {
        grows = last[p] > first[p] * 1.1 + 2048
        if (grows && first[p]) bad = bad " " p
        printf "%-8s %8d %21d %20d %11d%s\n", p, n[p], first[p], last[p], most[p], grows && first[p] ? "  GROWS" : ""
    }
    # The keeper has the answers of every row once, and some files of its own.
    if (most["keeper"] > rows + 50) bad = bad " keeper-files"
    if (!n["worker"]) bad = bad " no-samples"
    print bad > "grows.txt"
}'
if [ "$sanitized" = yes ]; then
    skipped 'soak/memory is flat' 'a sanitizer keeps what was freed'
else
    expect 'soak/memory is flat' '' "$(sed 's/^ //' grows.txt)"
fi
finish
