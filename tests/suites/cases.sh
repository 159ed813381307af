#!/bin/sh
# cases.sh [NAME...]: the file-based cases under tests/cases, or those named.
#
# A case is a folder with `cmd`, its input files, and what must come out: `stdout`, `stderr`,
# `status`. `cmd` is a shell script; it runs in a copy of the folder, and whole files are compared.
# It may use
#   $TM_BIN       the folder of tm-gen, tm-report, tm-cc
#   $TM_SRC       the source tree
#   ../common     a copy of tests/cases/common: a small good dataset, args for tm-gen, blob.sh
#   ../matrix     common/good built for the CPU, with harnesses and solutions; made when a cmd
#                 mentions it
# TM_UPDATE=1 rewrites the expectations: read the difference before you commit it.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

TM_BIN=$PWD/build/bin TM_SRC=$srcdir LC_ALL=C COLUMNS=100 # in a pipe tables have any width
export TM_BIN TM_SRC LC_ALL COLUMNS
cp -R "$tests/cases/common" "$scratch/common"

make_matrix() {
    start_build "$scratch/matrix"
    (cd "$scratch/matrix" && "$srcdir/configure" --arch=cpu --dataset="$scratch/common/good" &&
        ninja) >"$scratch/matrix.log" 2>&1 && return
    cat "$scratch/matrix.log"
    failed cases/matrix 'common/good could not be built'
    finish
}

run_case() { # name
    folder=$scratch/$1
    cp -R "$tests/cases/$1" "$folder"
    (cd "$folder" && rm -f stdout stderr status &&
        exec sh ./cmd >"$folder.stdout" 2>"$folder.stderr" </dev/null)
    printf '%s\n' $? >"$folder.status"
    bad=''
    for part in stdout stderr status; do
        if [ -n "${TM_UPDATE-}" ]; then
            cmp -s "$folder.$part" "$tests/cases/$1/$part" ||
                cp "$folder.$part" "$tests/cases/$1/$part"
        elif [ ! -f "$tests/cases/$1/$part" ]; then
            bad="$bad no $part is expected yet;"
        elif ! diff -u "$tests/cases/$1/$part" "$folder.$part"; then
            bad="$bad another $part;"
        fi
    done
    if [ -z "$bad" ]; then pass "cases/$1"; else failed "cases/$1" "${bad# }"; fi
}

[ $# -gt 0 ] || set -- "$tests"/cases/*/cmd
for one; do
    one=${one%/cmd}
    one=${one##*/}
    if grep -q '\.\./matrix' "$tests/cases/$one/cmd" && [ ! -d "$scratch/matrix" ]; then
        make_matrix
    fi
    run_case "$one"
done
finish
