#include "harness/random_fill.h"

#include <string.h>

#include "harness/random.h"

/* Blocks per chunk of work: big enough that threads do not share cache lines at its borders. */
#define CHUNK_BLOCKS 4096

/* Defines a function that writes whole blocks [begin, end) of one dtype, stored as `type`.
 * Flattened, since only a loop without calls becomes vector code, and gcc by itself leaves
 * tm_random_block4 out of line: bfloat16 took 14 ns an element instead of 8 (one core of a Zen 3).
 */
#define DEFINE_FILL(name, dtype, type)                                                    \
    static __attribute__((flatten)) void name(uint64_t seed, uint32_t tensor, void *data, \
                                              uint64_t begin, uint64_t end) {             \
        for (uint64_t block = begin; block < end; block++) {                              \
            uint64_t value[TM_RANDOM_BLOCK];                                              \
            tm_random_block4(seed, tensor, dtype, block, value);                          \
            for (int i = 0; i < TM_RANDOM_BLOCK; i++)                                     \
                ((type *)data)[block * TM_RANDOM_BLOCK + (uint64_t)i] = (type)value[i];   \
        }                                                                                 \
    }
DEFINE_FILL(fill_float32, TM_DTYPE_FLOAT32, uint32_t)
DEFINE_FILL(fill_float16, TM_DTYPE_FLOAT16, uint16_t)
DEFINE_FILL(fill_bfloat16, TM_DTYPE_BFLOAT16, uint16_t)

/* The same for any dtype; scalar code, which is as good for integers. */
static void fill_any(tm_dtype dtype, uint64_t seed, uint32_t tensor, void *data, uint64_t begin,
                     uint64_t end) {
    size_t bytes = (size_t)tm_dtype_bits(dtype) / 8;
    for (uint64_t block = begin; block < end; block++) {
        uint64_t value[TM_RANDOM_BLOCK];
        tm_random_block4(seed, tensor, dtype, block, value);
        if (bytes == 0) { /* two elements per byte */
            ((uint8_t *)data)[block * 2] = (uint8_t)(value[0] | value[1] << 4);
            ((uint8_t *)data)[block * 2 + 1] = (uint8_t)(value[2] | value[3] << 4);
            continue;
        }
        unsigned char *out = (unsigned char *)data + block * TM_RANDOM_BLOCK * bytes;
        for (int i = 0; i < TM_RANDOM_BLOCK; i++, out += bytes)
            switch (bytes) { /* constant lengths become single stores */
            case 8:
                memcpy(out, &value[i], 8);
                break;
            case 4:
                memcpy(out, &value[i], 4);
                break;
            case 2:
                memcpy(out, &value[i], 2);
                break;
            default:
                *out = (unsigned char)value[i];
            }
    }
}

/* A block that is cut by the end of the buffer. */
static void fill_tail(tm_dtype dtype, uint64_t seed, uint32_t tensor, void *data, uint64_t block,
                      int64_t left) {
    uint64_t value[TM_RANDOM_BLOCK];
    tm_random_block4(seed, tensor, dtype, block, value);
    size_t bits = (size_t)tm_dtype_bits(dtype), first = block * TM_RANDOM_BLOCK;
    unsigned char *bytes = data;
    for (int64_t i = 0; i < left; i++)
        if (bits >= 8)
            memcpy(bytes + (first + (size_t)i) * (bits / 8), &value[i], bits / 8);
        else
            bytes[(first + (size_t)i) / 2] =
                i % 2 ? (uint8_t)(bytes[(first + (size_t)i) / 2] | value[i] << 4)
                      : (uint8_t)value[i];
}

void tm_random_fill(uint64_t seed, uint32_t tensor, tm_dtype dtype, void *data, int64_t elems) {
    uint64_t blocks = (uint64_t)elems / TM_RANDOM_BLOCK;
    int64_t chunks = (int64_t)((blocks + CHUNK_BLOCKS - 1) / CHUNK_BLOCKS);
#pragma omp parallel for schedule(static) if (chunks > 4)
    for (int64_t chunk = 0; chunk < chunks; chunk++) {
        uint64_t begin = (uint64_t)chunk * CHUNK_BLOCKS, end = begin + CHUNK_BLOCKS;
        end = end < blocks ? end : blocks;
        switch (dtype) {
        case TM_DTYPE_FLOAT32:
            fill_float32(seed, tensor, data, begin, end);
            break;
        case TM_DTYPE_FLOAT16:
            fill_float16(seed, tensor, data, begin, end);
            break;
        case TM_DTYPE_BFLOAT16:
            fill_bfloat16(seed, tensor, data, begin, end);
            break;
        default:
            fill_any(dtype, seed, tensor, data, begin, end);
        }
    }
    if (elems % TM_RANDOM_BLOCK)
        fill_tail(dtype, seed, tensor, data, blocks, elems % TM_RANDOM_BLOCK);
}
