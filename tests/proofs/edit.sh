#!/bin/sh
# edit.sh [--arch=ARCH] [--dataset=DIR] [--definitions=rmsnorm_h4096] [--workloads=all] [--times=5]
#         [--runner=WHICH]: from an edit to its verdicts. One line of a copy of the rmsnorm baseline
# is changed to and fro; from ninja's log: the time of the compile, from its end to that of the last
# cell (which should be 1 s at most), and the wall time of `ninja bench` as a whole.
definitions=rmsnorm_h4096 workloads=all times=5 runner=persistent
# shellcheck source=tests/proofs/proofs.sh
. "$(dirname "$0")/proofs.sh"

# A dataset beside the other: the baseline again, under another name.
kernels=$scratch/edited/kernels
mkdir -p "$scratch/edited/definitions" "$kernels"
case $arch in
cpu) name=rmsnorm_cpu_vec from='CHUNK = 512,' to='CHUNK = 256,' ;;
*) name=rmsnorm_vec from='few_rows = 264;' to='few_rows = 265;' ;;
esac
cp "$srcdir"/kernels/baseline/rmsnorm/*.h "$kernels"
mkdir "$kernels/$name"
cp "$srcdir/kernels/baseline/rmsnorm/$name"/* "$kernels/$name"
sed "s/\"name\": \"/&edited_/" "$kernels/$name/solution.json" >"$scratch/solution.json" &&
    mv "$scratch/solution.json" "$kernels/$name/solution.json"
header=$kernels/$name.h

start --dataset="${dataset:-$srcdir}" --dataset="$scratch/edited" --definitions="$definitions" \
    --solutions='edited_*' --workloads="$workloads" --runner="$runner"
bench bench.0.log

change() { # from, to
    grep -q "$1" "$header" || { failed edit "no line with $1 in $name.h"; finish; }
    sed "s/$1/$2/" "$header" >"$scratch/header" && mv "$scratch/header" "$header"
}

: >table.txt
time=1
while [ "$time" -le "$times" ]; do
    change "$from" "$to"
    swap=$from from=$to to=$swap
    cp build/.ninja_log before.log
    begin=$(date +%s%N)
    bench "bench.$time.log"
    end=$(date +%s%N)
    # Of ninja's log: begin and end in ms since ninja started, time stamp, output, hash.
    awk -F '\t' -v time="$time" -v wall=$(((end - begin) / 1000000)) '
    FNR == NR { seen[$0]; next }
    /^#/ || $0 in seen { next }
    $4 ~ /\.so$/ { from = from == "" || $1 < from ? $1 : from; to = $2 > to ? $2 : to }
    $4 ~ /^build\/traces\/.*\.json$/ { cells++; last = $2 > last ? $2 : last }
    END { print time, to - from, last - to, cells + 0, wall }' before.log build/.ninja_log >>table.txt
    time=$((time + 1))
done
planned=$(find build/traces -name '*.json' | wc -l)
awk 'BEGIN { printf "%4s %12s %26s %7s %10s\n", "edit", "compile ms", "compile end to verdicts ms", "cells", "wall ms" }
    { printf "%4d %12d %26d %7d %10d\n", $1, $2, $3, $4, $5 }' table.txt
verdicts=$(cut -d ' ' -f 3 table.txt | median)
printf 'medians: compile %s ms, from its end to the last verdict %s ms, ninja bench as a whole %s ms\n' \
    "$(cut -d ' ' -f 2 table.txt | median)" "$verdicts" "$(cut -d ' ' -f 5 table.txt | median)"
# Of the last edit, over all its cells: what the judges waited for.
for part in judging_ms protocol_ms start open load run time fetch close compare; do
    # shellcheck disable=SC2038 # names without blanks
    find build/traces -name '*.json' | xargs sed -n "s/^ *\"$part\": \([-+0-9.eE]*\),*\$/\1/p" |
        awk -v part="${part%_ms}" '{ sum += $1 } END { printf "%s %.1f ", part, sum }'
done
echo 'ms'
tail -n 12 "bench.$times.log"
expect edit/cells "$planned each time" "$(cut -d ' ' -f 4 table.txt | sort -u | tr '\n' ' ')each time"
failing=$(find build/traces -name '*.json' -exec grep -L '"status": "PASSED"' {} + | wc -l)
expect edit/passed 0 "$failing"
if [ "${verdicts%.*}" -le 1000 ]; then
    pass 'edit/within 1 s'
else
    failed 'edit/within 1 s' "$verdicts ms"
fi
end_keeper || failed edit 'the keeper does not end'
finish
