#include "harness/random_fill.h"

#include <string.h>

#include "harness/random.h"

/* Blocks per chunk of work: big enough that threads do not share cache lines at its borders. */
#define CHUNK_BLOCKS 4096

/* Writes whole blocks [begin, end) of one element width. The dtype is constant in each call below,
 * so that each becomes its own vector loop. */
#define FILL(type)                                                                  \
    for (uint64_t block = begin; block < end; block++) {                            \
        uint64_t value[TM_RANDOM_BLOCK];                                            \
        tm_random_block4(seed, tensor, dtype, block, value);                        \
        for (int i = 0; i < TM_RANDOM_BLOCK; i++)                                   \
            ((type *)data)[block * TM_RANDOM_BLOCK + (uint64_t)i] = (type)value[i]; \
    }

static inline __attribute__((always_inline)) void fill_blocks(tm_dtype dtype, uint64_t seed,
                                                              uint32_t tensor, void *data,
                                                              uint64_t begin, uint64_t end) {
    switch (tm_dtype_bits(dtype)) {
    case 64:
        FILL(uint64_t)
        break;
    case 32:
        FILL(uint32_t)
        break;
    case 16:
        FILL(uint16_t)
        break;
    case 8:
        FILL(uint8_t)
        break;
    default: /* two elements per byte */
        for (uint64_t block = begin; block < end; block++) {
            uint64_t value[TM_RANDOM_BLOCK];
            tm_random_block4(seed, tensor, dtype, block, value);
            ((uint8_t *)data)[block * 2] = (uint8_t)(value[0] | value[1] << 4);
            ((uint8_t *)data)[block * 2 + 1] = (uint8_t)(value[2] | value[3] << 4);
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
#define CASE(name)                                         \
    case name:                                             \
        fill_blocks(name, seed, tensor, data, begin, end); \
        break;
            CASE(TM_DTYPE_FLOAT32)
            CASE(TM_DTYPE_FLOAT16)
            CASE(TM_DTYPE_BFLOAT16)
        default:
            fill_blocks(dtype, seed, tensor, data, begin, end);
        }
    }
    if (elems % TM_RANDOM_BLOCK)
        fill_tail(dtype, seed, tensor, data, blocks, elems % TM_RANDOM_BLOCK);
}
