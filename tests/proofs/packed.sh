#!/bin/sh
# packed.sh [--arch=ARCH] [--definitions=GLOBS] [--workloads=WHICH] [--times=3] [--ffi=DIR]: the
# rmsnorm baselines as they are, and packed by `tm-pack pack --tvm-ffi` and called through that
# binding, on the same rows. The kernel is the same, so the latencies (medians over the times)
# should differ by no more than those of one solution do from run to run: 1 % above 10 us, 0.15 us
# below. On the CPU the bindings have other compiler flags: there every cell has to pass, no more.
# --ffi is configure's --tvm-ffi.
definitions='rmsnorm_h*,fused_add_rmsnorm_h*' workloads='' times=3 ffi=''
# shellcheck source=tests/proofs/proofs.sh
. "$(dirname "$0")/proofs.sh"

packed=$scratch/packed
mkdir -p "$packed/definitions" "$packed/solutions"
prepare --dataset="$srcdir" --dataset="$packed" --definitions="$definitions" \
    --solutions='rmsnorm_vec_*,add_rmsnorm_vec_*,rmsnorm_cpu_vec_*,add_rmsnorm_cpu_vec_*,packed_*' \
    ${workloads:+--workloads="$workloads"} ${ffi:+--tvm-ffi="$ffi"}
if grep -q '^--backend=cpu' build/plan.args; then cpu=cpu_; else cpu=''; fi
for definition in "$srcdir"/definitions/rmsnorm/*.json; do
    definition=$(basename "$definition" .json)
    case $definition in
    fused_add_*) kernel=fused_add_rmsnorm_${cpu}vec solution=add_rmsnorm_${cpu}vec_$definition ;;
    *) kernel=rmsnorm_${cpu}vec solution=rmsnorm_${cpu}vec_$definition ;;
    esac
    build/bin/tm-pack pack "$srcdir/kernels/baseline/rmsnorm/$kernel" --tvm-ffi \
        --definition="$definition" --name="packed_$solution" \
        -o "$packed/solutions/$definition.json" 2>>pack.log || :
done
[ -n "$(ls "$packed/solutions")" ] || {
    cat pack.log >&2
    failed packed 'nothing could be packed'
    finish
}
ninja >ninja.log 2>&1 || : # `compile` below says why not
for object in build/solutions/*rmsnorm*.so; do # what did not compile is a text in its place
    ! head -c 100 "$object" | grep -aq '^tracemill: compile error' ||
        failed packed "$object: $(sed -n '/error/p' "$object" | head -n 3)"
done
compile

: >latencies.txt
time=1
while [ "$time" -le "$times" ]; do
    bench_anew "bench.$time.log"
    while IFS= read -r trace; do
        uuid=${trace##*/}
        solution=$(basename "${trace%/*}")
        echo "${solution#packed_} ${uuid%.json} $solution $(numbers "$trace" latency_ms)"
    done <traces.txt >>latencies.txt
    time=$((time + 1))
done
end_keeper || failed packed 'the keeper does not end'

printf '%-44s %-38s %10s %10s %8s  %s\n' solution workload 'native us' 'packed us' ratio within >table.txt
sort latencies.txt | awk -v times="$times" -v cpu="$cpu" '
function middle(list, n,    i, j, t, v) {
    n = split(list, v, " ")
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return n == times ? (v[int((n + 1) / 2)] + v[int(n / 2) + 1]) / 2 : 0
}
{ row = $1 " " $2; rows[row] = 1
  if ($4 + 0 > 0) { if ($3 ~ /^packed_/) packed[row] = packed[row] " " $4 * 1e3; else native[row] = native[row] " " $4 * 1e3 } }
END {
    for (row in rows) {
        a = middle(native[row]); b = middle(packed[row]); split(row, part, " ")
        limit = a > 10 ? a / 100 : 0.15
        difference = a > b ? a - b : b - a
        verdict = !a || !b ? "NO: not PASSED each time" : cpu || difference <= limit ? "yes" : "NO"
        printf "%-44s %-38s %10.3f %10.3f %8.4f  %s\n", part[1], part[2], a, b, a ? b / a : 0, verdict
    }
}' | sort >>table.txt
cat table.txt
rows=$(($(wc -l <table.txt) - 1)) met=$(grep -c ' yes$' table.txt || :)
awk 'NR > 1 && $3 > 0 { sum += log($5); n++ } END { if (n) printf "packed over native: %.4f, the geometric mean of %d rows\n", exp(sum / n), n }' table.txt
if [ "$rows" -gt 0 ] && [ "$met" -eq "$rows" ]; then
    pass packed
else
    failed packed "$((rows - met)) of $rows rows miss it"
fi
finish
