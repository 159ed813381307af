/* Gated delta rule over whole sequences on the GPU's tensor cores, 64 tokens at a time (Yang et
 * al., "Gated Delta Networks", 2024, section 3.3). With c(i) the sum of the log decays of a chunk
 * up to token i, the changes d(i) that its tokens make to the state S before it solve
 *
 *     d(i) = beta(i) (v(i) - e^c(i) S k(i) - sum over j < i of e^(c(i) - c(j)) (k(i) . k(j)) d(j))
 *
 * `prepare` does what does not depend on S, for all chunks at once: T, the inverse of that triangle
 * times beta, without its diagonal, which is beta; and M = e^(c(i) - c(j)) (q(i) . k(j)) for j <=
 * i. `scan` goes through the chunks of a sequence: d = (beta + T) (v - e^c S k), output = scale
 * (e^c S q + M d), S := e^c(last) S + sum of e^(c(last) - c(i)) d(i) k(i). There a warp has 16 rows
 * of S, which is [value, key], in registers, and all of its operands but keys, queries, T and M as
 * well.
 *
 * States are float32; operands of products are rounded to bfloat16, but for d where it enters the
 * state, which is the sum of two. Errors of a state of N(0,1) after 1,024 tokens, simulated for 8
 * heads: at most 0.003; with one bfloat16, and T's diagonal rounded, 0.009. */
#include <cuda_pipeline.h>

#include "contract.h"

#include "../gdn_vec.h"
#include "../tensor_cores.h"

namespace {

constexpr int size = 128; /* of a head */
constexpr int chunk = 64; /* tokens */
/* Rows in shared memory are 16 bytes longer, so that neighbouring ones lie in other banks. */
constexpr int key_stride = size + 8, triangle_stride = chunk + 8;
constexpr int vector_elems = 8; /* bfloat16 in 16 bytes */
constexpr int prepare_threads = 128;

/* What `prepare` leaves for `scan`, of one chunk and head. */
struct triangles {
    tm_bfloat16 T[chunk][chunk], M[chunk][chunk]; /* of M what is below and near the diagonal */
    float beta[chunk];
    float decay[chunk]; /* e^c(i) */
    float left[chunk];  /* e^(c(last) - c(i)) */
};

struct problem {
    inputs in;
    const int64_t *cu_seqlens;
    const float *state;
    float *new_state;
    triangles *prepared; /* [places, v_heads] */
    int64_t tokens;
    int sequences;

