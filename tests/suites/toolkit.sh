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
# A compiler of our own too, behind another word.
mkdir "$scratch/build" "$scratch/tools"
cd "$scratch/build" || exit 1
compiler() { # C flag; the file is as old as one from a package
    printf '#!/bin/sh\nexec %s "$@" %s\n' "${CC:-gcc}" "$1" >"$scratch/tools/new"
    chmod +x "$scratch/tools/new"
    touch -d 2001-01-01 "$scratch/tools/new"
    mv "$scratch/tools/new" "$scratch/tools/wrapped"
}
compiler ''
if ! { "$source/configure" CC="env $scratch/tools/wrapped" --arch=cpu --dataset="$tests/data/tiny" --definitions=tiny_h32 \
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
bench() { # name
    grep -v '^#' build/.ninja_log | sort >log.before
    ninja bench >bench.log 2>&1 || {
        cat bench.log
        failed "toolkit/$1" 'ninja bench failed'
    }
}
edit_and_bench() { # file, sed script
    sed "$2" "$source/$1" >edited
    ! cmp -s "$source/$1" edited || failed "toolkit/$1" 'nothing was edited'
    cat edited >"$source/$1"
    bench "$1"
}
settled() { # name: another bench runs nothing
    bench "$1"
    grep -v '^#' build/.ninja_log | sort | comm -13 log.before - >log.again
    [ ! -s log.again ] || failed "toolkit/$1" "a second bench ran [$(cut -f4 log.again)]"
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

# The compiler.
settled before-compiler
touch "$scratch/tools/wrapped"
bench same-compiler
if ! ran toolchain.txt; then
    failed toolkit/same-compiler 'it was not looked at'
elif ran obj/ || ran solutions/; then
    failed toolkit/same-compiler 'something was compiled again'
else
    pass toolkit/same-compiler
fi
settled same-compiler
compiler -DANOTHER
bench equal-compiler
if ! ran obj/ || ! ran solutions/; then
    failed toolkit/equal-compiler 'not everything was compiled again'
elif ran traces/; then
    failed toolkit/equal-compiler 'a cell ran again with equal objects'
else
    pass toolkit/equal-compiler
fi
settled equal-compiler
compiler -O0
bench other-compiler
if ran traces/; then
    pass toolkit/other-compiler
else
    failed toolkit/other-compiler 'no cell ran again with other objects'
fi
settled other-compiler

# Another source tree, as after git pull, with a source file more in tm-gen and a rule renamed: the
# old build.ninja can make neither tm-gen nor the plan.
sed 's,^int main(,int tm_extra(void);\n&,; s,int status = 0;,int status = tm_extra();,' \
    "$source/gen/main.c" >edited && cat edited >"$source/gen/main.c"
printf 'int tm_extra(void);\nint tm_extra(void) {\n    return 0;\n}\n' >"$source/gen/extra.c"
sed 's/"cell"/"trial"/' "$source/gen/emit_ninja.c" >edited && cat edited >"$source/gen/emit_ninja.c"
# shellcheck disable=SC2016 # ninja expands it
sed 's,^build build/obj/gen/main.o,build build/obj/gen/extra.o: cc $srcdir/gen/extra.c\n&,
    s,^    build/obj/gen/main.o,    build/obj/gen/extra.o $\n&,; s,^rule cell,rule trial,' \
    "$source/build.ninja.in" >edited && cat edited >"$source/build.ninja.in"
bench pulled
if ran obj/gen/extra.o && grep -q 'trial' build/matrix.loaded.ninja; then
    pass toolkit/pulled
else
    failed toolkit/pulled 'the new source file is not part of tm-gen'
fi
settled pulled
finish
