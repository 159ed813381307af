/* backend_cuda_fill: the kernels that write device memory: a byte pattern, random elements. */
#include "harness/backend_cuda_fill.h"

#include <cuda_runtime.h>

#include "harness/random.h"
#include "lib/dtype.h"

#define THREADS 256
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
                                    uint64_t seed, uint32_t tensor) {
    int64_t step = (int64_t)gridDim.x * blockDim.x;
    unsigned block_bytes = (unsigned)bits * TM_RANDOM_BLOCK / 8;
    bool aligned = (size_t)data % BLOCK_BYTES_MAX == 0;
    int64_t blocks = (elems + TM_RANDOM_BLOCK - 1) / TM_RANDOM_BLOCK;
    for (int64_t block = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; block < blocks;
         block += step) {
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

extern "C" int tm_backend_cuda_fill_random(struct CUstream_st *stream, int64_t grid_max,
                                           void *device, int dtype, int64_t elems, uint64_t seed,
                                           uint32_t tensor) {
    if (elems <= 0)
        return cudaSuccess;
    int bits = tm_dtype_bits((tm_dtype)dtype);
    void *arguments[] = {&device, &dtype, &bits, &elems, &seed, &tensor};
    return cudaLaunchKernel((const void *)write_random, grid_for(elems / TM_RANDOM_BLOCK, grid_max),
                            dim3(THREADS), arguments, 0, stream);
}
