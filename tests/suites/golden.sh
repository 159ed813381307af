#!/bin/sh
# golden.sh: everything that tm-gen writes for tests/golden/input, whole, against
# tests/golden/expected; and that a compiler takes the C of it. TM_UPDATE=1 rewrites what is
# expected: read the difference before you commit it.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

gen=$PWD/build/bin/tm-gen
expected=$tests/golden/expected
cc=$(sed -n 's/^cc = //p' build.ninja)
cxx=$(sed -n 's/^cxx = //p' build.ninja)

cp -R "$tests/golden/input" "$scratch/input"
cd "$scratch" || exit 1
# The one blob: 64 bfloat16.
mkdir input/blob
header='{"layers.0.weight":{"dtype":"BF16","shape":[64],"data_offsets":[0,128]}}'
printf '%b%s%128s' "\\0$(printf %o ${#header})\\0\\0\\0\\0\\0\\0\\0" "$header" '' \
    >'input/blob/weights of a layer.safetensors'
"$gen" --srcdir=input --backend=cpu --arch=cpu >plan.log 2>&1 || cat plan.log
expect golden/outcome \
    'tracemill: 2 definitions (2 with a native reference), 4 workload rows, 5 solutions: 11 cells for cpu' \
    "$(cat plan.log)"

# What tells blobs apart names files of this machine.
expect golden/blobs "$(readlink -f input/blob)/weights of a layer.safetensors 208 bytes" \
    "$(find build -name '*.blobs' -exec sed 's/ [^ ]*$//' {} +)"
find build -name '*.blobs' -exec rm {} +
if [ -n "${TM_UPDATE-}" ]; then
    rm -rf "$expected"
    cp -R build "$expected"
fi
{
    find build -type f
    (cd "$expected" && find . -type f | sed 's,^\.,build,')
} | LC_ALL=C sort -u >files
while IFS= read -r file; do
    if cmp -s "$expected/${file#build/}" "$file"; then
        pass "golden/${file#build/}"
    else
        diff -u "$expected/${file#build/}" "$file"
        failed "golden/${file#build/}" 'it is not what is expected; see the difference above'
    fi
done <files

# Lines end at column 100, but for paths and words that are longer; no blanks at their ends.
expect golden/blanks '' "$(find build -type f -exec grep -n ' $' /dev/null {} +)"
expect golden/long-lines '' \
    "$(find build -name '*.[ch]' -exec grep -nE '^.{101}' /dev/null {} +)"

compile() { # name, compiler and flags, file
    name=$1
    shift
    expect "$name" '' "$("$@" 2>&1)"
}
warnings='-Wall -Wextra -Wshadow -Werror -fsyntax-only'
entry='-DTM_ENTRY=run -DTM_DEFINE_CALL'
find build/gen build/generic -name contract.h | LC_ALL=C sort >contracts
while IFS= read -r file; do
    # shellcheck disable=SC2086 # flags are words
    {
        compile "golden/c/$file" $cc -std=gnu11 $warnings $entry \
            "-I$srcdir/harness/include" -x c "$file"
        compile "golden/c++/$file" $cxx -std=c++17 $warnings $entry \
            "-I$srcdir/harness/include" -x c++ "$file"
    }
done <contracts
find build/gen -name '*.c' | LC_ALL=C sort >tables
while IFS= read -r file; do
    # shellcheck disable=SC2086
    compile "golden/c/$file" $cc -std=c11 -D_GNU_SOURCE $warnings "-I$srcdir" "$file"
done <tables
finish
