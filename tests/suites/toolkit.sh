#!/bin/sh
# toolkit.sh: an edit of the toolkit that changes no program which a cell runs, runs no cell.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# A source tree of our own, because it is edited.
source=$scratch/source
mkdir "$source"
(cd "$srcdir" && cp -R configure build.ninja.in gen harness lib reports definitions workloads \
    kernels "$source")
mkdir "$source/tests"
cp -R "$tests/unit" "$source/tests"
mkdir "$scratch/build"
cd "$scratch/build" || exit 1
if ! { "$source/configure" --arch=cpu --dataset="$tests/data/tiny" --definitions=tiny_h32 \
    --solutions=plain --iterations=1 --num-trials=1 --warmup-runs=0 &&
    ninja bench; } >build.log 2>&1; then
    cat build.log
    failed toolkit 'it cannot be built'
    finish
fi

ran() { # path within build/: whether the last bench ran such an edge
    grep -v '^#' build/.ninja_log | sort >log.after
    comm -13 log.before log.after | cut -f4 | grep -q "^build/$1"
}
edit_and_bench() { # file, sed script
    sed "$2" "$source/$1" >edited
    ! cmp -s "$source/$1" edited || failed "toolkit/$1" 'nothing was edited'
    cat edited >"$source/$1"
    grep -v '^#' build/.ninja_log | sort >log.before
    ninja bench >bench.log 2>&1 || {
        cat bench.log
        failed "toolkit/$1" 'ninja bench failed'
    }
}

# Line numbers move, and with them the debug information of the one object; the judges and the
# worker have nothing of it.
edit_and_bench lib/yaml.c '1i /* A comment. */'
if ! ran obj/lib/yaml.o; then
    failed toolkit/comment 'lib/yaml.c was not compiled'
elif ! ran harness/; then
    failed toolkit/comment 'no harness was linked: the check proves nothing'
elif ran traces/; then
    failed toolkit/comment 'a cell ran again'
else
    pass toolkit/comment
fi
edit_and_bench gen/cc.c '1i /* A comment. */'
if ! ran bin/tm-cc; then
    failed toolkit/compiler-driver 'tm-cc was not linked'
elif ran harness/ || ran traces/; then
    failed toolkit/compiler-driver 'a harness or a cell ran again'
else
    pass toolkit/compiler-driver
fi
# And what is in them does run them.
edit_and_bench harness/judge.c '1i static const char *const edition __attribute__((used)) = "2";'
if ran traces/; then pass toolkit/judge; else failed toolkit/judge 'no cell ran again'; fi
finish
