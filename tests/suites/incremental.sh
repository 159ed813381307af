#!/bin/sh
# incremental.sh: after each kind of edit, `ninja bench` runs exactly the edges that the edit can
# change the result of: no more and no less. What ran is what build/.ninja_log gained.
#
# An edge is named here by its output, shortened:
#   plan                build/matrix.ninja: tm-gen looked at the dataset
#   build.ninja         was renewed, because the plan is another one (a plan that says what it said
#                       before is `plan` alone)
#   so/NAME             build/solutions/NAME.so
#   generic/NAME        build/generic/<signature>/NAME.so, of which so/... are copies
#   harness/DEF/UUID    an executable
#   blob/UUID           a blob that is made of a recipe
#   cell/NAME/UUID      a trace: the workload UUID with the solution NAME
#   report              all of build/report/
#   restore             what tm-gen writes beside matrix.ninja: contracts, tables, facts, plan.json
# Anything else appears with its path, and fails the check.
#
# The dataset is tests/data/tiny: tiny_h64 with the rows one and two, for which there are wide and
# narrow (they share norm.h); tiny_h32 with one row, for which there is plain; and a generic family.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

build=$scratch/bench
data=$scratch/data
kernels=$data/kernels/tiny
start_build "$build"
cp -R "$tests/data/tiny" "$data"
cd "$build" || exit 1
cat >config.yaml <<'END'
definition_config:
  tiny_h64: {rtol: 0.01}
  tiny_h32: {rtol: 0.01}
END
"$srcdir/configure" --arch=cpu --dataset=../data --authors=tiny --workloads=all --iterations=2 \
    --num-trials=1 --warmup-runs=0 --config=config.yaml >configure.log 2>&1 || {
    cat configure.log
    exit 3
}

# Runs `ninja bench`; what ran is in $ran, one short name per line, sorted.
bench() {
    grep -v '^#' build/.ninja_log | sort >log.before
    if ! ninja bench >bench.log 2>&1; then
        cat bench.log
        ran='ninja bench failed'
        return
    fi
    grep -v '^#' build/.ninja_log | sort >log.after
    ran=$(comm -13 log.before log.after | cut -f4 | sed \
        -e 's,^build/report/.*,report,' \
        -e 's,^build/matrix\.ninja$,plan,' \
        -e 's,^build/solutions/\(.*\)\.so$,so/\1,' \
        -e 's,^build/generic/[0-9a-f]*/\(.*\)\.so$,generic/\1,' \
        -e 's,^build/harness/,harness/,' \
        -e 's,^build/blobs/.*/\(.*\)\.safetensors$,blob/\1,' \
        -e 's,^build/plan\.json$,restore,' \
        -e 's,^build/debug\.ninja$,restore,' \
        -e 's,^build/gen/.*,restore,' \
        -e 's,^build/generic/.*/contract\.h$,restore,' \
        -e 's,^build/solutions/.*\.json$,restore,' \
        -e 's,^build/traces/tiny/[a-z]*/[^/]*/\(.*\)\.json$,cell/\1,' | LC_ALL=C sort -u)
}

# expect_ran NAME EDGE...: the next bench runs these and no others, and the one after it nothing.
expect_ran() {
    name=$1
    shift
    expected=$(for edge; do printf '%s\n' "$edge"; done | LC_ALL=C sort)
    bench
    expect "incremental/$name" "$expected" "$ran"
    bench
    [ -z "$ran" ] || failed "incremental/$name" "a second bench ran [$ran]"
}