    /* Chunks have places in order; a sequence with few tokens may leave one unused. */
    __device__ int64_t place(int sequence) const {
        return cu_seqlens[sequence] / chunk + sequence;
    }
    __device__ bool has_tokens(int64_t begin, int64_t end) const {
        return 0 <= begin && begin < end && end <= tokens;
    }
};

/* Rows of the tokens from `first` on, of which `count` exist; the others are zero. */
__device__ void load_rows(tm_bfloat16 (*to)[key_stride], const tm_bfloat16 *from, int64_t step,
                          int count) {
    for (int i = threadIdx.x; i < chunk * size / vector_elems; i += blockDim.x) {
        const int row = i / (size / vector_elems), at = i % (size / vector_elems) * vector_elems;
        const int64_t source = row < count ? row * step + at : 0;
        __pipeline_memcpy_async(&to[row][at], from + source, 16, row < count ? 0 : 16);
    }
}

typedef float square[chunk + 4]; /* a row of a chunk's triangle, four longer */

__device__ float dot_column(const float4 &row, const square *column, int at) {
    return row.x * column[0][at] + row.y * column[1][at] + row.z * column[2][at] +
           row.w * column[3][at];
}

/* X = the inverse of the unit lower triangle I + L, by parts of 16 rows and columns: those on the
 * diagonal, then each row of them by the rows above, X(i) = -X(i, i) (sum over k of L(i, k) X(k)).
 * Loops, because 64 steps in a row are 80 KB of instructions, which a block would wait for. What is
 * above the parts on the diagonal is left alone. */
__device__ void invert(square *X, const square *L) {
    constexpr int part = 16, rows = part * chunk / prepare_threads; /* a thread's, of a part */
    const int column = threadIdx.x % chunk, begin = column / part * part;
    const int own = threadIdx.x / chunk * rows;
    if (threadIdx.x < chunk) {
        float x[part];
#pragma unroll
        for (int i = 0; i < part; ++i) {
            x[i] = i == column - begin ? 1.0f : 0.0f;
#pragma unroll
            for (int j = 0; j < i; j += 4) {
                const float4 four = *reinterpret_cast<const float4 *>(&L[begin + i][begin + j]);
                const float l[] = {four.x, four.y, four.z, four.w};
#pragma unroll
                for (int n = 0; n < 4 && j + n < i; ++n)
                    x[i] -= l[n] * x[j + n];
            }
        }
#pragma unroll
        for (int i = 0; i < part; ++i)
            X[begin + i][column] = x[i];
    }
    __syncthreads();
#pragma unroll 1
    for (int first = part; first < chunk; first += part) {
        const bool is_below = column < first;
        float sums[rows] = {}, x[rows] = {};
        if (is_below) {
#pragma unroll 1
            for (int j = begin; j < first; j += 4) {
#pragma unroll
                for (int r = 0; r < rows; ++r)
                    sums[r] -= dot_column(*reinterpret_cast<const float4 *>(&L[first + own + r][j]),
                                          X + j, column);
            }
#pragma unroll
            for (int r = 0; r < rows; ++r)
                X[first + own + r][column] = sums[r];
        }
        __syncthreads();
        if (is_below) {
#pragma unroll
            for (int j = 0; j < part; j += 4) {
#pragma unroll
                for (int r = 0; r < rows; ++r)
                    x[r] += dot_column(
                        *reinterpret_cast<const float4 *>(&X[first + own + r][first + j]),
                        X + first + j, column);
            }
        }
        __syncthreads();
        if (is_below) {
#pragma unroll
            for (int r = 0; r < rows; ++r)
                X[first + own + r][column] = x[r];
        }
        __syncthreads();
    }
}

/* Zeros for tokens [begin, end) of the block's head, which the blocks of the head share. */
__device__ void clear(const problem &p, int64_t begin, int64_t end) {
    constexpr int vectors = size / vector_elems;
    for (int64_t token = begin + blockIdx.x; token < end; token += gridDim.x) {
        uint4 *to =
            reinterpret_cast<uint4 *>(p.in.output) + (token * p.in.v_heads + blockIdx.y) * vectors;
        if ((int)threadIdx.x < vectors)
            to[threadIdx.x] = make_uint4(0, 0, 0, 0);
    }
}

/* A block does a chunk of one head: place blockIdx.x, head blockIdx.y. Tokens before the first
 * sequence and behind the last are cleared beside. */
__global__ void __launch_bounds__(prepare_threads) prepare(const problem p) {
    __shared__ __align__(16) tm_bfloat16 keys[chunk][key_stride];    /* later X */
    __shared__ __align__(16) tm_bfloat16 queries[chunk][key_stride]; /* later L */
    __shared__ float sums[chunk], betas[chunk];
    clear(p, 0, min(p.cu_seqlens[0], p.tokens));
    clear(p, max(p.cu_seqlens[p.sequences], (int64_t)0), p.tokens);
    int sequence = 0;
    for (int above = p.sequences; above - sequence > 1;) {
        const int middle = (sequence + above) / 2;
        if (p.place(middle) <= (int64_t)blockIdx.x)
            sequence = middle;
        else
            above = middle;
    }
    const int64_t begin = p.cu_seqlens[sequence], end = p.cu_seqlens[sequence + 1];
    const int64_t first = begin + ((int64_t)blockIdx.x - p.place(sequence)) * chunk;
    if (!p.has_tokens(begin, end) || first < begin || first >= end)
        return;
    const int count = (int)min(end - first, (int64_t)chunk), head = blockIdx.y;
    load_rows(keys, p.in.key(first, head, size), (int64_t)p.in.k_heads * size, count);
    load_rows(queries, p.in.query(first, head, size), (int64_t)p.in.q_heads * size, count);
    __pipeline_commit();
    if (threadIdx.x < chunk) {
        const bool exists = (int)threadIdx.x < count;
        const gate now = p.in.gate_of(first + (exists ? threadIdx.x : 0), head);
        float sum = exists ? now.log_decay() : 0.0f;
#pragma unroll
        for (int distance = 1; distance < 32; distance *= 2) {
            const float before = __shfl_up_sync(0xffffffffu, sum, distance);
            sum += (int)threadIdx.x % 32 >= distance ? before : 0.0f;
        }
        sums[threadIdx.x] = sum;
        betas[threadIdx.x] = exists ? now.beta() : 0.0f;
    }
    __pipeline_wait_prior(0);
    __syncthreads();
    if (threadIdx.x >= 32 && threadIdx.x < chunk)
        sums[threadIdx.x] += sums[31];

    /* A warp has 16 rows, and the tiles up to the diagonal. */
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    float by_keys[chunk / 8][4] = {}, by_queries[chunk / 8][4] = {};
#pragma unroll 2
    for (int at = 0; at < size; at += 16) {
        uint32_t k[4], q[4];
        load_left(k, &keys[warp * 16][at], key_stride);
        load_left(q, &queries[warp * 16][at], key_stride);
#pragma unroll
        for (int i = 0; i < chunk / 16; ++i) {
            if (i > warp)
                continue;
            uint32_t b[4];
            load_right(b, &keys[i * 16][at], key_stride);
            multiply_add(by_keys[2 * i], k, b[0], b[1]);
            multiply_add(by_keys[2 * i + 1], k, b[2], b[3]);
            multiply_add(by_queries[2 * i], q, b[0], b[1]);
            multiply_add(by_queries[2 * i + 1], q, b[2], b[3]);
        }
    }
    __syncthreads(); /* keys and queries are not needed any more, and the sums are there */

    square *L = reinterpret_cast<square *>(&queries[0][0]);
    square *X = reinterpret_cast<square *>(&keys[0][0]);
    static_assert(sizeof(square[chunk]) <= sizeof queries, "L lies over the queries");
    triangles *to = p.prepared + (int64_t)blockIdx.x * p.in.v_heads + head;
#pragma unroll
    for (int i = 0; i < chunk / 8; ++i) {
        if (i > 2 * warp + 1)
            continue;
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const int row = warp * 16 + half * 8 + lane / 4, column = i * 8 + lane % 4 * 2;
            float m[2];
#pragma unroll
            for (int j = 0; j < 2; ++j) {
                const float decay = column + j <= row ? expf(sums[row] - sums[column + j]) : 0.0f;
                m[j] = decay * by_queries[i][2 * half + j];
                L[row][column + j] =
                    column + j < row ? betas[row] * decay * by_keys[i][2 * half + j] : 0.0f;
            }
            *reinterpret_cast<uint32_t *>(&to->M[row][column]) = pack(m[0], m[1]);
        }
    }
    __syncthreads();
    invert(X, L);
    for (int i = threadIdx.x; i < chunk * chunk / vector_elems; i += prepare_threads) {
        const int row = i / (chunk / vector_elems), at = i % (chunk / vector_elems) * vector_elems;
        uint32_t pairs[vector_elems / 2];
#pragma unroll
        for (int j = 0; j < vector_elems / 2; ++j) {
            const int column = at + 2 * j;
            pairs[j] = pack(column < row ? X[row][column] * betas[column] : 0.0f,
                            column + 1 < row ? X[row][column + 1] * betas[column + 1] : 0.0f);
        }
        *reinterpret_cast<uint4 *>(&to->T[row][at]) =
            make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
    }
    if (threadIdx.x < chunk) {
        const int token = threadIdx.x;
        to->beta[token] = betas[token];
        to->decay[token] = expf(sums[token]);
        to->left[token] = expf(sums[chunk - 1] - sums[token]);
    }
}

