/* backend_cuda_fill: the harness's own kernels: a byte pattern, random elements, counts, a hash. */
#include "harness/backend_cuda_fill.h"

#include <cuda_runtime.h>

#include "harness/hash.h"
#include "lib/random.h"
#include "harness/random_rows.h"
#include "lib/dtype.h"

#define THREADS 256
#define ROW_THREADS 1024   /* of a row of probabilities */
#define VECTOR_BYTES 16    /* of one store of the pattern */
#define BLOCK_BYTES_MAX 32 /* of four int64 */

/* Thread blocks for `items` threads, at least 1. */
static dim3 grid_for(int64_t items, int64_t grid_max) {
    int64_t grid = items / THREADS + 1;
    return dim3((unsigned)(grid < grid_max ? grid : grid_max));
}

/* Bytes [0, head) up to the first 16-byte boundary, `vectors` 16-byte words, then `tail` bytes;
 * head and tail are below 16 and are written by threads of their own in the first thread block. */
static __global__ void write_pattern(unsigned char *data, uint32_t pattern, unsigned head,
                                     size_t vectors, unsigned tail) {
    uint32_t turned = __funnelshift_r(pattern, pattern, 8 * (head % 4));
    uint4 word = make_uint4(turned, turned, turned, turned);
    uint4 *body = (uint4 *)(data + head);
    size_t first = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = first; i < vectors; i += step)
        body[i] = word;
    if (first < head)
        data[first] = (unsigned char)(pattern >> (8 * (first % 4)));
    size_t last = first - 32;
    if (first >= 32 && last < tail)
        data[head + vectors * VECTOR_BYTES + last] = (unsigned char)(turned >> (8 * (last % 4)));
}

extern "C" int tm_backend_cuda_fill_pattern(struct CUstream_st *stream, int64_t grid_max,
                                            void *device, uint32_t pattern, size_t bytes) {
    if (bytes == 0)
        return cudaSuccess;
    size_t to_boundary = (0 - (size_t)device) % VECTOR_BYTES;
    unsigned head = (unsigned)(to_boundary < bytes ? to_boundary : bytes);
    size_t vectors = (bytes - head) / VECTOR_BYTES;
    unsigned tail = (unsigned)((bytes - head) % VECTOR_BYTES);
    void *arguments[] = {&device, &pattern, &head, &vectors, &tail};
    return cudaLaunchKernel((const void *)write_pattern, grid_for((int64_t)vectors, grid_max),
                            dim3(THREADS), arguments, 0, stream);
}

/* One thread per block of four elements; `bits` per element. */
static __global__ void write_random(unsigned char *data, int dtype, int bits, int64_t elems,
                                    uint64_t seed, uint32_t tensor, uint32_t phase,
                                    uint32_t stride) {
    int64_t step = (int64_t)gridDim.x * blockDim.x * stride;
    unsigned block_bytes = (unsigned)bits * TM_RANDOM_BLOCK / 8;
    bool aligned = (size_t)data % BLOCK_BYTES_MAX == 0;
    int64_t blocks = (elems + TM_RANDOM_BLOCK - 1) / TM_RANDOM_BLOCK;
    int64_t first = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) * stride + phase;
    for (int64_t block = first; block < blocks; block += step) {
        uint64_t value[TM_RANDOM_BLOCK];
        tm_random_block4(seed, tensor, (tm_dtype)dtype, (uint64_t)block, value);
        int64_t left = elems - block * TM_RANDOM_BLOCK;
        unsigned char *out = data + block * block_bytes;
        if (aligned && left >= TM_RANDOM_BLOCK) {
            switch (bits) {
            case 64:
                ((ulonglong2 *)out)[0] = make_ulonglong2(value[0], value[1]);
                ((ulonglong2 *)out)[1] = make_ulonglong2(value[2], value[3]);
                break;
            case 32:
                *(uint4 *)out = make_uint4((uint32_t)value[0], (uint32_t)value[1],
                                           (uint32_t)value[2], (uint32_t)value[3]);
                break;
            case 16:
                *(ushort4 *)out = make_ushort4((uint16_t)value[0], (uint16_t)value[1],
                                               (uint16_t)value[2], (uint16_t)value[3]);
                break;
            case 8:
                *(uchar4 *)out = make_uchar4((uint8_t)value[0], (uint8_t)value[1],
                                             (uint8_t)value[2], (uint8_t)value[3]);
                break;
            default:
                *(uchar2 *)out = make_uchar2((uint8_t)((value[0] & 15) | (value[1] & 15) << 4),
                                             (uint8_t)((value[2] & 15) | (value[3] & 15) << 4));
            }
            continue;
        }
        /* The last elements, or a buffer that starts anywhere: byte by byte, low byte first. */
        for (int i = 0; i < TM_RANDOM_BLOCK && i < left; i++) {
            if (bits == 4) {
                if (i % 2 == 0) {
                    uint64_t high = i + 1 < left ? value[i + 1] & 15 : 0;
                    out[i / 2] = (uint8_t)((value[i] & 15) | high << 4);
                }
                continue;
            }
            for (int k = 0; k < bits / 8; k++)
                out[i * (bits / 8) + k] = (uint8_t)(value[i] >> (8 * k));
        }
    }
}

