#!/bin/sh
# repeat.sh [--arch=ARCH] [--dataset=DIR] [--definitions=GLOBS] [--solutions=GLOBS]
#           [--workloads=WHICH] [--times=5] [--runner=WHICH]: the same matrix several times, each time
# in fresh processes. The spread of a cell is (largest - smallest) / median of its latencies, and
# should be 1 % at most above 10 us, 0.15 us at most below.
definitions=gemm_n4096_k4096,rmsnorm_h4096,rmsnorm_h7168,fused_add_rmsnorm_h4096 times=5 workloads=''
solutions='gemm_cublaslt_*,*rmsnorm_vec_*,gemm_cpu_gemm*,*rmsnorm_cpu_vec_*'
runner=persistent
# shellcheck source=tests/proofs/proofs.sh
. "$(dirname "$0")/proofs.sh"

start ${dataset:+--dataset="$dataset"} --definitions="$definitions" --solutions="$solutions" \
    ${workloads:+--workloads="$workloads"} --runner="$runner"
: >latencies.txt
time=1
while [ "$time" -le "$times" ]; do
    bench_anew "bench.$time.log"
    while IFS= read -r trace; do
        flags=$(tr -d ' \n' <"$trace" | sed -n 's/.*"flags":\[\([^]]*\)\].*/\1/p' | tr -d '"')
        printf '%s %s %s\n' "${trace#build/traces/*/*/*/}" "$(numbers "$trace" latency_ms)" "$flags"
    done <traces.txt >>latencies.txt
    time=$((time + 1))
done
cells=$(wc -l <traces.txt)

sort latencies.txt | awk -v times="$times" '
function close_cell(    i, j, t, median, spread, us, limit, verdict) {
    if (cell == "") return
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && v[j] < v[j - 1]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    median = (v[int((n + 1) / 2)] + v[int(n / 2) + 1]) / 2
    spread = v[n] - v[1]
    limit = median > 10 ? median / 100 : 0.15
    verdict = n < times ? "NO: PASSED " n + 0 " times" : spread <= limit ? "yes" : "NO"
    printf "%-72s %12.3f %9.3f %8.3f  %s %s\n", cell, median, spread, median ? spread / median * 100 : 0, verdict, flags
    n = 0; flags = ""
}
BEGIN { printf "%-72s %12s %9s %8s  %s\n", "cell", "median us", "spread us", "%", "within (1 % above 10 us, 0.15 us below)" }
$1 != cell { close_cell(); cell = $1 }
$2 != "" && $2 + 0 > 0 { v[++n] = $2 * 1e3 }
NF > 2 && index(flags, $3) == 0 { flags = flags " " $3 }
END { close_cell() }' >table.txt
cat table.txt
met=$(grep -c ' yes' table.txt || :)
printf '%s of %s cells within their limit, in %s runs\n' "$met" "$cells" "$times"
awk 'NR > 1 { p[NR - 1] = $4 } END { n = NR - 1; for (i = 2; i <= n; i++) for (j = i; j > 1 && p[j] < p[j - 1]; j--) {
    t = p[j]; p[j] = p[j - 1]; p[j - 1] = t }
    if (n) printf "spread in %%: median %.3f, 90 %% of cells below %.3f, largest %.3f\n", p[int((n + 1) / 2)], p[int((n * 9 + 9) / 10)], p[n] }' table.txt
if [ "$cells" -gt 0 ] && [ "$met" -eq "$cells" ]; then
    pass repeat
else
    failed repeat "$((cells - met)) of $cells cells miss it"
fi
end_keeper || failed repeat 'the keeper does not end'
finish