# expect_status NAME STATUS CELL...: these cells (SOLUTION/UUID) have that verdict.
expect_status() {
    name=$1 status=$2
    shift 2
    for cell; do
        grep -q "\"status\": *\"$status\"" build/traces/tiny/rmsnorm/*/"$cell".json ||
            failed "incremental/$name" "expected $status of $cell"
    done
}

edit() { # file, sed script: changed in place, and never without effect
    sed "$2" "$1" >edited
    ! cmp -s "$1" edited || failed "edit" "\"$2\" changes nothing in $1"
    cat edited >"$1"
}

expect_ran first \
    generic/reference_rmsnorm_generic so/reference_rmsnorm_tiny_h32 so/reference_rmsnorm_tiny_h64 \
    generic/family_generic so/family_tiny_h32 so/family_tiny_h64 so/wide so/narrow so/plain \
    harness/tiny_h32/one harness/tiny_h64/one harness/tiny_h64/two \
    cell/plain/one cell/family_tiny_h32/one \
    cell/wide/one cell/wide/two cell/narrow/one cell/narrow/two \
    cell/family_tiny_h64/one cell/family_tiny_h64/two build/ceilings.json report
expect_status first PASSED wide/one wide/two narrow/one narrow/two plain/one \
    family_tiny_h32/one family_tiny_h64/one family_tiny_h64/two

# Nothing, and what looks like something.
expect_ran nothing
touch "$kernels/plain/plain.c"
expect_ran touched-source so/plain
touch "$kernels/norm.h"
expect_ran touched-header so/wide so/narrow
touch "$data/definitions/rmsnorm/tiny_h64.json"
expect_ran touched-definition plan
touch build/host.txt
expect_ran same-device build/device.json build/found/device.json
rm build/ceilings.json
expect_ran lost-ceilings build/ceilings.json
touch build/traces/tiny/rmsnorm/tiny_h64/wide/one.json
expect_ran touched-trace report

# Kernels and headers.
edit "$kernels/wide/wide.c" 's/tiny_use(200)/tiny_use(201)/'
expect_ran kernel-edit so/wide cell/wide/one cell/wide/two report
edit "$kernels/wide/wide.c" '1i /* A comment. */'
expect_ran comment-edit so/wide
# With debug information: made on demand, beside what is measured, and of no consequence to it.
ninja -f build/debug.ninja debug/wide debug/family_tiny_h64 >debug.log 2>&1 || cat debug.log
expect_ran debug
for name in wide family_tiny_h64; do
    for folder in solutions debug; do
        objcopy -O binary -j .text build/$folder/$name.so $folder.text
    done
    cmp solutions.text debug.text || failed incremental/debug "$name.so is other code there"
    build/harness/tiny_h64/one --solution build/debug/$name.so >by_hand.log 2>&1 ||
        failed incremental/debug "$(cat by_hand.log)"
done
expect incremental/debug-lines debug "$(for folder in solutions debug; do
    ! readelf --debug-dump=line build/$folder/wide.so 2>&1 | grep -q ' wide\.c$' || echo $folder
done)"
edit "$kernels/wide/wide.c" '1i /* Another comment. */'
expect_ran debug-comment-edit so/wide
sed 's/tiny_use(201)/tiny_use(202)/' "$kernels/wide/wide.c" >"$kernels/wide/.wide.c.swp"
mv "$kernels/wide/.wide.c.swp" "$kernels/wide/wide.c"
expect_ran kernel-edit-by-rename so/wide cell/wide/one cell/wide/two report
edit "$kernels/norm.h" 's/tiny_use(100)/tiny_use(101)/'
expect_ran shared-header so/wide so/narrow \
    cell/wide/one cell/wide/two cell/narrow/one cell/narrow/two report
edit "$kernels/norm.h" '1i /* A comment. */'
expect_ran shared-header-comment so/wide so/narrow
edit "$kernels/plain/plain.h" 's/500/501/'
expect_ran listed-header so/plain cell/plain/one report
edit "$kernels/family/family.c" 's/600/601/'
expect_ran generic-edit generic/family_generic so/family_tiny_h32 so/family_tiny_h64 \
    cell/family_tiny_h32/one cell/family_tiny_h64/one cell/family_tiny_h64/two report
edit "$kernels/family/family.c" '1i /* A comment. */'
expect_ran generic-comment generic/family_generic

# Configuration.
edit config.yaml 's/tiny_h64: {rtol: 0.01}/tiny_h64: {rtol: 0.02}/'
expect_ran config-of-one plan cell/wide/one cell/wide/two cell/narrow/one cell/narrow/two \
    cell/family_tiny_h64/one cell/family_tiny_h64/two report
edit config.yaml '1i # A comment.'
expect_ran config-comment plan

# Workloads.
rows=$data/workloads/rmsnorm/tiny_h64.jsonl
sed -n 's/"two"/"three"/; s/"batch_size": 2/"batch_size": 3/; 2p' "$rows" >row
cat row >>"$rows"
touch -d 2001-01-01 build.ninja # as if configure were new in the same moment
expect_ran new-row plan build.ninja harness/tiny_h64/three \
    cell/wide/three cell/narrow/three cell/family_tiny_h64/three report
edit "$rows" '3s/"batch_size": 3/"batch_size": 4/'
expect_ran edited-row plan harness/tiny_h64/three \
    cell/wide/three cell/narrow/three cell/family_tiny_h64/three report
edit "$rows" 3d
expect_ran removed-row plan build.ninja report

# Solutions.
cp -R "$kernels/plain" "$kernels/added"
edit "$kernels/added/solution.json" 's/"plain"/"added"/'
expect_ran new-solution plan build.ninja so/added cell/added/one report
grep -q '"added"' build/report/report.json ||
    failed incremental/new-solution 'it is not in the report'
