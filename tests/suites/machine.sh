#!/bin/sh
# machine.sh: what the machine brings in (libraries, drivers, compilers) is noticed by `ninja` alone,
# without another configure; where it gives what it gave before, nothing after it runs, and the
# second run has nothing to do.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

build=$scratch/build
start_build "$build"
cd "$build" || exit 1

ran() { # path within build/: whether the last bench ran such an edge
    comm -13 log.before log.after | cut -f4 | grep -q "^build/$1"
}
bench() {
    grep -v '^#' build/.ninja_log | sort >log.before
    ninja bench >bench.log 2>&1 || {
        cat bench.log
        failed machine 'ninja bench failed'
    }
    grep -v '^#' build/.ninja_log | sort >log.after
}
# settled NAME: another bench runs nothing.
settled() {
    bench
    expect "$1: settled" '' "$(comm -13 log.before log.after | cut -f4)"
}

# The worker runs with a library of our own, as with one of a GPU's driver, behind a launcher that
# stands for the machine where the cells run.
mkdir lib
library=$(ldd build/bin/tm-worker | sed -n 's/.* => \(.*libcjson[^ ]*\) .*/\1/p')
if [ -z "$library" ]; then
    failed machine/library 'tm-worker loads no libcjson: there is nothing to replace'
    finish
fi
cp "$library" "lib/${library##*/}"
cat >launch <<END
#!/bin/sh
printf '%s\\n' "\$*" >>"$build/launched"
LD_LIBRARY_PATH=$build/lib "\$@" | if [ -e "$build/other" ]; then sed 's/cpu-0/cpu-1/'; else cat; fi
END
chmod +x launch
cp -R "$tests/data/tiny" data
# shellcheck disable=SC2016 # the loader expands it
sed 's/"-lm"/"-Wl,--no-as-needed", "-Llinked", "-ltiny", "-Wl,-rpath,$ORIGIN\/..\/..\/linked"/' \
    "$tests/data/tiny/kernels/tiny/plain/solution.json" >data/kernels/tiny/plain/solution.json
mkdir linked
"$srcdir/configure" --arch=cpu --dataset=data --definitions=tiny_h32 \
    --solutions=plain --iterations=1 --num-trials=1 --warmup-runs=0 --launcher="$build/launch" \
    >configure.log 2>&1 || {
    cat configure.log
    failed machine 'configure failed'
    finish
}
bench

# A library that a solution is linked with.
tiny_library() { # C
    echo "$1" >tiny.c
    "${CC:-cc}" -shared -fPIC tiny.c -o linked/new.so && mv linked/new.so linked/libtiny.so
}
grep -q COMPILE_ERROR build/traces/tiny/rmsnorm/tiny_h32/plain/one.json ||
    failed machine/linked 'it was linked without its library'
settled machine/linked-without
# Configured once more with the same options.
xargs "$srcdir/configure" <build/configure.args >configure.log 2>&1 || cat configure.log
settled machine/configured-again
tiny_library 'int tiny_library = 1;'
bench
grep -q PASSED build/traces/tiny/rmsnorm/tiny_h32/plain/one.json ||
    failed machine/linked 'it was not linked when its library was there'
settled machine/linked
tiny_library 'int tiny_library = 2;'
bench
if ran traces; then
    pass machine/linked-other
else
    failed machine/linked-other 'no cell ran with another library'
fi
settled machine/linked-other

grep -q -e '--trace=' launched || failed machine/launcher 'no cell went through it'
if grep -q -e '--describe' launched; then
    pass machine/launcher
else
    failed machine/launcher 'the device was not described where the cells run'
fi
if grep -q -e 'tm-ceilings ' launched; then
    pass machine/launcher-of-ceilings
else
    failed machine/launcher-of-ceilings 'they were not measured where the cells run'
fi
settled machine/first

touch "lib/${library##*/}"
bench
if ! ran device.json; then
    failed machine/library 'the device was not described again'
elif ran traces || ran ceilings; then
    failed machine/library 'a cell ran, or ceilings were measured, again on an equal device'
else
    pass machine/library
fi
settled machine/library
: >other
# A package's files are older than what was built yesterday; the folder is not.
cp "lib/${library##*/}" lib/new
touch -d 2001-01-01 lib/new
mv lib/new "lib/${library##*/}"
bench
if ran traces; then pass machine/device; else failed machine/device 'no cell ran on another device'; fi
if ran ceilings; then
    pass machine/device-ceilings
else
    failed machine/device-ceilings "another device has the first one's ceilings"
fi
settled machine/device
rm "lib/${library##*/}"
bench
if ran device.json; then
    pass machine/lost-library
else
    failed machine/lost-library 'the device was not described again'
fi
settled machine/lost-library
finish
