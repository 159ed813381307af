#!/bin/sh
# dependencies.sh CXX CUDA_ROOT CUTLASS: what solutions may name as dependencies and is here, for
# configure; CUDA_ROOT and CUTLASS may be empty. gen/dependencies.c knows the same names.
#
# One line for each that was found: its name, "flags" or "links", and those. CPPFLAGS and LDFLAGS of
# the environment are part of them. Exit status 2 with words when CUTLASS is none.
set -eu
cxx=$1 cuda_root=$2 cutlass=$3

links="${cuda_root:+-L$cuda_root/lib64}${LDFLAGS:+ $LDFLAGS}"
compiles() { # header, libraries: whether it is found and they are linked
    header=$1
    shift
    # shellcheck disable=SC2086 # flags are words
    printf '#include <%s>\n' "$header" | $cxx -std=c++17 ${CPPFLAGS-} \
        ${cuda_root:+-I$cuda_root/include} -shared -fPIC -x c++ - $links "$@" -o /dev/null \
        >/dev/null 2>&1
}

if [ -n "$cuda_root" ]; then
    if compiles cublas_v2.h -lcublas -lcublasLt; then
        echo "cublas links $links -lcublas -lcublasLt"
    fi
    if compiles cudnn.h -lcudnn; then echo "cudnn links $links -lcudnn"; fi
    for folder in "$cuda_root/include" "$cuda_root/include/cccl"; do
        if [ -f "$folder/cub/cub.cuh" ]; then
            echo "cccl flags -I$folder"
            break
        fi
    done
fi

if [ -z "$cutlass" ]; then
    # shellcheck disable=SC2086
    if printf '#include <cutlass/version.h>\n' | $cxx ${CPPFLAGS-} -E -x c++ - >/dev/null 2>&1; then
        echo 'cutlass flags '
    fi
    exit 0
fi
for folder in "$cutlass" "$cutlass/include"; do
    [ -f "$folder/cutlass/cutlass.h" ] || continue
    root=${folder%/include} # of a checkout, whose helpers are apart
    [ ! -d "$root/tools/util/include" ] || folder="$folder -I$root/tools/util/include"
    echo "cutlass flags -I$folder"
    exit 0
done
echo "expected a folder with include/cutlass/cutlass.h, got \"$cutlass\"; give the root of a checkout"
exit 2