rm -r "$kernels/added"
expect_ran removed-solution plan build.ninja report
! grep -rq '"added"' build/report || failed incremental/removed-solution 'it is still in the report'
edit "$kernels/plain/solution.json" 's/-DTINY_FLAG=1/-DTINY_EDITION=401/'
expect_ran flag plan build.ninja so/plain cell/plain/one report
edit "$kernels/plain/solution.json" 's/"-DTINY_EDITION=401"/&, "-DTINY_UNUSED"/'
expect_ran flag-without-effect plan build.ninja so/plain
edit "$kernels/plain/solution.json" 's/"name": "plain",/& "description": "said anew",/'
expect_ran solution-described plan

# Definitions.
edit "$data/definitions/rmsnorm/tiny_h64.json" 's/"a norm/"another norm/'
expect_ran definition-described plan so/wide so/narrow
edit "$data/definitions/rmsnorm/tiny_h64.json" 's/"eps": 1e-6/"eps": 2e-6/'
expect_ran definition-constant plan so/wide so/narrow \
    cell/wide/one cell/wide/two cell/narrow/one cell/narrow/two \
    cell/family_tiny_h64/one cell/family_tiny_h64/two report
mv "$data/definitions/rmsnorm/tiny_h32.json" saved.json
expect_ran removed-definition plan build.ninja report
# Its solution is still named, with why it has no cells.
! grep -v 'its definition "tiny_h32" is not in the dataset' build/report/summary.txt |
    grep tiny_h32 || failed incremental/removed-definition 'it is still in the report'
mv saved.json "$data/definitions/rmsnorm/tiny_h32.json"
expect_ran restored-definition plan build.ninja report

# A reference: what every cell of its definition was judged with. One that a dataset brings counts
# only where the source tree has none.
mkdir -p "$data/kernels/own"
cp -R "$kernels/plain" "$data/kernels/own/reference"
edit "$data/kernels/own/reference/solution.json" \
    's/"name": "plain"/"name": "own"/; s/"binding": "c"/"binding": "c", "role": "reference"/'
expect_ran needless-reference plan report
for file in definitions/rmsnorm/tiny_h32.json workloads/rmsnorm/tiny_h32.jsonl \
    kernels/own/reference/solution.json; do
    sed 's/"rmsnorm"/"tinynorm"/; s/tiny_h32/tiny_own/' "$data/$file" >edited
    case $file in
    */solution.json) cat edited >"$data/$file" ;;
    *) cp edited "$data/$(echo "$file" | sed 's/tiny_h32/tiny_own/')" ;;
    esac
done
expect_ran definition-without-solutions plan build.ninja report
cp -R "$kernels/plain" "$data/kernels/own/judged"
edit "$data/kernels/own/judged/solution.json" 's/"plain"/"judged"/; s/tiny_h32/tiny_own/'
expect_ran new-judged plan build.ninja so/own so/judged harness/tiny_own/one \
    cell/judged/one report
edit "$data/kernels/own/reference/plain.h" 's/501/502/'
expect_ran reference-edit so/own cell/judged/one report
rm -r "$data/kernels/own" "$data/definitions/rmsnorm/tiny_own.json" \
    "$data/workloads/rmsnorm/tiny_own.jsonl"
expect_ran removed-reference plan build.ninja report

# Compile errors are data, and the edge still knows what would mend them.
edit "$kernels/plain/plain.c" 's/return 0;/return nought;/'
expect_ran compile-error so/plain cell/plain/one report
expect_status compile-error COMPILE_ERROR plain/one
edit "$kernels/plain/plain.c" 's/return nought;/return 0;/'
expect_ran mended so/plain cell/plain/one report
expect_status mended PASSED plain/one
pair='so/wide so/narrow cell/wide/one cell/wide/two cell/narrow/one cell/narrow/two report'
for broken in 'int tiny_broken = ;' '#error broken' '#include "tiny_missing.h"' \
    '#include "parts/tiny_missing.h"' '#include <tiny_missing.h>'; do
    edit "$kernels/norm.h" "1i $broken"
    # shellcheck disable=SC2086 # a list
    expect_ran "header-broken ($broken)" $pair
    expect_status header-broken COMPILE_ERROR wide/one wide/two narrow/one narrow/two
    edit "$kernels/norm.h" 1d
    # shellcheck disable=SC2086
    expect_ran "header-mended ($broken)" $pair
    expect_status header-mended PASSED wide/one wide/two narrow/one narrow/two
done
edit "$kernels/norm.h" '1i #include "tiny_missing.h"'
bench
: >"$kernels/tiny_missing.h"
# shellcheck disable=SC2086
expect_ran missing-header-added plan $pair
expect_status missing-header-added PASSED wide/one wide/two narrow/one narrow/two

