#include "harness/random_fill.h"

#include <math.h>
#include <string.h>

#include "lib/random.h"
#include "harness/random_rows.h"

/* Blocks per chunk of work: big enough that threads do not share cache lines at its borders. */
#define CHUNK_BLOCKS 4096
/* Blocks that are made side by side before they are put where they belong. */
#define BATCH_BLOCKS 256
#define BLOCK_BYTES_MAX (TM_RANDOM_BLOCK * sizeof(uint64_t))

/* Defines a function that makes `count` blocks of one dtype, stored as `type`: first, first + step,
 * ..., one behind the other. Flattened, since only a loop without calls becomes vector code, and
 * gcc by itself leaves tm_random_block4 out of line: bfloat16 took 14 ns an element instead of 8
 * (one core of a Zen 3). */
#define DEFINE_FILL(name, dtype, type)                                                         \
    static __attribute__((flatten)) void name(uint64_t seed, uint32_t tensor, void *data,      \
                                              uint64_t first, uint64_t step, uint64_t count) { \
        for (uint64_t k = 0; k < count; k++) {                                                 \
            uint64_t value[TM_RANDOM_BLOCK];                                                   \
            tm_random_block4(seed, tensor, dtype, first + k * step, value);                    \
            for (int i = 0; i < TM_RANDOM_BLOCK; i++)                                          \
                ((type *)data)[k * TM_RANDOM_BLOCK + (uint64_t)i] = (type)value[i];            \
        }                                                                                      \
    }
DEFINE_FILL(fill_float32, TM_DTYPE_FLOAT32, uint32_t)
DEFINE_FILL(fill_float16, TM_DTYPE_FLOAT16, uint16_t)
DEFINE_FILL(fill_bfloat16, TM_DTYPE_BFLOAT16, uint16_t)

