#!/bin/sh
# emulated.sh: CUDA kernels of tensor cores, and those of vectors whose blocks find out what they
# have to do, run on a CPU thread by thread and fiber by fiber, against the native reference. Shows
# indices, barriers and copies to be right where there is no GPU; says nothing about speed, or about
# the compiler for one. SEED=N repeats a run.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

seed=${SEED:-$(date +%s)}
start_build "$scratch/build"
cd "$scratch/build" || exit 2
definitions='moe_fp8_block_scale_*_h512_*,mamba_ssu_decode_h64_*,gdn_*_qk4_*'
definitions=$definitions,'rope_with_cos_sin_cache_neox_style_d64_*'
if ! "$srcdir/configure" --arch=cpu --definitions="$definitions" >configure.log 2>&1; then
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

# What is left of tensor_cores.h without its instructions, which emulated_vectors.h has.
sed '/^\/\* Four 8 x 8 matrices/,/^__device__ inline uint32_t pack/{/^__device__ inline uint32_t pack/!d;}' \
    "$srcdir/kernels/baseline/gdn/tensor_cores.h" >tensor_cores.h

# vectors FAMILY FOLDER: ./FAMILY.so from FOLDER's source, and the reference to compare it with.
vectors() {
    family=$1
    reference=$(grep -o "build/generic/[^/]*/reference_$1_generic.so" build/matrix.ninja | head -n 1)
    contract=${reference%/*}
    # Launches, shared memory of their size, and the one instruction that has no name in C++.
    mkdir "$1" && sed -e '/cuda_pipeline\.h/d' \
        -e 's/\([a-z_]*\(<[A-Z0-9, ]*>\)\{0,1\}\)<<<\(.*\), \([^,]*\), [^,]*, stream>>>(\(.*\));/((void)stream, emulated::launch(dim3(\3), \4, [\&] { \1(\5); }));/' \
        -e 's/^extern __shared__ .* dynamic\[\];/#define dynamic emulated::now()->shared/' \
        -e 's/asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));/y = exp2f(x);/' \
        "$srcdir/$2/${2##*/}.cu" >"$1/$1.cpp"
    if ! ninja "$reference" >ninja.log 2>&1 ||
        ! ${CXX:-c++} -std=c++17 -O2 -shared -fPIC -fvisibility=hidden -Wall -Wextra \
            -Wno-unknown-pragmas -fno-strict-aliasing "-I$srcdir/$2" "-I$tests/emulated" "-I$srcdir/harness/include" \
            "-I$contract" -DTM_ENTRY=run -DTM_DEFINE_CALL -include "$tests/emulated/emulated_vectors.h" \
            -include "$contract/contract.h" "$1/$1.cpp" -o "$1.so" >cxx.log 2>&1; then
        failed "emulated/$family/build" "$(cat ninja.log cxx.log 2>/dev/null | tail -n 20)"
    fi
}

# same NAME VALUES...: the last family's kernel gives what the reference does (same.c).
same() {
    name=emulated/$family/$1/"seed $seed"
    shift
    if out=$(./same "$reference" "./$family.so" "$seed" "$@" 2>&1); then
        pass "$name"
    else
        failed "$name" "$out"
    fi
}

emulated moe_fp8_block_scale_ds moe_fp8_block_scale_ds -DDS=1
emulated moe_fp8_block_scale_renorm moe_fp8_block_scale_renorm -DDS=0

if ! ${CC:-cc} -std=gnu11 -O2 -Wall -Wextra "$tests/emulated/same.c" -o same -lm -ldl >cc.log 2>&1; then
    failed emulated/same/build "$(tail -n 20 cc.log)"
    finish
fi