# A source that is gone is a compile error too. (It is tried again each time: there is nothing else
# to wait for.)
mv "$kernels/plain/plain.c" saved.c
bench
expect incremental/lost-source 'cell/plain/one
report
so/plain' "$ran"
expect_status lost-source COMPILE_ERROR plain/one
bench
expect incremental/lost-source-again so/plain "$ran"
mv saved.c "$kernels/plain/plain.c"
expect_ran restored-source so/plain cell/plain/one report
# One that is not there when the matrix is planned is an error in solution.json.
edit "$kernels/plain/solution.json" 's/"plain.h"/"other.h"/'
build/bin/tm-gen @build/plan.args --check 2>&1 | grep error: >unknown.log
expect_ran unknown-source plan build.ninja report
expect incremental/unknown-source-message \
    '../data/kernels/tiny/plain/solution.json:6:45: error: sources[1].path: expected a readable file, got "other.h" (../data/kernels/tiny/plain/other.h: No such file or directory); add the file or remove the entry' \
    "$(cat unknown.log)"
mv "$kernels/plain/plain.h" "$kernels/plain/other.h"
edit "$kernels/plain/plain.c" 's/plain.h/other.h/'
expect_ran renamed-source plan build.ninja so/plain report

# Blobs.
blob() { # byte: 64 bfloat16 of it, and the row that reads them
    head='{"weight":{"dtype":"BF16","shape":[64],"data_offsets":[0,128]}}'
    printf '%b%s%s' "\\0$(printf %o ${#head})\\0\\0\\0\\0\\0\\0\\0" "$head" \
        "$(printf '%128s' '' | tr ' ' "$1")" >"$data/weight.safetensors"
}
blob '?'
sed 's/"three"/"blob"/; s/"inputs": {}/"inputs": {"weight": {"type": "safetensors", "path": "weight.safetensors", "tensor_key": "weight"}}/' \
    row >>"$rows"
expect_ran blob-row plan build.ninja harness/tiny_h64/blob \
    cell/wide/blob cell/narrow/blob cell/family_tiny_h64/blob report
blob '@'
expect_ran blob-edit plan cell/wide/blob cell/narrow/blob cell/family_tiny_h64/blob report
expect_status blob-edit PASSED wide/blob narrow/blob family_tiny_h64/blob

# Blobs that are made of a recipe: for cells alone, again when the recipe is another one, and what is
# equal ends there. A blob that the dataset comes to have takes its place.
sed 's/"three"/"made"/; s/"inputs": {}/"inputs": {"weight": {"type": "safetensors", "path": "made.safetensors", "tensor_key": "weight"}}, "tracemill": {"recipe": {"seed": 1}}/' \
    row >>"$rows"
ninja >bench.log 2>&1 || cat bench.log
expect incremental/no-blob-without-a-cell '' "$(find build/blobs 2>/dev/null)"
expect_ran made-row blob/made cell/wide/made cell/narrow/made cell/family_tiny_h64/made report
expect_status made-row PASSED wide/made narrow/made family_tiny_h64/made
edit "$rows" 's/"seed": 1/"seed": 2/'
expect_ran recipe-edit plan harness/tiny_h64/made blob/made \
    cell/wide/made cell/narrow/made cell/family_tiny_h64/made report
expect_status recipe-edit PASSED wide/made narrow/made family_tiny_h64/made
touch build/gen/tiny_h64/made.recipe.json
expect_ran equal-blob blob/made
cp "$data/weight.safetensors" "$data/made.safetensors"
expect_ran arrived-blob plan build.ninja harness/tiny_h64/made \
    cell/wide/made cell/narrow/made cell/family_tiny_h64/made report
rm "$data/made.safetensors"
expect_ran departed-blob plan build.ninja harness/tiny_h64/made \
    cell/wide/made cell/narrow/made cell/family_tiny_h64/made report

# Results that went missing.
rm build/traces/tiny/rmsnorm/tiny_h64/wide/two.json
expect_ran lost-trace cell/wide/two report
rm -r build/report
expect_ran lost-report report
rm build/solutions/plain.so
expect_ran lost-object so/plain cell/plain/one report
rm build/gen/tiny_h64/two.c
expect_ran lost-table restore harness/tiny_h64/two
rm build/gen/tiny_h64/contract.h
expect_ran lost-contract restore so/wide so/narrow
rm build/plan.json
expect_ran lost-plan restore report
rm build/gen/tiny_h64/blob.blobs
expect_ran lost-identity restore cell/wide/blob cell/narrow/blob cell/family_tiny_h64/blob report

# Another dataset with a blob of the same name, size and an older time.
cp -a "$data" "$scratch/switched"
data=$scratch/switched
blob 'A'
touch -d 2001-01-01 "$data/weight.safetensors"
"$srcdir/configure" --arch=cpu --dataset=../switched --authors=tiny --workloads=all --iterations=2 \
    --num-trials=1 --warmup-runs=0 --config=config.yaml >configure.log 2>&1 || cat configure.log
bench
expect incremental/switched-dataset 'cell/family_tiny_h64/blob
cell/narrow/blob
cell/wide/blob' "$(printf '%s\n' "$ran" | grep '^cell')"
finish