/* One thread block per row, at most ROW_THREADS threads. */
static __global__ void __launch_bounds__(ROW_THREADS)
    write_probabilities(float *data, int64_t rows, int64_t elems, uint64_t seed, uint32_t tensor,
                        uint32_t phase, uint32_t stride) {
    __shared__ unsigned long long sum;
    uint64_t blocks = tm_random_row_blocks(elems);
    for (int64_t row = (int64_t)blockIdx.x * stride + phase; row < rows;
         row += (int64_t)gridDim.x * stride) {
        unsigned long long part = 0;
        __syncthreads(); /* nobody reads the sum of the row before any more */
        if (threadIdx.x == 0)
            sum = 0;
        __syncthreads();
        for (int pass = 0; pass < 2; pass++) {
            for (uint64_t block = threadIdx.x; block < blocks; block += blockDim.x) {
                uint64_t value[TM_RANDOM_BLOCK];
                tm_random_block4(seed, tensor, TM_DTYPE_FLOAT32, (uint64_t)row * blocks + block,
                                 value);
                for (int i = 0; i < TM_RANDOM_BLOCK; i++) {
                    int64_t elem = (int64_t)block * TM_RANDOM_BLOCK + i;
                    uint64_t weight = tm_random_weight(tm_convert_bits_float((uint32_t)value[i]));
                    if (elem < elems && pass == 0)
                        part += weight;
                    else if (elem < elems)
                        data[row * elems + elem] = tm_random_probability(weight, sum);
                }
            }
            if (pass == 0) {
                for (int lane = 16; lane > 0; lane /= 2)
                    part += __shfl_down_sync(0xffffffffu, part, lane);
                if (threadIdx.x % 32 == 0)
                    atomicAdd(&sum, part);
                __syncthreads();
            }
        }
    }
}

/* One warp per token of the pages. */
static __global__ void write_key_cache(unsigned char *data, int64_t pages, int64_t page_bytes,
                                       int64_t token_bytes, uint64_t seed, uint32_t tensor,
                                       uint32_t phase, uint32_t stride) {
    int64_t tokens = page_bytes / token_bytes, keys = token_bytes - (int64_t)sizeof(float);
    int64_t warps = (int64_t)gridDim.x * blockDim.x / 32;
    int64_t first = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / 32;
    unsigned lane = threadIdx.x % 32;
    uint64_t blocks = tm_random_row_blocks(keys);
    for (int64_t i = first;; i += warps) {
        int64_t page = i / tokens * stride + phase, token = i % tokens;
        if (page >= pages)
            return;
        uint64_t block = (uint64_t)(page * tokens + token) * blocks, value[TM_RANDOM_BLOCK];
        unsigned char *base = data + page * page_bytes;
        float absmax = 0;
        for (uint64_t k = lane; k < blocks; k += 32) {
            tm_random_block4(seed, tensor, TM_DTYPE_FLOAT32, block + k, value);
            for (int j = 0; j < TM_RANDOM_BLOCK; j++)
                absmax = fmaxf(absmax, fabsf(tm_convert_bits_float((uint32_t)value[j])));
        }
        for (int other = 16; other > 0; other /= 2)
            absmax = fmaxf(absmax, __shfl_xor_sync(0xffffffffu, absmax, other));
        float scale = tm_random_key_scale(absmax);
        for (uint64_t k = lane; k < blocks; k += 32) {
            tm_random_block4(seed, tensor, TM_DTYPE_FLOAT32, block + k, value);
            uint8_t key[TM_RANDOM_BLOCK];
            for (int j = 0; j < TM_RANDOM_BLOCK; j++)
                key[j] = tm_random_key(tm_convert_bits_float((uint32_t)value[j]), scale);
            *(uchar4 *)(base + token * keys + (int64_t)k * TM_RANDOM_BLOCK) =
                make_uchar4(key[0], key[1], key[2], key[3]);
        }
        if (lane == 0)
            *(float *)(base + tokens * keys + token * (int64_t)sizeof(float)) = scale;
    }
}

