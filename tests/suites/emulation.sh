#!/bin/sh
# emulation.sh: CUDA kernels thread by thread on the CPU, by tests/emulation/warps.h: their logic, on
# machines without a GPU. How fast they are, it does not say. SEED=N repeats a run.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

for source in "$tests"/emulation/*.cpp; do
    name=$(basename "$source" .cpp)
    if ! ${CXX:-c++} -std=c++17 -O2 -Wall -Wextra -Wno-unknown-pragmas "-I$srcdir" \
        "-I$srcdir/harness/include" "$source" -o "$scratch/$name" 2>"$scratch/log"; then
        failed "emulation/$name/build" "$(head -n 5 "$scratch/log")"
        continue
    fi
    "$scratch/$name" "${SEED:-$(date +%s)}" 2>&1 || failures=$((failures + 1))
done
finish
