#!/bin/sh
# emulated.sh: CUDA kernels of tensor cores, run on a CPU thread by thread and fiber by fiber,
# against the native reference. Shows indices, barriers and copies to be right where there is no
# GPU; says nothing about speed, or about the compiler for one. SEED=N repeats a run.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

seed=${SEED:-$(date +%s)}
start_build "$scratch/build"
cd "$scratch/build" || exit 2
if ! "$srcdir/configure" --arch=cpu --definitions='moe_fp8_block_scale_*_h512_*' \
    >configure.log 2>&1; then
    failed emulated/configure "$(tail -n 5 configure.log)"
    finish
fi

# emulated REFERENCE KERNEL FLAG: a kernel under kernels/baseline/moe against a reference.
emulated() {
    reference=$(grep -o "build/generic/[^/]*/reference_$1_generic.so" build/matrix.ninja | head -n 1)
    contract=${reference%/*}
    if ! ninja "$reference" >ninja.log 2>&1 ||
        ! ${CXX:-c++} -std=c++17 -O2 -shared -fPIC -fvisibility=hidden -Wall -Wextra \
            -Wno-unknown-pragmas -x c++ "-I$tests/emulated" "-I$srcdir/harness/include" \
            "-I$contract" -DTM_ENTRY=run -DTM_DEFINE_CALL -include "$contract/contract.h" \
            "$srcdir/kernels/baseline/moe/$2/$2.cu" -o "$1.so" >cxx.log 2>&1 ||
        ! ${CC:-cc} -std=gnu11 -O2 -Wall -Wextra "$3" "-I$srcdir/harness/include" "-I$contract" \
            -DTM_ENTRY=run "$tests/emulated/moe.c" -o "$1" -lm -ldl >cc.log 2>&1; then
        failed "emulated/$2/build" "$(cat ninja.log cxx.log cc.log 2>/dev/null | tail -n 20)"
    elif out=$("./$1" "$reference" "./$1.so" "$seed" 2>&1); then
        pass "emulated/$2/seed $seed"
    else
        failed "emulated/$2/seed $seed" "$out"
    fi
}

emulated moe_fp8_block_scale_ds moe_fp8_block_scale_ds -DDS
emulated moe_fp8_block_scale_renorm moe_fp8_block_scale_renorm -URENORM
finish