static int fill_rows(struct CUstream_st *stream, int64_t grid_max, void *device,
                     const tm_random_form *form, uint64_t seed, uint32_t tensor, uint32_t phase,
                     uint32_t stride) {
    int64_t units = form->elems / form->unit_elems, made = units / stride + 1;
    int64_t elems = form->unit_elems, token = form->token_elems;
    if (form->kind == TM_RANDOM_PROBABILITIES) {
        void *arguments[] = {&device, &units, &elems, &seed, &tensor, &phase, &stride};
        dim3 grid((unsigned)(made < grid_max ? made : grid_max));
        return cudaLaunchKernel((const void *)write_probabilities, grid, dim3(ROW_THREADS),
                                arguments, 0, stream);
    }
    void *arguments[] = {&device, &units, &elems, &token, &seed, &tensor, &phase, &stride};
    return cudaLaunchKernel((const void *)write_key_cache,
                            grid_for(made * (elems / token) * 32, grid_max), dim3(THREADS),
                            arguments, 0, stream);
}

extern "C" int tm_backend_cuda_fill_random(struct CUstream_st *stream, int64_t grid_max,
                                           void *device, const tm_random_form *form, uint64_t seed,
                                           uint32_t tensor, uint32_t phase, uint32_t stride) {
    int dtype = form->dtype, bits = tm_dtype_bits((tm_dtype)dtype);
    int64_t elems = form->elems;
    if (elems <= 0)
        return cudaSuccess;
    if (form->kind != TM_RANDOM_PLAIN)
        return fill_rows(stream, grid_max, device, form, seed, tensor, phase, stride);
    int64_t blocks = elems / TM_RANDOM_BLOCK / stride + 1;
    void *arguments[] = {&device, &dtype, &bits, &elems, &seed, &tensor, &phase, &stride};
    return cudaLaunchKernel((const void *)write_random, grid_for(blocks, grid_max), dim3(THREADS),
                            arguments, 0, stream);
}

static __global__ void count_samples(unsigned *counts, const void *samples, bool is_wide,
                                     int64_t sample_count, int64_t rows, int64_t vocabulary) {
    int64_t step = (int64_t)gridDim.x * blockDim.x;
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < sample_count; i += step) {
        int64_t sample = is_wide ? ((const int64_t *)samples)[i] : ((const int32_t *)samples)[i];
        sample = sample >= 0 && sample < vocabulary ? sample : vocabulary;
        atomicAdd(&counts[i % rows * (vocabulary + 1) + sample], 1u);
    }
}

extern "C" int tm_backend_cuda_fill_count(struct CUstream_st *stream, int64_t grid_max,
                                          unsigned *counts, const void *samples, bool is_wide,
                                          int64_t sample_count, int64_t rows, int64_t vocabulary) {
    void *arguments[] = {&counts, &samples, &is_wide, &sample_count, &rows, &vocabulary};
    return cudaLaunchKernel((const void *)count_samples, grid_for(sample_count, grid_max),
                            dim3(THREADS), arguments, 0, stream);
}

/* The word at any address, of which at most `bytes` are there. */
static __device__ uint64_t word_at(const unsigned char *data, size_t bytes) {
    uint64_t word = 0;
    for (unsigned k = 0; k < 8 && k < bytes; k++)
        word |= (uint64_t)data[k] << (8 * k);
    return word;
}

static __global__ void hash_words(const unsigned char *data, size_t bytes,
                                  unsigned long long *sum) {
    size_t words = bytes / 8;
    size_t first = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    size_t step = (size_t)gridDim.x * blockDim.x;
    unsigned long long part = 0;
    if ((size_t)data % VECTOR_BYTES == 0) {
        const ulonglong2 *pairs = (const ulonglong2 *)data;
#pragma unroll 4
        for (size_t i = first; i < words / 2; i += step) {
            ulonglong2 pair = pairs[i];
            part += tm_hash_word(pair.x, 2 * i) + tm_hash_word(pair.y, 2 * i + 1);
        }
        if (first == 0 && words % 2 == 1)
            part += tm_hash_word(word_at(data + (words - 1) * 8, 8), words - 1);
    } else {
        for (size_t i = first; i < words; i += step)
            part += tm_hash_word(word_at(data + i * 8, 8), i);
    }
    if (first == 0 && bytes % 8 != 0)
        part += tm_hash_word(word_at(data + words * 8, bytes % 8), words);
    for (int lane = 16; lane > 0; lane /= 2)
        part += __shfl_down_sync(0xffffffffu, part, lane);
    if (threadIdx.x % 32 == 0)
        atomicAdd(sum, part);
}

extern "C" int tm_backend_cuda_fill_hash(struct CUstream_st *stream, int64_t grid_max,
                                         const void *device, size_t bytes,
                                         unsigned long long *sum) {
    void *arguments[] = {&device, &bytes, &sum};
    return cudaLaunchKernel((const void *)hash_words, grid_for((int64_t)(bytes / 16), grid_max),
                            dim3(THREADS), arguments, 0, stream);
}