# Slots that no sequence, one, or several have, padding, and indices outside; slots of a block in
# one round and in several.
vectors mamba_ssu kernels/baseline/mamba_ssu/mamba_ssu_vec
ssu() { # NAME SEQUENCES SLOTS HEADS HEAD_DIM DSTATE GROUPS INDICES
    same "$1" A=-2:0 batch_size="$2" state_cache_size="$3" nheads="$4" head_dim="$5" dstate="$6" \
        ngroups="$7" state_batch_indices="$8"
}
ssu plain 3 4 4 16 128 2 1,3,0
ssu shared 6 4 4 32 64 2 2,2,-1,0,9,2
ssu large 5 3 4 8 256 4 2,-7,2,2,1
ssu nothing 0 2 2 32 64 1 ''
ssu no_slots 2 0 2 16 128 1 0,-1
ssu rounds 4 11 100 32 256 1 2,5,10,5
ssu many 200 3 1 16 128 1 "2,0,0,1,-1,2,2,1$(printf ',%.0s-1' $(seq 192))"

# With the states of sequences: the shape of a block, and with several passes.
decode() { # NAME SEQUENCES Q_HEADS K_HEADS V_HEADS SIZE
    same "$1" q=-.15:.15 k=-.15:.15 A_log=0:2.7 dt_bias=-7:-2 scale=4 batch_size="$2" seq_len=1 \
        num_q_heads="$3" num_k_heads="$4" num_v_heads="$5" head_size="$6"
}
vectors gdn_decode kernels/baseline/gdn/gdn_decode_vec
decode plain 3 2 1 4 128
decode passes 256 1 2 4 64

# The same of states in a pool; tokens that shared memory has at once, and more; one and two rows of
# a thread, and more sequences than a warp looks at together.
mtp() { # NAME SEQUENCES TOKENS STATES Q_HEADS K_HEADS V_HEADS SIZE INDICES
    same "$1" q=-.15:.15 k=-.15:.15 A_log=0:2.7 dt_bias=-7:-2 scale=4 batch_size="$2" seq_len="$3" \
        pool_size="$4" num_q_heads="$5" num_k_heads="$6" num_v_heads="$7" head_size="$8" \
        initial_state_indices="$9"
}
vectors gdn_mtp kernels/baseline/gdn/gdn_mtp_vec
mtp plain 1 2 2 2 2 4 128 1
mtp outside 5 5 3 1 2 2 64 -1,0,5,2,-4
mtp large 2 9 3 1 1 1 256 1,1
mtp nothing 0 3 2 1 1 1 64 ''
mtp no_states 2 3 0 1 1 1 64 0,0
mtp two_rows 3 3 9 4 2 16 128 3,8,-1
mtp many 260 1 2 1 1 1 64 "0,-1,-2,1,3,-3$(printf ',%.0s0' $(seq 127))$(printf ',%.0s1' $(seq 127))"

# One chunk that is not full; several, of sequences with and without tokens, and tokens of none.
prefill() { # NAME TOKENS SEQUENCES Q_HEADS K_HEADS V_HEADS CU_SEQLENS
    same "$1" q=-.15:.15 k=-.15:.15 A_log=0:2.7 dt_bias=-7:-2 scale=.25 total_seq_len="$2" \
        num_seqs="$3" len_cu_seqlens="$(($3 + 1))" num_q_heads="$4" num_k_heads="$5" \
        num_v_heads="$6" head_size=128 cu_seqlens="$7"
}
vectors gdn_prefill kernels/baseline/gdn/gdn_prefill_chunk
prefill chunk 48 1 1 1 2 0,48
prefill chunks 210 4 1 2 2 3,68,68,201,203

# Positions from the table's end and outside of it; heads with and without a part that is copied, and
# those that vectors do not fit; one head and several of a thread, the last ones missing.
rope() { # NAME TOKENS QO_HEADS KV_HEADS SIZE ROTARY_DIM POSITIONS
    for interleaved in 0 1; do
        same "$1/$interleaved" num_tokens="$2" num_qo_heads="$3" num_kv_heads="$4" head_size="$5" \
            rotary_dim="$6" max_seq_len=900 positions="$7" constant="$interleaved"
    done
}
vectors rope kernels/baseline/rope/rope_vec
rope vectors 6 6 3 128 64 3,899,-1,-900,900,-901
rope elements 3 2 1 20 10 3,-899,900
rope heads 900 61 2 112 80 "$(seq -s , 899 -1 0)"
finish
