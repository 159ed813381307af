#!/bin/sh
# interrupt.sh: `ninja bench` is interrupted at random, TM_INTERRUPTIONS times (6): a person's SIGINT
# to the group, or SIGKILL to any one of its processes. No partial trace is ever seen, the next
# `ninja bench` completes and does not repeat what had finished, and in the end there is exactly the
# matrix, and nothing else.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

interruptions=${TM_INTERRUPTIONS:-6}
random=${TM_SEED:-$$}
printf 'TM_INTERRUPTIONS=%s TM_SEED=%s\n' "$interruptions" "$random"

draw() { # limit: sets `drawn` to a number below it (xorshift, 32 bits)
    random=$(((random ^ random << 13) & 0xffffffff))
    random=$((random ^ random >> 17))
    random=$(((random ^ random << 5) & 0xffffffff))
    drawn=$((random % $1))
}
milliseconds() {
    echo $(($(date +%s%N) / 1000000))
}

# Three solutions of one definition, each right and slow enough to be met at work, on eight workloads.
slow_kernel() { # number, that makes its object another one
    printf '%s\n' '#include "contract.h"' '#include "../planted.h"' \
        'int TM_ENTRY(PLANTED_ARGUMENTS) {' '    usleep(2000);' \
        '    return planted_rmsnorm(hidden_states, weight, output, axes, stream);' '}' \
        "TM_SOLUTION int planted_number(void) {" "    return $1;" '}'
}
dataset=$scratch/dataset
mkdir -p "$dataset/definitions" "$dataset/workloads"
cp "$srcdir/tests/planted/definitions/planted_rmsnorm.json" "$dataset/definitions"
sizes='1 2 3 4 5 6 7 8'
for rows in $sizes; do
    sed "s/\"small\"/\"rows-$rows\"/; s/\"batch_size\": [0-9]*/\"batch_size\": $rows/" \
        "$srcdir/tests/planted/workloads/planted_rmsnorm.jsonl"
done >"$dataset/workloads/rows.jsonl"
for name in one two three; do
    mkdir -p "$dataset/kernels/$name"
    cp "$srcdir/tests/planted/kernels/planted.h" "$dataset/kernels"
    slow_kernel 0 >"$dataset/kernels/$name/$name.c"
    sed "s/planted_right_{definition}/$name/; s/right\.c/$name.c/; s/, \"definitions\": .*\]//" \
        "$srcdir/tests/planted/kernels/right/solution.json" >"$dataset/kernels/$name/solution.json"
done

start_build "$scratch/build"
cd "$scratch/build" || exit 2
cc=$(sed -n 's/^cc = //p' build.ninja)
# shellcheck disable=SC2086 # flags are words
$cc -D_GNU_SOURCE -I"$srcdir" "$srcdir/tests/parse_json.c" build/lib/libtracemill.a -lcjson -lm \
    ${CFLAGS-} -o "$scratch/parse_json" || exit 2
"$srcdir/configure" --arch=cpu --dataset="$dataset" --workloads=all --authors=planted \
    --warmup-runs=1 --iterations=5 --num-trials=2 --timeout=60 >configure.log 2>&1 || {
    cat configure.log
    exit 2
}
traces() {
    (cd build/traces && find . -type f -name '*.json' | sort)
}
partial_traces() {
    find build/traces -name '*.json' -exec "$scratch/parse_json" {} +
}
expected=$(for name in one three two; do
    for rows in $sizes; do
        echo "./planted/rmsnorm/planted_rmsnorm/$name/rows-$rows.json"
    done
done)
if ninja bench >first.log 2>&1; then
    expect 'interrupt/the first run' "$expected" "$(traces)"
else
    failed 'interrupt/the first run' "$(tail -n 20 first.log)"
    finish
fi

# Work for a run: one kernel edited, its object another one, and one more trace gone. Six times in
# ten a new plan as well.
make_work() { # number
    draw 3
    case $drawn in
    0) edited=one other=two ;;
    1) edited=two other=three ;;
    *) edited=three other=one ;;
    esac
    slow_kernel "$1" >"$dataset/kernels/$edited/$edited.c"
    draw 8
    rm -f "build/traces/planted/rmsnorm/planted_rmsnorm/$other/rows-$((drawn + 1)).json"
    work=9
    draw 10
    [ "$drawn" -ge 6 ] || echo >>"$dataset/workloads/rows.jsonl"
}

