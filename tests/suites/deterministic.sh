#!/bin/sh
# deterministic.sh: the same input gives the same bytes from any folder, nothing generated names the
# machine, and a second plan leaves every file as it is. Runs tm-gen alone.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

gen=$PWD/build/bin/tm-gen

# What the plan is made of; matrix.ninja.d is left out: it lists the inputs by the paths given; and
# so is what tells blobs apart, which are files of the machine.
generated() {
    find build -type f ! -name matrix.ninja.d ! -name plan.args ! -name '*.blobs' | LC_ALL=C sort
}
plan() { # folder, option...
    folder=$1
    shift
    mkdir -p "$folder"
    (cd "$folder" && "$gen" --backend=cpu --arch=cpu --synthesize-blobs "$@") >"$folder.log" 2>&1 || {
        cat "$folder.log"
        failed deterministic/plan "tm-gen failed in $folder"
        finish
    }
}
# same NAME FOLDER FOLDER: both hold the same files, byte for byte.
same() {
    expect "$1" '' "$(diff -rq -x matrix.ninja.d -x '*.blobs' "$2/build" "$3/build" 2>&1 | head -n 3)"
    count=$(cd "$2" && generated | wc -l)
    [ "$count" -ge 5 ] || failed "$1" "only $count files were compared"
}
stamps() { # folder
    (cd "$1" && find build -printf '%p %i %T@\n' | LC_ALL=C sort)
}

# compare NAME SOURCE DATASET...: the same datasets, from a folder beside them by relative paths and
# from a deeper one by absolute paths to a copy elsewhere.
compare() { # name, --srcdir relative to $scratch/NAME, datasets likewise
    name=$1 source=$2
    shift 2
    top=$scratch/$name
    copy=$scratch/elsewhere/a/b/$name
    mkdir -p "$scratch/elsewhere/a/b"
    cp -R "$top" "$copy"
    near='' far=''
    for dataset; do
        near="$near --dataset=../$dataset"
        far="$far --dataset=$copy/$dataset"
    done
    # shellcheck disable=SC2086 # words on purpose
    plan "$top/build-here" "--srcdir=../$source" $near
    # shellcheck disable=SC2086
    plan "$copy/deep/deeper/build-there" "--srcdir=$copy/$source" $far
    same "deterministic/$name" "$top/build-here" "$copy/deep/deeper/build-there"

    # Paths of the machine, its name, and the date: what a clock would have left.
    strangers=$(cd "$top/build-here" && generated | xargs grep -lwF -e "$scratch" -e "$srcdir" \
        -e "$(uname -n)" -e "$(uname -r)" -e "${HOME:-/root}" -e "$(date +%F)")
    expect "deterministic/$name-names-no-machine" '' "$strangers"

    stamps "$top/build-here" >"$scratch/before"
    # shellcheck disable=SC2086
    plan "$top/build-here" "--srcdir=../$source" $near
    stamps "$top/build-here" >"$scratch/after"
    expect "deterministic/$name-second-plan" '' \
        "$(diff "$scratch/before" "$scratch/after" | head -n 3)"
}

# Our own tree, and the same named as one dataset of two.
mkdir "$scratch/own"
for part in definitions workloads kernels; do
    cp -R "$srcdir/$part" "$scratch/own/"
done
mkdir "$scratch/two"
cp -R "$scratch/own" "$scratch/two/tree"
cp -R "$tests/data/tiny" "$scratch/two/tiny"
compare own .
compare two tree tree tiny

# A dataset with errors: they are part of the plan, and their paths are those of the command line,
# so here both plans use the same relative one.
mkdir -p "$scratch/broken/x/build" "$scratch/broken/y/z/build"
for folder in x y/z; do
    cp -R "$tests/data/tiny" "$scratch/broken/$folder/data"
    printf '{"name": 1}\n' >"$scratch/broken/$folder/data/definitions/rmsnorm/bad.json"
    plan "$scratch/broken/$folder/build" --srcdir=../data --dataset=../data
done
same deterministic/broken "$scratch/broken/x/build" "$scratch/broken/y/z/build"
grep -q 'bad.json:1:1' "$scratch/broken/x/build/build/plan.json" ||
    failed deterministic/broken 'plan.json does not name the error'

# The public dataset, which is large and has what ours has not: blobs, scalars, every family.
public=$srcdir/../shared/dataset
if [ -d "$public/definitions" ]; then
    mkdir "$scratch/public"
    cp -R "$public" "$scratch/public/data"
    cp -R "$srcdir/kernels" "$scratch/public/kernels"
    compare public . data
else
    skipped deterministic/public 'there is no ../shared/dataset'
fi
finish
