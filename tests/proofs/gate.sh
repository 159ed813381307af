#!/bin/sh
# gate.sh [--arch=ARCH] [--dataset=DIR] [--definitions=GLOBS] [--solutions=GLOBS]
#         [--workloads=WHICH] [--times=5] [--scale=1.05] [--record=FILE]: how often `ninja gate` is
# wrong. The same matrix several times, each time in fresh processes; each run is held against each
# earlier one, without looking at hashes. Nothing has changed, so at most 1 % of the cells may be
# called SLOWER or FASTER. Then with the later latencies times 1.05: of cells whose latencies differ
# by less than 1 % over all runs, largest to smallest, 95 % must be found SLOWER.
#
# --record keeps all samples as tests/data/noise has them, for tests/unit/test_gate.c.
definitions=gemm_n4096_k4096,rmsnorm_h4096,rmsnorm_h7168,fused_add_rmsnorm_h4096 times=5 workloads=''
solutions='gemm_cublaslt_*,*rmsnorm_vec_*,gemm_cpu_gemm*,*rmsnorm_cpu_vec_*'
scale=1.05 record=''
# shellcheck source=tests/proofs/proofs.sh
. "$(dirname "$0")/proofs.sh"
case $record in
'' | /*) ;;
*) record=$PWD/$record ;;
esac

start ${dataset:+--dataset="$dataset"} --definitions="$definitions" --solutions="$solutions" \
    ${workloads:+--workloads="$workloads"}
: >latencies.txt
: >record.txt
time=1
while [ "$time" -le "$times" ]; do
    bench_anew "bench.$time.log"
    mkdir -p "run.$time/build"
    cp -a build/traces "run.$time/build"
    while IFS= read -r trace; do
        cell=${trace#build/traces/*/*/*/}
        printf '%s %s\n' "${cell%.json}" "$(numbers "$trace" latency_ms)" >>latencies.txt
        [ ! -f "${trace%.json}.samples" ] || awk -v run="$time" -v cell="${cell%.json}" \
            -f "$proofs/flatten_samples.awk" "$trace" "${trace%.json}.samples" >>record.txt
    done <traces.txt
    time=$((time + 1))
done
cells=$(wc -l <traces.txt)
[ -z "$record" ] || {
    printf '# %s\n' "$(sed -n 's/^ *"name": "\(.*\)",*$/\1/p' build/device.json | head -n 1), $times runs of an unchanged matrix in fresh processes, tests/proofs/gate.sh" \
        'RUN CELL WAIT TRIAL...: samples in ns'
    cat record.txt
} >"$record"

# Cells whose latencies agree to 1 %.
sort latencies.txt | awk -v times="$times" '
function close_cell() { if (n == times && most / least < 1.01) print cell; n = 0 }
$1 != cell { close_cell(); cell = $1 }
$2 + 0 > 0 { n++; if (n == 1 || $2 < least) least = $2; if (n == 1 || $2 > most) most = $2 }
END { close_cell() }' >steady.txt

verdicts() { # the earlier run, the later one, option...: "SOLUTION/UUID VERDICT"
    earlier=$1 later=$2
    shift 2
    build/bin/tm-report gate --plan=build/plan.json --build="run.$later" --baseline="run.$earlier" \
        --out=gate --no-identity "$@" >gate.txt 2>&1
    status=$?
    [ $status -le 1 ] || {
        cat gate.txt
        failed gate "exit status $status"
        finish
    }
    awk -F'"' '$2 == "verdict" { verdict = $4 } $2 == "solution" { solution = $4 }
        $2 == "uuid" { print solution "/" $4, verdict }' gate/gate.json
}
: >unchanged.txt
: >slowed.txt
later=2
while [ "$later" -le "$times" ]; do
    earlier=1
    while [ "$earlier" -lt "$later" ]; do
        verdicts "$earlier" "$later" >>unchanged.txt
        verdicts "$earlier" "$later" --scale="$scale" >>slowed.txt
        earlier=$((earlier + 1))
    done
    later=$((later + 1))
done

printf '%-10s %9s %9s\n' '' unchanged "x $scale"
for verdict in SLOWER FASTER SAME AMBIGUOUS REGRESSED FIXED FAILING; do
    printf '%-10s %9s %9s\n' "$verdict" "$(grep -c " $verdict\$" unchanged.txt)" \
        "$(grep -c " $verdict\$" slowed.txt)"
done
echo 'called SLOWER or FASTER though unchanged:'
grep -E ' (SLOWER|FASTER)$' unchanged.txt | sort | uniq -c
echo 'steady, slowed and not found:'
awk 'NR == FNR { steady[$1]; next } ($1 in steady) && $2 != "SLOWER"' steady.txt slowed.txt | sort | uniq -c
all=$(wc -l <unchanged.txt)
alarms=$(grep -cE ' (SLOWER|FASTER|REGRESSED)$' unchanged.txt)
printf '%s\n' "$cells cells, $times runs: $alarms false alarms among $all comparisons"
if [ "$all" -gt 0 ] && [ $((alarms * 100)) -le "$all" ]; then
    pass 'gate/false alarms'
else
    failed 'gate/false alarms' "$alarms of $all; expected 1 % at most"
fi
counts=$(awk 'NR == FNR { steady[$1]; next } $1 in steady { n++; found += $2 == "SLOWER" }
    END { print n + 0, found + 0 }' steady.txt slowed.txt)
planted=${counts% *} found=${counts#* }
printf '%s\n' "$(wc -l <steady.txt) cells differ by less than 1 %: $found of $planted slowdowns found"
if [ "$planted" -eq 0 ]; then
    skipped 'gate/planted slowdowns' 'no cell repeats within 1 % on this machine'
elif [ $((found * 100)) -ge $((planted * 95)) ]; then
    pass 'gate/planted slowdowns'
else
    failed 'gate/planted slowdowns' "$found of $planted; expected 95 %"
fi
end_keeper || failed gate 'the keeper does not end'
finish