/* A chunk in shared memory. */
template <int ROWS> struct stage {
    static constexpr int value_stride = ROWS + 8;
    tm_bfloat16 keys[chunk][key_stride], queries[chunk][key_stride];
    tm_bfloat16 values[chunk][value_stride]; /* later outputs */
    tm_bfloat16 T[chunk][triangle_stride], M[chunk][triangle_stride];
    float beta[chunk], decay[chunk], left[chunk];

    __device__ void load(const problem &p, int64_t place, int64_t first, int count, int head,
                         int row) {
        load_rows(keys, p.in.key(first, head, size), (int64_t)p.in.k_heads * size, count);
        load_rows(queries, p.in.query(first, head, size), (int64_t)p.in.q_heads * size, count);
        const tm_bfloat16 *v = p.in.v + (first * p.in.v_heads + head) * size + row;
        for (int i = threadIdx.x; i < chunk * ROWS / vector_elems; i += blockDim.x) {
            const int token = i / (ROWS / vector_elems);
            const int at = i % (ROWS / vector_elems) * vector_elems;
            const int64_t source = token < count ? (int64_t)token * p.in.v_heads * size + at : 0;
            __pipeline_memcpy_async(&values[token][at], v + source, 16, token < count ? 0 : 16);
        }
        const triangles *from = p.prepared + place * p.in.v_heads + head;
        for (int i = threadIdx.x; i < chunk * chunk / vector_elems; i += blockDim.x) {
            const int token = i / (chunk / vector_elems);
            const int at = i % (chunk / vector_elems) * vector_elems;
            __pipeline_memcpy_async(&T[token][at], &from->T[token][at], 16);
            __pipeline_memcpy_async(&M[token][at], &from->M[token][at], 16);
        }
        for (int i = threadIdx.x; i < chunk / 4; i += blockDim.x) {
            __pipeline_memcpy_async(&beta[i * 4], &from->beta[i * 4], 16);
            __pipeline_memcpy_async(&decay[i * 4], &from->decay[i * 4], 16);
            __pipeline_memcpy_async(&left[i * 4], &from->left[i * 4], 16);
        }
    }
};

