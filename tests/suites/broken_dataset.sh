#!/bin/sh
# broken_dataset.sh: a dataset with one broken definition, solutions and row still runs for all the
# rest; what is mended joins at the next ninja.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

build=$scratch/build
data=$scratch/data
start_build "$build"
cp -R "$tests/cases/common/good" "$data"
cd "$data" || exit 3
kind=pointwise
# A definition without a comma; its row and its solution are good and wait for it.
sed -e 's/"twice"/"thrice"/; s/"pointwise",/"pointwise"/' definitions/$kind/twice.json \
    >definitions/$kind/thrice.json
for name in twice reference_twice; do
    sed -e 's/twice/thrice/g; s/2 \* x/3 * x/' "solutions/$name.json" \
        >"solutions/$(echo $name | sed 's/twice/thrice/').json"
done
sed -e 's/twice/thrice/g' workloads/$kind/twice.jsonl >workloads/$kind/thrice.jsonl
# A source outside, a source that is not there, one that does not compile, a row without its axis.
sed -e 's/twice_loop/outside/; s,"path": "run.c",'"\"path\": \"../run.c\"," \
    solutions/twice.json >solutions/outside.json
sed -e 's/twice_loop/lost/; s/, "content": ".*"}\]/}]/' solutions/twice.json >solutions/lost.json
sed -e 's/twice_loop/faulty/; s/return 0;/return 0/' solutions/twice.json >solutions/faulty.json
sed -e 's/twice-3/twice-x/; s/"n": 3//' workloads/$kind/twice.jsonl >row
cat row >>workloads/$kind/twice.jsonl

cd "$build" || exit 3
"$srcdir/configure" --arch=cpu --dataset=../data --authors=tests --workloads=all --iterations=2 \
    --num-trials=1 --warmup-runs=0 >configure.log 2>&1
expect broken/configure-exits-0 0 $?
sed -n 's/^\(\.\.\/data\/.*\): error: .*/\1/p' configure.log >places
expect broken/configure-names-each-place "../data/definitions/$kind/thrice.json:4:3
../data/solutions/lost.json:6:24
../data/solutions/outside.json:6:24
../data/workloads/$kind/twice.jsonl:2:65" "$(cat places)"

verdicts() { # "STATUS solution uuid" of every trace, sorted
    for trace in build/traces/tests/*/*/*/*.json; do
        uuid=${trace##*/}
        solution=${trace%/*}
        printf '%s %s %s\n' "$(sed -n 's/.*"status": *"\([A-Z_]*\)".*/\1/p' "$trace")" \
            "${solution##*/}" "${uuid%.json}"
    done | LC_ALL=C sort
}

ninja bench >bench.log 2>&1
expect broken/bench-exits-0 0 $?
expect broken/the-rest-passes 'COMPILE_ERROR faulty twice-3
PASSED minus_loop minus-3
PASSED twice_loop twice-3' "$(verdicts)"
expect broken/summary-mentions-errors 1 "$(grep -c '4 errors' build/report/summary.txt)"
expect broken/summary-says-what-is-left-out 'NOT PLANNED
  its file has errors: 1 definition (thrice)
  its definition has errors: 1 solution (thrice_loop)' \
    "$(sed -n '/^NOT PLANNED/,/^$/{/./p;}' build/report/summary.txt)"
expect broken/report-lists-places 4 \
    "$(grep -c '"\.\./data/.*: error: ' build/report/report.json)"
ninja check >check.log 2>&1
expect broken/check-exits-1 1 $?
expect broken/check-says-the-same 4 "$(grep -c '^\.\./data/.*: error: ' check.log)"

# Mended: the definition, its solution and its row join; nothing else runs again.
sed -e 's/"pointwise"/"pointwise",/' ../data/definitions/$kind/thrice.json >mended
mv mended ../data/definitions/$kind/thrice.json
cp -R build/traces before
ninja bench >bench.log 2>&1
expect broken/mended-exits-0 0 $?
expect broken/mended-joins 'COMPILE_ERROR faulty twice-3
PASSED minus_loop minus-3
PASSED thrice_loop thrice-3
PASSED twice_loop twice-3' "$(verdicts)"
expect broken/the-rest-stayed "Only in build/traces/tests/$kind: thrice" \
    "$(diff -r before build/traces)"
rm ../data/solutions/lost.json ../data/solutions/outside.json
sed -i '2d' ../data/workloads/$kind/twice.jsonl
ninja check >check.log 2>&1
expect broken/mended-check-exits-0 0 $?

# A plan that ninja cannot load: configure makes another one, and nothing runs again.
echo 'build build.ninja: nothing' >>build/matrix.loaded.ninja
ninja bench >unloadable.log 2>&1
expect broken/unloadable-exits-1 1 $?
"$srcdir/configure" --arch=cpu --dataset=../data --authors=tests --workloads=all --iterations=2 \
    --num-trials=1 --warmup-runs=0 >configure.log 2>&1
expect broken/configure-recovers 0 $?
expect broken/recovered-runs-nothing 0 "$(ninja -n bench | grep -c CELL)"
finish
