#!/bin/sh
# sources.sh: what holds for every source file: headers compile alone, layers keep apart, and
# nothing that should be compiled is missing in build.ninja.in.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

cc=$(sed -n 's/^cc = //p' build.ninja)
cxx=$(sed -n 's/^cxx = //p' build.ninja)
warnings='-Wall -Wextra -Wshadow -Werror'

# reference.h is made for sources that have included their contract.h.
headers=$(cd "$srcdir" && find lib gen harness reports -name '*.h' | sort)
for header in $headers; do
    # shellcheck disable=SC2086 # flags are words
    output=$(printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
        $cc -std=c11 -D_GNU_SOURCE $warnings -I"$srcdir" -fsyntax-only -x c - 2>&1) ||
        failed "sources/$header" "does not compile alone, twice, as C: $output"
    grep -q 'extern "C"' "$srcdir/$header" || continue
    # shellcheck disable=SC2086
    output=$(printf '#include "%s"\n' "$header" |
        $cxx -std=c++17 $warnings -I"$srcdir" -fsyntax-only -x c++ - 2>&1) ||
        failed "sources/$header" "does not compile alone as C++: $output"
done
[ "$failures" -ne 0 ] || pass "sources/headers compile alone"

before=$failures
for file in $(cd "$srcdir" && find lib gen harness reports kernels/reference -name '*.[ch]' -o \
    -name '*.cu' | sort); do
    case $file in
    lib/*) others='gen harness reports' ;;
    gen/*) others='harness reports' ;;
    harness/*) others='gen reports' ;;
    reports/*) others='gen harness' ;;
    *) others='gen harness reports lib' ;;
    esac
    for other in $others; do
        ! grep -q "^#include \"$other/" "$srcdir/$file" ||
            failed "sources/$file" "includes a header of $other/"
    done
    case $file in
    *.cu | harness/backend_cuda_*.c | harness/include/tracemill.h | kernels/*) ;;
    *)
        ! grep -qE '^ *# *include [<"](cuda|nvml|cupti)' "$srcdir/$file" ||
            failed "sources/$file" "includes a CUDA header"
        ;;
    esac
done
for library in cjson/cJSON yaml; do
    count=$(cd "$srcdir" && grep -rlE "^#include <$library.h>" lib gen harness reports | grep -c .)
    [ "$count" -eq 1 ] || failed "sources/$library" "included by $count files, expected 1"
done
[ "$failures" -ne "$before" ] || pass "sources/layers keep apart"

before=$failures
for file in $(cd "$srcdir" && find lib gen harness reports tests/unit -name '*.c' -o -name '*.cu' |
    sort); do
    grep -qF "\$srcdir/$file" "$srcdir/build.ninja.in" ||
        failed "sources/$file" "no edge in build.ninja.in"
done
for file in "$srcdir"/tests/unit/test_*.c; do
    name=${file##*/}
    grep -qE "^ +build/tests/unit/${name%.c}( |\$)" build.ninja ||
        failed "sources/$name" "not among the unit-tests of build.ninja"
done
[ "$failures" -ne "$before" ] || pass "sources/all are built"
finish