typedef float tile[4];

/* to[value, token] += left[value, depth] * rows[token, depth], of 16 values: a lower triangle's
 * tokens take what is not behind them. */
template <int DEPTH, bool TRIANGLE, int STRIDE>
__device__ void multiply(tile (&to)[chunk / 8], const uint32_t (&left)[DEPTH / 16][4],
                         const tm_bfloat16 (*rows)[STRIDE]) {
#pragma unroll
    for (int at = 0; at < DEPTH / 16; ++at) {
#pragma unroll
        for (int i = 0; i < chunk / 16; ++i) {
            if (TRIANGLE && at > i)
                continue;
            uint32_t b[4];
            load_right(b, &rows[i * 16][at * 16], STRIDE);
            multiply_add(to[2 * i], left[at], b[0], b[1]);
            multiply_add(to[2 * i + 1], left[at], b[2], b[3]);
        }
    }
}

template <int TILES>
__device__ void as_lefts(uint32_t (&to)[TILES / 2][4], const tile (&from)[TILES]) {
#pragma unroll
    for (int i = 0; i < TILES / 2; ++i)
        as_left(to[i], from[2 * i], from[2 * i + 1]);
}

/* What rounding to bfloat16 leaves over. */
__device__ void remove_rounded(tile &values) {
#pragma unroll
    for (int j = 0; j < 4; ++j)
        values[j] -= __bfloat162float(__float2bfloat16_rn(values[j]));
}

/* A warp's 16 rows of the state, `row` the first of them in the block's, one chunk further; leaves
 * the outputs where their values were. */
template <int ROWS>
__device__ void take_chunk(tile (&S)[size / 8], stage<ROWS> &s, int row, float scale) {
    const int lane = threadIdx.x % 32, value = row + lane / 4, token = lane % 4 * 2;
    tile change[chunk / 8] = {}, output[chunk / 8] = {};
    {
        uint32_t left[size / 16][4];
        as_lefts<size / 8>(left, S);
        multiply<size, false>(change, left, s.keys);
        multiply<size, false>(output, left, s.queries);
    }
    uint32_t left[chunk / 16][4];
#pragma unroll
    for (int i = 0; i < chunk / 8; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            const int t = i * 8 + token + j % 2;
            change[i][j] =
                __bfloat162float(s.values[t][value + j / 2 * 8]) - s.decay[t] * change[i][j];
            output[i][j] *= s.decay[t];
        }
    }
    as_lefts<chunk / 8>(left, change);
