#!/bin/sh
# tvm_ffi.sh: where the headers and the library of tvm-ffi are, for configure. They come with the
# Python package apache-tvm-ffi; neither compiling nor running a solution needs a Python.
#
#   tvm_ffi.sh find CC [DIR]   without DIR: tvm-ffi-config, python3, then what `install` left.
#                              Four lines: include folders, library or nothing, version, from where.
#                              Exit status 1, no output: not found. 2: DIR is not it; says why.
#   tvm_ffi.sh install         the package into a folder of its own, with pip and a package index.
#                              Exit status 1 and words when that could not be done.
set -eu

# Of the user and not of a build folder: one download serves all of them.
cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
cache=${cache:-$PWD/build}/tracemill/tvm-ffi

absolute() { (cd "$1" && pwd); }

# The include folder that belongs to a prefix, a Python package, its site-packages, a virtual
# environment, or to itself.
include_of() { # folder
    for at in "$1" "$1/include" "$1/tvm_ffi/include" "$1"/lib/python3*/site-packages/tvm_ffi/include; do
        if [ -f "$at/tvm/ffi/c_api.h" ]; then
            absolute "$at"
            return
        fi
    done
    return 1
}
macro() { # name, header
    sed -n "s/^ *# *define  *$1  *\([0-9][0-9]*\).*/\1/p" "$2" | head -n 1
}
why='' # what is wrong with the last one that was looked at
describe() { # compiler, folder, whence
    include=$(include_of "$2") || {
        why="expected a folder with include/tvm/ffi/c_api.h, got \"$2\""
        return 1
    }
    dlpack=''
    for at in "$include" "${include%/*}/3rdparty/dlpack/include" "${include%/*}/dlpack/include"; do
        [ -n "$dlpack" ] || [ ! -f "$at/dlpack/dlpack.h" ] || dlpack=$(absolute "$at")
    done
    [ -n "$dlpack" ] || {
        why="expected dlpack/dlpack.h beside $include/tvm, got none"
        return 1
    }
    case $include$dlpack in
    *[[:space:]]*)
        why="expected a path without blanks, got $include"
        return 1
        ;;
    esac
    major=$(macro DLPACK_MAJOR_VERSION "$dlpack/dlpack/dlpack.h")
    minor=$(macro DLPACK_MINOR_VERSION "$dlpack/dlpack/dlpack.h")
    [ "${major:-0}" -gt 1 ] || { [ "${major:-0}" -eq 1 ] && [ "${minor:-0}" -ge 2 ]; } || {
        why="expected DLPack 1.2 or newer, got ${major:-0}.${minor:-0} in $dlpack"
        return 1
    }
    header=$include/tvm/ffi/c_api.h
    version=$(macro TVM_FFI_VERSION_MAJOR "$header").$(macro TVM_FFI_VERSION_MINOR "$header")
    version=$version.$(macro TVM_FFI_VERSION_PATCH "$header")
    # shellcheck disable=SC2086 # a command with flags
    printf '#include <tvm/ffi/c_api.h>\n' | $1 -I"$include" -I"$dlpack" -fsyntax-only -x c - \
        >/dev/null 2>&1 || {
        why="expected headers that compile, got $include/tvm/ffi/c_api.h, which does not"
        return 1
    }
    library=''
    for at in "${include%/*}"/lib "${include%/*}"/lib64 "${include%/*}"/build/lib; do
        [ -n "$library" ] || [ ! -f "$at/libtvm_ffi.so" ] || library=$(absolute "$at")/libtvm_ffi.so
    done
    folders=$include
    [ "$dlpack" = "$include" ] || folders="$include $dlpack"
    printf '%s\n%s\n%s\n%s\n' "$folders" "$library" "$version" "$3"
}
# A script of a Python that is gone, or a Python without the module, is as good as none.
printed() { # command...
    "$@" --includedir 2>/dev/null </dev/null | grep '^/' | head -n 1
}

case ${1-} in
find)
    if [ $# -gt 2 ]; then
        describe "$2" "$3" "--tvm-ffi=$3" && exit 0
        printf '%s\n' "$why"
        exit 2
    fi
    for command in tvm-ffi-config 'python3 -m tvm_ffi.config'; do
        # shellcheck disable=SC2086 # words on purpose
        folder=$(printed $command || :)
        if [ -n "$folder" ] && describe "$2" "$folder" "$command"; then exit 0; fi
    done
    describe "$2" "$cache" "./configure --install-deps" && exit 0
    exit 1
    ;;
install)
    python3 -m pip --version >/dev/null 2>&1 || {
        echo 'expected python3 with pip, got none'
        exit 1
    }
    # Into a new folder that takes its place when it is whole: pip does not replace what is there.
    rm -rf "$cache.new"
    mkdir -p "$cache.new"
    python3 -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-compile \
        --only-binary :all: --retries 1 --timeout 15 --target "$cache.new" \
        'apache-tvm-ffi>=0.1,<0.2' >"$cache.new/log" 2>&1 </dev/null || {
        sed -n 's/^ERROR: //p' "$cache.new/log" | tail -n 1 | grep . || echo 'pip failed'
        rm -rf "$cache.new"
        exit 1
    }
    rm -rf "$cache"
    mv "$cache.new" "$cache"
    printf '%s\n' "$cache"
    ;;
*)
    echo 'tvm_ffi.sh: bad usage; it is called by configure only' >&2
    exit 2
    ;;
esac