/* The same for any dtype; scalar code, which is as good for integers. */
static void fill_any(tm_dtype dtype, uint64_t seed, uint32_t tensor, void *data, uint64_t first,
                     uint64_t step, uint64_t count) {
    size_t bytes = (size_t)tm_dtype_bits(dtype) / 8;
    for (uint64_t k = 0; k < count; k++) {
        uint64_t value[TM_RANDOM_BLOCK];
        tm_random_block4(seed, tensor, dtype, first + k * step, value);
        if (bytes == 0) { /* two elements per byte */
            ((uint8_t *)data)[k * 2] = (uint8_t)(value[0] | value[1] << 4);
            ((uint8_t *)data)[k * 2 + 1] = (uint8_t)(value[2] | value[3] << 4);
            continue;
        }
        unsigned char *out = (unsigned char *)data + k * TM_RANDOM_BLOCK * bytes;
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

static void fill(uint64_t seed, uint32_t tensor, tm_dtype dtype, void *data, uint64_t first,
                 uint64_t step, uint64_t count) {
    switch (dtype) {
    case TM_DTYPE_FLOAT32:
        fill_float32(seed, tensor, data, first, step, count);
        break;
    case TM_DTYPE_FLOAT16:
        fill_float16(seed, tensor, data, first, step, count);
        break;
    case TM_DTYPE_BFLOAT16:
        fill_bfloat16(seed, tensor, data, first, step, count);
        break;
    default:
        fill_any(dtype, seed, tensor, data, first, step, count);
    }
}

/* The blocks first, first + step, ... of the buffer, each in its place. */
static void scatter(uint64_t seed, uint32_t tensor, tm_dtype dtype, unsigned char *data,
                    uint64_t first, uint64_t step, uint64_t count) {
    uint64_t batch[BATCH_BLOCKS * BLOCK_BYTES_MAX / sizeof(uint64_t)];
    size_t block_bytes = (size_t)tm_dtype_bits(dtype) * TM_RANDOM_BLOCK / 8;
    for (uint64_t done = 0; done < count; done += BATCH_BLOCKS) {
        uint64_t some = count - done < BATCH_BLOCKS ? count - done : BATCH_BLOCKS;
        fill(seed, tensor, dtype, batch, first + done * step, step, some);
        for (uint64_t k = 0; k < some; k++)
            memcpy(data + (first + (done + k) * step) * block_bytes,
                   (const unsigned char *)batch + k * block_bytes, block_bytes);
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

static void fill_plain(uint64_t seed, uint32_t tensor, tm_dtype dtype, void *data, int64_t elems,
                       uint32_t phase, uint32_t stride) {
    uint64_t whole = (uint64_t)elems / TM_RANDOM_BLOCK;
    uint64_t blocks = whole / stride + (whole % stride > phase); /* of this phase */
    int64_t chunks = (int64_t)((blocks + CHUNK_BLOCKS - 1) / CHUNK_BLOCKS);
    size_t block_bytes = (size_t)tm_dtype_bits(dtype) * TM_RANDOM_BLOCK / 8;
#pragma omp parallel for schedule(static) if (chunks > 4)
    for (int64_t chunk = 0; chunk < chunks; chunk++) {
        uint64_t begin = (uint64_t)chunk * CHUNK_BLOCKS, left = blocks - begin;
        uint64_t count = left < CHUNK_BLOCKS ? left : CHUNK_BLOCKS;
        if (stride == 1)
            fill(seed, tensor, dtype, (unsigned char *)data + begin * block_bytes, begin, 1, count);
        else
            scatter(seed, tensor, dtype, data, begin * stride + phase, stride, count);
    }
    if (elems % TM_RANDOM_BLOCK && whole % stride == phase)
        fill_tail(dtype, seed, tensor, data, whole, elems % TM_RANDOM_BLOCK);
}

/* `count` normal values of the blocks from `block` on. */
static void fill_normals(uint64_t seed, uint32_t tensor, float *data, uint64_t block,
                         int64_t count) {
    uint64_t whole = (uint64_t)count / TM_RANDOM_BLOCK, value[TM_RANDOM_BLOCK];
    fill_float32(seed, tensor, data, block, 1, whole);
    tm_random_block4(seed, tensor, TM_DTYPE_FLOAT32, block + whole, value);
    for (uint64_t i = 0; i < (uint64_t)count % TM_RANDOM_BLOCK; i++)
        data[whole * TM_RANDOM_BLOCK + i] = tm_convert_bits_float((uint32_t)value[i]);
}

static void fill_probabilities(uint64_t seed, uint32_t tensor, float *row, int64_t index,
                               int64_t elems) {
    uint64_t sum = 0;
    fill_normals(seed, tensor, row, (uint64_t)index * tm_random_row_blocks(elems), elems);
    for (int64_t i = 0; i < elems; i++)
        sum += tm_random_weight(row[i]);
    for (int64_t i = 0; i < elems; i++)
        row[i] = tm_random_probability(tm_random_weight(row[i]), sum);
}

/* Keys are made a few at a time: a token may be wide. */
static void fill_keys(uint64_t seed, uint32_t tensor, uint8_t *keys, uint64_t block, int64_t count,
                      unsigned char *scale_bytes) {
    enum { BATCH = 256 };
    float some[BATCH], absmax = 0;
    for (int64_t done = 0; done < count; done += BATCH) {
        int64_t batch = count - done < BATCH ? count - done : BATCH;
        fill_normals(seed, tensor, some, block + (uint64_t)done / TM_RANDOM_BLOCK, batch);
        for (int64_t i = 0; i < batch; i++)
            absmax = fmaxf(absmax, fabsf(some[i]));
    }
    float scale = tm_random_key_scale(absmax);
    for (int64_t done = 0; done < count; done += BATCH) {
        int64_t batch = count - done < BATCH ? count - done : BATCH;
        if (count > BATCH)
            fill_normals(seed, tensor, some, block + (uint64_t)done / TM_RANDOM_BLOCK, batch);
        for (int64_t i = 0; i < batch; i++)
            keys[done + i] = tm_random_key(some[i], scale);
    }
    memcpy(scale_bytes, &scale, sizeof scale);
}

static void fill_page(uint64_t seed, uint32_t tensor, unsigned char *page, int64_t index,
                      const tm_random_form *form) {
    int64_t tokens = form->unit_elems / form->token_elems;
    int64_t keys = form->token_elems - (int64_t)sizeof(float);
    for (int64_t token = 0; token < tokens; token++)
        fill_keys(seed, tensor, page + token * keys,
                  (uint64_t)(index * tokens + token) * tm_random_row_blocks(keys), keys,
                  page + tokens * keys + token * (int64_t)sizeof(float));
}

void tm_random_fill(uint64_t seed, uint32_t tensor, const tm_random_form *form, void *data,
                    uint32_t phase, uint32_t stride) {
    if (form->kind == TM_RANDOM_PLAIN) {
        fill_plain(seed, tensor, (tm_dtype)form->dtype, data, form->elems, phase, stride);
        return;
    }
    int64_t units = tm_random_form_units(form);
#pragma omp parallel for schedule(static) if (form->elems / stride > 4 * CHUNK_BLOCKS)
    for (int64_t unit = phase; unit < units; unit += stride) {
        if (form->kind == TM_RANDOM_PROBABILITIES)
            fill_probabilities(seed, tensor, (float *)data + unit * form->unit_elems, unit,
                               form->unit_elems);
        else
            fill_page(seed, tensor, (unsigned char *)data + unit * form->unit_elems, unit, form);
    }
}