#pragma unroll
    for (int i = 0; i < chunk / 8; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j)
            change[i][j] *= s.beta[i * 8 + token + j % 2];
    }
    multiply<chunk, true>(change, left, s.T);
    as_lefts<chunk / 8>(left, change);
    multiply<chunk, true>(output, left, s.M);
    __syncwarp(); /* the warp's values have been read */
#pragma unroll
    for (int i = 0; i < chunk / 8; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            const int t = i * 8 + token + j % 2;
            s.values[t][value + j / 2 * 8] = __float2bfloat16_rn(scale * output[i][j]);
            change[i][j] *= s.left[t];
        }
    }
    const float decay = s.decay[chunk - 1];
#pragma unroll
    for (int i = 0; i < size / 8; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j)
            S[i][j] *= decay;
    }
#pragma unroll
    for (int at = 0; at < chunk / 16; ++at) {
        uint32_t high[4], low[4];
        as_left(high, change[2 * at], change[2 * at + 1]);
        remove_rounded(change[2 * at]);
        remove_rounded(change[2 * at + 1]);
        as_left(low, change[2 * at], change[2 * at + 1]);
#pragma unroll
        for (int i = 0; i < size / 16; ++i) {
            uint32_t b[4];
            load_right_transposed(b, &s.keys[at * 16][i * 16], key_stride);
            multiply_add(S[2 * i], high, b[0], b[1]);
            multiply_add(S[2 * i + 1], high, b[2], b[3]);
            multiply_add(S[2 * i], low, b[0], b[1]);
            multiply_add(S[2 * i + 1], low, b[2], b[3]);
        }
    }
}

extern __shared__ __align__(16) unsigned char dynamic[];

/* A block has ROWS rows of one head's state of one sequence. */
template <int ROWS> __global__ void __launch_bounds__(ROWS * 2) scan(const problem p) {
    stage<ROWS> *stages = reinterpret_cast<stage<ROWS> *>(dynamic);
    constexpr int parts = size / ROWS;
    const int of_head = blockIdx.x / parts, head = of_head % p.in.v_heads;
    const int sequence = of_head / p.in.v_heads, block_row = blockIdx.x % parts * ROWS;
    const int row = threadIdx.x / 32 * 16, lane = threadIdx.x % 32;
    const int64_t begin = p.cu_seqlens[sequence], end = p.cu_seqlens[sequence + 1];
    const int64_t in_states =
        ((int64_t)of_head * size + block_row + row + lane / 4) * size + lane % 4 * 2;
    const bool has_tokens = p.has_tokens(begin, end);

    tile S[size / 8];
#pragma unroll
    for (int i = 0; i < size / 8; ++i) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float2 two = make_float2(0.0f, 0.0f);
            if (p.state && has_tokens)
                two = *reinterpret_cast<const float2 *>(p.state + in_states + half * 8 * size +
                                                        i * 8);
            S[i][2 * half] = two.x;
            S[i][2 * half + 1] = two.y;
        }
    }
    const int64_t place = p.place(sequence);
    if (has_tokens)
        stages[0].load(p, place, begin, (int)min(end - begin, (int64_t)chunk), head, block_row);
    __pipeline_commit();
    int64_t number = 0;
    for (int64_t first = begin; has_tokens && first < end; first += chunk, ++number) {
        const int count = (int)min(end - first, (int64_t)chunk);
        const int64_t next = first + chunk;
        stage<ROWS> &s = stages[number % 2];
        if (next < end)
            stages[(number + 1) % 2].load(p, place + number + 1, next,
                                          (int)min(end - next, (int64_t)chunk), head, block_row);
        __pipeline_commit();
        __pipeline_wait_prior(1);
        __syncthreads();
        take_chunk(S, s, row, p.in.scale);
        __syncwarp();
        /* The warp's outputs: two vectors for each token. */
        tm_bfloat16 *output = p.in.output + (first * p.in.v_heads + head) * size + block_row + row;
        for (int i = lane; i < count * 2; i += 32)
            *reinterpret_cast<uint4 *>(output + (int64_t)(i / 2) * p.in.v_heads * size +
                                       i % 2 * vector_elems) =
                *reinterpret_cast<const uint4 *>(&s.values[i / 2][row + i % 2 * vector_elems]);
        __syncthreads(); /* before the stage is loaded again */
    }
