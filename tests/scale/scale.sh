#!/bin/sh
# scale.sh [10000|100000]: how long a matrix of that many cells takes to plan, and a build of it
# with nothing to do; prints the figures and fails when one is over its limit (docs/DESIGN.md).
#
# Run it in a configured folder, whose tm-gen it measures. The matrix is synthetic
# (make_dataset.c), its Ninja file the real one. To have everything built without running 100,000
# kernels, the commands of all rules but the planning ones are put behind `:`: edges, paths, depfiles
# and the entries of Ninja's logs are as many and as long as in a real build, but the outputs are empty.
# It happens in memory where there is enough of it: what a disk adds depends on what else it does. Each
# time is the best of several runs, as other programs share the machine.
# Exit status: 0, 1 a limit is exceeded, 2 usage, 3 something did not run.
set -eu
scale=$(cd "$(dirname "$0")" && pwd)
srcdir=$(cd "$scale/../.." && pwd)
cells=${1-10000}
case $cells in
10000) definitions=20 workloads=50 solutions=10 plan_limit=0.5 idle_limit=0.1 idle_runs=30 ;;
100000) definitions=100 workloads=50 solutions=20 plan_limit=6 idle_limit=1.5 idle_runs=5 ;;
*)
    echo "usage: $0 [10000|100000]" >&2
    exit 2
    ;;
esac
memory_limit=1000 # MB
# TM_SCALE_SLACK=1.5 allows half more time, where other work shares the machine.
plan_limit=$(awk "BEGIN { print $plan_limit * ${TM_SCALE_SLACK:-1} }")
idle_limit=$(awk "BEGIN { print $idle_limit * ${TM_SCALE_SLACK:-1} }")
plan_runs=5
tm_gen=$PWD/build/bin/tm-gen
[ -x "$tm_gen" ] || {
    echo "$0: expected build/bin/tm-gen; run it in a configured folder after ninja" >&2
    exit 3
}

folder=${TMPDIR-}
if [ -z "$folder" ]; then
    free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
    if [ "${free:-0}" -gt 2000000 ]; then folder=/dev/shm; else folder=/tmp; fi
fi
scratch=$(mktemp -d "$folder/tracemill-scale.XXXXXX")
trap '[ -n "${TM_KEEP-}" ] || rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
cd "$scratch"
fail() {
    echo "$0: $*" >&2
    [ ! -f log ] || tail -n 20 log >&2
    exit 3
}
for program in make_dataset measure; do
    ${CC-cc} -std=c11 -D_GNU_SOURCE -O2 "$scale/$program.c" -o "$program"
done
./make_dataset dataset $definitions $workloads $solutions
./make_dataset tables $definitions $workloads $solutions variants

# configure writes build.ninja; a ninja that does nothing keeps it from building.
mkdir bin
printf '#!/bin/sh\n' >bin/ninja
chmod +x bin/ninja
PATH="$scratch/bin:$PATH" "$srcdir/configure" --arch=cpu --dataset="$scratch/dataset" \
    --workloads=all --authors='author_*' >log 2>&1 || fail "configure failed"
mkdir -p build/bin
cp "$tm_gen" build/bin/

best() { # file, column
    cut -d ' ' -f "$2" "$1" | sort -n | head -n 1
}
worst() {
    cut -d ' ' -f "$2" "$1" | sort -n | tail -n 1
}
# Each first plan goes to a folder of its own: ext4 is slow to reuse what was just deleted.
for run in $(seq $plan_runs); do
    mkdir "first$run"
    cp -r build "first$run"
    cd "first$run"
    ../measure ../first build/bin/tm-gen @build/plan.args >../log 2>&1 || fail "tm-gen failed"
    cd ..
    grep -q ": $cells cells for cpu" log || fail "expected $cells cells"
done
# As many cells of variants: the solutions of a definition are the rows of one table.
sed 's,^\(--dataset=.*\)dataset$,\1tables,' build/plan.args >tables.args
for run in $(seq $plan_runs); do
    mkdir "tables$run"
    cp -r build "tables$run"
    cd "tables$run"
    ../measure ../variants build/bin/tm-gen @../tables.args >../log 2>&1 || fail "tm-gen failed"
    cd ..
    grep -q ": $cells cells for cpu" log || fail "expected $cells cells of variants"
done
rm -r build
mv "first$plan_runs/build" .
for run in $(seq $plan_runs); do
    ./measure again build/bin/tm-gen @build/plan.args >log 2>&1 || fail "tm-gen failed in run $run"
done

"$srcdir/configure" --reload || fail "the plan could not be taken over"
# Programs count as built when they are newer than their objects.
awk '
    /^rule / { rule = $2 }
    /^  command = / && rule !~ "^(plan|restore|reconfigure)$" {
        sub(/command = /, "command = : ")
        sub(/ (&&|\|\||>) .*/, "")
        if (rule == "report")
            $0 = $0 "; touch $out build/report/report.html build/report/report.md" \
                " build/report/report.json build/report/report.csv build/report/junit.xml" \
                " build/report/bencher.json build/report/github-action-benchmark.json"
        else if (rule == "ar" || rule == "link" || rule == "nvlink")
            $0 = $0 "; touch $out"
        else if (!sub(/--trace=\$out/, ">$out"))
            $0 = $0 " >$out"
        if (rule == "cc" || rule == "harness" || rule == "solution")
            $0 = $0 "; echo $out: $srcdir/harness/table.h $srcdir/lib/dtype.h >$out.d"
    }
    rule == "cell" && /pool = cell/ { next }
    { print }' build.ninja >build.ninja.new
mv build.ninja.new build.ninja
ninja bench >log 2>&1 || fail "the build with empty commands failed"
for run in $(seq $idle_runs); do
    ./measure idle ninja bench >log 2>&1 || fail "ninja failed in run $run"
    grep -qx 'ninja: no work to do.' log || fail "expected nothing to do"
done

status=0
row() { # what, file, seconds allowed
    seconds=$(best "$2" 1)
    cpu=$(best "$2" 2)
    memory=$(worst "$2" 3)
    verdict=$(echo "$seconds $3 $memory $memory_limit" |
        awk '{ print ($1 <= $2 && $3 <= $4) ? "ok" : "OVER THE LIMIT" }')
    [ "$verdict" = ok ] || status=1
    printf '%-28s %7.3f s (limit %s), %.3f s of CPU, %.1f MB (limit %s): %s\n' \
        "$1" "$seconds" "$3" "$cpu" "$memory" $memory_limit "$verdict"
}
printf '%s cells: %s definitions, %s workloads and %s solutions each; build/matrix.ninja has %s bytes\n' \
    "$cells" $definitions $workloads $solutions "$(wc -c <build/matrix.ninja)"
row 'tm-gen, first plan' first "$plan_limit"
row 'tm-gen, first plan, variants' variants "$plan_limit"
row 'tm-gen, nothing changed' again "$plan_limit"
row 'ninja bench, nothing to do' idle "$idle_limit"
exit $status