# Sends one signal into the session of a run and sets `hit` to what it was sent to.
interrupt() { # session
    draw 2
    if [ "$drawn" -eq 0 ]; then
        hit='SIGINT to the group'
        kill -INT -"$1" 2>/dev/null || hit=''
        return
    fi
    # One of each program, so that compilers are not hit most of the time; /proc/*/stat reads
    # "pid (name) state parent group session ...".
    processes=$(cat /proc/[0-9]*/stat 2>/dev/null |
        sed -n "s/^\([0-9]*\) (\(.*\)) . [0-9]* [0-9]* $1 .*/\1 \2/p" |
        grep -v ' sh$' | sort -u -k 2)
    count=$(printf '%s' "$processes" | grep -c .)
    hit=''
    [ "$count" -gt 0 ] || return
    draw "$count"
    # shellcheck disable=SC2046 # two words
    set -- $(printf '%s\n' "$processes" | sed -n "$((drawn + 1))p")
    kill -KILL "$1" 2>/dev/null && hit="SIGKILL to ${2:-?}"
}

# How long such a run takes, undisturbed.
make_work -1
begin=$(milliseconds)
ninja bench >first.log 2>&1 || failed 'interrupt/the second run' "$(tail -n 20 first.log)"
longest=$(($(milliseconds) - begin))

hits='' missed=0 repeated=0
round=0
while [ $round -lt "$interruptions" ]; do
    round=$((round + 1))
    make_work $round
    touch before
    begin=$(milliseconds)
    setsid ninja bench >interrupted.log 2>&1 &
    session=$!
    draw $longest
    sleep "$((drawn / 1000)).$(printf '%03d' $((drawn % 1000)))"
    interrupt $session
    { wait $session; } 2>/dev/null # the shell would say "Killed"
    status=$?
    # A judge starts a killed worker once more. What else was hit, the run has noticed, or it had ended.
    case $status,$hit in
    0,*tm-worker) ;;
    0,*) hit='' ;;
    esac
    if [ -n "$hit" ]; then
        hits="$hits$hit
"
    else
        missed=$((missed + 1))
        longest=$((longest * 9 / 10 + 10)) # the machine is less busy than it was
    fi
    partial=$(partial_traces)
    [ -z "$partial" ] ||
        failed "interrupt/$round: no partial trace" "after $hit (status $status): $partial"
    # What an orphan of a killed ninja finishes just now may be counted on both sides, not on neither.
    touch between
    done_before=$(find build/traces -name '*.json' -newer before | grep -c .)
    if ! ninja bench >completed.log 2>&1; then
        failed "interrupt/$round: the next run completes" "after $hit: $(tail -n 20 completed.log)"
        continue
    fi
    done_after=$(find build/traces -name '*.json' -newer between | grep -c .)
    again=$((done_before + done_after - work))
    [ $again -ge 0 ] || failed "interrupt/$round: all of the work is done" \
        "after $hit: $done_before cells before, $done_after after, expected $work"
    # At most the one that was being written, and the one that an orphan of ninja's had begun.
    [ $again -le 2 ] || failed "interrupt/$round: nothing finished is done again" \
        "after $hit: $done_before cells before, $done_after after, expected $work"
    repeated=$((repeated + again))
done
printf '%s' "$hits" | sort | uniq -c | sed 's/^ */  /'
printf '  %s came too late, %s cells ran again\n' "$missed" "$repeated"
[ "$failures" -ne 0 ] || pass "interrupt/$interruptions interruptions, each survived"
if [ "$missed" -le $((interruptions / 2)) ]; then
    pass 'interrupt/most came in time'
else
    failed 'interrupt/most came in time' "$missed of $interruptions came too late"
fi

expect 'interrupt/in the end: exactly the matrix' "$expected" "$(traces)"
expect 'interrupt/in the end: all passed' 24 \
    "$(find build/traces -name '*.json' -exec grep -l '"status": "PASSED"' {} + | grep -c .)"
expect 'interrupt/in the end: nothing to do' 'ninja: no work to do.' "$(ninja bench)"
expect 'interrupt/in the end: no temporary file' '' \
    "$(find build \( -name '*.tmp*' -o -name '*.[0-9]*.o' -o -name '*.new' \) -print)"
sleep 0.3
# The keeper may stay for a moment; one that nobody can find any more ends, with its workers.
rm -f build/run/*.sock
sleep 1.5
expect 'interrupt/in the end: no process' '' "$(for folder in /proc/[0-9]*; do
    case $(readlink "$folder/cwd") in
    "$PWD") tr '\0' ' ' <"$folder/cmdline" | grep -v '^sh \|^find ' ;;
    esac
done)"
finish