#pragma unroll
    for (int i = 0; i < size / 8; ++i) {
#pragma unroll
        for (int half = 0; half < 2; ++half)
            *reinterpret_cast<float2 *>(p.new_state + in_states + half * 8 * size + i * 8) =
                make_float2(S[i][2 * half], S[i][2 * half + 1]);
    }
}

/* Memory that grows and stays, as one caller at a time needs it; NULL when there is none. */
void *scratch(size_t bytes) {
    static void *memory;
    static size_t held;
    if (bytes <= held)
        return memory;
    (void)cudaFree(memory);
    held = cudaMalloc(&memory, bytes) == cudaSuccess ? bytes : 0;
    if (held == 0) {
        (void)cudaGetLastError();
        memory = nullptr;
    }
    return memory;
}

template <int ROWS> int launch_scan(const problem &p, cudaStream_t stream) {
    const size_t bytes = 2 * sizeof(stage<ROWS>);
    const int64_t blocks = (int64_t)p.sequences * p.in.v_heads * (size / ROWS);
    if (blocks > INT32_MAX)
        return tm_fail(2, "num_seqs: expected less than 2^31 blocks, got %lld", (long long)blocks);
    if (cudaFuncSetAttribute(scan<ROWS>, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes) !=
        cudaSuccess)
        return tm_fail(1, "no %zu bytes of shared memory", bytes);
    scan<ROWS><<<(unsigned)blocks, ROWS * 2, bytes, stream>>>(p);
    return launched();
}

constexpr int multiprocessors = 132; /* of an H100, about */

} // namespace

int TM_ENTRY(const tm_bfloat16 *q, const tm_bfloat16 *k, const tm_bfloat16 *v,
             const tm_float32 *state, const tm_float32 *A_log, const tm_bfloat16 *a,
             const tm_float32 *dt_bias, const tm_bfloat16 *b, const tm_int64 *cu_seqlens,
             tm_scale_t scale, tm_bfloat16 *output, tm_float32 *new_state, const tm_axes *axes,
             tm_stream stream) {
    if (axes->head_size != size)
        return tm_fail(2, "head_size: expected %d, got %lld", size, (long long)axes->head_size);
    if (axes->num_seqs == 0)
        return 0;
    const int64_t places = axes->total_seq_len / chunk + axes->num_seqs;
    if (places > INT32_MAX || axes->num_v_heads > 65535)
        return tm_fail(2, "total_seq_len: expected less than 2^31 chunks, got %lld",
                       (long long)places);
    triangles *prepared =
        (triangles *)scratch((size_t)(places * axes->num_v_heads) * sizeof(triangles));
    if (!prepared)
        return tm_fail(3, "no memory for %lld chunks", (long long)places);
    problem p = {{q, k, v, A_log, dt_bias, a, b, output, (int)axes->num_q_heads,
                  (int)axes->num_k_heads, (int)axes->num_v_heads, scale_or_usual(scale, size), 0,
                  0},
                 cu_seqlens,
                 state,
                 new_state,
                 prepared,
                 axes->total_seq_len,
                 (int)axes->num_seqs};
    int status = check(p.in, state, new_state);
    if (status != 0)
        return status;
    if (axes->total_seq_len > 0) {
        const dim3 grid((unsigned)places, (unsigned)p.in.v_heads);
        prepare<<<grid, prepare_threads, 0, stream>>>(p);
        status = launched();
    }
    if (status != 0)
        return status;
    const int64_t heads = (int64_t)p.sequences * p.in.v_heads;
    if (heads >= multiprocessors)
        return launch_scan<128>(p, stream);
    if (heads * 2 >= multiprocessors)
        return launch_scan<64>(p, stream);
    return launch_scan<32>(p, stream);
}
