#!/bin/sh
# rows.sh [--arch=ARCH] [--dataset=DIR] [--definitions=GLOBS] [--workloads=all] [--authors=LIST]
#         [--timeout=SECONDS] [--limit=SECONDS] [--results=FOLDER] [--plan=only]: every row of a
# dataset, the public one by default, with blobs made where they are missing. The native reference
# is judged against itself, as a solution (author self), and the baselines against it. A cell is one
# untimed call and one timed one, both compared: the fewest that check what a full cell checks. No
# row may be without a verdict, and none other than PASSED.
#
# `--definitions=` splits it: toolkits are kept in TMPDIR from call to call. `--plan=only` ends
# behind the plan, before anything is compiled. Times in it are what rates of an H200 would make of
# each row's bytes and operations; those behind it are measured. `--limit=` ends the bench after so
# many seconds, with a table of what there is by then; `--results=` keeps table and report.
definitions='*' workloads=all authors=self,baseline timeout=600 limit=86400 results='' plan=''
# shellcheck source=tests/proofs/proofs.sh
. "$(dirname "$0")/proofs.sh"

if [ -n "$results" ]; then results=$(mkdir -p "$results" && cd "$results" && pwd) || exit 2; fi
[ -n "$dataset" ] || dataset=$srcdir/../shared/dataset
if [ ! -d "$dataset/workloads" ]; then
    skipped rows "$dataset has no workloads"
    finish
fi

# Whether a name fits one of a comma list of globs.
fits() { # name, globs
    rest=$2,
    while [ -n "$rest" ]; do
        # shellcheck disable=SC2254 # a glob
        case $1 in ${rest%%,*}) return 0 ;; esac
        rest=${rest#*,}
    done
    return 1
}

# The dataset's rows, as "definition uuid". Only definitions that have some are configured: others
# would be compiled for nothing.
find "$dataset/workloads" -name '*.jsonl' -exec cat {} + |
    sed -n 's/.*"definition": *"\([^"]*\)".*"uuid": *"\([^"]*\)".*/\1 \2/p' | sort >"$scratch/all.txt"
lines=$(find "$dataset/workloads" -name '*.jsonl' -exec cat {} + | grep -c '[^[:space:]]')
expect 'rows/read from the dataset' "$lines" "$(wc -l <"$scratch/all.txt")"
chosen=''
cut -d ' ' -f 1 "$scratch/all.txt" | sort -u >"$scratch/names.txt"
while read -r name; do
    if fits "$name" "$definitions"; then chosen=$chosen,$name; fi
done <"$scratch/names.txt"
chosen=${chosen#,}
if [ -z "$chosen" ]; then
    failed rows "--definitions=$definitions fits no definition with rows in $dataset"
    finish
fi

# The references once more, as solutions.
self=$scratch/self
mkdir -p "$self/definitions" "$self/kernels"
cp -R "$srcdir/kernels/reference" "$self/kernels"
find "$self/kernels" -name solution.json -exec sed -i 's/"name": "reference_/"name": "self_/
    s/"author": "reference"/"author": "self"/; s/"role": "reference"/"role": "solution"/' {} +
cat >"$scratch/once.yaml" <<'END'
warmup_runs: 0
iterations: 1
num_trials: 1
profile_baseline: false
op_type_config:
  moe:
    required_matched_ratio: 0.95
  sampling:
    extra:
      sampling_validation_trials: 20
      sampling_tvd_threshold: 0.2
      sampling_samples: 50000
END

begin=$(date +%s)
prepare --dataset="$dataset" --dataset="$self" --definitions="$chosen" --workloads="$workloads" \
    --authors="$authors" --synthesize-blobs --config="$scratch/once.yaml" --timeout="$timeout"
awk -f "$proofs/rows/flatten.awk" build/plan.json >plan.txt
find build/gen -name '*.c' -exec cat {} + |
    awk -v backend="$(sed -n 's/^--backend=//p' build/plan.args)" -f "$proofs/rows/estimate.awk" \
        plan.txt - | sort >estimate.txt
awk -v name="$chosen" 'BEGIN { count = split(name, list, ","); for (i = 1; i <= count; i++) wanted[list[i]] }
    $1 in wanted' "$scratch/all.txt" >rows.txt
# Chosen rows, where not all are asked for, are those that were planned.
if [ "$workloads" != all ]; then
    awk 'NR == FNR { if ($1 == "row") planned[$2 " " $3]; next } $0 in planned' plan.txt rows.txt >rows.some
    mv rows.some rows.txt
fi
grep 'error:' configure.log
awk -f "$proofs/rows/plan.awk" estimate.txt
[ "$plan" != only ] || finish

compile
printf 'compiled after %d s\n' $(($(date +%s) - begin))
begin=$(date +%s)
timeout "$limit" ninja -k 0 bench >bench.log 2>&1
case $? in
0) ;;
124) failed 'rows/ninja bench' "not done after $limit s" ;;
*)
    tail -n 30 bench.log >&2
    failed 'rows/ninja bench' 'see above'
    ;;
esac
printf 'benched in %d s\n\n' $(($(date +%s) - begin))
build/bin/tm-report --plan=build/plan.json --out=build/report >report.log 2>&1 || :
awk -f "$proofs/rows/flatten.awk" build/report/report.json >cells.txt
awk -v srcdir="$srcdir" -f "$proofs/rows/table.awk" estimate.txt plan.txt cells.txt rows.txt | tee result.txt
[ -z "$results" ] || cp result.txt build/report/report.json build/report/report.md bench.log "$results"
if grep -q '^[0-9]* rows: all accounted for, all PASSED' result.txt; then
    pass rows
else
    failed rows "$(tail -n 1 result.txt)"
fi
end_keeper || failed rows 'the keeper does not end'
finish
